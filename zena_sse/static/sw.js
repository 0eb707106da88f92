/**
 * The service worker: starts the page without a network, and hears clicks on notifications.
 *
 * The server puts two lines before this text, so that a deploy that changes anything changes this file too:
 *   const VERSION = "...";  // of all files together
 *   const FILES = [...];    // the paths that the page is made of
 *
 * It answers only for the page's own files. Everything else passes by as if there was no worker, above all
 * `/events`: Firefox ends a stream that a worker hands on after 30 s, and other browsers keep a worker awake
 * for it. What `/snapshot` and commands answer is never an old answer either; what to show without a network
 * the page has saved itself (page/saved.js).
 */

/** @type {ServiceWorkerGlobalScope} */
const worker = /** @type {any} */ (self);

const CACHE = `zena-${VERSION}`;
const SHELL = new Set(["/", ...FILES]);

worker.addEventListener("install", (event) => {
  earlier = newestOther();
  event.waitUntil(cacheShell());
  // The next load has the new version, however many tabs are open.
  worker.skipWaiting();
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !SHELL.has(url.pathname)) return;
  if (event.request.mode === "navigate") began.add(event.resultingClientId);
  event.respondWith(shellFile(event, url.pathname));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data.href));
});

/**
 * The cache of the version before, while pages that began with it may still be loading; see `shellFile`. Known
 * from the beginning: requests come before this worker has been told that it is active.
 *
 * @type {Promise<string | undefined> | undefined}
 */
let earlier;

/** The pages that began with this version. */
const began = new Set();

async function cacheShell() {
  const cache = await caches.open(CACHE);
  // `reload`: what a browser has kept of an earlier version must not become part of this one.
  await cache.addAll([...SHELL].map((path) => new Request(path, { cache: "reload" })));
}

async function takeOver() {
  const kept = await earlier;
  const old = (await others()).filter((name) => name !== kept);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

async function newestOther() {
  return (await others()).at(-1);
}

/** The caches of other versions, the oldest first. */
async function others() {
  return (await caches.keys()).filter((name) => name.startsWith("zena-") && name !== CACHE);
}

/**
 * A file of the page, of the version that the page began with: one that was half loaded when this worker took
 * over gets the rest from the version before. That takes seconds, so it need not outlive the worker's memory,
 * which lasts at least as long; the next deploy deletes the cache.
 *
 * @param {FetchEvent} event
 * @param {string} path
 */
async function shellFile(event, path) {
  const begins = event.request.mode === "navigate";
  if (!begins && !(await isPage(event.clientId))) return fetch(event.request);
  const isOurs = begins || began.has(event.clientId);
  const cache = await caches.open((!isOurs && (await earlier)) || CACHE);
  return (await cache.match(path)) ?? fetch(event.request);
}

/**
 * Whether it is the page that asks. Others, like `/debug`, may use the same files, but of today.
 *
 * @param {string} clientId
 */
async function isPage(clientId) {
  const client = await worker.clients.get(clientId);
  return !client || isAtPage(client);
}

/** @param {Client} client */
function isAtPage(client) {
  return new URL(client.url).pathname === "/";
}

/**
 * Brings the page back, there.
 *
 * @param {string} href
 */
async function show(href) {
  const pages = await worker.clients.matchAll({ type: "window" }); // the one that had the focus last is first
  const page = pages.find(isAtPage);
  if (!page) return worker.clients.openWindow(href);
  await page.focus();
  return page.navigate(href);
}
