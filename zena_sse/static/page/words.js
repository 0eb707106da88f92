// How the page says things: numbers, ages, days, and the names of what the contract names.

/** @import { Clock, Thread } from "../shapes.js" */
import { DAY, dayOf, dayOfDate, wall } from "./clock.js";

const NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split(" ");
const WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const LONG_MONTHS =
  "January February March April May June July August September October November December".split(" ");
const MONTHS = LONG_MONTHS.map((month) => month.slice(0, 3));

/** @type {Record<string, string>} */
export const STAGES = {
  lead: "Lead",
  nurture: "Nurture",
  qualified: "Qualified",
  viewing: "Viewing",
  offer: "Offer",
  conditional: "Conditional",
  pre_settlement: "Pre-settlement",
  sold: "Sold",
  lost: "Lost",
};

/** @type {Record<string, string>} */
export const CLASSES = {
  buyer: "Buyer",
  vendor: "Vendor",
  market: "Market",
  lawyer_broker: "Lawyer or broker",
  noise: "Noise",
};

/** @type {Record<string, string>} */
export const RISKS = { low: "Low risk", medium: "At risk", high: "High risk" };

/** In words up to twelve, as a person would write it. @param {number} count */
export function number(count) {
  return NUMBERS[count] ?? String(count);
}

/**
 * "one task", "four tasks".
 *
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = one + "s") {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** @param {string} words */
export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The house without its suburb: "14 Kowhai Street". @param {string} property */
export function house(property) {
  return property.split(",")[0];
}

/** @param {string} stage */
export function stageName(stage) {
  return STAGES[stage] ?? stage;
}

/** @param {Thread["nextActionOwner"]} owner */
export function owes(owner) {
  if (owner === "agent") return "Your move";
  return owner === "other" ? "Their move" : "";
}

/**
 * How long ago, at a glance: "now", "5 min", "3 h", "2 days", "5 weeks".
 *
 * @param {string} moment
 * @param {number} now
 */
export function age(moment, now) {
  const minutes = Math.floor((now - Date.parse(moment)) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h`;
  const days = Math.floor(hours / 24);
  if (days < 14) return days === 1 ? "1 day" : `${days} days`;
  if (days < 70) return `${Math.floor(days / 7)} weeks`;
  return `${Math.floor(days / 30)} months`;
}

/**
 * When a task is due: "due today", "due Friday", "overdue since Tuesday", "due 24 Nov".
 *
 * @param {string} date
 * @param {number} now
 * @param {Clock} clock
 */
export function due(date, now, clock) {
  const day = dayOfDate(date, clock);
  const ahead = day - dayOf(now, clock);
  if (ahead === 0) return "due today";
  if (ahead === 1) return "due tomorrow";
  if (ahead === -1) return "overdue since yesterday";
  const named = Math.abs(ahead) < 7 ? weekday(day) : dayMonth(new Date(day * DAY));
  return ahead < 0 ? `overdue since ${named}` : `due ${named}`;
}

/** @param {number} day */
function weekday(day) {
  return WEEKDAYS[new Date(day * DAY).getUTCDay()];
}

/** @param {Date} date */
function dayMonth(date) {
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/**
 * "10:32".
 *
 * @param {number} moment
 * @param {Clock} clock
 */
export function timeOfDay(moment, clock) {
  return wall(moment, clock).toISOString().slice(11, 16);
}

/**
 * "Thu 19 Nov, 18:44"; a message's own date.
 *
 * @param {string} moment
 * @param {Clock} clock
 */
export function dateTime(moment, clock) {
  return `${date(moment, clock)}, ${timeOfDay(Date.parse(moment), clock)}`;
}

/**
 * "Thu 19 Nov".
 *
 * @param {string} moment
 * @param {Clock} clock
 */
export function date(moment, clock) {
  const when = wall(Date.parse(moment), clock);
  return `${WEEKDAYS[when.getUTCDay()].slice(0, 3)} ${dayMonth(when)}`;
}

/**
 * "Friday 20 November".
 *
 * @param {number} moment
 * @param {Clock} clock
 */
export function longDate(moment, clock) {
  const when = wall(moment, clock);
  return `${WEEKDAYS[when.getUTCDay()]} ${when.getUTCDate()} ${LONG_MONTHS[when.getUTCMonth()]}`;
}

/**
 * "10:32" today, otherwise "Mon 30 Nov, 10:32"; in the browser's own time, for what is about this device.
 *
 * @param {number} moment
 * @param {number} now
 */
export function localTime(moment, now) {
  const here = { offset: 0, zone: null };
  const isToday = dayOf(moment, here) === dayOf(now, here);
  return isToday ? timeOfDay(moment, here) : dateTime(new Date(moment).toISOString(), here);
}

/** "673 B", "12 KB", "3.1 MB". @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
