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
        const thread = state.threads.get(id);
        const deal = state.deals.get(id);
        if (kind === "thread" && thread) state.threads.set(id, filledThread(thread, item));
        if (kind === "deal" && deal) state.deals.set(id, filledDeal(deal, item));
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
 * With what events do not carry. What they do carry may be newer than the answer, so that stays.
 *
 * @param {Thread} thread
 * @param {Thread} item
 * @returns {Thread}
 */
function filledThread(thread, item) {
  const { from, stage, concern, accountId, corrected } = item;
  const isSameRisk = thread.riskLevel === item.riskLevel;
  const isSamePlace = thread.propertyId === item.propertyId;
  return {
    ...thread,
    ...{ from, stage, concern, accountId, corrected },
    subject: thread.subject || item.subject,
    lastMessageAt: thread.lastMessageAt || item.lastMessageAt,
    riskReason: isSameRisk ? item.riskReason : thread.riskReason,
    property: isSamePlace ? item.property : thread.property,
    partial: !isSameRisk || !isSamePlace,
  };
}

/**
 * @param {Deal} deal
 * @param {Deal} item
 * @returns {Deal}
 */
function filledDeal(deal, item) {
  const { property, side, party, stageSince, openedAt, lastMessageAt, concern } = item;
  const isSameRisk = deal.riskLevel === item.riskLevel;
  return {
    ...deal,
    ...{ property, side, party, stageSince, openedAt, lastMessageAt, concern },
    propertyId: deal.propertyId ?? item.propertyId,
    riskReason: isSameRisk ? item.riskReason : deal.riskReason,
    riskFlags: isSameRisk ? item.riskFlags : deal.riskFlags,
    partial: !isSameRisk,
  };
}
