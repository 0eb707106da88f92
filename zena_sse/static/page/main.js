// The page begins: with whoever was here last and what this browser kept of them, or at the door.

import { openDesk } from "./desk.js";
import { forgetSaved, lastUser } from "./saved.js";
import { signOut, whoAmI } from "./session.js";
import { toaster } from "./toasts.js";

const place = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const toast = toaster(place("toasts"));
let close = () => {};

async function begin() {
  const userId = (await lastUser()) ?? (await whoAmI().catch(() => null))?.userId;
  if (userId) work(userId);
  else await askToSignIn();
}

/** @param {string} userId */
function work(userId) {
  close();
  document.body.dataset.mode = "work";
  close = openDesk(userId, place, toast, {
    signedOut: () => void askToSignIn(),
    signOut: () => void leave(),
    other: work,
  });
}

async function leave() {
  close();
  await signOut().catch(() => {});
  await forgetSaved();
  await askToSignIn();
}

async function askToSignIn() {
  close();
  close = () => {};
  document.body.dataset.mode = "signin";
  document.title = "Zena";
  const { signInView } = await import("./signin.js");
  place("list").replaceChildren(signInView(begin));
}

place("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  place("list").querySelector("h1")?.focus();
});
void navigator.serviceWorker?.register("/sw.js").catch(() => {});
void begin();
