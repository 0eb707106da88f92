// The frame around the views: a list, and what is opened beside it or, on a phone, over it.

/** @import { App, Route, View } from "../shapes.js" */
import { askView } from "./ask.js";
import { dealView } from "./deal.js";
import { dealsView } from "./deals.js";
import { h, setAttribute } from "./dom.js";
import { LISTS, hrefOfList, isDetail, routeOf } from "./router.js";
import { tasksView } from "./tasks.js";
import { threadView } from "./thread.js";
import { todayView } from "./today.js";

/** @type {Record<string, (app: App) => View>} */
const LIST_VIEWS = { today: todayView, deals: dealsView, tasks: tasksView, ask: askView };
/** @type {Record<string, (app: App, id: string) => View>} */
const DETAIL_VIEWS = { thread: threadView, deal: dealView };

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

  /** @param {boolean} [isFirst] the page begins: focus stays where the browser puts it */
  function navigate(isFirst = false) {
    const next = routeOf(location.hash);
    if (next.name === route.name && next.id === route.id) return;
    const left = route;
    route = next;
    showList(isDetail(next) ? shown || listFor(next) : next.name);
    showDetail(isDetail(next) ? next : null);
    render();
    document.title = `${current().title} · Zena`;
    if (!isFirst) moveFocus(left);
  }

  /** @param {Route} detailRoute the first thing that is shown: from a notification or a bookmark */
  function listFor({ name }) {
    return name === "deal" ? "deals" : "today";
  }

  /** @param {string} name */
  function showList(name) {
    if (name === shown) return;
    const before = lists.get(shown);
    if (before) before.scroll = list.scrollTop;
    const entry = lists.get(name) ?? { view: LIST_VIEWS[name](app), scroll: 0 };
    lists.set(name, entry);
    shown = name;
    list.replaceChildren(entry.view.element);
    entry.view.render();
    list.scrollTop = entry.scroll;
    for (const link of tabs.querySelectorAll("a")) {
      setAttribute(link, "aria-current", link.dataset.list === name ? "page" : null);
    }
    back.href = hrefOfList(name);
    back.textContent = LIST_VIEWS[name] === todayView ? "Today" : entry.view.title;
  }

  /** @param {Route | null} what */
  function showDetail(what) {
    opened = what && DETAIL_VIEWS[what.name](app, what.id);
    document.body.toggleAttribute("data-opened", opened !== null);
    detail.hidden = opened === null;
    detail.replaceChildren(...(opened ? [back, opened.element] : []));
    detail.scrollTop = 0;
  }

  /** @returns {View} */
  function current() {
    return opened ?? /** @type {{view: View}} */ (lists.get(shown)).view;
  }

  /** To the heading of what was opened, and on return to the row that one came from. @param {Route} left */
  function moveFocus(left) {
    const row = !opened && left.id ? rowOf(left.id) : null;
    (row ?? current().heading).focus({ preventScroll: row === null });
  }

  /** @param {string} id @returns {HTMLElement | null} */
  function rowOf(id) {
    return list.querySelector(`[data-key="${CSS.escape(id)}"]`);
  }

  function render() {
    // Under an opened thread on a phone nobody sees the list; it is brought up to date when they come back.
    if (!opened || !narrow.matches) lists.get(shown)?.view.render();
    opened?.render();
    const row = opened && rowOf(route.id);
    for (const other of list.querySelectorAll("[data-key][aria-current]")) {
      if (other !== row) other.removeAttribute("aria-current");
    }
    if (row) setAttribute(row, "aria-current", "true");
  }

  narrow.addEventListener("change", () => app.redraw());

  return {
    navigate,
    render,
    /** Closes what is opened. */
    close() {
      if (opened) app.go(hrefOfList(shown));
    },
    list,
    lists: LISTS,
  };
}
