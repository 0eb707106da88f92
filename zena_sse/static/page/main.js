// The page begins: shows what this browser kept at once, then connects; or asks to sign in.

/** @import { App, Me, Toast, Zena } from "../shapes.js" */
import { connect } from "../client/zena.js";
import { completer } from "./completing.js";
import { setText } from "./dom.js";
import { keyHandler } from "./keys.js";
import { fillMenu } from "./menu.js";
import { newsOf } from "./news.js";
import { forgetSaved, lastUser, openSaved } from "./saved.js";
import { signOut, whoAmI } from "./session.js";
import { createShell } from "./shell.js";
import { signInView } from "./signin.js";
import { statusLine } from "./status.js";
import { createStore } from "./store.js";
import { toaster } from "./toasts.js";

// Ages on the page move on.
const REDRAW = 30_000;

const place = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const toast = toaster(place("toasts"));
let stop = () => {};

/** Begins anew: with who was here last, or who is signed in, or the way in. */
async function begin() {
  const known = await lastUser();
  if (known) return work(known);
  const me = await whoAmI().catch(() => null);
  if (me) work(me.userId);
  else askToSignIn();
}

function askToSignIn() {
  stop();
  document.body.dataset.mode = "signin";
  document.title = "Zena";
  place("list").replaceChildren(signInView(begin));
}

/** @param {string} userId */
function work(userId) {
  stop();
  document.body.dataset.mode = "work";
  const ending = new AbortController();
  const { signal } = ending;
  const store = createStore();
  const saved = openSaved(userId);
  const showStatus = statusLine({
    line: place("line"),
    sync: place("sync"),
    progress: place("progress"),
    pending: place("pending"),
  });
  let knownAt = 0;
  let waiting = 0;
  let frame = 0;

  const zena = connect({
    onSnapshot(snapshot) {
      if (zena.me && zena.me.userId !== userId) return work(zena.me.userId);
      knownAt = Date.now();
      store.replace(snapshot);
    },
    onEvent(event) {
      knownAt = Date.now();
      tellNews(event);
      store.apply(event);
    },
    onState({ name }) {
      if (name === "signed_out") askToSignIn();
      else redraw();
    },
    onPending(count) {
      waiting = count;
      redraw();
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

  async function leave() {
    await signOut().catch(() => {});
    await forgetSaved();
    askToSignIn();
  }

  stop = () => {
    stop = () => {};
    ending.abort();
    zena.close();
    clearInterval(ticking);
    for (const pane of ["list", "detail"]) place(pane).replaceChildren();
    document.body.removeAttribute("data-opened");
    place("detail").hidden = true;
  };

  store.subscribe(redraw);
  store.subscribe(() => store.state.known && saved.save(store.state));
  addEventListener("hashchange", () => shell.navigate(), { signal });
  addEventListener("keydown", keyHandler(app, place("list"), shell.close), { signal });
  place("menu").addEventListener("beforetoggle", () => fillMenu(place("menu"), app, leave), { signal });
  const ticking = setInterval(redraw, REDRAW);
  void saved.load().then((kept) => {
    if (!kept || store.state.known || signal.aborted) return;
    knownAt = kept.at;
    store.restore(kept.state);
  });
  shell.navigate(true);
  redraw();
}

place("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  place("list").querySelector("h1")?.focus();
});
void navigator.serviceWorker?.register("/sw.js").catch(() => {});
void begin();
