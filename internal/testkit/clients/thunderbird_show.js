// The body of an async function that runs inside Thunderbird: it opens a message in a
// window of its own, as a double click does, and says what a person sees.
const [path, width, height] = arguments;
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");

// until waits for what it is asked for, longer than that takes on a busy machine.
async function until(what, ask) {
  for (let i = 0; i < 600; i++) {
    const got = ask();
    if (got) {
      return got;
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`${what} doesn't come`);
}

const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
file.initWithPath(path);
const uri = Services.io
  .newFileURI(file)
  .mutate()
  .setQuery("type=application/x-message-display")
  .finalize();
const main = await until("the main window", () => Services.wm.getMostRecentWindow("mail:3pane"));
const win = main.openDialog(
  "chrome://messenger/content/messageWindow.xhtml",
  "_blank",
  "all,chrome,dialog=no,status,toolbar",
  uri
);
let pane;
const page = await until("the message", () => {
  pane = win.messageBrowser?.contentWindow?.getMessagePaneBrowser?.();
  const seen = pane?.contentDocument;
  return seen?.readyState == "complete" && seen.querySelector("h1") ? seen : null;
});
// The window has a least width, the part of it with the message has none.
win.resizeTo(Math.max(width, 1000), height);
pane.style.maxWidth = `${width}px`;
const view = page.defaultView;
await until("the message's width", () => view.innerWidth <= width && view.innerWidth > width - 50);
await new Promise(resolve => view.requestAnimationFrame(() => view.requestAnimationFrame(resolve)));

const links = [...page.querySelectorAll("a")].map(a => a.href);
const button = page.querySelector("a");
const style = view.getComputedStyle(button);
const bitmap = await win.browsingContext.currentWindowGlobal.drawSnapshot(null, 1, "white");
const canvas = win.document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
canvas.width = bitmap.width;
canvas.height = bitmap.height;
canvas.getContext("2d").drawImage(bitmap, 0, 0);
const shown = {
  text: page.body.innerText,
  links,
  border: style.borderTopStyle + " " + style.borderTopWidth,
  borderColour: style.borderTopColor,
  ink: style.color,
  sideways: page.documentElement.scrollWidth - page.documentElement.clientWidth,
  picture: canvas.toDataURL("image/png").split(",")[1],
};
win.close();
return shown;
