"use strict";
// A button beside each block of records that copies it; without script the block
// can be selected.
for (const records of document.querySelectorAll("pre.records")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy the records";
  button.addEventListener("click", async () => {
    const status = document.getElementById("status");
    try {
      await navigator.clipboard.writeText(records.textContent);
      status.textContent = "The records are copied.";
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(records);
      status.textContent = "The records are selected: copy them with the keyboard.";
    }
  });
  records.after(button);
}
