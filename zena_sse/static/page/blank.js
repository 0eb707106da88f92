// What is there before anything is known.

/** @import { Deal, State, Task, Thread } from "../shapes.js" */

/** @returns {State} */
export function emptyState() {
  return {
    known: false,
    clock: { offset: 0, zone: null },
    threads: new Map(),
    deals: new Map(),
    tasks: new Map(),
    asks: new Map(),
    syncs: new Map(),
    accounts: new Map(),
    moved: new Map(),
  };
}

/** @param {string} threadId @returns {Thread} */
export function blankThread(threadId) {
  return {
    threadId,
    accountId: "",
    subject: "",
    from: "",
    lastMessageAt: "",
    messageCount: 1,
    viewedAt: null,
    classification: null,
    category: null,
    nextActionOwner: null,
    riskLevel: null,
    riskReason: null,
    stage: null,
    concern: null,
    propertyId: null,
    property: null,
    dealId: null,
    corrected: false,
  };
}

/** @param {string} dealId @param {string} at @returns {Deal} */
export function blankDeal(dealId, at) {
  return {
    dealId,
    propertyId: null,
    property: null,
    side: null,
    party: "",
    stage: "lead",
    stageSince: at,
    nextActionOwner: "agent",
    summary: "",
    riskLevel: "none",
    riskFlags: [],
    riskReason: "",
    concern: null,
    lastMessageAt: at,
    openedAt: at,
    closedAt: null,
  };
}

/** @param {string} at @returns {Omit<Task, "taskId" | "label" | "source">} */
export function blankTask(at) {
  return { dueDate: null, threadId: null, dealId: null, propertyId: null, createdAt: at, completedAt: null };
}
