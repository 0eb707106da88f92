/** The developers' page: the stream as it comes, and what one can do to it. */

/** @import { Frame } from "../client/line.js" */

import { connect } from "../client/zena.js";
import { h } from "../page/dom.js";
import { commandForm } from "./command.js";
import { streamCurl } from "./curl.js";
import { clockTime, entryOf } from "./entry.js";
import { filterOf } from "./filter.js";
import { openLog } from "./log.js";

const place = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** @type {Record<string, string>} */
const facts = { mode: "", cursor: "", heartbeat: "", "good until": "", "last end": "" };
/** @type {ReturnType<typeof connect> | null} */
let zena = null;
const log = openLog(place("log"), {
  onCount: ({ kept, shown, waiting }) => {
    const held = place("pause").ariaPressed === "true" && waiting ? `, ${waiting} waiting` : "";
    place("count").textContent = `${shown} of ${kept} events${held}`;
  },
  onPlace: () => {},
});

/** @param {string} cursor where to go on; "" for the newest */
function goOnline(cursor) {
  zena = connect({ cursor, onFrame: hear, onState: ({ name, since }) => showState(name, since) });
}

/** @param {Frame} frame */
function hear(frame) {
  const { payload } = JSON.parse(frame.data);
  if (frame.id) facts.cursor = frame.id;
  if (frame.type === "stream.ready") {
    facts.mode = payload.reason ? `${payload.mode}: ${payload.reason}` : payload.mode;
    facts.heartbeat = `${payload.heartbeatSeconds} s`;
    facts["good until"] = new Date(payload.expiresAt).toLocaleTimeString();
  }
  if (frame.type === "stream.closing") facts["last end"] = payload.reason;
  log.add(entryOf(frame, new Date()));
  showFacts();
}

let drawing = 0;
function showFacts() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    const rows = Object.entries(facts).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value || "–")));
    place("facts").replaceChildren(...rows);
  });
}

/** @param {string} name @param {Date} since */
function showState(name, since) {
  place("state").textContent = `${name.replace("_", " ")} since ${clockTime(since)}`;
  place("state").dataset.state = name;
}

/** @param {string} text */
export async function copy(text) {
  const isCopied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  place("said").textContent = isCopied ? "Copied" : text;
}

/** @param {HTMLElement} button @returns {boolean} whether it is down now */
function toggle(button) {
  const isDown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(isDown));
  return isDown;
}

place("filter").addEventListener("input", () => log.show(filterOf(place("filter").value)));
place("pause").addEventListener("click", () => log.pause(toggle(place("pause"))));
place("clear").addEventListener("click", log.clear);
place("copy").addEventListener("click", () => copy(streamCurl(location.origin, facts.cursor)));
place("drop").addEventListener("click", () => zena?.reconnect());
place("offline").addEventListener("click", () => {
  if (toggle(place("offline"))) zena?.close();
  else goOnline(facts.cursor);
});
showFacts();
goOnline("");
void commandForm(place("command"), place("sent"), copy);
