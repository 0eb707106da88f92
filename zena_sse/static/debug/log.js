/**
 * The list of events: the newest 2,000, newest last. What comes is put on the page once for each frame that the
 * browser draws, and rows out of sight are not drawn (`content-visibility` in debug.css), so that 200 events a
 * second leave time for everything else.
 */

/** @import { Entry } from "./entry.js" */

const MOST = 2_000;

/** This near to the end counts as at the end: the list then stays there. */
const NEAR = 40;

/**
 * @param {HTMLElement} list
 * @param {object} told
 * @param {(counts: {kept: number, shown: number, waiting: number}) => void} told.onCount
 * @param {(isAtEnd: boolean) => void} told.onPlace
 */
export function openLog(list, { onCount, onPlace }) {
  /** @type {Entry[]} */
  let kept = [];
  /** @type {Entry[]} */
  let waiting = [];
  /** @type {(entry: Entry) => boolean} */
  let isShown = () => true;
  let isPaused = false;
  let scheduled = 0;

  /** @param {Entry} entry */
  function add(entry) {
    waiting.push(entry);
    if (waiting.length > MOST) waiting.shift(); // a hidden page draws nothing for hours
    scheduled ||= requestAnimationFrame(draw);
  }

  function draw() {
    scheduled = 0;
    if (!isPaused) take();
    onCount({ kept: kept.length, shown: list.childElementCount, waiting: waiting.length });
  }

  function take() {
    const stays = isAtEnd();
    const fresh = waiting.filter(isShown).map((entry) => entry.row());
    kept.push(...waiting);
    waiting = [];
    for (const old of kept.splice(0, kept.length - MOST)) removeRow(old.row());
    list.append(...fresh.filter((row) => !row.dataset.gone));
    if (stays) toEnd();
  }

  /** @param {HTMLElement} row */
  function removeRow(row) {
    row.dataset.gone = "gone";
    if (row.contains(document.activeElement)) focusRow(row.nextElementSibling);
    row.remove();
  }

  function isAtEnd() {
    return list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  }

  function toEnd() {
    list.scrollTop = list.scrollHeight;
  }

  list.addEventListener("scroll", () => onPlace(isAtEnd()), { passive: true });
  list.addEventListener("focusin", ({ target }) => target instanceof HTMLElement && makeTabStop(list, target));
  list.addEventListener("keydown", (event) => {
    const next = neighbour(list, document.activeElement?.closest("li") ?? null, event.key);
    if (!next) return;
    event.preventDefault();
    focusRow(next);
  });

  return {
    add,
    toEnd,
    clear() {
      kept = [];
      waiting = [];
      list.replaceChildren();
      draw();
    },
    /** @param {boolean} isHeld what comes waits, the newest 2,000 of it */
    pause(isHeld) {
      isPaused = isHeld;
      draw();
    },
    /** @param {(entry: Entry) => boolean} filter */
    show(filter) {
      isShown = filter;
      list.replaceChildren(...kept.filter(isShown).map((entry) => entry.row()));
      toEnd();
      draw();
    },
  };
}

/**
 * Tab reaches the list and the row one was at last, arrows the other rows.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement} summary
 */
function makeTabStop(list, summary) {
  for (const other of list.querySelectorAll("summary[tabindex='0']")) other.setAttribute("tabindex", "-1");
  summary.tabIndex = 0;
}

/**
 * @param {HTMLElement} list
 * @param {Element | null} row null: the list itself has the focus
 * @param {string} key
 */
function neighbour(list, row, key) {
  switch (key) {
    case "ArrowDown":
      return row ? row.nextElementSibling : list.firstElementChild;
    case "ArrowUp":
      return row ? row.previousElementSibling : list.lastElementChild;
    case "Home":
      return list.firstElementChild;
    case "End":
      return list.lastElementChild;
    default:
      return null;
  }
}

/** @param {Element | null} row */
function focusRow(row) {
  row?.querySelector("summary")?.focus();
}
