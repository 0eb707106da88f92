// Short words at the edge of the screen for a few seconds: a deal at risk, a new task, what failed.

/** @import { Toast } from "../shapes.js" */
import { h } from "./dom.js";

const SHOWN = 3;
const LASTS = 8_000;

/** @param {HTMLElement} place a polite live region */
export function toaster(place) {
  /** @param {Toast} toast of two with one key, the newer shows */
  return ({ key, text, href, risk }) => {
    for (const old of place.children) if (old.getAttribute("data-key") === key) old.remove();
    while (place.children.length >= SHOWN) place.firstElementChild?.remove();
    const close = h("button", { type: "button", class: "close", "aria-label": "Dismiss" }, "×");
    const words = href ? h("a", { href }, text) : h("span", {}, text);
    const element = h("div", { class: "toast fresh", "data-key": key, "data-risk": risk }, words, close);
    close.addEventListener("click", () => element.remove());
    words.addEventListener("click", () => href && element.remove());
    place.append(element);
    leaveLater(element);
  };
}

/**
 * After a while, but not while somebody is at it.
 *
 * @param {HTMLElement} element
 */
function leaveLater(element) {
  setTimeout(() => {
    if (!element.isConnected) return;
    if (element.matches(":hover, :focus-within")) leaveLater(element);
    else element.remove();
  }, LASTS);
}
