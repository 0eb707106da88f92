// The frame around the views: a list, and what is opened beside it or, on a phone, over it.

/** @import { App, Route, View } from "../shapes.js" */
import { h, setAttribute } from "./dom.js";
import { hrefOfList, isDetail, routeOf } from "./router.js";
import { fetchView } from "./views.js";

/**
 * @param {App} app
 * @param {{list: HTMLElement, detail: HTMLElement, tabs: HTMLElement}} panes
 */
export function createShell(app, { list, detail, tabs }) {
  /** @type {Map<string, {view: View, scroll: number}>} */
  const lists = new Map();
  /** @type {View | null} */
  let opened = null;
  /** @type {Route} */
  let route = { name: "", id: "" };
  let shown = "";
  const back = h("a", { class: "back" });
  const narrow = matchMedia("(max-width: 899px)");

  async function navigate() {
    const next = routeOf(location.hash);
    const name = isDetail(next) ? shown || listFor(next) : next.name;
    try {
      await Promise.all([ready(name), isDetail(next) && fetchView(next.name)]);
    } catch {
      app.toast({ key: "view", text: "This page could not be fetched. Try again when you are online." });
      return;
    }
    const now = routeOf(location.hash);
    const isThere = next.name === route.name && next.id === route.id;
    // Somebody has gone elsewhere meanwhile.
    if (isThere || now.name !== next.name || now.id !== next.id) return;
    await arrive(next, name);
  }

  /** @param {string} name */
  async function ready(name) {
    if (lists.has(name)) return;
    const make = await fetchView(name);
    if (!lists.has(name)) lists.set(name, { view: make(app, ""), scroll: 0 });
  }

  /**
   * @param {Route} next
   * @param {string} name of the list
   */
  async function arrive(next, name) {
    const left = route;
    route = next;
    showList(name);
    const make = isDetail(next) ? await fetchView(next.name) : null;
    if (route !== next) return;
    showDetail(make && make(app, next.id));
    render();
    const { title, heading } = current();
    document.title = `${title} · Zena`;
    // As the page begins, focus stays where the browser puts it; later it follows.
    if (left.name) focusAfter(left, heading);
  }

  /** The list beside what is shown first: from a notification or a bookmark. @param {Route} first */
  function listFor({ name }) {
    return name === "deal" ? "deals" : "today";
  }

  /** @param {string} name */
  function showList(name) {
    const entry = lists.get(name);
    if (name === shown || !entry) return;
    const before = lists.get(shown);
    if (before) before.scroll = list.scrollTop;
    shown = name;
    list.replaceChildren(entry.view.element);
    entry.view.render();
    list.scrollTop = entry.scroll;
    for (const link of tabs.querySelectorAll("a")) {
      setAttribute(link, "aria-current", link.dataset.list === name ? "page" : null);
    }
    back.href = hrefOfList(name);
    back.textContent = entry.view.title;
  }

  /** @param {View | null} view */
  function showDetail(view) {
    opened = view;
    document.body.toggleAttribute("data-opened", view !== null);
    detail.hidden = view === null;
    detail.replaceChildren(...(view ? [back, view.element] : []));
    detail.scrollTop = 0;
  }

  /** @returns {View} */
  function current() {
    return opened ?? /** @type {{view: View}} */ (lists.get(shown)).view;
  }

  /**
   * To the heading of what was opened; on return to the row that one came from.
   *
   * @param {Route} left
   * @param {HTMLElement} heading
   */
  function focusAfter(left, heading) {
    const row = !opened && left.id ? rowOf(left.id) : null;
    (row ?? heading).focus({ preventScroll: row === null });
  }

  /** @param {string} id @returns {HTMLElement | null} */
  function rowOf(id) {
    return list.querySelector(`[data-key="${CSS.escape(id)}"]`);
  }

  function render() {
    // Under what is opened on a phone nobody sees the list; it is brought up to date when they come back.
    if (!opened || !narrow.matches) lists.get(shown)?.view.render();
    opened?.render();
    markOpened();
  }

  function markOpened() {
    const row = opened && rowOf(route.id);
    for (const other of list.querySelectorAll("[data-key][aria-current]")) {
      if (other !== row) other.removeAttribute("aria-current");
    }
    if (row) setAttribute(row, "aria-current", "true");
  }

  /** @param {string} hash */
  async function visit(hash) {
    location.hash = hash;
    await navigate();
  }

  /** Closes what is opened. */
  function close() {
    if (opened) app.go(hrefOfList(shown));
  }

  /** Leaves nothing of the user behind. */
  function clear() {
    narrow.removeEventListener("change", app.redraw);
    showDetail(null);
    list.replaceChildren();
  }

  narrow.addEventListener("change", app.redraw);
  return { navigate, visit, render, close, clear };
}
