// Elements, and lists of them that are brought up to date in place.

/** @import { Row } from "../shapes.js" */

/**
 * An element. `on…` are listeners, what the element has as a property is set so, the rest are attributes;
 * null and false leave out.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.startsWith("aria")) /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * Sets text only where it differs: writing the same text again costs a layout.
 *
 * @param {Node} node
 * @param {string} words
 */
export function setText(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value null takes it away
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/**
 * @param {HTMLElement} element
 * @param {boolean} isShown
 */
export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/**
 * Keeps the children of `parent` in step with a list. What stays is moved, not made again, so it keeps its
 * state; focus stays where it was, or goes to the neighbour of a row that went.
 *
 * @template T
 * @param {HTMLElement} parent
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Row<T>} create
 * @returns {(items: T[]) => void}
 */
export function keyedList(parent, keyOf, create) {
  /** @type {Map<string, Row<T>>} */
  const rows = new Map();
  let filled = false;

  return (items) => {
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    const place = focused ? indexOfRow(parent, focused) : -1;
    const keys = new Set(items.map(keyOf));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.element.remove();
      rows.delete(key);
    }
    let next = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      let row = rows.get(key);
      if (!row) {
        row = create(item);
        rows.set(key, row);
        if (filled) row.element.classList.add("fresh");
      }
      row.update(item);
      const sunk = next;
      if (sunk && sunk !== row.element && sunk.nextElementSibling === row.element) {
        // One that goes further down: it moves, not all that were below it.
        parent.append(sunk);
        next = row.element;
      }
      if (row.element === next) next = next.nextElementSibling;
      else parent.insertBefore(row.element, next);
    }
    filled ||= items.length > 0;
    if (focused && document.activeElement !== focused) restoreFocus(parent, focused, place);
  };
}

/**
 * @param {HTMLElement} parent
 * @param {Element} inside
 */
function indexOfRow(parent, inside) {
  return [...parent.children].findIndex((child) => child.contains(inside));
}

/**
 * @param {HTMLElement} parent
 * @param {Element} focused
 * @param {number} place
 */
function restoreFocus(parent, focused, place) {
  const neighbour = parent.children[Math.min(place, parent.children.length - 1)];
  const target = focused.isConnected ? focused : neighbour?.querySelector("a, button, input");
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}
