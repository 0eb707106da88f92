/** Reads `text/event-stream` as browsers do: WHATWG HTML, 9.2.5 and 9.2.6. */

/**
 * @typedef {object} Listener
 * @property {(type: string, data: string, lastEventId: string) => void} onEvent
 * @property {(milliseconds: number | null) => void} onRetry  null: as usual again; so does Chromium
 * @property {(lastEventId: string) => void} onId  what a reconnect says it has
 */

/**
 * A parser for one response. Feed it the decoded text, in pieces of any size; an event that the response ends
 * before its blank line is never told.
 * @param {Listener} listener
 * @param {string} lastEventId  of the connection before: it stays until another `id` comes
 * @returns {(text: string) => void}
 */
export function eventStreamParser({ onEvent, onRetry, onId }, lastEventId = "") {
  let rest = "";
  let afterReturn = false;
  let type = "";
  /** @type {string[]} */
  let data = [];

  /** @param {string} text */
  function feed(text) {
    // CR, LF and CRLF end a line; a CR ends it at once, so an LF that begins the next piece belongs to it.
    const fresh = afterReturn && text.startsWith("\n") ? text.slice(1) : text;
    if (text) afterReturn = text.endsWith("\r");
    const lines = (rest + fresh).split(/\r\n|\n|\r/);
    rest = /** @type {string} */ (lines.pop());
    lines.forEach(readLine);
  }

  /** @param {string} line */
  function readLine(line) {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) lastEventId = value;
    else if (field === "retry" && /^[0-9]*$/.test(value)) onRetry(value === "" ? null : Number(value));
  }

  function dispatch() {
    onId(lastEventId);
    if (data.length > 0) onEvent(type || "message", data.join("\n"), lastEventId);
    type = "";
    data = [];
  }

  return feed;
}
