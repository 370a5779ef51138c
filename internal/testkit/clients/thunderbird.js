// The body of an async function that runs inside Thunderbird: it does what the
// account dialog (views/email.mjs) does for an address, except that it neither
// guesses servers nor logs in, and then removes all traces for the next call.
const [request] = arguments;
const load = name => ChromeUtils.importESModule(`resource:///modules/${name}.sys.mjs`);
const { AccountConfig } = load("accountcreation/AccountConfig");
const { CreateInBackend } = load("accountcreation/CreateInBackend");
const { FindConfig } = load("accountcreation/FindConfig");
const { MailServices } = load("MailServices");

// Nothing of an earlier call may answer for the server.
Services.cache2.clear();
Services.dns.clearCache(true);
Cc["@mozilla.org/network/http-auth-manager;1"].getService(Ci.nsIHttpAuthManager).clearAll();
Cc["@mozilla.org/ssservice;1"].getService(Ci.nsISiteSecurityService).clearAll();
Services.obs.notifyObservers(null, "net:prune-all-connections");

// The dialog shows a redirect to another site to the person, and waits.
const redirects = [];
async function find() {
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

let config;
try {
  config = await find();
} catch (error) {
  if (error?.cause?.fluentTitleId === "account-hub-credentials-wrong") {
    return { outcome: "password", redirects };
  }
  if (redirects.length && !request.acceptRedirect) {
    return { outcome: "none", redirects }; // UserCancelledException
  }
  throw error;
}
if (!config) {
  return { outcome: "none", redirects };
}
AccountConfig.replaceVariables(config, request.realName, request.email, request.password || "");

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
const found = {
  outcome: "found",
  redirects,
  source: config.source,
  subSource: config.subSource,
  displayName: String(config.displayName ?? ""), // Autodiscover gives none
  alternatives: config.incomingAlternatives.map(offered),
};
if (!["imap", "pop3"].includes(config.incoming.type)) {
  return { ...found, outcome: "unsupported", incoming: offered(config.incoming) };
}

const account = await CreateInBackend.createAccountInBackend(config);
const incoming = account.incomingServer;
const outgoing = MailServices.outgoingServer.getServerByKey(account.defaultIdentity.smtpServerKey);
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
  if (outgoing) {
    MailServices.outgoingServer.deleteServer(outgoing);
  }
  await Services.logins.removeAllLoginsAsync();
}
