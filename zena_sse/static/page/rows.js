// The rows of lists: who, what, how long, and one mark for risk, which is told by a word too.

/** @import { App, Deal, Row, Thread } from "../shapes.js" */
import { h, setAttribute, setText, show } from "./dom.js";
import { isAtRisk, isUnread } from "./lists.js";
import { RISKS, age, house, stageName } from "./words.js";

/**
 * @param {App} app
 * @param {Thread} thread
 * @returns {Row<Thread>}
 */
export function threadRow(app, { threadId }) {
  const row = linkRow(`#/thread/${threadId}`, threadId);
  const unread = h("span", { class: "unseen" }, "Unread. ");
  row.who.before(unread);
  const isNew = changes(app);
  return {
    element: row.element,
    update(thread) {
      if (thread.partial) app.complete("thread", threadId);
      if (!isNew(thread)) return;
      show(unread, isUnread(thread));
      row.element.classList.toggle("read", !isUnread(thread));
      setText(row.who, thread.from || "…");
      setText(row.what, subjectOf(thread));
      setText(row.when, age(thread.lastMessageAt, app.now()));
      row.setRisk(thread.riskLevel);
    },
  };
}

/**
 * @param {App} app
 * @param {Deal} deal
 * @returns {Row<Deal>}
 */
export function dealRow(app, { dealId }) {
  const row = linkRow(`#/deal/${dealId}`, dealId);
  const isNew = changes(app);
  return {
    element: row.element,
    update(deal) {
      if (deal.partial) app.complete("deal", dealId);
      if (!isNew(deal)) return;
      setText(row.who, deal.property ? house(deal.property) : deal.party || "…");
      setText(row.what, [deal.property && deal.party, stageName(deal.stage)].filter(Boolean).join(" · "));
      setText(row.when, age(deal.lastMessageAt, app.now()));
      row.setRisk(deal.riskLevel);
    },
  };
}

/**
 * Whether there is something to write: the state replaces what changes, and ages change by the minute.
 *
 * @param {App} app
 * @returns {(item: object) => boolean}
 */
function changes(app) {
  /** @type {object | null} */
  let written = null;
  let minute = 0;
  return (item) => {
    const now = Math.floor(app.now() / 60_000);
    if (item === written && now === minute) return false;
    written = item;
    minute = now;
    return true;
  };
}

/**
 * The subject, and the house where the subject does not say it.
 *
 * @param {Thread} thread
 */
function subjectOf({ subject, property }) {
  const said = subject || "(no subject)";
  if (!property) return said;
  const start = house(property).split(" ").slice(0, 2).join(" ");
  return plain(subject).includes(plain(start)) ? said : `${said} · ${house(property)}`;
}

/** Without accents and case: "12 Kōwhai Street" is "12 kowhai street". @param {string} words */
function plain(words) {
  return words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * @param {string} href
 * @param {string} key what focus comes back to
 */
function linkRow(href, key) {
  const who = h("span", { class: "who" });
  const when = h("span", { class: "when" });
  const what = h("span", { class: "what" });
  const risk = riskMark();
  const link = h("a", { class: "row-link", href, "data-key": key }, who, when, what, risk.element);
  const element = h("li", { class: "row" }, link);
  return { element, who, when, what, setRisk: risk.update };
}

/** The mark: a dot and a word, for medium and high. */
export function riskMark() {
  const element = h("span", { class: "risk", hidden: true });
  return {
    element,
    /** @param {Thread["riskLevel"]} level */
    update(level) {
      show(element, isAtRisk({ riskLevel: level }));
      setAttribute(element, "data-risk", level);
      setText(element, RISKS[level ?? ""] ?? "");
    },
  };
}
