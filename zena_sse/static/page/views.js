// The views by their names in the address. Today comes with the page; the others once somebody goes there:
// from the worker, which has kept them, or from the server.

/** @import { App, View } from "../shapes.js" */
import { todayView } from "./today.js";

/** @typedef {(app: App, id: string) => View} MakeView */

/** @type {Record<string, () => Promise<MakeView>>} */
const FETCH = {
  today: async () => todayView,
  deals: async () => (await import("./deals.js")).dealsView,
  tasks: async () => (await import("./tasks.js")).tasksView,
  ask: async () => (await import("./ask.js")).askView,
  thread: async () => (await import("./thread.js")).threadView,
  deal: async () => (await import("./deal.js")).dealView,
};

/** @param {string} name */
export function fetchView(name) {
  return FETCH[name]();
}
