// Ask Zena: a line to ask on, the newest answer under it, the earlier ones below.

/** @import { App, Ask, View } from "../shapes.js" */
import { answerRow } from "./answer.js";
import { h, keyedList, setText, show } from "./dom.js";
import { asks } from "./lists.js";

const SHOWN = 20;
const EXAMPLES = ["Which deals are going cold?", "What do I owe today?", "Who is waiting for a price?"];

/** @param {App} app @returns {View} */
export function askView(app) {
  /** @type {Ask | null} the question that the next one follows */
  let followed = null;
  const heading = h("h1", { class: "title", tabIndex: -1 }, "Ask Zena");
  const line = h("textarea", {
    rows: 1,
    maxLength: 2000,
    required: true,
    placeholder: "Ask about your mail",
    "aria-label": "Your question",
    enterKeyHint: "send",
    onkeydown: sendOnEnter,
  });
  const following = h("span");
  const unfollow = h(
    "button",
    { type: "button", class: "plain", onclick: () => follow(null) },
    "Start afresh",
  );
  const context = h("p", { class: "following", hidden: true }, following, unfollow);
  const form = h(
    "form",
    { class: "asking", onsubmit: submit },
    line,
    h("button", { class: "primary" }, "Ask"),
  );
  const examples = h(
    "ul",
    { class: "examples", "aria-label": "For example" },
    ...EXAMPLES.map((words) =>
      h("li", {}, h("button", { type: "button", onclick: () => ask(words) }, words)),
    ),
  );
  const list = h("ol", { class: "answers", "aria-label": "Questions and answers, the newest first" });
  const element = h("div", { class: "view" }, heading, form, context, examples, list);
  const update = keyedList(
    list,
    (/** @type {Ask} */ one) => one.askId,
    (one) => answerRow(app, one, follow),
  );

  /** @param {KeyboardEvent} event */
  function sendOnEnter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const question = line.value.trim();
    if (question) void ask(question);
  }

  /** @param {string} question */
  async function ask(question) {
    const conversationId = followed?.conversationId;
    line.value = "";
    follow(null);
    try {
      await app.zena.send("ask.request", conversationId ? { question, conversationId } : { question });
    } catch (problem) {
      line.value ||= question;
      const why = problem instanceof Error ? problem.message : "";
      app.toast({ key: "ask", text: `The question could not be asked. ${why}`.trim() });
    }
  }

  /** @param {Ask | null} earlier */
  function follow(earlier) {
    followed = earlier;
    show(context, earlier !== null);
    setText(following, earlier ? `Following “${earlier.question}”` : "");
    if (earlier) line.focus();
  }

  function render() {
    const all = asks(app.store.state).slice(0, SHOWN);
    show(examples, all.length === 0);
    update(all);
  }

  return { element, heading, title: "Ask", render };
}
