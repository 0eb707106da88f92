// Reads ahead what the agent will open next, so that it is there in a lift and in a valley.

/** @import { App } from "../shapes.js" */
import { FOCUS_SHOWN, focus } from "./lists.js";

// Between two looks at what there is to read.
const LOOK = 30_000;

/**
 * Keeps the conversations in Focus on this device, one after the other, where that costs nobody anything.
 *
 * @param {App} app
 * @param {AbortSignal} signal ends it
 */
export function readAhead(app, signal) {
  /** @type {Map<string, string>} of the threads that are kept, the newest message */
  let kept = new Map();
  let isReading = false;

  /** @param {string} threadId */
  async function keep(threadId) {
    app.saved.keepThread(await app.zena.read(`/threads/${encodeURIComponent(threadId)}`));
  }

  async function readFocus() {
    const first = focus(app.store.state).slice(0, FOCUS_SHOWN);
    kept = new Map([...kept].filter(([threadId]) => first.some((thread) => thread.threadId === threadId)));
    for (const { threadId, lastMessageAt } of first) {
      if (signal.aborted) return;
      if (kept.get(threadId) !== lastMessageAt) await keep(threadId);
      kept.set(threadId, lastMessageAt);
    }
  }

  async function look() {
    const { saveData } = /** @type {{connection?: {saveData?: boolean}}} */ (navigator).connection ?? {};
    if (isReading || saveData || document.hidden || app.zena.state.name !== "live") return;
    isReading = true;
    // What cannot be read now is tried again with the next look.
    await readFocus().catch(() => {});
    isReading = false;
  }

  const looking = setInterval(look, LOOK);
  signal.addEventListener("abort", () => clearInterval(looking));
  void look();
}
