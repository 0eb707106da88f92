// A titled list that shows a first part of what there is, and the rest when asked.

/** @import { Row } from "../shapes.js" */
import { h, keyedList, setText, show } from "./dom.js";

// Rows on the page at once: more are not looked at, and each costs layout.
const STEP = 60;

/**
 * @template T
 * @param {{title: string, first?: number, most?: number, empty?: string}} options `first`: so many rows until
 *   more are asked for; `most`: never more than this; `empty`: what to say of none, without it nothing is shown
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Row<T>} create
 */
export function section({ title, first = STEP, most = Infinity, empty }, keyOf, create) {
  let shown = first;
  /** @type {T[]} */
  let items = [];
  const count = h("span", { class: "count" });
  const nothing = h("p", { class: "quiet", hidden: true }, empty);
  const list = h("ul", { class: "rows" });
  const more = h("button", { class: "more", type: "button", hidden: true, onclick: showMore }, "Show more");
  const heading = h("h2", {}, title, " ", count);
  const element = h("section", {}, heading, nothing, list, more);
  const update = keyedList(list, keyOf, create);

  function showMore() {
    const before = list.children.length;
    shown += STEP;
    render(items);
    /** @type {HTMLElement | null | undefined} */ (list.children[before]?.querySelector("a, input"))?.focus();
  }

  /** @param {T[]} all */
  function render(all) {
    items = all;
    const limit = Math.min(shown, most, all.length);
    update(all.slice(0, limit));
    setText(count, limit < all.length ? `${limit} of ${all.length}` : String(all.length || ""));
    show(nothing, all.length === 0 && Boolean(empty));
    show(more, limit < Math.min(most, all.length));
    show(element, all.length > 0 || Boolean(empty));
  }

  return { element, render };
}
