// What the page keeps of what the contract says, and what its parts are to each other. Not served.

import type {
  AccountItem,
  AskItem,
  DealDetail,
  DealItem,
  Me,
  MessageItem,
  Snapshot,
  Source,
  SuggestedAction,
  TaskItem,
  ThreadDetail,
  ThreadItem,
  TimelineEntry,
  ZenaEvent,
} from "./client/events.d.ts";
import type { State as Line } from "./client/states.js";

export type { DealDetail, Line, Me, Snapshot, Source, SuggestedAction, ThreadDetail, TimelineEntry, ZenaEvent };

/** `partial`: events told less than a read would; what is missing is read once the row is on the screen. */
export type Thread = Omit<ThreadItem, "confidence" | "evidence"> & { partial?: boolean };
export type Deal = Omit<DealItem, "side" | "contactId"> & { side: DealItem["side"] | null; partial?: boolean };
export type Task = Omit<TaskItem, "overdue" | "evidence" | "contactId">;
export type Ask = Omit<AskItem, "state">;
export type Account = Pick<AccountItem, "accountId" | "name" | "error">;
export type Message = MessageItem;
export type Risk = "none" | "low" | "medium" | "high";

export interface Sync {
  syncId: string;
  accountId: string;
  state: string;
  processed: number;
  total: number;
}

/** How the server's time differs from ours, and whose days count: minutes east of UTC, null: the browser's. */
export interface Clock {
  offset: number;
  zone: number | null;
}

/**
 * All that the page shows. It is changed in place and saved as it is, so plain data only. `known`: a snapshot has
 * come. `moved`: threads that turned out to be part of another one.
 */
export interface State {
  known: boolean;
  clock: Clock;
  threads: Map<string, Thread>;
  deals: Map<string, Deal>;
  tasks: Map<string, Task>;
  asks: Map<string, Ask>;
  syncs: Map<string, Sync>;
  accounts: Map<string, Account>;
  moved: Map<string, string>;
}

export interface Store {
  state: State;
  subscribe(heard: () => void): void;
  change(changing: (state: State) => void): void;
  replace(snapshot: Snapshot): void;
  restore(saved: State): void;
  apply(event: ZenaEvent): void;
}

export type Zena = ReturnType<typeof import("./client/zena.js").connect>;
export type Saved = ReturnType<typeof import("./page/saved.js").openSaved>;

/** What fills a pane. `render` brings it up to date with the store; it is called often and must be cheap. */
export interface View {
  element: HTMLElement;
  heading: HTMLElement;
  title: string;
  render(): void;
}

/** What views work with. */
export interface App {
  store: Store;
  zena: Zena;
  saved: Saved;
  /** The time by the server's clock. */
  now(): number;
  redraw(): void;
  go(hash: string): void;
  /** Says something to those who listen to the page. */
  say(words: string): void;
  toast(toast: Toast): void;
  /** Asks for what a partial row misses. */
  complete(kind: "thread" | "deal", id: string): void;
  /** Tasks that were ticked here and are not confirmed yet. */
  done: Set<string>;
}

export interface Toast {
  key: string;
  text: string;
  href?: string;
  risk?: Risk;
}

export interface Row<T> {
  element: HTMLElement;
  update(item: T): void;
}

/** `id` is empty for a list. */
export interface Route {
  name: string;
  id: string;
}
