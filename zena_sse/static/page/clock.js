// What time it is for the mail: the server's clock, and the days of the place it speaks of.

/** @import { Clock } from "../shapes.js" */

const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/**
 * The clock by a moment that the server gave: in the demo it stands in another year. Where the moment says
 * its place (`+13:00`), the days are those of that place; otherwise the browser's.
 *
 * @param {string | undefined} asOf
 * @param {number} receivedAt
 * @returns {Clock}
 */
export function clockBy(asOf, receivedAt) {
  const moment = Date.parse(asOf ?? "");
  if (!asOf || Number.isNaN(moment)) return { offset: 0, zone: null };
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(asOf) ?? [];
  const east = hours ? Number(hours) * 60 + Number(minutes) : null;
  return { offset: moment - receivedAt, zone: east && (sign === "-" ? -east : east) };
}

/**
 * A date whose UTC fields are what a clock on the wall shows.
 *
 * @param {number} moment
 * @param {Clock} clock
 */
export function wall(moment, clock) {
  const zone = clock.zone ?? -new Date(moment).getTimezoneOffset();
  return new Date(moment + zone * MINUTE);
}

/**
 * Days since 1970, on the wall.
 *
 * @param {number} moment
 * @param {Clock} clock
 */
export function dayOf(moment, clock) {
  return Math.floor(wall(moment, clock).getTime() / DAY);
}

/**
 * The day of `2026-11-24`, or of a moment.
 *
 * @param {string} date
 * @param {Clock} clock
 */
export function dayOfDate(date, clock) {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(date);
  return isDay ? Math.floor(Date.parse(date) / DAY) : dayOf(Date.parse(date), clock);
}
