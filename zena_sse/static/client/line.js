/**
 * A line: one connection to the stream, made again whenever it is lost.
 *
 * There are two kinds of end. One that the server announces (`stream.closing`) comes with the time to come back,
 * which an EventSource obeys by itself: it is left alone. Any other end, and whatever the browser gave up on, is
 * ours: the source is made anew after a while, from the cursor of that moment. A line that has been silent for
 * three heartbeats is dead whatever its socket says, and phones leave dead ones open: so it is looked at when the
 * page wakes. Where not even the first word comes, something on the way holds responses back until they end: then
 * the line asks for short ones.
 */

import { eventTypes } from "./events.js";

/**
 * @typedef {object} Frame  one event as it came
 * @property {string} type
 * @property {string} id  "" for one that has none of its own
 * @property {string} data  JSON
 *
 * @typedef {"up" | "down" | "replaced" | "signed_out"} LineState
 * @typedef {"ok" | "unreachable" | "signed_out"} Verdict
 *
 * @typedef {object} Line
 * @property {() => void} start
 * @property {(isLost?: boolean) => void} wake  the page is looked at again: what is not surely alive is made anew
 * @property {() => void} lose  the network is gone: whatever the socket thinks, nothing will come
 * @property {() => void} stop  for good
 *
 * @typedef {object} Ends
 * @property {(from: string | undefined, isHeldBack: boolean) => EventSource} open  a source that begins at a cursor,
 *   the newest if none is given; of short responses if those on the way are held back
 * @property {() => Promise<Verdict>} verify  whether the credential is good, or could be made so
 * @property {(frame: Frame) => void} heard
 * @property {(state: LineState) => void} changed
 */

// The delay before another try is drawn evenly from 0 to a limit that doubles (full jitter), in milliseconds:
// a server that restarts is not met by everybody at once.
const FIRST_LIMIT = 1_000;
const LAST_LIMIT = 30_000;
// A connection that has lasted this long was a good one: what follows is no repeated failure.
const GOOD_AFTER = 5_000;
// Heartbeats without a word; 45 s with the server's usual 15.
const SILENT_BEATS = 3;
const USUAL_HEARTBEAT = 15_000;
// The server speaks at once. What has not come by then is held back; what comes this long before a short response
// ends, is not.
const FIRST_WORD = 10_000;
const HEAD_START = 1_000;
// How late a heartbeat may be on its way.
const LATE = 1_000;
const LOOK_EVERY = 1_000;

/**
 * @param {Ends} ends
 * @returns {Line & {start(from?: string): void}}
 */
export function openLine({ open, verify, heard, changed }) {
  /** @type {EventSource | null} */
  let source = null;
  let announced = "";
  let failures = 0;
  let openedAt = 0;
  let heardAt = 0;
  let heartbeat = USUAL_HEARTBEAT;
  let lastId = "";
  let isHeldBack = false;
  let isNew = false; // has not said a word
  let readyAt = 0; // of a response that goes on
  let timer = 0;
  let attempt = 0; // whoever waits for something finds out that it has been overtaken
  let isOver = false;
  const watch = setInterval(look, LOOK_EVERY);

  const silence = () => Date.now() - heardAt;

  function look() {
    if (!source) return;
    if (readyAt > 0 && Date.now() - readyAt > HEAD_START) isHeldBack = false;
    if (isNew && !isHeldBack && silence() > FIRST_WORD) {
      isHeldBack = true;
      start();
    } else if (silence() > SILENT_BEATS * heartbeat) start();
  }

  function drop() {
    attempt += 1;
    clearTimeout(timer);
    source?.close();
    source = null;
    announced = "";
  }

  /** @param {string} [from] */
  function start(from) {
    if (isOver) return;
    drop();
    heardAt = openedAt = Date.now();
    lastId = "";
    isNew = true;
    readyAt = 0;
    source = open(from, isHeldBack);
    for (const type of eventTypes) source.addEventListener(type, take);
    source.addEventListener("error", fail);
  }

  /** @param {MessageEvent<string>} message */
  function take({ type, data, lastEventId }) {
    heardAt = Date.now();
    // A browser repeats the last id for events that have none.
    const id = lastEventId === lastId ? "" : lastEventId;
    lastId = lastEventId;
    if (type === "stream.ready") {
      isNew = false;
      readyAt = heardAt;
      heartbeat = JSON.parse(data).payload.heartbeatSeconds * 1_000;
      changed("up");
    }
    if (type === "stream.closing") announced = JSON.parse(data).payload.reason;
    heard({ type, id, data });
    if (announced === "superseded") rest("replaced");
    else if (announced === "revoked") rest("signed_out");
    else if (announced === "expired") void renew();
  }

  function fail() {
    if (!source) return;
    if (isHeldBack && announced === "rotated") return start(); // a short response has ended, as it should
    changed("down");
    const comesBack = source.readyState === 0 && announced !== "";
    announced = "";
    readyAt = 0;
    if (!comesBack) retry(source.readyState === 2);
  }

  /** @param {boolean} isRefused  by status: the credential may be why */
  function retry(isRefused) {
    drop();
    if (Date.now() - openedAt > GOOD_AFTER) failures = 0;
    const limit = Math.min(LAST_LIMIT, FIRST_LIMIT * 2 ** failures);
    failures += 1;
    timer = setTimeout(() => (isRefused ? renew() : start()), Math.random() * limit);
  }

  async function renew() {
    drop();
    const mine = attempt;
    const verdict = await verify();
    if (isOver || mine !== attempt) return;
    if (verdict === "ok") start();
    else if (verdict === "signed_out") rest("signed_out");
    else retry(true);
  }

  /** @param {"replaced" | "signed_out"} state */
  function rest(state) {
    drop();
    changed(state);
  }

  return {
    start,
    wake(isLost = false) {
      if (isLost || source?.readyState !== 1 || silence() > heartbeat + LATE) start();
    },
    lose() {
      changed("down");
      retry(false);
    },
    stop() {
      drop();
      isOver = true;
      clearInterval(watch);
    },
  };
}
