// Reads ahead what the agent will open next, so that it is there in a lift and in a valley.

/** @import { App } from "../shapes.js" */
import { FOCUS_SHOWN, focus } from "./lists.js";

/**
 * Keeps the conversations in Focus on this device, one after the other, where that costs nobody anything.
 *
 * @param {App} app
 * @returns {() => Promise<void>} to be called now and then
 */
export function readerAhead(app) {
  /** @type {Map<string, string>} of the threads that are kept, the newest message */
  let kept = new Map();
  let isReading = false;

  /** @param {string} threadId */
  async function keep(threadId) {
    app.saved.keepThread(await app.zena.read(`/threads/${encodeURIComponent(threadId)}`));
  }

  return async () => {
    const saver = /** @type {{connection?: {saveData?: boolean}}} */ (navigator).connection?.saveData;
    if (isReading || saver || document.hidden || app.zena.state.name !== "live") return;
    isReading = true;
    const first = focus(app.store.state).slice(0, FOCUS_SHOWN);
    kept = new Map([...kept].filter(([threadId]) => first.some((thread) => thread.threadId === threadId)));
    try {
      for (const { threadId, lastMessageAt } of first) {
        if (kept.get(threadId) === lastMessageAt) continue;
        await keep(threadId);
        kept.set(threadId, lastMessageAt);
      }
    } catch {
      // It is tried again the next time.
    } finally {
      isReading = false;
    }
  };
}
