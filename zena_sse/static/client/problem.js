/** What went wrong with a request, in the server's words where it had any (RFC 9457). */

export class Problem extends Error {
  /**
   * @param {{status: number, code: string, title: string, detail?: string, retryable: boolean}} said
   */
  constructor({ status, code, title, detail, retryable }) {
    super(detail ?? title);
    this.name = "Problem";
    /** 0: there was no answer. */
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    /** Whether the same request can work later. */
    this.retryable = retryable;
  }
}

/** Nobody answered: the network is away, or the server. */
export function unreachable() {
  return new Problem({ status: 0, code: "unreachable", title: "The server cannot be reached.", retryable: true });
}

/** The problem of an answer that is none of ours, a proxy's page for example, too. @param {Response} response */
export async function problemOf(response) {
  const { status, statusText } = response;
  const unknown = { status, code: "unknown", title: statusText || `Status ${status}`, retryable: status >= 500 };
  try {
    return new Problem({ ...unknown, ...(await response.json()) });
  } catch {
    return new Problem(unknown);
  }
}
