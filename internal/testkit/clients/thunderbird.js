// The body of an async function that runs inside Thunderbird: it does what the
// account dialog (views/email.mjs) does for addresses, except that it neither
// guesses servers nor logs in, and then removes all traces for the next call.
// A request with a document reads only that URL, as if it were the one that counts.
const [requests] = arguments;
const load = name => ChromeUtils.importESModule(`resource:///modules/${name}.sys.mjs`);
const { AccountConfig } = load("accountcreation/AccountConfig");
const { CreateInBackend } = load("accountcreation/CreateInBackend");
const { fetchHTTP } = load("accountcreation/FetchHTTP");
const { FindConfig } = load("accountcreation/FindConfig");
const { readFromXML } = load("accountcreation/readFromXML");
const { MailServices } = load("MailServices");

// So many are looked for at a time: each asks up to twelve servers at once, and gives
// up after five seconds.
const width = 3;

// Nothing of an earlier call may answer for the server.
Services.cache2.clear();
Services.dns.clearCache(true);
Cc["@mozilla.org/network/http-auth-manager;1"].getService(Ci.nsIHttpAuthManager).clearAll();
Cc["@mozilla.org/ssservice;1"].getService(Ci.nsISiteSecurityService).clearAll();
Services.obs.notifyObservers(null, "net:prune-all-connections");

// The dialog shows a redirect to another site to the person, and waits.
async function find(request, redirects) {
  const stream = FindConfig.parallelAutoDiscovery(
    request.email.split("@")[1],
    request.email,
    new AbortController().signal,
    request.password || undefined
  );
  let step = await stream.next();
  while (!step.done) {
    redirects.push(step.value.host);
    step = await stream.next({ acceptRedirect: request.acceptRedirect });
  }
  return step.value;
}

// What is found, before an account is made of it.
async function lookUp(request) {
  const redirects = [];
  let config;
  try {
    config = request.document
      ? readFromXML(await fetchHTTP(request.document), "isp-https")
      : await find(request, redirects);
  } catch (error) {
    if (error?.cause?.fluentTitleId === "account-hub-credentials-wrong") {
      return { outcome: "password", redirects };
    }
    // UserCancelledException, or what is wrong with the document
    if (request.document || (redirects.length && !request.acceptRedirect)) {
      return { outcome: "none", redirects, why: String(error?.message ?? error) };
    }
    return { outcome: "error", error: String(error), stack: error?.stack ?? "" };
  }
  if (!config) {
    return { outcome: "none", redirects };
  }
  AccountConfig.replaceVariables(config, request.realName, request.email, request.password || "");
  return { outcome: "found", config, redirects };
}

function offered(server) {
  return {
    type: String(server.type),
    hostname: String(server.hostname),
    port: server.port ?? 0,
    socketType: server.socketType,
    authMethod: server.auth,
    username: String(server.username),
  };
}

// Makes the account, reads it back and removes it.
async function store(config, found) {
  const account = await CreateInBackend.createAccountInBackend(config);
  const incoming = account.incomingServer;
  // An account may have none of its own: it uses the default one, which is the only one.
  const outgoing =
    MailServices.outgoingServer.getServerByKey(account.defaultIdentity.smtpServerKey) ??
    MailServices.outgoingServer.servers[0];
  try {
    const stored = {
      ...found,
      email: account.defaultIdentity.email,
      realName: account.defaultIdentity.fullName,
      incoming: {
        type: incoming.type,
        hostname: incoming.hostname,
        port: incoming.port,
        socketType: incoming.socketType,
        authMethod: incoming.authMethod,
        username: incoming.username,
      },
    };
    if (incoming.type === "pop3") {
      const pop3 = incoming.QueryInterface(Ci.nsIPop3IncomingServer);
      stored.pop3 = {
        leaveMessagesOnServer: pop3.leaveMessagesOnServer,
        deleteByAgeFromServer: pop3.deleteByAgeFromServer,
        numDaysToLeaveOnServer: pop3.numDaysToLeaveOnServer,
      };
    }
    if (outgoing) {
      const smtp = outgoing.QueryInterface(Ci.nsISmtpServer);
      stored.outgoing = {
        type: outgoing.type,
        hostname: smtp.hostname,
        port: smtp.port,
        socketType: outgoing.socketType,
        authMethod: outgoing.authMethod,
        username: outgoing.username,
      };
    }
    return stored;
  } finally {
    MailServices.accounts.removeAccount(account, true);
  }
}

// Removes what is left, also of an account that couldn't be made to its end.
async function forget() {
  for (const server of [...MailServices.accounts.allServers]) {
    if (server.type !== "none") {
      MailServices.accounts.removeIncomingServer(server, true);
    }
  }
  for (const server of [...MailServices.outgoingServer.servers]) {
    MailServices.outgoingServer.deleteServer(server);
  }
  // A deleted server's username stays, and the next one with its key would have it.
  for (const name of Services.prefs.getChildList("mail.smtpserver.smtp")) {
    Services.prefs.clearUserPref(name);
  }
  await Services.logins.removeAllLoginsAsync();
}

async function outcome({ config, ...result }) {
  if (!config) {
    return result;
  }
  const found = {
    ...result,
    source: config.source,
    subSource: config.subSource,
    displayName: String(config.displayName ?? ""), // Autodiscover gives none
    alternatives: config.incomingAlternatives.map(offered),
  };
  if (!["imap", "pop3"].includes(config.incoming.type)) {
    return { ...found, outcome: "unsupported", incoming: offered(config.incoming) };
  }
  try {
    return await store(config, found);
  } catch (error) {
    return { ...found, outcome: "none", why: `no account can be made of it: ${error?.name ?? error}` };
  } finally {
    await forget();
  }
}

const results = new Array(requests.length);
let next = 0;
await Promise.all(
  Array.from({ length: width }, async () => {
    while (next < requests.length) {
      const i = next++;
      results[i] = await lookUp(requests[i]);
    }
  })
);
for (let i = 0; i < results.length; i++) {
  results[i] = await outcome(results[i]); // one after the other: they share the account manager
}
return results;
