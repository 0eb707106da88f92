// What is shown of the state, and in which order: the rules of the server's lists.

/** @import { Ask, Clock, State, Task, Thread } from "../shapes.js" */
import { dayOf, dayOfDate } from "./clock.js";

export const FOCUS_SHOWN = 10;

const RANKS = { high: 0, medium: 1, low: 2, none: 3 };

/** @param {{riskLevel: Thread["riskLevel"]}} item */
function rank({ riskLevel }) {
  return RANKS[riskLevel ?? "none"];
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What the agent owes, the highest risk first, then whoever has waited longest. @param {State} state */
export function focus(state) {
  return listed(state, "focus").sort(
    (a, b) =>
      rank(a) - rank(b) || compare(a.lastMessageAt, b.lastMessageAt) || compare(a.threadId, b.threadId),
  );
}

/** What others owe, the newest first. @param {State} state */
export function waiting(state) {
  return listed(state, "waiting").sort(
    (a, b) => compare(b.lastMessageAt, a.lastMessageAt) || compare(b.threadId, a.threadId),
  );
}

/**
 * @param {State} state
 * @param {Thread["category"]} category
 */
function listed(state, category) {
  return [...state.threads.values()].filter(
    (thread) => thread.category === category && thread.classification !== "noise",
  );
}

/** @param {Thread} thread */
export function isUnread({ viewedAt, lastMessageAt }) {
  return !viewedAt || viewedAt < lastMessageAt;
}

/** Open deals, the highest risk first, then whoever has been silent longest. @param {State} state */
export function deals(state) {
  return [...state.deals.values()]
    .filter((deal) => !deal.closedAt)
    .sort(
      (a, b) => rank(a) - rank(b) || compare(a.lastMessageAt, b.lastMessageAt) || compare(a.dealId, b.dealId),
    );
}

/** @param {{riskLevel: Thread["riskLevel"]}} item */
export function isAtRisk({ riskLevel }) {
  return riskLevel === "high" || riskLevel === "medium";
}

/**
 * Tasks by when they are due; those the user has just ticked stand among the done ones.
 *
 * @param {State} state
 * @param {number} now
 * @param {Set<string>} done ticked, and not yet confirmed
 */
export function tasks(state, now, done) {
  const today = dayOf(now, state.clock);
  /** @type {{overdue: Task[], today: Task[], later: Task[], undated: Task[], done: Task[]}} */
  const groups = { overdue: [], today: [], later: [], undated: [], done: [] };
  for (const task of state.tasks.values()) groups[groupOf(task, today, state.clock, done)].push(task);
  for (const group of [groups.overdue, groups.today, groups.later]) {
    group.sort((a, b) => compare(a.dueDate ?? "", b.dueDate ?? "") || compare(a.taskId, b.taskId));
  }
  groups.undated.sort((a, b) => compare(b.createdAt, a.createdAt));
  groups.done.sort((a, b) => compare(b.completedAt ?? "~", a.completedAt ?? "~"));
  return groups;
}

/**
 * @param {Task} task
 * @param {number} today
 * @param {Clock} clock
 * @param {Set<string>} done
 * @returns {"overdue" | "today" | "later" | "undated" | "done"}
 */
function groupOf(task, today, clock, done) {
  if (task.completedAt || done.has(task.taskId)) return "done";
  if (!task.dueDate) return "undated";
  const day = dayOfDate(task.dueDate, clock);
  if (day < today) return "overdue";
  return day === today ? "today" : "later";
}

/** The newest first. @param {State} state @returns {Ask[]} */
export function asks(state) {
  return [...state.asks.values()].sort((a, b) => compare(b.askedAt, a.askedAt) || compare(b.askId, a.askId));
}

/** Mailboxes that are being read right now. @param {State} state */
export function runningSyncs(state) {
  return [...state.syncs.values()].filter(({ state: how }) => how === "running" || how === "queued");
}
