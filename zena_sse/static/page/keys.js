// The keyboard: j and k walk the list, Escape closes what is opened, / asks.

/**
 * @param {HTMLElement} list
 * @param {() => void} close
 * @param {(hash: string) => Promise<void>} visit goes somewhere, and is there when it resolves
 * @returns {(event: KeyboardEvent) => void}
 */
export function keyHandler(list, close, visit) {
  /** @type {Record<string, () => void>} */
  const keys = {
    j: () => walk(list, 1),
    k: () => walk(list, -1),
    Escape: close,
    "/": async () => {
      await visit("#/ask");
      list.querySelector("textarea")?.focus();
    },
  };

  return (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target instanceof Element && event.target.closest("input, textarea, select");
    if (inField && event.key !== "Escape") return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!act) return;
    if (event.key === "Escape") {
      if (inField) return /** @type {HTMLElement} */ (inField).blur();
      if (document.querySelector(":popover-open")) return;
    }
    event.preventDefault();
    act();
  };
}

/**
 * @param {HTMLElement} list
 * @param {number} step
 */
function walk(list, step) {
  const links = [...list.querySelectorAll("a.row-link, .task input")].filter((one) => one.checkVisibility());
  const open = links.findIndex((link) => link.getAttribute("aria-current"));
  const focused = links.findIndex((link) => link === document.activeElement);
  const from = focused >= 0 ? focused : open;
  const next = links[from < 0 ? 0 : Math.max(0, Math.min(links.length - 1, from + step))];
  if (next instanceof HTMLElement) next.focus();
}
