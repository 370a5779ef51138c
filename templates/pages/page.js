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

for (const time of document.querySelectorAll("time[datetime]")) {
  time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}
