// Requests to this server: keys, problems, and what to do while it does not answer.

const KEY = "gatecast-key";
const WAITS = [300, 600, 1000, 2000, 3000];

let key = sessionStorage.getItem(KEY) ?? "";

export const hasKey = () => Boolean(key);

export function setKey(value) {
  key = value;
  sessionStorage.setItem(KEY, value);
}

export class Problem extends Error {
  constructor(document) {
    super(document.detail ?? document.what ?? "");
    this.document = document;
    this.status = document.status ?? 0;
    this.kind = (document.type ?? "").split("#").pop();
  }
}

// The server cannot be reached: no fault of the request.
export class Unreachable extends Error {}

export async function send(path, { method = "GET", body, type, query = {}, signal } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const address = given.length ? `${path}?${new URLSearchParams(given)}` : path;
  const headers = { Accept: "application/json" };
  if (key) headers["X-API-Key"] = key;
  if (type) headers["Content-Type"] = type;
  let answer;
  try {
    answer = await fetch(address, { method, headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(String(error));
  }
  if (answer.ok) return answer;
  // A proxy says so where the server behind it is gone; a server that ends says 503.
  if ([502, 503, 504].includes(answer.status)) throw new Unreachable(answer.statusText);
  let document = {};
  try {
    document = await answer.json();
  } catch {
    document = { status: answer.status, what: `${answer.status} ${answer.statusText}` };
  }
  throw new Problem({ status: answer.status, ...document });
}

export async function json(path, options) {
  const answer = await send(path, options);
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("the answer ended early");
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until the server accepts requests.
export async function untilReady(isWanted = () => true) {
  for (let k = 0; isWanted(); k += 1) {
    try {
      await send("readyz");
      return true;
    } catch {
      await sleep(WAITS[Math.min(k, WAITS.length - 1)]);
    }
  }
  return false;
}

// Follows a job to its end. EventSource sends no key, so the events are read by hand.
// Calls onState with each state, and onLost and onBack around times without a server.
export async function follow(job, { onState, onLost, onBack, signal }) {
  const isWanted = () => !signal.aborted;
  while (isWanted()) {
    try {
      let state = await readEvents(`v1/jobs/${job}/events`, onState, signal);
      // The events of a server that stops end before the job does.
      if (!isOpen(state)) return state;
      state = await json(`v1/jobs/${job}`, { signal });
      onState(state);
      if (!isOpen(state)) return state;
      await sleep(WAITS[0]);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      onLost();
      if (await untilReady(isWanted)) onBack();
    }
  }
  throw new DOMException("no longer wanted", "AbortError");
}

const isOpen = (state) => !state || ["queued", "running"].includes(state.status);

async function readEvents(path, onState, signal) {
  const answer = await send(path, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let state = null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return state;
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data: "));
        if (!data.length) continue;
        state = JSON.parse(data.map((line) => line.slice(6)).join("\n"));
        onState(state);
      }
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("the events ended");
  }
}
