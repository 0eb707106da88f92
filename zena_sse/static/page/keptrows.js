/**
 * The rows of saved.js in IndexedDB. Every function rejects where nothing can be stored.
 *
 * @typedef {"state" | "thread" | "deal"} Kind
 * @typedef {{user: string, kind: Kind, id: string, at: number, value: any}} Row
 */

const DATABASE = "zena";
const KEPT = "kept"; // Row
const MARK = "mark"; // one number, another one after each sign-out

/** Threads come with all their mail, and the disk is not ours alone. */
const MOST_OF_A_KIND = 100;

/**
 * Puts a row in the place of the one before; the oldest of its kind go.
 *
 * @param {Row} row
 * @param {number | null} mark as it was when the row's writer began; nothing is put if it has changed
 */
export function put(row, mark) {
  return inTransaction("readwrite", async (store) => {
    if ((await currentMark(store)) !== mark) return;
    await done(store(KEPT).put(row));
    await deleteOldest(store(KEPT), row.kind);
  });
}

/**
 * @param {string} user
 * @param {Kind} kind
 * @param {string} id
 * @returns {Promise<Row | undefined>}
 */
export function read(user, kind, id) {
  return inTransaction("readonly", (store) => done(store(KEPT).get([user, kind, id])));
}

/**
 * The user of the newest row of a kind.
 *
 * @param {Kind} kind
 * @returns {Promise<string | null>}
 */
export function newestOwner(kind) {
  return inTransaction("readonly", async (store) => {
    const newest = await done(store(KEPT).index("newest").openKeyCursor(allOf(kind), "prev"));
    return newest && /** @type {string[]} */ (newest.primaryKey)[0];
  });
}

/** Deletes all rows and changes the mark. */
export function clear() {
  return inTransaction("readwrite", async (store) => {
    await done(store(KEPT).clear());
    await done(store(MARK).put((await currentMark(store)) + 1, MARK));
  });
}

/** @returns {Promise<number>} what `put` wants to know */
export function readMark() {
  return inTransaction("readonly", currentMark);
}

/**
 * @param {(name: string) => IDBObjectStore} store
 * @returns {Promise<number>}
 */
async function currentMark(store) {
  return (await done(store(MARK).get(MARK))) ?? 0;
}

/**
 * @param {IDBObjectStore} kept
 * @param {Kind} kind
 */
async function deleteOldest(kept, kind) {
  const keys = await done(kept.index("newest").getAllKeys(allOf(kind))); // the oldest first
  await Promise.all(keys.slice(0, -MOST_OF_A_KIND).map((key) => done(kept.delete(key))));
}

/** @param {Kind} kind */
function allOf(kind) {
  return IDBKeyRange.bound([kind, -Infinity], [kind, Infinity]);
}

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      const kept = request.result.createObjectStore(KEPT, { keyPath: ["user", "kind", "id"] });
      kept.createIndex("newest", ["kind", "at"]);
      request.result.createObjectStore(MARK);
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      // A tab with a newer page may then change the stores; this one keeps nothing more.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
  });
}

/**
 * All of it or nothing. `act` may await requests to the stores and nothing else, or the transaction ends.
 *
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: (name: string) => IDBObjectStore) => Promise<T>} act
 * @returns {Promise<T>}
 */
async function inTransaction(mode, act) {
  opened ??= open();
  const transaction = (await opened).transaction([KEPT, MARK], mode);
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const [result] = await Promise.all([act((name) => transaction.objectStore(name)), ended]);
  return result;
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
