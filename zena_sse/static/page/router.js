// Where the page is: `#/deals` is a list, `#/deal/ID` something opened beside it.

/** @import { Route } from "../shapes.js" */

export const LISTS = ["today", "deals", "tasks", "ask"];
export const DETAILS = ["thread", "deal"];

/**
 * @param {string} hash
 * @returns {Route} an address that is not known is Today
 */
export function routeOf(hash) {
  const [name = "", id = ""] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (DETAILS.includes(name) && id) return { name, id };
  return { name: LISTS.includes(name) ? name : "today", id: "" };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** @param {string} list */
export function hrefOfList(list) {
  return list === "today" ? "#/" : `#/${list}`;
}

/** @param {Route} route */
export function isDetail({ name }) {
  return DETAILS.includes(name);
}
