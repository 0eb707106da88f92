/** Answers come in pieces. */

/** @import { AskResponse } from "./events.js" */

/**
 * The text of an answer after one more `ask.response`; pieces that come twice do no harm. A piece that begins
 * beyond the text says that earlier ones have left the log: the last one, which has the whole, is on its way.
 * @param {string} text
 * @param {Pick<AskResponse, "chunk" | "offset" | "isComplete" | "answer">} piece
 * @returns {string}
 */
export function applyChunk(text, { chunk, offset, isComplete, answer }) {
  if (isComplete) return answer ?? text;
  if (offset > text.length) return text;
  return text.slice(0, offset) + chunk;
}
