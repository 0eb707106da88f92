// Who is signed in, and signing in and out: the cookie is the server's, no script sees it.

/** @import { Me } from "../shapes.js" */

/** @returns {Promise<Me | null>} null: nobody. Throws where the server cannot be reached */
export async function whoAmI() {
  const response = await fetch("/me", { cache: "no-store" });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error("The server has trouble.");
  return response.json();
}

/** @returns {Promise<{userId: string, name: string} | null>} null: this is not the demo */
export async function demoUser() {
  try {
    const response = await fetch("/demo", { cache: "no-store" });
    return response.ok ? response.json() : null;
  } catch {
    return null;
  }
}

export async function signInToDemo() {
  await post("/demo/session", {});
}

/** @param {string} token */
export async function signIn(token) {
  await post("/session", { Authorization: `Bearer ${token}` });
}

export async function signOut() {
  await fetch("/session", { method: "DELETE" });
}

/**
 * @param {string} path
 * @param {Record<string, string>} headers
 */
async function post(path, headers) {
  const response = await fetch(path, { method: "POST", headers }).catch(() => null);
  if (!response) throw new Error("The server cannot be reached.");
  if (response.status === 401) throw new Error("This token is not valid, or no longer.");
  if (!response.ok) throw new Error(`Signing in did not work (${response.status}).`);
}
