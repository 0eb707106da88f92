// Text with its addresses made into links: an agent in a car calls back with one touch.

import { h } from "./dom.js";

const WEB = /(https?:\/\/[^\s<>"”)\]]+[^\s<>"”)\].,;:!?])/;
const MAIL = /([\w.+-]+@[\w-]+(?:\.[\w-]+)+)/;
// As people write them, with eight digits at least, so that no price is dialled.
const TELEPHONE = /((?<![\d$€£,.])(?:\+|0)\d(?:[ -]?\d){7,11}(?!\d))/;
const LINK = new RegExp([WEB, MAIL, TELEPHONE].map(({ source }) => source).join("|"), "g");

/** @param {string} text */
export function linked(text) {
  const whole = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    whole.append(text.slice(end, match.index), link(match));
    end = match.index + match[0].length;
  }
  whole.append(text.slice(end));
  return whole;
}

/** @param {RegExpMatchArray} match */
function link([words, web, mail]) {
  if (web) return h("a", { href: web, target: "_blank", rel: "noopener noreferrer" }, words);
  return h("a", { href: mail ? `mailto:${mail}` : `tel:${words.replace(/[ -]/g, "")}` }, words);
}
