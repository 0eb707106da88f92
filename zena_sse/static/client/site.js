/** The server: where it is, and how one is allowed in. */

import { problemOf, unreachable } from "./problem.js";

/** @typedef {string | (() => string | Promise<string>)} Token  a JWT, or what gets a fresh one */
/** @typedef {ReturnType<typeof openSite>} Site */

// An answer that has not come by then will not come: phones leave requests hanging for minutes.
const PATIENCE = 30_000;

/**
 * @param {string} base  origin of the server; "" for the page's own
 * @param {Token} [token]  without one the session cookie says who asks
 */
export function openSite(base, token) {
  /** @param {string} path */
  const url = (path) => new URL(path, new URL(base || "/", location.href)).href;

  /** @returns {Promise<Record<string, string>>} */
  async function credentials() {
    const jwt = typeof token === "function" ? await token() : token;
    return jwt ? { Authorization: `Bearer ${jwt}` } : {};
  }

  /** The JSON that is answered. Throws `Problem`. @param {string} path @param {RequestInit} [init] */
  async function request(path, init = {}) {
    const headers = { ...init.headers, ...(await credentials()) };
    const signal = AbortSignal.timeout(PATIENCE);
    let response;
    try {
      response = await fetch(url(path), { credentials: "include", cache: "no-store", signal, ...init, headers });
    } catch {
      throw unreachable();
    }
    if (!response.ok) throw await problemOf(response);
    try {
      return response.status === 204 ? undefined : await response.json();
    } catch {
      throw unreachable(); // cut in the middle
    }
  }

  /** @param {"POST" | "PUT"} method @param {string} path @param {unknown} body */
  const write = (method, path, body) =>
    request(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

  return {
    url,
    credentials,
    hasToken: token !== undefined,
    /** @param {string} path */
    read: (path) => request(path),
    /** @param {string} path @param {unknown} body */
    post: (path, body) => write("POST", path, body),
    /** @param {string} path @param {unknown} body */
    put: (path, body) => write("PUT", path, body),
  };
}
