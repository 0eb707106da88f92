/** A frame of the stream as the page keeps it: when it came, what it says, and its row. */

/** @import { Frame } from "../client/line.js" */

import { h } from "../page/dom.js";

/**
 * @typedef {object} Entry
 * @property {Frame} frame
 * @property {string} searched what a filter looks through, in lower case
 * @property {() => HTMLElement} row made when it is first shown; it stays open or shut as it was
 */

/** Longer than any screen is wide; what is behind it shows when the row is opened. */
const LINE = 400;

/**
 * @param {Frame} frame
 * @param {Date} at when it came
 * @returns {Entry}
 */
export function entryOf(frame, at) {
  const { payload } = JSON.parse(frame.data);
  /** @type {HTMLElement | null} */
  let row = null;
  return {
    frame,
    searched: `${frame.type} ${frame.id} ${frame.data}`.toLowerCase(),
    row: () => (row ??= rowOf(frame, at, JSON.stringify(payload))),
  };
}

/**
 * @param {Frame} frame
 * @param {Date} at
 * @param {string} payload
 */
function rowOf(frame, at, payload) {
  const { type, id, data } = frame;
  const isEphemeral = !id && !type.startsWith("stream.");
  const summary = h(
    "summary",
    { tabIndex: -1 },
    h("time", { dateTime: at.toISOString() }, clockTime(at)),
    h("b", {}, type),
    isEphemeral ? h("i", { title: "Has no id, is not kept and not replayed" }, "ephemeral") : h("span", {}, id || "–"),
    h("code", {}, payload.slice(0, LINE)),
  );
  const details = h("details", {}, summary);
  details.addEventListener("toggle", () => details.append(h("pre", {}, pretty(data))), { once: true });
  return h("li", { "data-room": type.split(".")[0] }, details);
}

/** @param {string} json */
export function pretty(json) {
  return JSON.stringify(JSON.parse(json), null, 2);
}

/** @param {Date} at */
export function clockTime(at) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const seconds = `${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return `${two(at.getHours())}:${two(at.getMinutes())}:${seconds}`;
}
