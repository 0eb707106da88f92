// A question and its answer, as it comes: with a button to stop it, what it rests on, and what could be done.

/** @import { App, Ask, Row, Source, SuggestedAction } from "../shapes.js" */
import { h, setAttribute, setText, show } from "./dom.js";

/** @type {Record<string, string>} */
const ENDS = {
  cancelled: "Stopped.",
  interrupted: "Interrupted: the server stopped while it was answering. Ask again.",
  failed: "This could not be answered. Ask again.",
};

/**
 * @param {App} app
 * @param {Ask} asked
 * @param {(ask: Ask) => void} follow asks the next question as following this one
 * @returns {Row<Ask>}
 */
export function answerRow(app, { askId, question }, follow) {
  const text = h("div", { class: "text" });
  const note = h("p", { class: "quiet" });
  const stop = h("button", { type: "button", class: "plain", onclick: cancel }, "Stop");
  const after = h("div", { class: "after" });
  const element = h("li", { class: "answer" }, h("h2", {}, question), text, note, stop, after);
  let isEnded = false;
  let wasOpen = false;

  async function cancel() {
    stop.disabled = true;
    try {
      await app.zena.send("ask.cancel", { askId });
    } catch {
      stop.disabled = false;
    }
  }

  /** @param {Ask} ask */
  function update(ask) {
    if (isEnded) return;
    const isOpen = !ask.completedAt;
    setAttribute(element, "aria-busy", isOpen ? "true" : null);
    element.classList.toggle("unfound", ask.found === false);
    grow(text, ask.answer);
    setText(note, noteOf(ask));
    show(note, Boolean(note.textContent));
    if (!isOpen) end(ask);
    wasOpen ||= isOpen;
  }

  /** @param {Ask} ask */
  function end(ask) {
    isEnded = true;
    // Not while it comes, piece by piece: whoever listens hears it once, whole.
    if (wasOpen) app.say(`Answer: ${ask.answer || noteOf(ask)}`);
    const hadFocus = document.activeElement === stop;
    stop.remove();
    const again = h("button", { type: "button", class: "plain", onclick: () => follow(ask) }, "Ask further");
    const actions = ask.suggestedActions.map((action) => actionButton(app, action));
    after.append(sources(ask.sources), h("div", { class: "actions" }, ...actions, again));
    if (hadFocus) again.focus();
  }

  return { element, update };
}

/**
 * Writes only what is new, so that what is selected stays so.
 *
 * @param {HTMLElement} element
 * @param {string} whole
 */
function grow(element, whole) {
  const node = element.firstChild;
  if (!(node instanceof Text)) setText(element, whole);
  else if (whole.startsWith(node.data))
    whole.length > node.length && node.appendData(whole.slice(node.length));
  else node.data = whole;
}

/** @param {Ask} ask */
function noteOf({ answer, completedAt, error }) {
  if (error) return ENDS[error.code] ?? error.message;
  return completedAt || answer ? "" : "Reading your mail…";
}

/** @param {Source[]} all */
function sources(all) {
  const items = all.map(({ type, id, title, snippet }) => {
    const href = hrefOf(type, id);
    const name = href ? h("a", { href, "data-key": id }, title) : h("span", {}, title);
    return h("li", {}, name, h("span", { class: "snippet" }, snippet));
  });
  return items.length ? h("ul", { class: "sources", "aria-label": "Sources" }, ...items) : "";
}

/**
 * @param {string} type
 * @param {string} id
 */
function hrefOf(type, id) {
  if (type === "thread" || type === "deal") return `#/${type}/${id}`;
  return type === "task" ? "#/tasks" : null;
}

/**
 * A button that posts its command as it stands, and then says that it is done.
 *
 * @param {App} app
 * @param {SuggestedAction} action
 */
function actionButton(app, { label, command, payload }) {
  const button = h("button", { type: "button", class: "action", onclick: act }, label);

  async function act() {
    button.disabled = true;
    try {
      // Declared by the server that suggests it; this page need not know it.
      await app.zena.send(/** @type {any} */ (command), payload);
      if (command === "thread.view") app.go(`#/thread/${payload.threadId}`);
      button.textContent = `${label}: done`;
      app.say(`${label}: done`);
    } catch (problem) {
      button.disabled = false;
      const why = problem instanceof Error ? problem.message : "";
      app.toast({ key: label, text: `${label}: that did not work. ${why}`.trim() });
    }
  }

  return button;
}
