// Which events are worth a word: a deal whose risk rises, a task that mail brings. Bursts become one word.

/** @import { App, Toast, ZenaEvent } from "../shapes.js" */
import { notify } from "./notify.js";
import { capital, counted, house, RISKS } from "./words.js";

// Tasks that come together are told together.
const GATHER = 1_200;

/**
 * @param {App} app
 * @returns {(event: ZenaEvent) => void} to be told of an event before the store is
 */
export function newsOf(app) {
  /** @type {{label: string, taskId: string, threadId?: string | null}[]} */
  let gathered = [];

  /** @param {Toast & {title: string}} toast */
  function tell({ title, ...toast }) {
    app.toast(toast);
    void notify({ title, body: toast.text, tag: toast.key, href: `/${toast.href ?? ""}` });
  }

  function tellTasks() {
    const tasks = gathered;
    gathered = [];
    if (tasks.length > 1) {
      tell({
        key: "tasks",
        title: "New tasks",
        text: capital(counted(tasks.length, "new task")),
        href: "#/tasks",
      });
    } else {
      const [{ label, threadId }] = tasks;
      const href = threadId ? `#/thread/${threadId}` : "#/tasks";
      tell({ key: "tasks", title: "New task", text: `New task: ${label}`, href });
    }
  }

  return (event) => {
    if (app.zena.state.name !== "live") return; // what was missed is on the page, not news
    if (event.type === "deal.risk") {
      const { dealId, riskLevel, riskReason } = event.payload;
      const deal = app.store.state.deals.get(dealId);
      const name = deal?.property ? house(deal.property) : deal?.party || "A deal";
      const text = `${name}: ${RISKS[riskLevel].toLowerCase()}. ${riskReason}`;
      tell({
        key: `deal-${dealId}`,
        title: `${name} is at risk`,
        text,
        href: `#/deal/${dealId}`,
        risk: riskLevel,
      });
    }
    if (event.type === "task.created" && event.payload.source !== "command") {
      if (app.store.state.tasks.has(event.payload.taskId)) return; // told again, with its date
      gathered.push(event.payload);
      if (gathered.length === 1) setTimeout(tellTasks, GATHER);
    }
  };
}
