// One message of a conversation: folded to a line, or open, as text or as it was sent.

/** @import { App, Message, Row } from "../shapes.js" */
import { h } from "./dom.js";
import { linked } from "./linked.js";
import { mailFrame } from "./mailframe.js";
import { dateTime, size } from "./words.js";

/**
 * @param {App} app
 * @param {Message} message which never changes
 * @param {boolean} isOpen
 * @returns {Row<Message>}
 */
export function messageRow(app, message, isOpen) {
  const { clock } = app.store.state;
  const who = message.from.name || message.from.email;
  const summary = h(
    "summary",
    {},
    h("span", { class: "who" }, who),
    h("time", { class: "when", dateTime: message.at }, dateTime(message.at, clock)),
    h("span", { class: "what excerpt" }, excerpt(message.text)),
  );
  const details = h("details", { open: isOpen, class: "message" }, summary);
  if (isOpen) fill();
  else details.addEventListener("toggle", fill, { once: true });

  /** What is never unfolded costs nothing. */
  function fill() {
    details.append(body(message));
  }

  return { element: h("li", {}, details), update() {} };
}

/** @param {Message} message */
function body(message) {
  const { to, cc, html, attachments } = message;
  const everyone = [...to, ...cc].map(({ name, email }) => name || email).join(", ");
  const text = h("div", { class: "text" }, linked(message.text || "(no text)"));
  return h(
    "div",
    { class: "body" },
    everyone && h("p", { class: "about" }, `To ${everyone}`),
    text,
    earlier(message),
    attachments.length > 0 && attachmentList(attachments),
    html !== null && asSent(html, text),
  );
}

/** What was quoted, and the signature, behind a line. @param {Message} message */
function earlier({ quoted, signature }) {
  const parts = [signature, quoted].filter(Boolean).map((part) => h("div", { class: "text" }, linked(part)));
  if (parts.length === 0) return null;
  const name = quoted ? "Earlier text" : "Signature";
  return h("details", { class: "earlier" }, h("summary", {}, name), ...parts);
}

/** @param {Message["attachments"]} attachments */
function attachmentList(attachments) {
  const items = attachments.map((one) =>
    h("li", {}, one.name || "Unnamed", h("span", { class: "quiet" }, ` ${size(one.size)}`)),
  );
  return h("ul", { class: "attachments", "aria-label": "Attachments" }, ...items);
}

/**
 * A button that puts the message as it was sent in the place of its text, and back.
 *
 * @param {string} html
 * @param {HTMLElement} text
 */
function asSent(html, text) {
  /** @type {HTMLElement | null} */
  let frame = null;
  const button = h(
    "button",
    { type: "button", class: "plain", "aria-pressed": "false", onclick: turn },
    "Show as sent",
  );

  function turn() {
    const isSent = frame?.isConnected ?? false;
    if (isSent) frame?.replaceWith(text);
    else text.replaceWith((frame = mailFrame(html)));
    button.textContent = isSent ? "Show as sent" : "Show as text";
    button.setAttribute("aria-pressed", String(!isSent));
  }

  return button;
}

/** @param {string} text */
function excerpt(text) {
  return text.slice(0, 160).replace(/\s+/g, " ");
}
