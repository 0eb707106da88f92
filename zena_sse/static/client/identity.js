/** Whose stream this is. What waits to be sent belongs to one user, and so does what a page shows. */

/** @import { Me } from "./events.js" */
/** @import { Site } from "./site.js" */
/** @import { Verdict } from "./line.js" */

import { Problem } from "./problem.js";

/**
 * @param {Site} site
 * @param {string} origin
 * @param {(() => Promise<unknown>) | undefined} renew  gets a fresh credential
 */
export function openIdentity(site, origin, renew) {
  const remembered = `zena-user ${origin}`;
  /** @type {Me | null} */
  let me = null;
  /** @type {(user: string) => void} */
  let know;
  /** @type {Promise<string>} */
  const known = new Promise((resolve) => (know = resolve));

  /** Throws `Problem`. @returns {Promise<Verdict>} */
  async function ask() {
    const answer = await site.read("/me");
    if (me && answer.userId !== me.userId) return "signed_out"; // somebody else has signed in meanwhile
    me = /** @type {Me} */ (answer);
    localStorage.setItem(remembered, me.userId);
    know(me.userId);
    return "ok";
  }

  /** Who was here last, if the server cannot say who is. @param {unknown} problem @returns {Verdict} */
  function verdictOf(problem) {
    const isRefusal = problem instanceof Problem && (problem.status === 401 || problem.status === 403);
    const last = localStorage.getItem(remembered);
    if (!isRefusal && last) know(last);
    return isRefusal ? "signed_out" : "unreachable";
  }

  return {
    me: () => me,

    /** Whether the credential is good; one that is not is renewed once. @returns {Promise<Verdict>} */
    async verify() {
      try {
        return await ask();
      } catch (problem) {
        if (verdictOf(problem) === "unreachable" || !renew) return verdictOf(problem);
      }
      try {
        await renew();
        return await ask();
      } catch (problem) {
        return verdictOf(problem);
      }
    },

    /** The user's id, as soon as it is known. @returns {Promise<string>} */
    user: async () => me?.userId ?? known,
  };
}
