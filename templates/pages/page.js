"use strict";
// What is better with a script: copy buttons, the local time, printing. Without it
// everything can be read and selected.
const texts = document.body.dataset;
const status = document.getElementById("status");

for (const value of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = texts.copy;
  button.setAttribute("aria-label", texts.copy + ": " + value.textContent.slice(0, 60));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = texts.copied;
      status.textContent = texts.copied;
    } catch {
      getSelection().selectAllChildren(value);
      status.textContent = texts.selected;
    }
  });
  value.after(" ", button);
}

const print = document.getElementById("print");
if (print) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = texts.print;
  button.addEventListener("click", () => window.print());
  print.append(button);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
}

function localise(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!isNaN(at)) time.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  }
}
localise(document);

// Safari on an iPad says that it is a Mac, but a Mac has no touch screen.
const touch = navigator.maxTouchPoints > 1;
const tell = document.getElementById("tell");
if (tell) tell.value = touch ? "iphone" : "mac";
if (/Macintosh/.test(navigator.userAgent) && touch) {
  const chosen = document.querySelector("input[name=device][value=mac]:checked");
  const tablet = document.querySelector("input[name=device][value=iphone]");
  if (chosen && tablet) tablet.checked = true;
}

// The setup page is posted, so that the address isn't in the browser's history. To
// whoever goes back there, or loads it again, a browser would say that it has expired: it
// is asked for by GET instead, and then posts again what it remembers.
const again = document.querySelector("form.language[method=post]");
if (again) {
  const fields = Object.fromEntries(new FormData(again));
  delete fields.lang;
  history.replaceState({ again: fields }, "");
} else if (history.state && history.state.again) {
  const form = document.createElement("form");
  form.method = "post";
  form.hidden = true;
  for (const [name, value] of Object.entries(history.state.again)) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}

// All settings in one piece.
const whole = document.getElementById("whole");
if (whole) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = texts.copyAll;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(whole.textContent.trim());
      status.textContent = texts.copied;
    } catch {
      getSelection().selectAllChildren(whole);
      status.textContent = texts.selected;
    }
  });
  whole.after(button);
}

// What happens to a link, while its page is open and looked at.
const live = document.querySelector("[data-live]");
if (live) {
  const opened = Date.now();
  const asks = setInterval(async () => {
    // A session that nobody uses ends after an hour.
    if (Date.now() - opened > 60 * 60 * 1000) return clearInterval(asks);
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.live, { redirect: "error", headers: { "Autoconfig-By-Itself": "1" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("life"), shown = document.getElementById("life");
      if (!answer.ok || !now) return;
      localise(now);
      if (now.textContent !== shown.textContent) shown.replaceWith(document.adoptNode(now));
    } catch { /* the next time */ }
  }, 3000);
}

// Passkeys: the page asks, the browser answers, and the answer is sent as a form.
const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
const text = buffer => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
for (const form of document.querySelectorAll("form.passkey")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const ask = JSON.parse(form.dataset.options);
    ask.challenge = bytes(ask.challenge);
    if (ask.user) ask.user.id = bytes(ask.user.id);
    for (const known of ask.excludeCredentials || []) known.id = bytes(known.id);
    try {
      const key = await navigator.credentials[form.dataset.ask]({ publicKey: ask });
      const response = {};
      for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
        if (key.response[name]) response[name] = text(key.response[name]);
      if (key.response.getTransports) response.transports = key.response.getTransports();
      form.elements.answer.value = JSON.stringify({
        id: key.id, rawId: text(key.rawId), type: key.type, response,
        authenticatorAttachment: key.authenticatorAttachment || undefined,
        clientExtensionResults: key.getClientExtensionResults(),
      });
      form.submit();
    } catch { // not wanted, or not possible: the browser has said which
      status.textContent = form.dataset.failed;
    }
  });
}
