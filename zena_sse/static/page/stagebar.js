// How far a deal has come: one segment a stage, and the stage in words.

import { h, setText } from "./dom.js";
import { stageName } from "./words.js";

const STEPS = ["lead", "qualified", "viewing", "offer", "conditional", "pre_settlement", "sold"];

export function stageBar() {
  const words = h("p", { class: "stage" });
  const segments = STEPS.map(() => h("span"));
  const bar = h("div", { class: "stages", "aria-hidden": "true" }, ...segments);
  return {
    element: h("div", {}, words, bar),
    /** @param {string} stage `nurture` is a lead that waits; `lost` has come nowhere */
    render(stage) {
      const step = STEPS.indexOf(stage === "nurture" ? "lead" : stage) + 1;
      setText(words, step ? `${stageName(stage)}, step ${step} of ${STEPS.length}` : stageName(stage));
      segments.forEach((segment, place) => segment.classList.toggle("reached", place < step));
    },
  };
}
