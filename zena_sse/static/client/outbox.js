/**
 * Commands on their way. Each is written down before it is sent, and taken off once the server has said what became
 * of it; its id is its idempotency key, so one that is sent again runs once. What waits goes as one batch, in order,
 * from one tab at a time.
 */

/** @import { BatchOutcome } from "./events.js" */
/** @import { Entry } from "./store.js" */
/** @import { Site } from "./site.js" */

import { Problem } from "./problem.js";
import { openStore } from "./store.js";

/** @typedef {{entry: Entry, outcome: BatchOutcome}} Settled */

// What the server takes in one batch.
const BATCH = 100;
// It forgets an idempotency key after 24 hours: what is older might run twice.
const TOO_OLD = 23 * 60 * 60 * 1_000;
const FIRST_DELAY = 1_000;
const LAST_DELAY = 30_000;

/**
 * @param {object} parts
 * @param {Site} parts.site
 * @param {string} parts.origin
 * @param {string} parts.tab
 * @param {() => Promise<string>} parts.user  whose commands these are, once known
 * @param {(count: number) => void} parts.onPending
 * @param {(failure: {type: string, payload: unknown, commandId: string, problem: Problem}) => void} parts.onFailure  of one
 *   that nobody waits for any more
 */
export function openOutbox({ site, origin, tab, user, onPending, onFailure }) {
  const store = openStore();
  const channel = new BroadcastChannel(`zena-outbox ${origin}`);
  /** @type {Map<string, {resolve: (accepted: any) => void, reject: (problem: Problem) => void}>} */
  const waiting = new Map();
  let failures = 0;
  let timer = 0;
  let pending = 0;
  /** @type {Promise<unknown>} */
  let flushing = Promise.resolve();

  const owner = async () => `${origin} ${await user()}`;

  /**
   * @param {string} type @param {unknown} payload @param {string} commandId
   * @returns {Promise<any>}  what the server accepted. Rejects with `Problem`
   */
  function send(type, payload, commandId) {
    return new Promise((resolve, reject) => {
      waiting.set(commandId, { resolve, reject });
      void enqueue({ owner: "", commandId, type, payload, at: Date.now() }).then(() => (navigator.onLine ? flush() : again()), reject);
    });
  }

  /** @param {Entry} entry */
  async function enqueue(entry) {
    const table = await store;
    await table.add({ ...entry, owner: await owner() });
    channel.postMessage({});
    await count();
  }

  function flush() {
    clearTimeout(timer);
    flushing = flushing.then(drain).catch((problem) => problem.status === 401 || again());
    return flushing;
  }

  /** Send what waits. One tab at a time, or they would send the same. */
  async function drain() {
    const name = await owner();
    await alone(`zena-outbox ${name}`, async () => {
      for (;;) {
        const batch = await (await store).list(name, BATCH);
        if (batch.length === 0 || !(await sendBatch(batch))) break;
      }
    });
    await count();
  }

  /** Whether all of it is settled. @param {Entry[]} batch */
  async function sendBatch(batch) {
    const fresh = batch.filter((entry) => Date.now() - entry.at < TOO_OLD);
    for (const entry of batch) if (!fresh.includes(entry)) await settle({ entry, outcome: tooOld(entry) });
    if (fresh.length === 0) return true;
    const wishes = fresh.map(({ type, payload, commandId }) => ({ type, payload, commandId }));
    /** @type {BatchOutcome[]} */
    const outcomes = await site.post(`/commands?tab=${tab}`, wishes);
    failures = 0;
    const final = outcomes.map((outcome, at) => ({ entry: fresh[at], outcome })).filter(isFinal);
    for (const settled of final) await settle(settled);
    if (final.length < fresh.length) again();
    return final.length === fresh.length;
  }

  /** @param {Settled} settled */
  async function settle(settled) {
    await (await store).remove(/** @type {number} */ (settled.entry.number));
    channel.postMessage(settled);
    heard(settled, true);
  }

  /** @param {Settled} settled @param {boolean} isOurs  this tab sent it, and answers for it if nobody waits */
  function heard({ entry, outcome }, isOurs) {
    const waiter = waiting.get(entry.commandId);
    waiting.delete(entry.commandId);
    const { commandId, cursor, result, problem } = outcome;
    if (!problem) waiter?.resolve({ commandId, cursor, result });
    else if (waiter) waiter.reject(new Problem(problem));
    else if (isOurs) onFailure({ ...entry, problem: new Problem(problem) });
  }

  /** Later, with full jitter; a line that comes up flushes at once, so does whoever has signed in. */
  function again() {
    clearTimeout(timer);
    timer = setTimeout(flush, Math.random() * Math.min(LAST_DELAY, FIRST_DELAY * 2 ** failures));
    failures += 1;
  }

  async function count() {
    const now = await (await store).count(await owner());
    if (now !== pending) onPending((pending = now));
  }

  // Another tab has written something down, or has settled it.
  channel.onmessage = ({ data }) => {
    if (data.outcome) heard(data, false);
    void count();
  };

  return {
    send,
    flush,
    stop() {
      clearTimeout(timer);
      channel.close();
    },
  };
}

/** @param {Settled} settled */
const isFinal = ({ outcome }) => !outcome.problem?.retryable;

/** @param {Entry} entry @returns {BatchOutcome} */
function tooOld({ commandId }) {
  const title = "This waited too long to be sent safely.";
  return { commandId, status: 408, problem: { title, status: 408, code: "too_old", retryable: false } };
}

/** @param {string} name @param {() => Promise<void>} work */
function alone(name, work) {
  return "locks" in navigator ? navigator.locks.request(name, work) : work();
}
