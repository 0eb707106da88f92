// "Not right?": the user says what a conversation is, and whose move it is; no later mail overrules that.

/** @import { App, Thread } from "../shapes.js" */
import { h, setText } from "./dom.js";
import { CLASSES } from "./words.js";

/** @type {Record<string, string>} */
const MOVES = { focus: "You (Focus)", waiting: "Somebody else (Waiting)" };

/**
 * @param {App} app
 * @param {string} threadId
 */
export function correcting(app, threadId) {
  const kind = choice("classification", CLASSES);
  const move = choice("category", MOVES);
  const summary = h("summary", {});
  const element = h(
    "details",
    { class: "correcting" },
    summary,
    h("label", {}, "What is it?", kind),
    h("label", {}, "Who has the next move?", move),
  );

  /**
   * @param {string} name
   * @param {Record<string, string>} choices
   */
  function choice(name, choices) {
    const options = Object.entries(choices).map(([value, words]) => h("option", { value }, words));
    const select = h("select", { name, onchange: () => correct({ [name]: select.value || null }) });
    select.append(h("option", { value: "" }, "Let Zena decide"), ...options);
    return select;
  }

  /** @param {Record<string, string | null>} said */
  async function correct(said) {
    try {
      const thread = await app.zena.put(`/threads/${encodeURIComponent(threadId)}`, said);
      app.store.change((state) => {
        if (state.threads.has(threadId)) state.threads.set(threadId, thread);
      });
      app.say("Noted. Zena will not change that again.");
    } catch (problem) {
      const why = problem instanceof Error ? problem.message : "";
      app.toast({ key: "correction", text: `That could not be noted. ${why}`.trim() });
      app.redraw();
    }
  }

  /** @param {Thread} thread */
  function render(thread) {
    setText(summary, thread.corrected ? "Corrected by you" : "Not right?");
    for (const [select, value] of /** @type {const} */ ([
      [kind, thread.classification],
      [move, thread.category],
    ])) {
      if (document.activeElement !== select) select.value = value ?? "";
    }
  }

  return { element, render };
}
