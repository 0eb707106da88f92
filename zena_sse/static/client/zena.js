/**
 * Zena's browser client: what happens comes once and in order, what is wished for is done once, over any network.
 *
 *     const zena = connect({ onSnapshot: show, onEvent: apply, onState: say });
 *     await zena.send("thread.view", { threadId });
 *
 * docs/howto/client.md tells more.
 */

/** @import { Accepted, Commands, CommandType, Snapshot, ZenaEvent } from "./events.js" */
/** @import { Frame, Line, LineState } from "./line.js" */
/** @import { State } from "./states.js" */
/** @import { Token } from "./site.js" */

import { joinCrowd } from "./crowd.js";
import { FetchEventSource } from "./fetchsource.js";
import { openIdentity } from "./identity.js";
import { openLine } from "./line.js";
import { openOutbox } from "./outbox.js";
import { Problem } from "./problem.js";
import { shareLine } from "./sharing.js";
import { openSite } from "./site.js";
import { openStates } from "./states.js";
import { openSubscription } from "./subscription.js";

export { applyChunk } from "./answers.js";
export { commandTypes, eventTypes } from "./events.js";
export { FetchEventSource, Problem };

/**
 * @typedef {object} Failure  a command that waited and can never succeed
 * @property {string} type
 * @property {unknown} payload
 * @property {string} commandId
 * @property {Problem} problem
 *
 * @typedef {object} Options
 * @property {string} [base]  origin of the server, the page's own if not given
 * @property {Token} [token]  a JWT or what gets a fresh one; without it the session cookie counts
 * @property {() => Promise<unknown>} [renew]  gets a fresh credential when the one there is has ended
 * @property {string[]} [types]  what to receive, `thread.*` for a room; all if not given
 * @property {string} [cursor]  begin after this event instead of with the snapshot
 * @property {(snapshot: Snapshot) => void} [onSnapshot]  replaces all that is known
 * @property {(event: ZenaEvent) => void} [onEvent]  each once, in order; `stream.*` are not told
 * @property {(reason: string) => void} [onReset]  events are missing: those before the snapshot that follows
 * @property {(state: State) => void} [onState]
 * @property {(count: number) => void} [onPending]  how many commands wait to be sent
 * @property {(failure: Failure) => void} [onFailure]  nobody waited any more for a command that failed
 * @property {(frame: Frame) => void} [onFrame]  everything as it came, before anything is done with it
 */

// Of no use later: sent at once or not at all.
const EPHEMERAL = new Set(["typing.start"]);
// Between two tries to get a snapshot, at most, in milliseconds: the first, and the last after doubling.
const SNAPSHOT_DELAY = 500;
const LAST_SNAPSHOT_DELAY = 30_000;

// Of one response where they are held back until they end; the first one has only to say where the log stands.
const POLL_SECONDS = "25";
const FIRST_POLL_SECONDS = "1";

const nothing = () => {};

/**
 * Open this page's stream, and keep it.
 * @param {Options} [options]
 */
export function connect(options = {}) {
  const { base = "", token, types, renew, onSnapshot, onEvent = nothing, onReset = nothing } = options;
  const { onState = nothing, onPending = nothing, onFailure = nothing, onFrame = nothing } = options;
  const site = openSite(base, token);
  const { origin } = new URL(site.url("/"));
  const tab = newId();
  const states = openStates(onState);
  const identity = openIdentity(site, origin, renew);
  const outbox = openOutbox({ site, origin, tab, user: identity.user, onPending, onFailure });
  const attention = new AbortController();
  /** @type {ReturnType<typeof openSubscription> | null} */
  let subscription = null;
  /** @type {Line | null} */
  let line = null;
  let leaveCrowd = nothing;

  /** @param {string} [cursor] */
  async function begin(cursor) {
    const mine = openSubscription({ load, onSnapshot: onSnapshot ?? nothing, onReset, onEvent, onPlace: states.show }, cursor);
    subscription = mine;
    if ((await identity.verify()) === "signed_out") return mine === subscription && end("signed_out");
    let isCrowd = false;
    const leave = await joinCrowd(origin, tab, site.url("/me"), () => {
      if (line && !isCrowd) take(shared());
      isCrowd = true;
    });
    if (mine !== subscription) return leave();
    leaveCrowd = leave;
    take(isCrowd ? shared() : openLine(ends));
  }

  /** @param {Line} other */
  function take(other) {
    line?.stop();
    line = other;
    line.start();
  }

  const ends = { open, verify: identity.verify, heard, changed };

  /** Tabs that want the same share one line. */
  function shared() {
    const name = ["zena-line", origin, identity.me()?.userId, ...(types ?? [])].join(" ");
    return shareLine(name, tab, { ...ends, cursor: () => subscription?.cursor() ?? "" });
  }

  /** @param {string | undefined} from @param {boolean} isHeldBack @returns {EventSource} */
  function open(from = subscription?.cursor(), isHeldBack) {
    const query = new URLSearchParams({ tab });
    if (isHeldBack) query.set("poll", from ? POLL_SECONDS : FIRST_POLL_SECONDS);
    if (from) query.set("last_event_id", from);
    if (types) query.set("types", types.join(","));
    const url = site.url(`/events?${query}`);
    if (!site.hasToken) return new EventSource(url, { withCredentials: true });
    return /** @type {EventSource} */ (/** @type {unknown} */ (new FetchEventSource(url, site.credentials)));
  }

  /** @param {Frame} frame */
  function heard(frame) {
    onFrame(frame);
    subscription?.take(frame);
  }

  /** @param {LineState} now */
  function changed(now) {
    if (now === "up") void outbox.flush();
    else if (now === "down") states.lose();
    else if (now === "signed_out") end(now);
    else states.show(now);
  }

  /** Try until there is a snapshot, and it is sure whose it is. @returns {Promise<Snapshot | null>} */
  async function load() {
    if (!onSnapshot) return null;
    const mine = subscription;
    for (let delay = SNAPSHOT_DELAY; mine === subscription; delay = Math.min(2 * delay, LAST_SNAPSHOT_DELAY)) {
      const [verdict, snapshot] = await Promise.all([identity.verify(), site.read("/snapshot").catch(nothing)]);
      if (verdict === "signed_out") end(verdict);
      else if (verdict === "ok" && snapshot) return snapshot;
      else await new Promise((resolve) => setTimeout(resolve, Math.random() * delay));
    }
    return null;
  }

  /** @param {"signed_out" | "closed"} name */
  function end(name) {
    line?.stop();
    subscription?.stop();
    leaveCrowd();
    line = subscription = null;
    states.show(name);
  }

  /** @param {boolean} [isLost] */
  const wake = (isLost) => line?.wake(isLost);
  const { signal } = attention;
  document.addEventListener("visibilitychange", () => document.hidden || wake(), { signal });
  document.addEventListener("resume", () => wake(), { signal });
  addEventListener("pageshow", ({ persisted }) => persisted && wake(true), { signal });
  addEventListener("online", () => wake(true), { signal });
  addEventListener("offline", () => line?.lose(), { signal });
  void begin(options.cursor);

  return {
    /** The last state that `onState` was told. */
    get state() {
      return states.now();
    },
    /** Who is signed in, once that is known. */
    get me() {
      return identity.me();
    },

    /**
     * Have something done. It is written down first and sent when the server can be reached, once. Resolves with
     * what the server accepted: what it causes comes as events that bear its `commandId`. Rejects with `Problem`.
     * @template {CommandType} T
     * @param {T} type
     * @param {Commands[T]["payload"]} payload
     * @returns {Promise<Accepted<Commands[T]["result"]>>}
     */
    send: (type, payload) =>
      EPHEMERAL.has(type)
        ? site.post(`/commands/${type}?tab=${tab}`, payload)
        : outbox.send(type, payload, newId()),

    /** The JSON at an address. Rejects with `Problem`, of status 0 without an answer. @param {string} path */
    read: (path) => site.read(path),
    /** @param {string} path @param {unknown} body */
    put: (path, body) => site.put(path, body),

    /** Make the connection anew, after signing in again for example. */
    reconnect() {
      if (line) wake(true);
      else if (!subscription && !signal.aborted) void begin();
    },

    /** For good. What waits to be sent is sent by the next page. */
    close() {
      attention.abort();
      outbox.stop();
      end("closed");
    },
  };
}

/** Fresh and random; `crypto.randomUUID` is for secure origins only. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
