// What the page knows, and how each event changes it. Handlers set and never add, so an event may come twice;
// what changes is replaced, so that whoever shows it sees by its identity that there is something new.

/** @import { Snapshot, State, Thread, ZenaEvent } from "../shapes.js" */
import { applyChunk } from "../client/zena.js";
import { blankDeal, blankTask, blankThread } from "./blank.js";
import { clockBy } from "./clock.js";

// A year of an agent's live conversations; and a stream that never ends must not fill the memory.
const MOST = { threads: 1000, asks: 40, doneTasks: 100, syncs: 20, moved: 100 };

/**
 * What a snapshot says, in place of all there was.
 *
 * @param {Snapshot} snapshot
 * @param {number} receivedAt
 * @returns {State}
 */
export function stateOf(snapshot, receivedAt) {
  return {
    known: true,
    clock: clockBy(snapshot.asOf, receivedAt),
    threads: new Map(snapshot.threads.map((thread) => [thread.threadId, thread])),
    deals: new Map(snapshot.deals.map((deal) => [deal.dealId, deal])),
    tasks: new Map(snapshot.tasks.map((task) => [task.taskId, task])),
    asks: new Map(snapshot.asks.map((ask) => [ask.askId, ask])),
    syncs: new Map(snapshot.syncs.map((sync) => [sync.syncId, { ...sync, processed: 0, total: 0 }])),
    accounts: new Map(snapshot.accounts.map((account) => [account.accountId, account])),
    moved: new Map(),
  };
}

/**
 * @param {State} state
 * @param {ZenaEvent} event types that are not known are passed over
 */
export function apply(state, event) {
  const change = /** @type {any} */ (changes)[event.type];
  if (change) change(state, event.payload, event.at);
}

/**
 * @template {ZenaEvent["type"]} T
 * @typedef {Extract<ZenaEvent, {type: T}>["payload"]} PayloadOf
 */

const changes = {
  /** @param {State} state @param {PayloadOf<"thread.new">} payload */
  "thread.new"(state, payload) {
    const known = state.threads.get(payload.threadId);
    state.threads.set(payload.threadId, { ...(known ?? blankThread(payload.threadId)), ...payload });
    keepMost(state.threads, MOST.threads, importance);
  },

  /** @param {State} state @param {PayloadOf<"thread.updated">} payload */
  "thread.updated"(state, { removed, mergedInto, confidence, ...told }) {
    const { threadId } = told;
    if (removed) {
      state.threads.delete(threadId);
      if (mergedInto) state.moved.set(threadId, mergedInto);
      keepMost(state.moved, MOST.moved, () => 0);
      return;
    }
    const known = state.threads.get(threadId);
    const before = known ?? { ...blankThread(threadId), partial: true };
    state.threads.set(threadId, withNews(state, before, told));
    if (!known) keepMost(state.threads, MOST.threads, importance);
  },

  /** @param {State} state @param {PayloadOf<"thread.viewed">} payload */
  "thread.viewed"(state, { threadId, viewedAt }) {
    const thread = state.threads.get(threadId);
    if (thread) state.threads.set(threadId, { ...thread, viewedAt });
  },

  /** @param {State} state @param {PayloadOf<"deal.updated">} payload @param {string} at */
  "deal.updated"(state, { removed, closed, ...told }, at) {
    if (removed || closed) {
      state.deals.delete(told.dealId);
      return;
    }
    const known = state.deals.get(told.dealId);
    const before = known ?? { ...blankDeal(told.dealId, at), partial: true };
    const deal = { ...before, ...told };
    if (deal.stage !== before.stage) deal.stageSince = at;
    if (deal.propertyId !== before.propertyId) deal.property = propertyOf(state, deal.propertyId);
    if (deal.riskLevel !== before.riskLevel)
      Object.assign(deal, { riskFlags: [], riskReason: "", partial: true });
    if (deal.summary !== before.summary) deal.partial = true;
    state.deals.set(deal.dealId, deal);
  },

  /** @param {State} state @param {PayloadOf<"deal.risk">} payload @param {string} at */
  "deal.risk"(state, payload, at) {
    const known = state.deals.get(payload.dealId) ?? { ...blankDeal(payload.dealId, at), partial: true };
    state.deals.set(payload.dealId, { ...known, ...payload });
  },

  /** @param {State} state @param {PayloadOf<"task.created">} payload @param {string} at */
  "task.created"(state, payload, at) {
    const known = state.tasks.get(payload.taskId) ?? blankTask(at);
    state.tasks.set(payload.taskId, { ...known, ...payload, completedAt: null });
  },

  /** @param {State} state @param {PayloadOf<"task.completed">} payload */
  "task.completed"(state, { taskId, completedAt, reason }) {
    const task = state.tasks.get(taskId);
    if (reason === "removed") state.tasks.delete(taskId);
    else if (task) state.tasks.set(taskId, { ...task, completedAt });
    const open = [...state.tasks.values()].filter((other) => !other.completedAt).length;
    keepMost(state.tasks, open + MOST.doneTasks, (other) => other.completedAt ?? "~");
  },

  /** @param {State} state @param {PayloadOf<"ask.started">} payload @param {string} at */
  "ask.started"(state, payload, at) {
    if (state.asks.has(payload.askId)) return;
    const unanswered = {
      answer: "",
      found: null,
      sources: [],
      suggestedActions: [],
      error: null,
      completedAt: null,
    };
    state.asks.set(payload.askId, { ...payload, ...unanswered, askedAt: at });
    keepMost(state.asks, MOST.asks, (ask) => ask.askedAt);
  },

  /** @param {State} state @param {PayloadOf<"ask.response">} payload @param {string} at */
  "ask.response"(state, payload, at) {
    const before = state.asks.get(payload.askId);
    if (!before) return;
    const ask = { ...before, answer: applyChunk(before.answer, payload) };
    state.asks.set(
      payload.askId,
      payload.isComplete ? { ...ask, ...conclusionOf(payload), completedAt: at } : ask,
    );
  },

  /** @param {State} state @param {PayloadOf<"sync.started">} payload */
  "sync.started"(state, { syncId, accountId }) {
    if (state.syncs.has(syncId)) return;
    state.syncs.set(syncId, { syncId, accountId, state: "running", processed: 0, total: 0 });
    keepMost(state.syncs, MOST.syncs, (sync) => (sync.state === "running" ? 1 : 0));
  },

  /** @param {State} state @param {PayloadOf<"sync.progress">} payload */
  "sync.progress"(state, { syncId, processedThreads, totalThreads }) {
    const sync = state.syncs.get(syncId);
    if (sync) Object.assign(sync, { processed: processedThreads, total: totalThreads });
  },

  /** @param {State} state @param {PayloadOf<"sync.completed">} payload */
  "sync.completed"(state, { syncId, accountId, success }) {
    const sync = state.syncs.get(syncId);
    if (sync) sync.state = success ? "completed" : "failed";
    const account = state.accounts.get(accountId);
    if (account && success) account.error = null;
  },

  /** @param {State} state @param {PayloadOf<"sync.error">} payload */
  "sync.error"(state, { accountId, error }) {
    const account = state.accounts.get(accountId);
    if (account) account.error = error;
  },
};

/** @param {PayloadOf<"ask.response">} last */
function conclusionOf({ found, sources = [], suggestedActions = [], error }) {
  return { found: found ?? null, sources, suggestedActions, error: error ?? null };
}

/**
 * A thread with what an event says of it; what the event leaves out and no longer fits is `partial`.
 *
 * @param {State} state
 * @param {Thread} before
 * @param {Partial<Thread>} told
 * @returns {Thread}
 */
function withNews(state, before, told) {
  const thread = { ...before, ...told };
  if (thread.propertyId !== before.propertyId) {
    thread.property = propertyOf(state, thread.propertyId);
    if (thread.propertyId && !thread.property) thread.partial = true;
  }
  if (thread.riskLevel !== before.riskLevel) {
    thread.riskReason = null;
    if (thread.riskLevel === "high" || thread.riskLevel === "medium") thread.partial = true;
  }
  const isNewer = thread.lastMessageAt > before.lastMessageAt;
  if (isNewer && thread.nextActionOwner === "agent") thread.viewedAt = null;
  return thread;
}

/**
 * A property's name, as some thread or deal has it.
 *
 * @param {State} state
 * @param {string | null} propertyId
 * @returns {string | null}
 */
export function propertyOf(state, propertyId) {
  if (!propertyId) return null;
  for (const known of [state.deals, state.threads]) {
    for (const item of known.values())
      if (item.propertyId === propertyId && item.property) return item.property;
  }
  return null;
}

/** Threads that are in a list outlive the rest, newer ones outlive older. @param {Thread} thread */
function importance({ category, lastMessageAt }) {
  const rank = category === "focus" ? "2" : category === "waiting" ? "1" : "0";
  return rank + lastMessageAt;
}

/**
 * Drops what matters least once there is a tenth too much, so that the sorting is seldom.
 *
 * @template T
 * @param {Map<string, T>} items
 * @param {number} most
 * @param {(item: T) => string | number} worth
 */
function keepMost(items, most, worth) {
  if (items.size <= most * 1.1) return;
  const ranked = [...items].sort(([, a], [, b]) => (worth(a) < worth(b) ? -1 : worth(a) > worth(b) ? 1 : 0));
  for (const [key] of ranked.slice(0, items.size - most)) items.delete(key);
}
