// A task as a checkbox; ticking it is a command, shown at once and taken back if the server refuses.

/** @import { App, Row, Task } from "../shapes.js" */
import { dayOf, dayOfDate } from "./clock.js";
import { h, setAttribute, setText, show } from "./dom.js";
import { propertyOf } from "./state.js";
import { capital, due, house } from "./words.js";

/**
 * @param {App} app
 * @param {Task} task
 * @param {{hasOrigin?: boolean}} [options] whether the row says where the task is from
 * @returns {Row<Task>}
 */
export function taskRow(app, { taskId }, { hasOrigin = true } = {}) {
  const box = h("input", { type: "checkbox", onchange: () => complete(app, taskId) });
  const words = h("span");
  const when = h("span", { class: "due" });
  const from = h("a", { class: "from" });
  const label = h("label", {}, box, words);
  const element = h("li", { class: "row task" }, label, h("p", { class: "about" }, when, from));
  return {
    element,
    update(task) {
      const isDone = Boolean(task.completedAt) || app.done.has(taskId);
      if (box.checked !== isDone) box.checked = isDone;
      if (box.disabled !== isDone) box.disabled = isDone;
      element.classList.toggle("done", isDone);
      setText(words, task.label);
      const told = isDone ? { text: "", isOverdue: false } : dueOf(app, task);
      setText(when, told.text);
      show(when, Boolean(told.text));
      setAttribute(when, "data-risk", told.isOverdue ? "high" : null);
      const origin = hasOrigin ? originOf(app, task) : null;
      show(from, Boolean(origin));
      if (origin) setAttribute(from, "href", origin.href);
      setText(from, origin?.text ?? "");
    },
  };
}

/**
 * @param {App} app
 * @param {Task} task
 */
function dueOf(app, { dueDate }) {
  if (!dueDate) return { text: "", isOverdue: false };
  const { clock } = app.store.state;
  const isOverdue = dayOfDate(dueDate, clock) < dayOf(app.now(), clock);
  return { text: capital(due(dueDate, app.now(), clock)), isOverdue };
}

/**
 * Where the task is from: its conversation, or its deal.
 *
 * @param {App} app
 * @param {Task} task
 */
function originOf(app, { threadId, dealId, propertyId }) {
  const { state } = app.store;
  const thread = threadId ? state.threads.get(threadId) : null;
  const where = house(thread?.property ?? propertyOf(state, propertyId) ?? "");
  if (threadId) {
    const who = thread ? thread.from : "";
    return {
      href: `#/thread/${threadId}`,
      text: [who, where].filter(Boolean).join(" · ") || "Its conversation",
    };
  }
  return dealId ? { href: `#/deal/${dealId}`, text: where || "Its deal" } : null;
}

/**
 * @param {App} app
 * @param {string} taskId
 */
async function complete(app, taskId) {
  app.done.add(taskId);
  app.redraw();
  try {
    await app.zena.send("task.complete", { taskId });
    app.store.change((state) => {
      const task = state.tasks.get(taskId);
      const completedAt = new Date(app.now()).toISOString();
      if (task && !task.completedAt) state.tasks.set(taskId, { ...task, completedAt });
    });
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : "";
    app.toast({ key: `task-${taskId}`, text: `That task could not be completed. ${why}`.trim() });
  } finally {
    app.done.delete(taskId);
    app.redraw();
  }
}
