// What went wrong: what, where, got, expected, fix, and whether to try again.

import { Problem } from "./api.js";
import { $, h, show } from "./dom.js";
import { t } from "./words.js";

let problem = null;

export function drawProblem() {
  const box = $("problem");
  show(box, Boolean(problem));
  if (!problem) return;
  // Next to what can be corrected, if anything can.
  if ($("work").hidden) $("work").before(box);
  else $("outcome").prepend(box);
  const facts = ["where", "got", "expected", "fix"].filter((name) => problem[name]);
  box.replaceChildren(
    h("h2", { id: "problem-title" }, t("problem")),
    h("p", { class: "what", lang: problem.ours ? null : "en" }, problem.what ?? problem.detail ?? ""),
    h("dl", {}, ...facts.map((name) => h("div", {}, h("dt", {}, t(name)), h("dd", { lang: problem.ours ? null : "en" }, problem[name])))),
    ...(problem.retry ? [h("button", { type: "button", class: "main", onclick: problem.retry }, problem.retryText ?? t("retry"))] : []));
}

export function setProblem(found) {
  problem = found;
  drawProblem();
  if (problem) {
    $("problem").focus({ preventScroll: true });
    $("problem").scrollIntoView({ block: "nearest" });
  }
}

export function fail(error, retry) {
  if (error.name === "AbortError") return;
  if (error instanceof Problem) {
    const isWorthIt = error.status >= 500 || error.status === 429;
    setProblem({ ...error.document, retry: isWorthIt ? retry : null, retryText: error.document.ours ? t("offer") : null });
  } else {
    setProblem({ what: String(error.message ?? error), retry });
    throw error;
  }
}
