// A conversation: what it is, what is at stake, what is to be done, and its messages.

/** @import { App, Message, Task, Thread, ThreadDetail, View } from "../shapes.js" */
import { correcting } from "./correcting.js";
import { h, keyedList, setAttribute, setText, show } from "./dom.js";
import { isAtRisk, isUnread } from "./lists.js";
import { reading } from "./loading.js";
import { messageRow } from "./message.js";
import { riskNotice } from "./notice.js";
import { taskRow } from "./taskrow.js";
import { house, owes, CLASSES } from "./words.js";

/** @param {App} app @param {string} threadId @returns {View} */
export function threadView(app, threadId) {
  const heading = h("h1", { class: "title", tabIndex: -1 });
  const facts = h("span");
  const deal = h("a", { class: "deal-link" });
  const risk = riskNotice();
  const note = h("p", { class: "quiet", role: "status" });
  const todo = h("ul", { class: "rows todo", "aria-label": "To do" });
  const messages = h("ol", { class: "messages", "aria-label": "Messages" });
  const correct = correcting(app, threadId);
  const element = h(
    "article",
    { class: "view" },
    h("header", {}, heading, h("p", { class: "facts" }, facts, deal), correct.element),
    risk.element,
    todo,
    note,
    messages,
  );
  const mail = reading(
    app,
    `/threads/${encodeURIComponent(threadId)}`,
    () => app.saved.thread(threadId),
    (/** @type {ThreadDetail} */ detail) => app.saved.keepThread(detail),
  );
  const updateTasks = keyedList(
    todo,
    (/** @type {Task} */ task) => task.taskId,
    (task) => taskRow(app, task, { hasOrigin: false }),
  );
  const updateMessages = keyedList(
    messages,
    (/** @type {Message} */ message) => message.id,
    (message) => messageRow(app, message, isLast(message)),
  );

  let asked = "";

  /** @param {Message} message */
  function isLast(message) {
    return message === mail.item?.messages.at(-1);
  }

  function render() {
    const { state } = app.store;
    const moved = state.moved.get(threadId);
    if (moved) return app.go(`#/thread/${moved}`);
    mail.retry();
    const thread = state.threads.get(threadId) ?? mail.item;
    if (thread) renderFacts(thread);
    updateTasks(openTasks());
    setText(note, noteOf(mail.how));
    show(note, Boolean(note.textContent));
    show(messages, mail.how !== "gone");
    if (mail.how === "gone") setText(heading, "This conversation is gone");
    if (!mail.item) return;
    if (thread && isNews(thread)) void mail.read();
    updateMessages(mail.item.messages);
  }

  /** @param {Thread} thread */
  function renderFacts(thread) {
    if (thread.partial) app.complete("thread", threadId);
    setText(heading, thread.subject || "(no subject)");
    setText(
      facts,
      [CLASSES[thread.classification ?? ""], owes(thread.nextActionOwner)].filter(Boolean).join(" · "),
    );
    show(deal, Boolean(thread.dealId && thread.property));
    setAttribute(deal, "href", `#/deal/${thread.dealId}`);
    setText(deal, thread.property ? house(thread.property) : "");
    risk.render(isAtRisk(thread) ? thread : null);
    correct.render(thread);
  }

  /** Whether events told of messages that were not read yet; of each once. @param {Thread} thread */
  function isNews(thread) {
    const told = `${thread.messageCount} ${thread.lastMessageAt}`;
    const isNew = mail.item !== null && told !== asked && hasNews(thread, mail.item);
    if (isNew) asked = told;
    return isNew;
  }

  function openTasks() {
    const all = [...app.store.state.tasks.values()];
    return all.filter((task) => task.threadId === threadId && !task.completedAt);
  }

  async function open() {
    await mail.read();
    const known = app.store.state.threads.get(threadId) ?? mail.item;
    if (!known || mail.how === "gone" || !isUnread(known)) return;
    // Refused is no harm: it stays unread.
    await app.zena.send("thread.view", { threadId }).catch(() => {});
  }

  void open();
  return {
    element,
    heading,
    get title() {
      return heading.textContent || "Conversation";
    },
    render,
  };
}

/**
 * Whether events told of something that the messages on the screen are not of.
 *
 * @param {Thread} known
 * @param {ThreadDetail} shown
 */
function hasNews(known, shown) {
  return known.lastMessageAt > shown.lastMessageAt || known.messageCount > shown.messageCount;
}

/** @param {string} how */
function noteOf(how) {
  switch (how) {
    case "loading":
      return "Opening…";
    case "kept":
      return "As this device has it; the server cannot be reached.";
    case "missing":
      return "This conversation is not on this device. It opens when you are back online.";
    case "gone":
      return "Its mail was deleted, or it belongs to somebody else.";
    default:
      return "";
  }
}
