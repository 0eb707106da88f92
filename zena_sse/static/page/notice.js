// Why something is at risk, on a tinted ground.

/** @import { Risk } from "../shapes.js" */
import { h, setAttribute, setText, show } from "./dom.js";
import { RISKS } from "./words.js";

export function riskNotice() {
  const level = h("strong");
  const reason = h("span");
  const element = h("p", { class: "notice", hidden: true }, level, " ", reason);
  return {
    element,
    /** @param {{riskLevel: Risk | null, riskReason: string | null} | null} item null: nothing is at risk */
    render(item) {
      show(element, item !== null);
      if (!item) return;
      setAttribute(element, "data-risk", item.riskLevel);
      setText(level, `${RISKS[item.riskLevel ?? ""] ?? ""}.`);
      setText(reason, item.riskReason ?? "");
    },
  };
}
