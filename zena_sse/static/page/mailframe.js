/**
 * Shows HTML mail, which anybody may have written, so that it can do nothing: it runs no script, loads
 * nothing (a picture from the web would tell its sender that the mail is read) and cannot leave its frame.
 *
 * Three walls. Against scripts, forms and loads each would do by itself; only the first keeps a browser from
 * what it does ahead, like connecting to where a frame will lead:
 *  1. Only what is known to be harmless is built in the frame: mailtree.js.
 *  2. The frame is sandboxed, without `allow-scripts`.
 *  3. Its document has a policy of its own: styles and pictures that came in the mail, and no more.
 *
 * `allow-same-origin` is there so that this page can build the mail inside and measure it. It is dangerous
 * only together with `allow-scripts`, as a script could then take its own sandbox away: never add that.
 */

import { buildMail } from "./mailtree.js";

const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";

// dns-prefetch off: a browser may look up the hosts of links ahead, and the sender's name server hears it.
const EMPTY_MAIL = `<!doctype html>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light">
<base target="_blank">
<style>
  html { height: auto !important; background: #fff; }
  body { display: flow-root; height: auto !important; min-height: 0 !important; margin: 0;
    color: #1b1b1a; font: 15px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
  #mail { max-width: 100%; overflow-x: auto; }
  img { max-width: 100%; }
  blockquote { margin: 0; padding-left: 0.8em; border-left: 2px solid #e7e4dd; }
  pre { white-space: pre-wrap; }
  a { color: #0f5c4a; }
</style>
<div id="mail"></div>`;

/** A mail whose height follows its frame's (`120vh`) would grow for ever; after so many times it scrolls. */
const MOST_GROWTHS = 30;

/**
 * A mail to put on the page. Its frame gets as high as its content; a wide mail scrolls inside itself. If
 * pictures are left out, a paragraph of class `mail-pictures` below it says so.
 *
 * @param {string} html as it came
 * @returns {HTMLElement}
 */
export function mailFrame(html) {
  const mail = document.createElement("div");
  mail.className = "mail-frame";
  const frame = document.createElement("iframe");
  frame.title = "Message";
  frame.setAttribute("sandbox", SANDBOX);
  frame.referrerPolicy = "no-referrer";
  Object.assign(frame.style, { display: "block", width: "100%", height: "0", border: "0" });
  // Mail lies on white paper, also on a dark page; `prefers-color-scheme` in it says so.
  frame.style.colorScheme = "light";
  // Not once: a frame that is moved on the page begins anew.
  frame.addEventListener("load", () => fill(mail, frame, html));
  frame.srcdoc = EMPTY_MAIL;
  mail.append(frame);
  return mail;
}

/**
 * @param {HTMLElement} mail
 * @param {HTMLIFrameElement} frame that has loaded
 * @param {string} html
 */
function fill(mail, frame, html) {
  const place = frame.contentDocument?.getElementById("mail");
  if (!place) return;
  const pictures = buildMail(html, place);
  mail.querySelector(".mail-pictures")?.remove();
  if (pictures > 0) mail.append(pictureNote(pictures));
  passKeysOn(place.ownerDocument, frame);
  followHeight(place.ownerDocument.documentElement, frame);
}

/** @param {number} count */
function pictureNote(count) {
  const note = document.createElement("p");
  note.className = "mail-pictures";
  const what = count === 1 ? "One picture is" : `${count} pictures are`;
  note.textContent = `${what} not loaded, so that the sender does not learn that you read this.`;
  return note;
}

/**
 * The page's keys work while the mail has the focus.
 *
 * @param {Document} inside
 * @param {HTMLIFrameElement} frame
 */
function passKeysOn(inside, frame) {
  inside.addEventListener("keydown", (event) => {
    // Made from the event itself: it has all the fields that the constructor asks for.
    if (!frame.dispatchEvent(new KeyboardEvent(event.type, event))) event.preventDefault();
  });
}

/**
 * @param {HTMLElement} root of the frame's document
 * @param {HTMLIFrameElement} frame
 */
function followHeight(root, frame) {
  let growths = 0;
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (frame.offsetWidth !== width) growths = 0;
    width = frame.offsetWidth;
    const height = Math.ceil(root.getBoundingClientRect().height);
    if (height > frame.offsetHeight) growths += 1;
    if (growths > MOST_GROWTHS) observer.disconnect();
    else frame.style.height = `${height}px`;
  });
  observer.observe(root);
}
