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
if (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) {
  const chosen = document.querySelector("input[name=device][value=mac]:checked");
  const tablet = document.querySelector("input[name=device][value=iphone]");
  if (chosen && tablet && !document.querySelector("form[data-auto]")) tablet.checked = true;
}

// A device that is chosen needs no button.
for (const form of document.querySelectorAll("form[data-auto]")) {
  for (const choice of form.querySelectorAll("input[type=radio]")) {
    choice.addEventListener("click", (event) => { if (event.detail > 0) form.requestSubmit(); });
  }
}

// All settings in one piece.
const all = document.getElementById("all");
if (all) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = texts.copyAll;
  button.addEventListener("click", async () => {
    const lines = [];
    for (const part of all.querySelectorAll("h3, dt")) {
      const value = part.nextElementSibling;
      if (part.tagName === "H3") lines.push("", part.textContent);
      else lines.push(part.textContent + ": " + (value.querySelector(".copy") || value).textContent);
    }
    try {
      await navigator.clipboard.writeText(lines.join("\n").trim());
      status.textContent = texts.copied;
    } catch {
      getSelection().selectAllChildren(all);
      status.textContent = texts.selected;
    }
  });
  all.append(button);
}

// What happens to a link, while its page is open and looked at.
const live = document.querySelector("[data-live]");
if (live) {
  const opened = Date.now();
  const asks = setInterval(async () => {
    // Each question renews the session: a page that nobody looks at must let it end.
    if (Date.now() - opened > 10 * 60 * 1000) return clearInterval(asks);
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.live, { redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("life"), shown = document.getElementById("life");
      if (!answer.ok || !now) return;
      localise(now);
      if (now.textContent !== shown.textContent) shown.replaceWith(document.adoptNode(now));
    } catch { /* the next time */ }
  }, 3000);
}
