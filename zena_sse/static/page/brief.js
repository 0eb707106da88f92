// The brief: what stands, in a sentence or two, as a chief of staff would say it.

import { capital, counted, house, number } from "./words.js";

/**
 * @typedef {{text: string, href?: string}} Piece
 * @typedef {{threadId: string, from: string}} Owed somebody who waits for the agent
 * @typedef {{dealId: string, property: string | null, party: string}} Cold a deal at high risk
 * @typedef {{owed: Owed[], cold: Cold[], overdue: number, dueToday: number}} Standing
 */

// More than two names in a sentence are a list, and there is one below.
const NAMED = 2;

/**
 * The sentences, in pieces; those with `href` are links.
 *
 * @param {Standing} standing
 * @returns {Piece[]}
 */
export function brief({ owed, cold, overdue, dueToday }) {
  const rest = [whatGoesCold(cold), whatIsDue(overdue, dueToday, !owed.length)].filter((said) => said.length);
  if (owed.length === 0 && rest.length === 0) return [{ text: "Nothing needs you right now." }];
  return [whoWaits(owed), ...rest].flatMap((said, place) => (place === 0 ? said : [{ text: " " }, ...said]));
}

/** @param {Piece[]} pieces */
export function plain(pieces) {
  return pieces.map((piece) => piece.text).join("");
}

/** @param {Owed[]} owed */
function whoWaits(owed) {
  const people = distinct(owed, (thread) => thread.from);
  if (people.length === 0) return [{ text: "Nobody is waiting for you." }];
  if (people.length > NAMED) {
    return [{ text: `${capital(number(people.length))} people are waiting for you.` }];
  }
  const names = people.map(({ from, threadId }) => ({ text: from, href: `#/thread/${threadId}` }));
  return [...joined(names), { text: `${people.length === 1 ? " is" : " are"} waiting for you.` }];
}

/** @param {Cold[]} cold */
function whatGoesCold(cold) {
  if (cold.length === 0) return [];
  const named = cold.length > NAMED ? cold.slice(0, 1) : cold;
  const subjects = named.map((deal) => ({ text: nameOf(deal, cold), href: `#/deal/${deal.dealId}` }));
  subjects[0].text = capital(subjects[0].text);
  const more = cold.length - named.length;
  if (more > 0) subjects.push({ text: counted(more, "other deal"), href: "#/deals" });
  return [...joined(subjects), { text: `${cold.length === 1 ? " is" : " are"} going cold.` }];
}

/**
 * @param {number} overdue
 * @param {number} dueToday
 * @param {boolean} isQuiet nobody waits: then today's tasks are news
 * @returns {Piece[]}
 */
function whatIsDue(overdue, dueToday, isQuiet) {
  const count = overdue || (isQuiet ? dueToday : 0);
  if (count === 0) return [];
  const rest = `${count === 1 ? " is" : " are"} ${overdue ? "overdue" : "due today"}.`;
  return [{ text: capital(counted(count, "task")), href: "#/tasks" }, { text: rest }];
}

/**
 * A deal's house; with whom it is where the house is not known, or two deals are about it.
 *
 * @param {Cold} deal
 * @param {Cold[]} all
 */
function nameOf(deal, all) {
  const isAmbiguous = all.filter((other) => other.property === deal.property).length > 1;
  if (!deal.property) return `the deal with ${deal.party}`;
  return isAmbiguous ? `${house(deal.property)} with ${deal.party}` : house(deal.property);
}

/**
 * "A", "A and B", "A, B and C".
 *
 * @param {Piece[]} pieces
 * @returns {Piece[]}
 */
function joined(pieces) {
  return pieces.flatMap((piece, place) => {
    if (place === 0) return [piece];
    return [{ text: place === pieces.length - 1 ? " and " : ", " }, piece];
  });
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => string} nameOf
 */
function distinct(items, nameOf) {
  return [
    ...new Map(items.toReversed().map((item) => [nameOf(item).toLowerCase(), item])).values(),
  ].toReversed();
}
