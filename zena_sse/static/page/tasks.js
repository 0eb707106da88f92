// Tasks: what is overdue, what is due, what is done, and a line to add one.

/** @import { App, Task, View } from "../shapes.js" */
import { h } from "./dom.js";
import { tasks } from "./lists.js";
import { section } from "./section.js";
import { taskRow } from "./taskrow.js";

const DONE_SHOWN = 20;

/** @param {App} app @returns {View} */
export function tasksView(app) {
  const heading = h("h1", { class: "title", tabIndex: -1 }, "Tasks");
  const keyOf = (/** @type {Task} */ task) => task.taskId;
  const create = (/** @type {Task} */ task) => taskRow(app, task);
  const sections = {
    overdue: section({ title: "Overdue" }, keyOf, create),
    today: section({ title: "Today" }, keyOf, create),
    later: section({ title: "Later" }, keyOf, create),
    undated: section({ title: "Without a date" }, keyOf, create),
    done: section({ title: "Done", most: DONE_SHOWN }, keyOf, create),
  };
  const nothing = h("p", { class: "quiet" }, "Nothing to do.");
  const parts = Object.values(sections).map((part) => part.element);
  const element = h("div", { class: "view" }, heading, adding(app), nothing, ...parts);

  function render() {
    const groups = tasks(app.store.state, app.now(), app.done);
    sections.overdue.render(groups.overdue);
    sections.today.render(groups.today);
    sections.later.render(groups.later);
    sections.undated.render(groups.undated);
    sections.done.render(groups.done);
    const { overdue, today, later, undated } = groups;
    nothing.hidden = [overdue, today, later, undated].some((group) => group.length > 0);
  }

  return { element, heading, title: "Tasks", render };
}

/** The line to add a task. @param {App} app */
function adding(app) {
  const label = h("input", {
    type: "text",
    name: "label",
    required: true,
    maxLength: 300,
    placeholder: "Add a task",
    autocomplete: "off",
    "aria-label": "New task",
  });
  const dueDate = h("input", { type: "date", name: "due", "aria-label": "Due date" });
  const form = h(
    "form",
    { class: "adding", onsubmit: add },
    label,
    dueDate,
    h("button", { class: "plain" }, "Add"),
  );

  /** @param {Event} event */
  async function add(event) {
    event.preventDefault();
    const wish = { label: label.value.trim(), dueDate: dueDate.value };
    if (!wish.label) return;
    form.reset();
    label.focus();
    try {
      await app.zena.send("task.create", wish.dueDate ? wish : { label: wish.label });
      app.say("Task added.");
    } catch (problem) {
      label.value ||= wish.label;
      const why = problem instanceof Error ? problem.message : "";
      app.toast({ key: "task-add", text: `The task could not be added. ${why}`.trim() });
    }
  }

  return form;
}
