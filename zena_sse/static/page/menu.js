// The menu: whose mail this is, notifications, reading the mail now, signing out.

/** @import { App } from "../shapes.js" */
import { h } from "./dom.js";
import { askToNotify, canAsk } from "./notify.js";

/**
 * Fills the menu each time it opens: what can be done changes.
 *
 * @param {HTMLElement} menu a popover
 * @param {App} app
 * @param {() => void} signOut
 */
export function fillMenu(menu, app, signOut) {
  const { me } = app.zena;
  /** @type {Node[]} */
  const items = [];
  const accounts = [...app.store.state.accounts.values()].map((account) => account.name);
  items.push(h("p", { class: "quiet" }, accounts.join(", ") || me?.userId || ""));
  items.push(action("Read the mail now", () => readNow(app)));
  if (canAsk()) items.push(action("Notify me of risks and new tasks", () => void askToNotify()));
  if (me?.role === "operator") items.push(h("a", { href: "/debug" }, "Watch the stream"));
  items.push(action("Sign out", signOut));
  menu.replaceChildren(...items);

  /**
   * @param {string} words
   * @param {() => void} act
   */
  function action(words, act) {
    return h("button", { type: "button", onclick: () => (menu.hidePopover(), act()) }, words);
  }
}

/** @param {App} app */
async function readNow(app) {
  try {
    await app.zena.send("sync.request", {});
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : "";
    app.toast({ key: "sync", text: `The mail could not be read. ${why}`.trim() });
  }
}
