// The table of a training that goes on is kept in this browser, so that a page that is closed finds it again.

const NAME = "gatecast";
const STORE = "work";

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function run(mode, work) {
  try {
    const database = await open();
    return await new Promise((resolve, reject) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    }).finally(() => database.close());
  } catch {
    return null; // A private window may have no store: then nothing is kept.
  }
}

export const keep = (work) => run("readwrite", (store) => store.put(work, "open"));
export const kept = () => run("readonly", (store) => store.get("open"));
export const forget = () => run("readwrite", (store) => store.delete("open"));
