// Deals: those at risk first, then those on track.

/** @import { App, Deal, View } from "../shapes.js" */
import { h } from "./dom.js";
import { deals, isAtRisk } from "./lists.js";
import { dealRow } from "./rows.js";
import { section } from "./section.js";

/** @param {App} app @returns {View} */
export function dealsView(app) {
  const heading = h("h1", { class: "title", tabIndex: -1 }, "Deals");
  const keyOf = (/** @type {Deal} */ deal) => deal.dealId;
  const create = (/** @type {Deal} */ deal) => dealRow(app, deal);
  const atRisk = section({ title: "At risk" }, keyOf, create);
  const onTrack = section({ title: "On track", empty: "No open deals." }, keyOf, create);
  const element = h("div", { class: "view" }, heading, atRisk.element, onTrack.element);

  function render() {
    const all = deals(app.store.state);
    atRisk.render(all.filter(isAtRisk));
    onTrack.render(all.filter((deal) => !isAtRisk(deal)));
  }

  return { element, heading, title: "Deals", render };
}
