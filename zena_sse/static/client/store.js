/** Commands that wait to be sent, in IndexedDB: they outlive the tab. Without one (private windows), in memory. */

/**
 * @typedef {object} Entry
 * @property {number} [number]  their order
 * @property {string} owner  server and user
 * @property {string} commandId
 * @property {string} type
 * @property {unknown} payload
 * @property {number} at  when it was wished for
 *
 * @typedef {object} Store
 * @property {(entry: Entry) => Promise<unknown>} add
 * @property {(owner: string, most: number) => Promise<Entry[]>} list  the oldest first
 * @property {(owner: string) => Promise<number>} count
 * @property {(number: number) => Promise<unknown>} remove
 */

const DATABASE = "zena-client";
const TABLE = "outbox";

/** @returns {Promise<Store>} */
export async function openStore() {
  try {
    return stored(await database());
  } catch {
    return inMemory();
  }
}

/** @returns {Promise<IDBDatabase>} */
function database() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    const table = request.result.createObjectStore(TABLE, { keyPath: "number", autoIncrement: true });
    table.createIndex("owner", "owner");
  };
  return done(request);
}

/**
 * @param {IDBDatabase} opened
 * @returns {Store}
 */
function stored(opened) {
  /** What is written is on disk when it is said to be. @param {IDBTransactionMode} mode */
  const table = (mode) => opened.transaction(TABLE, mode, { durability: "strict" }).objectStore(TABLE);
  const ofOwner = () => table("readonly").index("owner");
  return {
    add: (entry) => committed(table("readwrite").add(entry)),
    remove: (number) => committed(table("readwrite").delete(number)),
    list: (owner, most) => done(ofOwner().getAll(owner, most)),
    count: (owner) => done(ofOwner().count(owner)),
  };
}

/** @returns {Store} */
function inMemory() {
  /** @type {Entry[]} */
  let entries = [];
  let last = 0;
  const of = (/** @type {string} */ owner) => entries.filter((entry) => entry.owner === owner);
  return {
    add: async (entry) => entries.push({ ...entry, number: ++last }),
    remove: async (number) => (entries = entries.filter((entry) => entry.number !== number)),
    list: async (owner, most) => of(owner).slice(0, most),
    count: async (owner) => of(owner).length,
  };
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBRequest} request */
function committed({ transaction }) {
  return new Promise((resolve, reject) => {
    if (!transaction) return;
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}
