/**
 * What this browser keeps, so that the page has something to show without a network: of each user the last
 * state, and the threads and deals that were opened last.
 *
 * It is a convenience. Where nothing can be stored (a private window, a full disk) the page works as ever and
 * has nothing to show offline; the console is told once.
 */

import { clear, newestOwner, put, read, readMark } from "./keptrows.js";

/** @import { Kind, Row } from "./keptrows.js" */

/** A state is written whole; while mail pours in nobody needs it written each time it changes. */
const SAVE_EVERY_MS = 2_000;

/**
 * What is kept for a user.
 *
 * @param {string} user
 */
export function openSaved(user) {
  const mark = quietly(readMark(), null);

  /**
   * @param {Kind} kind
   * @param {string} id
   * @param {unknown} value
   * @param {number} [at] as of when it is so
   */
  async function keep(kind, id, value, at = Date.now()) {
    const row = { user, kind, id, at, value };
    await quietly(mark.then((known) => put(row, known)), undefined);
  }

  /**
   * @param {Kind} kind
   * @param {string} id
   * @returns {Promise<Row | null>}
   */
  async function find(kind, id) {
    return (await quietly(read(user, kind, id), undefined)) ?? null;
  }

  return {
    /** @returns {Promise<{state: any, at: number} | null>} the last state, and as of when it is so (ms) */
    async load() {
      const row = await find("state", "");
      return row && { state: row.value, at: row.at };
    },
    /** Keeps a state; of several that follow each other the newest. One that was loaded is as old as it was. */
    save: sparingly((/** @type {unknown} */ state, /** @type {number} */ at) => keep("state", "", state, at)),
    /** @param {{threadId: string}} detail */
    keepThread: (detail) => keep("thread", detail.threadId, detail),
    /** @param {string} threadId */
    thread: async (threadId) => (await find("thread", threadId))?.value ?? null,
    /** @param {{dealId: string}} detail */
    keepDeal: (detail) => keep("deal", detail.dealId, detail),
    /** @param {string} dealId */
    deal: async (dealId) => (await find("deal", dealId))?.value ?? null,
  };
}

/**
 * Deletes everything of everybody, at sign-out. Whoever has it open, in another tab too, keeps nothing more:
 * else what is being saved just then would come back.
 */
export async function forgetSaved() {
  await quietly(clear(), undefined);
}

/**
 * Whose state was saved last: who is shown while there is no network to say who is signed in.
 *
 * @returns {Promise<string | null>}
 */
export async function lastUser() {
  return quietly(newestOwner("state"), null);
}

/**
 * Acts on what was given last: at once, then every two seconds at most, and when the page is left.
 *
 * @template {unknown[]} T
 * @param {(...given: T) => void} act
 * @returns {(...given: T) => void}
 */
function sparingly(act) {
  /** @type {T | null} */
  let waiting = null;
  /** @type {number | undefined} */
  let timer;

  function flush() {
    clearTimeout(timer);
    timer = waiting ? setTimeout(flush, SAVE_EVERY_MS) : undefined;
    if (waiting) act(...waiting);
    waiting = null;
  }

  // A phone may end a page that is hidden without another word.
  document.addEventListener("visibilitychange", () => document.hidden && flush());
  addEventListener("pagehide", flush);

  return (...given) => {
    waiting = given;
    if (timer === undefined) flush();
  };
}

let told = false;

/**
 * @template T, D
 * @param {Promise<T>} storing
 * @param {D} otherwise what it comes to where nothing can be stored
 * @returns {Promise<T | D>}
 */
async function quietly(storing, otherwise) {
  try {
    return await storing;
  } catch (error) {
    if (!told) console.warn("Nothing is kept for offline use:", error);
    told = true;
    return otherwise;
  }
}
