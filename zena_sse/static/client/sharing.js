/**
 * One stream for all tabs: browsers open six HTTP/1.1 connections to an origin, and each stream takes one.
 *
 * Of the tabs that share, the one that holds a lock leads: it has the line, and passes its frames on. Every frame
 * says after which one it comes, so a tab that has missed one knows; it says where it is, and the leader's line
 * begins again from there, which costs the others nothing: they drop what they have. A leader that closes or
 * freezes gives the lock up, the next one's line begins at its own cursor, and everybody says again where they are.
 * So a hand-over is a resume, and leaves no gap.
 */

/** @import { Ends, Frame, Line, LineState } from "./line.js" */

import { openLine } from "./line.js";
import { epochOf, isAfter } from "./subscription.js";

/**
 * @typedef {{kind: "where", cursor: string}
 *   | {kind: "beat", state: LineState}
 *   | {kind: "frame", frame: Frame, after: string}} Said  `beat`: the leader lives
 * @typedef {Said & {from: string, to?: string}} Message  between tabs; `to` says whom, if not all
 *
 * @typedef {Ends & {cursor: () => string}} SharedEnds
 */

// A leader that has not said a word for this long is frozen, whatever else was tried; its lock is taken from it.
const LEADER_SILENCE = 45_000;
const BEAT = 5_000;
// Tabs that say where they are at the same time are answered together, in milliseconds.
const GATHER = 30;

/**
 * A line that all tabs of this name share.
 * @param {string} name
 * @param {string} tab
 * @param {SharedEnds} ends
 * @returns {Line}
 */
export function shareLine(name, tab, { cursor, open, verify, heard, changed }) {
  const channel = new BroadcastChannel(name);
  /** Ends this tab's wait for the lock. */
  let waiting = new AbortController();
  /** @type {ReturnType<typeof openLine> | null} only the leader has one */
  let line = null;
  let release = () => {};
  /** How far the leader's line has come, which may be behind its own cursor. */
  let passed = "";
  /** The place of whoever is furthest behind, when the line must begin again. */
  let lowest = "";
  let gathering = 0;
  /** @type {LineState} */
  let state = "down";
  let heardAt = Date.now();
  const timer = setInterval(beat, BEAT);

  /** @param {Said} said @param {string} [to] */
  const say = (said, to) => channel.postMessage({ ...said, from: tab, to });
  const sayWhere = () => say({ kind: "where", cursor: cursor() });

  /** @param {boolean} [steal] */
  function queue(steal = false) {
    const { signal } = (waiting = new AbortController());
    navigator.locks.request(name, steal ? { steal } : { signal }, lead).catch(() => signal.aborted || follow());
  }

  /** Lead until this tab closes or freezes, or another one takes over. */
  function lead() {
    line = openLine({ open, verify, heard: pass, changed: tell });
    tell("down");
    begin();
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => (release = resolve));
  }

  function follow() {
    retire();
    heardAt = Date.now();
    queue();
    sayWhere();
  }

  /** Lead no more, and do not wait to. */
  function retire() {
    waiting.abort();
    clearTimeout(gathering);
    line?.stop();
    line = null;
    release();
  }

  /** @param {string} [from] */
  function begin(from) {
    passed = from ?? cursor();
    lowest = "";
    line?.start(from);
  }

  function beat() {
    if (line) say({ kind: "beat", state });
    else if (Date.now() - heardAt > LEADER_SILENCE) queue(true);
  }

  /** @param {LineState} now */
  function tell(now) {
    if (now === state) return;
    state = now;
    if (line) beat();
    changed(state);
  }

  /** @param {Frame} frame */
  function pass(frame) {
    if (frame.type === "stream.ready" && frame.id) passed = frame.id; // a log begins
    say({ kind: "frame", frame, after: passed });
    if (frame.id) passed = frame.id;
    heard(frame);
  }

  /** Somebody says where they are. @param {string} place @param {string} who */
  function welcome(place, who) {
    say({ kind: "beat", state }, who);
    if (state === "replaced" || state === "signed_out") line?.wake();
    if (state !== "up" || passed === "") return; // `stream.ready` is still to come, and is for everybody
    if (place === "") ready("live", who);
    else if (epochOf(place) !== epochOf(passed)) ready("reset", who);
    else if (!isAfter(passed, place)) ready("resumed", who);
    else rewind(place);
  }

  /** @param {"live" | "reset" | "resumed"} mode @param {string} who */
  function ready(mode, who) {
    const data = JSON.stringify({ type: "stream.ready", payload: { mode, cursor: passed } });
    say({ kind: "frame", frame: { type: "stream.ready", id: "", data }, after: passed }, who);
  }

  /** @param {string} place */
  function rewind(place) {
    if (lowest === "" || isAfter(lowest, place)) lowest = place;
    clearTimeout(gathering);
    gathering = setTimeout(() => begin(lowest), GATHER);
  }

  /** @param {Frame} frame @param {string} after @param {boolean} isForUs */
  function receive(frame, after, isForUs) {
    const mode = frame.type === "stream.ready" ? JSON.parse(frame.data).payload.mode : "";
    const isTheirBeginning = mode !== "" && mode !== "reset" && !isForUs;
    const isGap = frame.id !== "" && mode === "" && isAfter(after, cursor()) && cursor() !== "";
    if (isTheirBeginning || isGap) sayWhere();
    else heard(frame);
  }

  channel.onmessage = (/** @type {MessageEvent<Message>} */ { data: message }) => {
    if (message.to && message.to !== tab) return;
    if (message.kind === "where") return line && welcome(message.cursor, message.from);
    if (line) return; // what an overtaken leader still says
    heardAt = Date.now();
    if (message.kind === "beat") tell(message.state);
    else receive(message.frame, message.after, message.to === tab);
  };

  const thaw = () => !line && follow();
  document.addEventListener("freeze", retire);
  document.addEventListener("resume", thaw);

  return {
    start() {
      queue();
      sayWhere();
    },
    wake(isLost) {
      if (line) line.wake(isLost);
      else sayWhere();
    },
    lose: () => line?.lose(),
    stop() {
      retire();
      clearInterval(timer);
      channel.close();
      document.removeEventListener("freeze", retire);
      document.removeEventListener("resume", thaw);
    },
  };
}
