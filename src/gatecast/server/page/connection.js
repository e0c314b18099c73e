// Requests that outlive the server: what it was asked while it was gone is asked again, and a key is asked for where one is needed.

import { hasKey, Problem, setKey, Unreachable, untilReady } from "./api.js";
import { $, show } from "./dom.js";
import { t } from "./words.js";

export function lost() {
  $("connection").textContent = t("lost");
  $("connection").className = "banner";
  show($("connection"));
}

export function back(isWorking) {
  $("connection").textContent = t(isWorking ? "back" : "backIdle");
  $("connection").className = "banner good";
  setTimeout(() => $("connection").classList.contains("good") && show($("connection"), false), 5000);
}

// Does what a request does, as often as the server is gone meanwhile; asks for a key where one is needed.
export async function attempt(work, signal) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) await askKey();
      else if (error instanceof Unreachable && !signal?.aborted) {
        lost();
        if (await untilReady(() => !signal?.aborted)) back(true);
        else throw new DOMException("no longer wanted", "AbortError");
      } else throw error;
    }
  }
}

let asked = null;
function askKey() {
  asked ??= new Promise((resolve) => {
    show($("key"));
    show($("key-wrong"), hasKey());
    $("key-value").focus();
    $("key-form").onsubmit = (event) => {
      event.preventDefault();
      setKey($("key-value").value.trim());
      $("key-value").value = "";
      show($("key"), false);
      asked = null;
      resolve();
    };
  });
  return asked;
}
