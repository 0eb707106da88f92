/** How many tabs of this browser have a stream of the same origin. */

// Browsers open six HTTP/1.1 connections to an origin; one must be left for everything else.
const MOST_STREAMS = 5;

/** Whether tabs can know of each other here. */
export const canShare = () => "locks" in navigator && "BroadcastChannel" in globalThis;

/**
 * Be counted until the page goes. `onCrowd` is called once it turns out that there are too many for a stream each.
 * @param {string} origin
 * @param {string} tab
 * @param {() => void} onCrowd
 * @returns {Promise<() => void>}  resolves when counted; what it gives takes this tab out again
 */
export async function joinCrowd(origin, tab, onCrowd) {
  const name = `zena-tab ${origin} `;
  const channel = new BroadcastChannel(name);
  channel.onmessage = onCrowd;
  const left = new AbortController();
  await new Promise((counted) => {
    void navigator.locks.request(name + tab, () => {
      counted(undefined);
      return new Promise((resolve) => left.signal.addEventListener("abort", resolve));
    });
  });
  const { held = [] } = await navigator.locks.query();
  if (held.filter((lock) => lock.name?.startsWith(name)).length > MOST_STREAMS) {
    channel.postMessage("crowd");
    onCrowd();
  }
  return () => {
    left.abort();
    channel.close();
  };
}

/** Whether streams of this server share few connections; unknown counts as yes. @param {string} url */
export function isHttp1(url) {
  const entries = performance.getEntriesByName(url);
  const { nextHopProtocol = "" } = /** @type {PerformanceResourceTiming} */ (entries.at(-1) ?? {});
  return !/^h[23]/.test(nextHopProtocol);
}
