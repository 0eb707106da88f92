// The page at work for one user: the store fed by the client, the views drawn from the store, once a frame.

/** @import { App, Toast } from "../shapes.js" */
import { connect } from "../client/zena.js";
import { completer } from "./completing.js";
import { setText } from "./dom.js";
import { keyHandler } from "./keys.js";
import { fillMenu } from "./menu.js";
import { newsOf } from "./news.js";
import { openSaved } from "./saved.js";
import { createShell } from "./shell.js";
import { statusLine } from "./status.js";
import { createStore } from "./store.js";

// Ages on the page move on.
const TICK = 30_000;
// What is sent at once does not wait, it is on its way.
const ON_ITS_WAY = 2_000;
// Not while the page comes up.
const READ_AHEAD = 3_000;

/**
 * @typedef {object} Ways out of here
 * @property {() => void} signedOut the server says that nobody is signed in
 * @property {() => void} signOut the user says so
 * @property {(userId: string) => void} other it is somebody else who is signed in
 */

/**
 * @param {string} userId
 * @param {(id: string) => any} place an element of the document
 * @param {(toast: Toast) => void} toast
 * @param {Ways} ways
 * @returns {() => void} ends it
 */
export function openDesk(userId, place, toast, ways) {
  const ending = new AbortController();
  const { signal } = ending;
  const store = createStore();
  const saved = openSaved(userId);
  const showStatus = statusLine(place);
  let knownAt = 0;
  let waiting = 0;
  let tellingOfWaiting = 0;
  let frame = 0;

  const zena = connect({
    onSnapshot(snapshot) {
      if (zena.me && zena.me.userId !== userId) return ways.other(zena.me.userId);
      knownAt = Date.now();
      store.replace(snapshot);
    },
    onEvent(event) {
      knownAt = Date.now();
      tellNews(event);
      store.apply(event);
    },
    onState({ name }) {
      if (name === "signed_out") ways.signedOut();
      else redraw();
    },
    onPending(count) {
      clearTimeout(tellingOfWaiting);
      const isOnItsWay = count > 0 && zena.state.name === "live";
      tellingOfWaiting = setTimeout(
        () => {
          waiting = count;
          redraw();
        },
        isOnItsWay ? ON_ITS_WAY : 0,
      );
    },
    onFailure({ type, problem }) {
      toast({ key: type, text: `Something you did offline was refused. ${problem.message}` });
    },
  });

  /** @type {App} */
  const app = {
    store,
    zena,
    saved,
    now: () => Date.now() + store.state.clock.offset,
    redraw,
    go: (hash) => void (location.hash = hash),
    say: (words) => setText(place("say"), words),
    toast,
    complete: completer(store, zena),
    done: new Set(),
  };
  const tellNews = newsOf(app);
  const shell = createShell(app, { list: place("list"), detail: place("detail"), tabs: place("tabs") });

  /** However much happens, the screen changes once a frame. */
  function redraw() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (signal.aborted) return;
      showStatus(store.state, zena.state, { knownAt, waiting });
      shell.render();
    });
  }

  /** What this browser kept, until the server says more. */
  async function showKept() {
    const kept = await saved.load();
    if (!kept || store.state.known || signal.aborted) return;
    knownAt = kept.at;
    store.restore(kept.state);
  }

  store.subscribe(redraw);
  store.subscribe(() => store.state.known && saved.save(store.state, knownAt));
  addEventListener("hashchange", shell.navigate, { signal });
  addEventListener("keydown", keyHandler(place("list"), shell.close, shell.visit), { signal });
  place("menu").addEventListener("beforetoggle", () => fillMenu(place("menu"), app, ways.signOut), {
    signal,
  });
  const ticking = setInterval(redraw, TICK);
  const readingAhead = setTimeout(async () => {
    const { readAhead } = await import("./ahead.js");
    readAhead(app, signal);
  }, READ_AHEAD);
  void showKept();
  void shell.navigate().then(redraw);

  return () => {
    ending.abort();
    zena.close();
    clearInterval(ticking);
    clearTimeout(readingAhead);
    clearTimeout(tellingOfWaiting);
    shell.clear();
  };
}
