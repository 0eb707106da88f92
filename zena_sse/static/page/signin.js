// Signing in: one click in the demo, elsewhere a token.

import { h, setText } from "./dom.js";
import { demoUser, signIn, signInToDemo } from "./session.js";

/**
 * @param {() => void} signedIn
 * @returns {HTMLElement}
 */
export function signInView(signedIn) {
  const heading = h("h1", { class: "brief", tabIndex: -1 }, "Know who is waiting, before they ask.");
  const words = h(
    "p",
    { class: "lead" },
    "Zena reads your mail and tells you whose move it is, and which deals go cold.",
  );
  const wrong = h("p", { class: "wrong", role: "alert" });
  const ways = h("div", { class: "ways" });
  const element = h(
    "div",
    { class: "signin" },
    h("p", { class: "brand" }, "Zena"),
    heading,
    words,
    ways,
    wrong,
  );

  /** @param {Promise<unknown>} trying */
  async function attempt(trying) {
    setText(wrong, "");
    try {
      await trying;
      signedIn();
    } catch (problem) {
      setText(wrong, problem instanceof Error ? problem.message : "That did not work.");
    }
  }

  void demoUser().then((user) => {
    ways.replaceChildren(user ? demoButton(user.name, attempt) : tokenForm(attempt));
  });
  return element;
}

/**
 * @param {string} name
 * @param {(trying: Promise<unknown>) => void} attempt
 */
function demoButton(name, attempt) {
  const first = name.split(" ")[0];
  return h(
    "button",
    { type: "button", class: "primary", onclick: () => attempt(signInToDemo()) },
    `Open the demo as ${first}`,
  );
}

/** @param {(trying: Promise<unknown>) => void} attempt */
function tokenForm(attempt) {
  const token = h("input", { type: "password", name: "token", required: true, autocomplete: "off" });
  const label = h("label", {}, "Your access token", token);

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    attempt(signIn(token.value.trim()));
  }

  return h("form", { onsubmit: submit }, label, h("button", { class: "primary" }, "Sign in"));
}
