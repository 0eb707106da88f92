// The one place where the page's state lives: it changes here, and whoever shows it is told.

/** @import { State, Store } from "../shapes.js" */
import { emptyState } from "./blank.js";
import { apply, stateOf } from "./state.js";

/** @returns {Store} */
export function createStore() {
  /** @type {(() => void)[]} */
  const listeners = [];
  /** @type {Store} */
  const store = {
    state: emptyState(),
    subscribe: (heard) => void listeners.push(heard),
    change(changing) {
      changing(store.state);
      tell();
    },
    replace: (snapshot) => become(stateOf(snapshot, Date.now())),
    restore: (saved) => become(saved),
    apply: (event) => store.change((state) => apply(state, event)),
  };

  /** @param {State} state */
  function become(state) {
    store.state = state;
    tell();
  }

  function tell() {
    for (const heard of listeners) heard();
  }

  return store;
}
