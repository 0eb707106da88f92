// A deal: where it stands, why it worries, what happened, and the conversations about it.

/** @import { App, DealDetail, Deal, Task, Thread, TimelineEntry, View } from "../shapes.js" */
import { h, keyedList, setText, show } from "./dom.js";
import { isAtRisk } from "./lists.js";
import { reading } from "./loading.js";
import { riskNotice } from "./notice.js";
import { threadRow } from "./rows.js";
import { section } from "./section.js";
import { stageBar } from "./stagebar.js";
import { taskRow } from "./taskrow.js";
import { RISKS, capital, date, house, owes, stageName } from "./words.js";

/** @param {App} app @param {string} dealId @returns {View} */
export function dealView(app, dealId) {
  const heading = h("h1", { class: "title", tabIndex: -1 });
  const facts = h("p", { class: "facts" });
  const stages = stageBar();
  const risk = riskNotice();
  const note = h("p", { class: "quiet", role: "status" });
  const latest = h("blockquote");
  const summary = h("section", {}, h("h2", {}, "Latest"), latest);
  const todo = section(
    { title: "Tasks" },
    (/** @type {Task} */ task) => task.taskId,
    (task) => taskRow(app, task, { hasOrigin: false }),
  );
  const mail = section(
    { title: "Conversations" },
    (/** @type {Thread} */ thread) => thread.threadId,
    (thread) => threadRow(app, thread),
  );
  const entries = h("ol", { class: "timeline" });
  const timeline = h("section", {}, h("h2", {}, "Timeline"), entries);
  const header = h("header", {}, heading, facts);
  const parts = [stages.element, risk.element, note, summary, todo.element, mail.element, timeline];
  const element = h("article", { class: "view" }, header, ...parts);
  const deal = reading(
    app,
    `/deals/${encodeURIComponent(dealId)}`,
    () => app.saved.deal(dealId),
    (/** @type {DealDetail} */ detail) => app.saved.keepDeal(detail),
  );
  const updateEntries = keyedList(entries, keyOfEntry, (entry) => entryRow(app, entry));
  let seen = "";

  function render() {
    deal.retry();
    const known = app.store.state.deals.get(dealId) ?? deal.item;
    if (known) renderFacts(known);
    setText(note, noteOf(deal.how));
    show(note, Boolean(note.textContent));
    if (deal.how === "gone") setText(heading, "This deal is gone");
    todo.render(openTasks());
    mail.render(threads());
    show(timeline, Boolean(deal.item));
    if (!deal.item) return;
    if (known && isNews(known)) void deal.read();
    updateEntries(deal.item.timeline.toReversed());
  }

  /** @param {Deal} known */
  function renderFacts(known) {
    setText(heading, known.property ? house(known.property) : known.party);
    const party = [known.party, known.side].filter(Boolean).join(", ");
    setText(facts, [known.property && party, owes(known.nextActionOwner)].filter(Boolean).join(" · "));
    stages.render(known.stage);
    risk.render(isAtRisk(known) ? known : null);
    setText(latest, known.summary);
    show(summary, Boolean(known.summary));
  }

  /** Whether events told of a change since the timeline was read. @param {Deal} known */
  function isNews(known) {
    const now = [known.stage, known.riskLevel, known.summary].join();
    const isNew = seen !== "" && seen !== now;
    seen = now;
    return isNew;
  }

  function openTasks() {
    return [...app.store.state.tasks.values()].filter((task) => task.dealId === dealId && !task.completedAt);
  }

  function threads() {
    const ofDeal = [...app.store.state.threads.values()].filter((thread) => thread.dealId === dealId);
    return ofDeal.sort((a, b) => (a.lastMessageAt < b.lastMessageAt ? 1 : -1));
  }

  void deal.read();
  return {
    element,
    heading,
    get title() {
      return heading.textContent || "Deal";
    },
    render,
  };
}

/** @param {TimelineEntry} entry */
function keyOfEntry({ at, kind, stage, level }) {
  return [at, kind, stage, level].join();
}

/**
 * @param {App} app
 * @param {TimelineEntry} entry which never changes
 */
function entryRow(app, { at, kind, stage, level, reason, threadId }) {
  const when = h("time", { dateTime: at }, date(at, app.store.state.clock));
  const what = h("strong", {}, told(kind, stage, level));
  const why = threadId ? h("a", { href: `#/thread/${threadId}` }, reason || "Its conversation") : reason;
  const element = h("li", { "data-risk": level }, when, h("p", {}, what, " ", why));
  return { element, update() {} };
}

/**
 * @param {string} kind
 * @param {string | null} stage
 * @param {string | null} level
 */
function told(kind, stage, level) {
  if (kind === "opened") return "Opened.";
  if (kind === "stage") return `${stageName(stage ?? "")}.`;
  if (kind === "risk") return `${RISKS[level ?? ""] ?? "No longer at risk"}.`;
  return `${capital(kind)}.`;
}

/** @param {string} how */
function noteOf(how) {
  if (how === "loading") return "Opening…";
  if (how === "kept" || how === "missing") return "As this device has it; the server cannot be reached.";
  return how === "gone" ? "Its mail is gone, or it belongs to somebody else." : "";
}
