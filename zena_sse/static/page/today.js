// Today: the brief, what the agent owes, what others owe; where there is room, tasks and deals beside it.

/** @import { App, Deal, State, Task, Thread, View } from "../shapes.js" */
import { brief } from "./brief.js";
import { h, setText } from "./dom.js";
import { FOCUS_SHOWN, deals, focus, isAtRisk, runningSyncs, tasks, waiting } from "./lists.js";
import { dealRow, threadRow } from "./rows.js";
import { section } from "./section.js";
import { taskRow } from "./taskrow.js";
import { longDate } from "./words.js";

// Beside the brief there is room for a glance; the rest is a click away.
const GLANCE = 5;

/** @param {App} app @returns {View} */
export function todayView(app) {
  const keyOf = (/** @type {Thread} */ thread) => thread.threadId;
  const row = (/** @type {Thread} */ thread) => threadRow(app, thread);
  const day = h("p", { class: "kicker" });
  const heading = h("h1", { class: "brief", tabIndex: -1 });
  const owed = section({ title: "Focus", first: FOCUS_SHOWN }, keyOf, row);
  const others = section({ title: "Waiting" }, keyOf, row);
  const beside = glance(app);
  const lists = h("div", {}, day, heading, owed.element, others.element);
  const element = h("div", { class: "view today" }, lists, beside.element);
  let said = "";

  function render() {
    const { state } = app.store;
    const focused = focus(state);
    setText(day, longDate(app.now(), state.clock));
    owed.render(focused);
    others.render(waiting(state));
    say(pieces(app, state, focused));
    beside.render(state);
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
 * The day's tasks and the deals at risk, where there is room for them.
 *
 * @param {App} app
 */
function glance(app) {
  const isWide = matchMedia("(min-width: 1200px)");
  const due = section(
    { title: "Due", most: GLANCE },
    (/** @type {Task} */ task) => task.taskId,
    (task) => taskRow(app, task),
  );
  const atRisk = section(
    { title: "Deals at risk", most: GLANCE },
    (/** @type {Deal} */ deal) => deal.dealId,
    (deal) => dealRow(app, deal),
  );
  const element = h(
    "aside",
    { class: "glance", "aria-label": "Tasks and deals" },
    due.element,
    atRisk.element,
  );

  /** @param {State} state */
  function render(state) {
    if (!isWide.matches || document.body.hasAttribute("data-opened")) return;
    const groups = tasks(state, app.now(), app.done);
    due.render([...groups.overdue, ...groups.today]);
    atRisk.render(deals(state).filter(isAtRisk));
  }

  return { element, render };
}

/**
 * @param {App} app
 * @param {State} state
 * @param {Thread[]} owed
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
