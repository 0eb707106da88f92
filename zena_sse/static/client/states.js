/** The state of the connection, for people: told when it changes, and not when it flickers. */

/**
 * `connecting`: not heard of the server yet. `catching_up`: what was missed is coming. `live`. `offline`: lost, and
 * trying; `since` is when that was noticed. `replaced`: closed in favour of newer tabs until the page is looked at.
 * `signed_out`: no good credential, or somebody else's; `reconnect` after signing in. `closed`: by `close`.
 * @typedef {"connecting" | "catching_up" | "live" | "offline" | "replaced" | "signed_out" | "closed"} StateName
 * @typedef {{name: StateName, since: Date}} State
 */

// A deploy or a rotation takes a second or two; only what takes longer is told, in milliseconds.
const GRACE = 3_000;

/** @param {(state: State) => void} onState */
export function openStates(onState) {
  /** @type {State} */
  let state = { name: "connecting", since: new Date() };
  let grace = 0;

  /** @param {StateName} name @param {Date} [since] */
  function show(name, since = new Date()) {
    clearTimeout(grace);
    grace = 0;
    // Who was live a moment ago and has missed a moment is live.
    if (name === state.name || (name === "catching_up" && state.name === "live")) return;
    state = { name, since };
    onState(state);
  }

  return {
    now: () => state,
    show,
    /** The connection is gone; said after a while, unless that is sure. */
    lose() {
      const since = new Date();
      if (!navigator.onLine) show("offline", since);
      else if (!grace && state.name !== "offline") grace = setTimeout(() => show("offline", since), GRACE);
    },
  };
}
