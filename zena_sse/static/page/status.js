// The connection in plain words, how far a mailbox is read, and what waits to be sent.

/** @import { Line, State } from "../shapes.js" */
import { setAttribute, setText, show } from "./dom.js";
import { runningSyncs } from "./lists.js";
import { capital, counted, localTime } from "./words.js";

// A mailbox that is read in a blink is not worth a word.
const WORTH_TELLING = 5;

/**
 * @param {Line} line
 * @param {number} knownAt when what is shown was heard, 0: nothing is
 * @param {number} now
 */
export function lineWords({ name, since }, knownAt, now) {
  const known = knownAt ? localTime(knownAt, now) : "";
  const lost = localTime(since.getTime(), now);
  const asOf = known && known !== lost ? ` What you see is from ${known}.` : "";
  switch (name) {
    case "live":
      return "Live";
    case "catching_up":
      return "Catching up";
    case "offline":
      return `Offline since ${lost}.${asOf}`;
    case "replaced":
      return `Open in another tab.${asOf}`;
    case "closed":
    case "signed_out":
      return "Signed out";
    default:
      return `Connecting.${asOf}`;
  }
}

/** @param {State} state */
export function syncWords(state) {
  const running = runningSyncs(state).find((sync) => sync.total >= WORTH_TELLING);
  if (running) {
    const name = state.accounts.get(running.accountId)?.name ?? "your mail";
    return `Reading ${name}: ${running.processed} of ${running.total}`;
  }
  const broken = [...state.accounts.values()].find((account) => account.error);
  return broken ? `${broken.name} cannot be read: ${broken.error}` : "";
}

/** @param {number} count */
export function pendingWords(count) {
  return count ? capital(`${counted(count, "change")} ${count === 1 ? "waits" : "wait"} to be sent`) : "";
}

/**
 * The line on the page. What it says goes to a polite live region; progress does not, it would chatter.
 *
 * @param {(id: string) => any} place an element of the document
 */
export function statusLine(place) {
  const [line, sync, progress, pending] = ["line", "sync", "progress", "pending"].map(place);

  /**
   * @param {State} state
   * @param {Line} now
   * @param {{knownAt: number, waiting: number}} more
   */
  return (state, now, { knownAt, waiting }) => {
    setText(line, lineWords(now, knownAt, Date.now()));
    setAttribute(line, "data-line", now.name);
    setText(sync, syncWords(state));
    setText(pending, pendingWords(waiting));
    const running = runningSyncs(state).find((one) => one.total >= WORTH_TELLING);
    show(progress, Boolean(running));
    if (running) Object.assign(progress, { max: running.total, value: running.processed });
  };
}
