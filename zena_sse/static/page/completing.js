// Events say less than reads: what a row on the screen misses is read once it has been quiet for a moment.

/** @import { Deal, Store, Thread, Zena } from "../shapes.js" */

const QUIET = 1_000;
const AT_ONCE = 4;
const MOST = 60;
// A read that failed is not tried again with each frame.
const AGAIN = 30_000;

/**
 * @param {Store} store
 * @param {Zena} zena
 * @returns {(kind: "thread" | "deal", id: string) => void}
 */
export function completer(store, zena) {
  /** @type {Map<string, {kind: "thread" | "deal", id: string}>} */
  const wanted = new Map();
  /** @type {Map<string, number>} */
  const failed = new Map();
  let timer = 0;

  async function readAll() {
    const batch = [...wanted.values()];
    wanted.clear();
    while (batch.length) await Promise.all(batch.splice(0, AT_ONCE).map(readOne));
  }

  /** @param {{kind: "thread" | "deal", id: string}} want */
  async function readOne({ kind, id }) {
    try {
      const item = await zena.read(`/${kind}s/${encodeURIComponent(id)}`);
      store.change((state) => {
        if (kind === "thread") fillThread(state.threads.get(id), item);
        else fillDeal(state.deals.get(id), item);
      });
    } catch {
      if (failed.size >= MOST) failed.clear();
      failed.set(id, Date.now());
    }
  }

  return (kind, id) => {
    if (zena.state.name !== "live" || wanted.has(id) || wanted.size >= MOST) return;
    if (Date.now() - (failed.get(id) ?? 0) < AGAIN) return;
    wanted.set(id, { kind, id });
    clearTimeout(timer);
    timer = setTimeout(readAll, QUIET);
  };
}

/**
 * Takes what events do not carry. What they do carry may be newer than the answer, so that stays.
 *
 * @param {Thread | undefined} thread
 * @param {Thread} item
 */
function fillThread(thread, item) {
  if (!thread) return;
  const { from, evidence, stage, concern, accountId, corrected } = /** @type {any} */ (item);
  Object.assign(thread, { from, evidence, stage, concern, accountId, corrected });
  thread.subject ||= item.subject;
  thread.lastMessageAt ||= item.lastMessageAt;
  if (thread.riskLevel === item.riskLevel) thread.riskReason = item.riskReason;
  if (thread.propertyId === item.propertyId) thread.property = item.property;
  thread.partial = thread.riskLevel !== item.riskLevel || thread.propertyId !== item.propertyId;
}

/**
 * @param {Deal | undefined} deal
 * @param {Deal} item
 */
function fillDeal(deal, item) {
  if (!deal) return;
  const { property, side, party, stageSince, openedAt, lastMessageAt, concern } = item;
  Object.assign(deal, { property, side, party, stageSince, openedAt, lastMessageAt, concern });
  deal.propertyId ??= item.propertyId;
  if (deal.riskLevel === item.riskLevel) Object.assign(deal, { riskReason: item.riskReason, riskFlags: item.riskFlags });
  deal.partial = deal.riskLevel !== item.riskLevel;
}
