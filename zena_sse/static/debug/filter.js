/** Which events are shown. */

/** @import { Entry } from "./entry.js" */

/**
 * @param {string} words all of them must be in an event; one with a star is a pattern of its type
 * @returns {(entry: Entry) => boolean}
 */
export function filterOf(words) {
  const tests = words.toLowerCase().split(/\s+/).filter(Boolean).map(testOf);
  return (entry) => tests.every((test) => test(entry));
}

/**
 * @param {string} word
 * @returns {(entry: Entry) => boolean}
 */
function testOf(word) {
  if (!word.includes("*")) return (entry) => entry.searched.includes(word);
  const parts = word.split("*").map((part) => part.replace(/[^\w]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`);
  return (entry) => pattern.test(entry.frame.type);
}
