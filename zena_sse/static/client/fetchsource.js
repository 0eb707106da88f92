/** An EventSource that can send headers: the same life as the browser's own, over `fetch`. */

import { eventStreamParser } from "./eventstream.js";

// What Chromium waits until a server says otherwise.
const RETRY_MILLISECONDS = 3_000;

/**
 * Like `EventSource`, it reconnects by itself after an end or a network error, and sends the last `id` it has
 * seen; any answer but 200 with `text/event-stream` closes it for good. `open` and `error` are told as there,
 * and every event to the listeners of its type.
 */
export class FetchEventSource extends EventTarget {
  /** @type {0 | 1 | 2} connecting, open, closed */
  readyState = 0;
  #lastEventId = "";
  #retry = RETRY_MILLISECONDS;
  #end = new AbortController();

  /**
   * @param {string} url
   * @param {() => Promise<Record<string, string>>} headers  asked for before each connect; if that fails it closes
   */
  constructor(url, headers = async () => ({})) {
    super();
    this.url = url;
    this.headers = headers;
    void this.#live();
  }

  close() {
    this.readyState = 2;
    this.#end.abort();
  }

  async #live() {
    while (this.readyState !== 2) {
      const mayReturn = await this.#connect();
      if (this.#end.signal.aborted) return;
      this.readyState = mayReturn ? 0 : 2;
      this.dispatchEvent(new Event("error"));
      if (mayReturn) await this.#wait();
    }
  }

  /** One connection from its request to its end; whether another may follow. */
  async #connect() {
    const { signal } = this.#end;
    let headers;
    try {
      headers = await this.headers();
    } catch {
      return false;
    }
    try {
      const response = await fetch(this.url, {
        headers: { Accept: "text/event-stream", ...headers, ...lastEventIdHeader(this.#lastEventId) },
        cache: "no-store",
        signal,
      });
      if (response.status !== 200 || !isEventStream(response) || !response.body) return false;
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
      await this.#read(response.body.getReader());
    } catch {
      // The network's, or ours: close() aborts it.
    }
    return true;
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async #read(reader) {
    const decoder = new TextDecoder(); // it takes a byte order mark away
    const feed = eventStreamParser(
      {
        onEvent: (type, data, lastEventId) => {
          if (this.readyState !== 1) return;
          this.dispatchEvent(new MessageEvent(type, { data, lastEventId, origin: new URL(this.url).origin }));
        },
        onRetry: (milliseconds) => (this.#retry = milliseconds ?? RETRY_MILLISECONDS),
        onId: (id) => (this.#lastEventId = id),
      },
      this.#lastEventId,
    );
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      feed(decoder.decode(value, { stream: true }));
    }
  }

  #wait() {
    return new Promise((resolve) => {
      setTimeout(resolve, this.#retry);
      this.#end.signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

/** @param {Response} response */
function isEventStream(response) {
  const type = response.headers.get("Content-Type") ?? "";
  return type.split(";")[0].trim().toLowerCase() === "text/event-stream";
}

/** A header is bytes; browsers send the id's UTF-8. @param {string} id @returns {Record<string, string>} */
function lastEventIdHeader(id) {
  return id ? { "Last-Event-ID": String.fromCharCode(...new TextEncoder().encode(id)) } : {};
}
