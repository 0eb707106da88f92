// Today: the brief, what the agent owes, and what others owe.

/** @import { App, State, View } from "../shapes.js" */
import { brief } from "./brief.js";
import { h, setText } from "./dom.js";
import { FOCUS_SHOWN, deals, focus, runningSyncs, tasks, waiting } from "./lists.js";
import { threadRow } from "./rows.js";
import { section } from "./section.js";
import { longDate } from "./words.js";

/** @param {App} app @returns {View} */
export function todayView(app) {
  const day = h("p", { class: "kicker" });
  const heading = h("h1", { class: "brief", tabIndex: -1 });
  const owed = section({ title: "Focus", most: FOCUS_SHOWN }, (thread) => thread.threadId, (thread) => threadRow(app, thread));
  const others = section({ title: "Waiting" }, (thread) => thread.threadId, (thread) => threadRow(app, thread));
  const element = h("div", { class: "view" }, day, heading, owed.element, others.element);
  let said = "";

  function render() {
    const { state } = app.store;
    const focused = focus(state);
    setText(day, longDate(app.now(), state.clock));
    owed.render(focused);
    others.render(waiting(state));
    say(pieces(app, state, focused));
  }

  /** @param {import("./brief.js").Piece[]} sentences */
  function say(sentences) {
    const whole = JSON.stringify(sentences);
    if (whole === said) return;
    said = whole;
    heading.replaceChildren(...sentences.map(({ text, href }) => (href ? h("a", { href }, text) : text)));
  }

  return { element, heading, title: "Today", render };
}

/**
 * @param {App} app
 * @param {State} state
 * @param {ReturnType<typeof focus>} owed
 * @returns {import("./brief.js").Piece[]}
 */
function pieces(app, state, owed) {
  if (!state.known) return [{ text: "One moment." }];
  if (state.threads.size === 0) return [{ text: nothingYet(state) }];
  const groups = tasks(state, app.now(), app.done);
  const cold = deals(state).filter((deal) => deal.riskLevel === "high");
  return brief({ owed, cold, overdue: groups.overdue.length, dueToday: groups.today.length });
}

/** @param {State} state */
function nothingYet(state) {
  if (state.accounts.size === 0) return "No mailbox is connected yet.";
  return runningSyncs(state).length ? "I am reading your mail." : "Nothing needs you right now.";
}
