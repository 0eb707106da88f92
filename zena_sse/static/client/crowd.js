/** How many tabs of this browser have a stream of the same origin. */

// Browsers open six HTTP/1.1 connections to an origin; one must be left for everything else.
const MOST_STREAMS = 5;

/**
 * Be counted until the page goes. `onCrowd` is called when it turns out that there are too many for a stream each.
 * Where connections are not counted, or tabs cannot know of each other, nobody is in a crowd.
 * @param {string} origin
 * @param {string} tab
 * @param {string} asked  an address of that origin that was just asked
 * @param {() => void} onCrowd
 * @returns {Promise<() => void>}  resolves when counted; what it gives takes this tab out again
 */
export async function joinCrowd(origin, tab, asked, onCrowd) {
  if (!("locks" in navigator && "BroadcastChannel" in globalThis && isHttp1(asked))) return () => {};
  const name = `zena-tab ${origin} `;
  const channel = new BroadcastChannel(name);
  channel.onmessage = onCrowd;
  const left = new AbortController();
  await new Promise((/** @type {(value?: undefined) => void} */ counted) => {
    void navigator.locks.request(name + tab, () => {
      counted();
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

/** Whether requests to there take a connection each; unknown counts as yes. @param {string} url */
function isHttp1(url) {
  const entry = performance.getEntriesByName(url).at(-1);
  return !(entry instanceof PerformanceResourceTiming && /^h[23]/.test(entry.nextHopProtocol));
}
