// Reading one thing from the server, or from what this browser keeps when the server cannot be reached.

/** @import { App } from "../shapes.js" */

// A server that has trouble is not asked again with each frame.
const AGAIN = 5_000;

/**
 * @template T
 * @typedef {object} Reading
 * @property {T | null} item
 * @property {"loading" | "fresh" | "kept" | "missing" | "gone"} how `kept`: as this device has it; `missing`:
 *   it has nothing and the server is away; `gone`: there is no such thing
 * @property {() => Promise<void>} read
 * @property {() => void} retry reads again if what is there is not fresh and the server is back
 */

/**
 * @template T
 * @param {App} app
 * @param {string} path
 * @param {() => Promise<T | null>} kept
 * @param {(item: T) => void} keep
 * @returns {Reading<T>}
 */
export function reading(app, path, kept, keep) {
  let isReading = false;
  let isAsked = false;
  let endedAt = 0;

  /** @type {Reading<T>} */
  const it = {
    item: null,
    how: "loading",
    async read() {
      isAsked = true;
      if (isReading) return;
      isReading = true;
      // Once more if it was asked for meanwhile: what changed then may not be in this answer.
      while (isAsked) {
        isAsked = false;
        await once();
      }
      isReading = false;
      endedAt = Date.now();
      app.redraw();
    },
    retry() {
      if (app.zena.state.name !== "live") endedAt = 0; // once it is back, at once
      else if (isOld() && !isReading && Date.now() - endedAt > AGAIN) void it.read();
    },
  };

  function isOld() {
    return it.how === "kept" || it.how === "missing";
  }

  async function once() {
    try {
      it.item = await app.zena.read(path);
      it.how = "fresh";
      if (it.item) keep(it.item);
    } catch (problem) {
      if (/** @type {{status?: number}} */ (problem).status === 404) {
        it.how = "gone";
      } else {
        it.item ??= await kept();
        it.how = it.item ? "kept" : "missing";
      }
    }
  }

  return it;
}
