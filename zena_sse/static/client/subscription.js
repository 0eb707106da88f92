/**
 * A subscription: this tab's place in its user's stream.
 *
 * `stream.ready` says how a connection begins. `resumed`: what follows the cursor follows. `live` and `reset` are
 * one case, the first load: hold what comes, fetch the snapshot, then tell what is newer than it. What is at or
 * below the cursor was told before, and is dropped. So an event is told once, in order, and no gap is silent.
 */

/** @import { Snapshot, StreamReady, ZenaEvent } from "./events.js" */
/** @import { Frame } from "./line.js" */

/**
 * @typedef {object} Listener
 * @property {() => Promise<Snapshot | null>} load  tries until there is a snapshot; null: none is wanted
 * @property {(snapshot: Snapshot) => void} onSnapshot
 * @property {(reason: string) => void} onReset
 * @property {(event: ZenaEvent) => void} onEvent
 * @property {(name: "catching_up" | "live") => void} onPlace
 */

// When nothing durable has come for this long, in milliseconds, there is nothing more to catch up with; where
// events never pause, this much later.
const QUIET = 250;
const CAUGHT_UP_AT_LAST = 3_000;
// More is not held while a snapshot is fetched: a newer snapshot has it all.
const MOST_HELD = 5_000;

/**
 * @param {Listener} listener
 * @param {string} cursor  where to begin; "" for the snapshot
 */
export function openSubscription({ load, onSnapshot, onReset, onEvent, onPlace }, cursor = "") {
  /** @type {{id: string, event: ZenaEvent}[] | null} */
  let held = null;
  let quiet = 0;
  let atLast = 0;

  /** @param {Frame} frame */
  function take({ type, id, data }) {
    if (type === "stream.ready") return begin(JSON.parse(data).payload);
    if (id && !isAfter(id, cursor)) return;
    if (id) cursor = id;
    if (type === "stream.ping") return settle();
    if (type === "stream.closing") return;
    const event = JSON.parse(data);
    if (!held) deliver(event);
    else if (id) held.push({ id, event }); // an ephemeral one is of no use later
    if (held && held.length > MOST_HELD) void reload();
    if (id && quiet) settleSoon();
  }

  /** @param {StreamReady} ready */
  function begin({ mode, reason, cursor: start }) {
    onPlace("catching_up");
    if (mode === "resumed") return held ?? settleSoon(true);
    cursor = start;
    if (mode === "reset") onReset(reason ?? "");
    void reload();
  }

  async function reload() {
    /** @type {{id: string, event: ZenaEvent}[]} */
    const mine = (held = []);
    const snapshot = await load();
    if (held !== mine) return; // another reset came meanwhile, and does the work
    if (snapshot && epochOf(snapshot.cursor) !== epochOf(cursor)) return reload(); // the log was replaced
    held = null;
    if (snapshot) tell(() => onSnapshot(snapshot));
    for (const { id, event } of mine) {
      if (!snapshot || isAfter(id, snapshot.cursor)) deliver(event);
    }
    if (snapshot && isAfter(snapshot.cursor, cursor)) cursor = snapshot.cursor;
    settleSoon(true);
  }

  /** @param {ZenaEvent} event */
  function deliver(event) {
    tell(() => onEvent(event));
  }

  /** Live after a pause. @param {boolean} [isStart] */
  function settleSoon(isStart = false) {
    clearTimeout(quiet);
    quiet = setTimeout(settle, QUIET);
    if (!isStart) return;
    clearTimeout(atLast);
    atLast = setTimeout(settle, CAUGHT_UP_AT_LAST);
  }

  function settle() {
    if (held) return;
    clearTimeout(quiet);
    clearTimeout(atLast);
    quiet = atLast = 0;
    onPlace("live");
  }

  return {
    take,
    /** Everything up to here was told, or is held. */
    cursor: () => cursor,
    stop() {
      held = [];
      clearTimeout(quiet);
      clearTimeout(atLast);
    },
  };
}

/** What a listener throws is its own: the next event comes all the same. @param {() => void} listener */
function tell(listener) {
  try {
    listener();
  } catch (error) {
    reportError(error);
  }
}

/** @param {string} cursor */
export const epochOf = (cursor) => cursor.slice(0, cursor.lastIndexOf("-"));

/** @param {string} cursor */
const offsetOf = (cursor) => Number(cursor.slice(cursor.lastIndexOf("-") + 1));

/**
 * Whether one cursor is beyond another of the same log; of another log none is, `stream.ready` begins a log.
 * @param {string} id
 * @param {string} cursor
 */
export function isAfter(id, cursor) {
  return cursor === "" || (epochOf(id) === epochOf(cursor) && offsetOf(id) > offsetOf(cursor));
}
