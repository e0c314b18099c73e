// The page as a whole: a table comes in, is understood, corrected, forecast and taken away.

import { follow, json, Problem, send } from "./api.js";
import { drawChart } from "./chart.js";
import { attempt, back, lost } from "./connection.js";
import { $, h, say, show } from "./dom.js";
import { exampleTable } from "./example.js";
import { forget, keep, kept } from "./keep.js";
import { announceNetwork, clearNetwork, drawAttributions, drawGates } from "./networks.js";
import { drawProblem, fail, setProblem } from "./problems.js";
import { drawResult, newView } from "./results.js";
import { drawSettings, drawUnderstood, factsOf, query, resetSettings, settings } from "./settings.js";
import { make, save, sheetsOf } from "./tables.js";
import { count, language, setLanguage, t, translatePage } from "./words.js";

const CSV = "text/csv";
const TYPES = {
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  parquet: "application/vnd.apache.parquet", pq: "application/vnd.apache.parquet",
  csv: CSV, tsv: CSV, txt: CSV, tab: CSV, psv: CSV,
};
const HISTORY = 60_000;
// Beyond, the server measures no past errors in the time of a request.
const MEASURED_STEPS = 200;
// Tables that take long are forecast by a job, which shows how far it is and outlives the server.
const LONG_BYTES = 200_000;

const state = { table: null, seen: null, view: null, model: null, stored: false, run: new AbortController(), job: null };
let about = null;
let asking = null;
let endPast = null;

async function loadAbout() {
  asking ??= attempt(() => json("v1/about"));
  about = await asking;
  $("version").textContent = about.version;
  return about;
}

// --- A table comes in -------------------------------------------------------------------------------------------

async function take(blob, name, type) {
  restart();
  await loadAbout();
  const limit = about.limits.max_body;
  const size = (bytes) => t("mb", { n: count(Math.round(bytes / 1e5) / 10) });
  if (!type) return setProblem({ ours: true, what: t("unsupported"), got: name, expected: t("formats"), fix: t("unsupportedFix") });
  if (!blob.size) return setProblem({ ours: true, what: t("empty"), got: name, fix: t("emptyFix") });
  if (blob.size > limit) return setProblem({ ours: true, what: t("tooLarge"), got: size(blob.size), expected: `≤ ${size(limit)}`, fix: t("tooLargeFix") });
  state.table = { blob, name, type };
  return inspect(true);
}

const takeFile = (file) => take(file, file.name, TYPES[file.name.split(".").pop().toLowerCase()] ?? (file.type === CSV ? CSV : null));
const takeText = (text, name) => take(new Blob([text.trim() ? text : ""]), name, CSV);

async function inspect(isFirst = false) {
  const run = newRun();
  setProblem(null);
  document.body.dataset.step = "work";
  show($("input"), false);
  show($("again"));
  $("forecast").disabled = true;
  if (isFirst) {
    $("file-name").textContent = name();
    $("work-title").textContent = name();
    $("facts").textContent = t("reading");
    $("forecast").textContent = t("forecast");
    show($("preview"), false);
    show($("notes"), false);
  }
  $("work").setAttribute("aria-busy", "true");
  show($("work"));
  try {
    state.seen = await attempt(() => json("v1/inspect", {
      method: "POST", body: state.table.blob, type: state.table.type, signal: run.signal, query: { ...query(), rows: 6, history: HISTORY },
    }), run.signal);
    say(t("read", { facts: factsOf(state.seen) }));
    drawSeen();
    if (isFirst) $("understood-title").focus({ preventScroll: true });
  } catch (error) {
    if (error.name === "AbortError") return;
    state.seen = error instanceof Problem && error.document.columns ? error.document : null;
    if (state.seen) drawSeen();
    else {
      show($("work"), false);
      show($("input"));
    }
    fail(error, () => inspect(isFirst));
  } finally {
    $("work").removeAttribute("aria-busy");
  }
}

const name = () => state.table.name || t("pasted");

function drawSeen() {
  const { seen } = state;
  drawUnderstood(seen, name());
  drawSettings(seen, about, changed);
  const isUsable = Boolean(seen.series) && !seen.problem;
  $("forecast").disabled = !isUsable;
  $("forecast").textContent = t(state.view ? "again2" : "forecast");
  drawPast();
}

function drawPast() {
  const history = state.seen?.history ?? [];
  const isShown = history.length > 0 && !state.view;
  show($("picture"), isShown);
  endPast?.();
  endPast = null;
  if (!isShown) return;
  let chosen = 0;
  const label = (each) => [each.id].flat().join(" · ");
  const draw = () => {
    endPast?.();
    endPast = drawChart($("past"), { past: history[chosen], label: label(history[chosen]) || t("past"), height: 300 });
  };
  const select = h("select", { "aria-label": t("chooseSeries"), onchange: (event) => { chosen = Number(event.target.value); draw(); } },
    ...history.map((each, k) => h("option", { value: String(k) }, label(each))));
  $("picture-series").replaceChildren(...(history.length > 1 ? [select] : []));
  draw();
}

function changed(field) {
  // Another model reads the same table, and levels are of the forecast alone.
  if (field === "model" || field === "level") return;
  inspect();
}

function newRun() {
  state.run.abort();
  state.run = new AbortController();
  return state.run;
}

function restart() {
  newRun();
  $("fields").inert = false;
  Object.assign(state, { table: null, seen: null, view: null, model: null, stored: false, job: null });
  resetSettings();
  setProblem(null);
  clearResult();
  for (const id of ["work", "again", "job", "picture"]) show($(id), false);
  $("fields").replaceChildren();
  show($("input"));
  document.body.dataset.step = "input";
}

function clearResult() {
  show($("result"), false);
  state.view?.end?.();
  state.view = null;
  $("panel").replaceChildren();
  clearNetwork();
}

// --- A forecast -------------------------------------------------------------------------------------------------

async function forecast() {
  const run = newRun();
  const model = about.models.find((each) => each.name === settings.model);
  setProblem(null);
  clearResult();
  Object.assign(state, { model: null, stored: false });
  const button = $("forecast");
  button.disabled = true;
  $("fields").inert = true;
  button.textContent = t("working");
  say(t("working"));
  try {
    if (model.needs_training || state.table.blob.size > LONG_BYTES) {
      const stored = await train(run);
      if (!stored) return;
      const answer = await answerOf(stored, run);
      state.model = stored;
      drawForecast(answer);
      if (model.needs_training) explain(run);
    } else {
      drawForecast(await attempt(() => json("v1/forecast", {
        method: "POST", body: state.table.blob, type: state.table.type, signal: run.signal,
        query: { ...query(), model: settings.model, intervals: (state.seen.horizon ?? 0) > MEASURED_STEPS && settings.model === "pretrained" ? "model" : "measured" },
      }), run.signal));
    }
  } catch (error) {
    fail(error, forecast);
  } finally {
    if (state.run === run) {
      $("fields").inert = false;
      button.disabled = false;
      button.textContent = t(state.view ? "again2" : "forecast");
    }
  }
}

// Whether what is shown was trained, and so may have gates and attributions.
const isNetwork = () => state.model !== null && about.models.find((each) => each.name === settings.model).needs_training;

async function answerOf(stored, run) {
  const path = `v1/models/${stored}`;
  const answer = await attempt(() => json(`${path}/forecast`, { method: "POST", body: "{}", type: "application/json", signal: run.signal }), run.signal);
  const described = await attempt(() => json(path, { signal: run.signal }), run.signal);
  return { ...answer, evaluation: described.evaluation };
}

function drawForecast(answer) {
  state.view = newView(answer, state.seen, () => isNetwork() && explain(state.run));
  show($("picture"), false);
  show($("result"));
  drawResult(state.view);
  drawDownloads();
  say(t("done", { n: state.view.list[0].future.ds.length }));
  if (window.innerWidth < 1000) $("result").scrollIntoView({ block: "start" });
  $("result-title").focus({ preventScroll: true });
}

// Gates and attributions, of models that have some.
async function explain(run) {
  announceNetwork();
  show($("gates"), false);
  const { view, model } = state;
  const { id } = view.list[view.chosen];
  const body = JSON.stringify(["string", "number"].includes(typeof id) && id !== "" ? { id } : {});
  const ask = (op, draw) => attempt(() => json(`v1/models/${model}/${op}`, { method: "POST", body, type: "application/json", signal: run.signal }), run.signal)
    .then((answer) => state.view === view && view.list[view.chosen].id === id && draw(answer))
    // A model without a network is no problem: it has nothing to show.
    .catch((error) => (error instanceof Problem && error.status < 500 ? clearNetwork() : fail(error, () => explain(run))));
  await ask("explain", drawAttributions);
  await ask("gates", drawGates);
}

// --- Trainings --------------------------------------------------------------------------------------------------

function newName() {
  const base = (state.table.name.split(".")[0] || "table").normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 30) || "table";
  const random = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
  return `${base}-${random}`;
}

// Trains a model and returns its name; null if it was cancelled. `open` is a training that was found again.
async function train(run, { open = null, isPreparing = false } = {}) {
  const work = open ?? { ...state.table, settings: structuredClone(settings), model: newName(), job: null };
  $("job-title").textContent = t(isPreparing ? "preparing" : about.models.find((each) => each.name === work.settings.model)?.needs_training ? "training" : "working");
  drawJob({ status: "queued", progress: {} });
  show($("job"));
  try {
    if (!work.job) {
      work.job = await accept(work, run);
      await keep(work);
    }
    state.job = work.job;
    const end = await follow(work.job, { onState: drawJob, onLost: lost, onBack: () => back(true), signal: run.signal });
    if (end.status === "failed") throw new Problem(end.problem ?? {});
    if (end.status === "cancelled") {
      say(t("cancelled"));
      return null;
    }
    state.stored = true;
    return work.model;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) throw new Problem({ what: t("gone"), status: 503, ours: true });
    throw error;
  } finally {
    state.job = null;
    // What nobody waits for any more need not be done. It may have ended.
    if (run.signal.aborted && work.job) json(`v1/jobs/${work.job}`, { method: "DELETE" }).catch(() => null);
    show($("job"), false);
    await forget();
  }
}

// A request that was accepted by a server that then died is found by its name.
async function accept(work, run) {
  return attempt(async () => {
    try {
      const job = await json("v1/models", {
        method: "POST", body: work.blob, type: work.type, signal: run.signal, query: { ...query(), name: work.model, model: settings.model },
      });
      return job.id;
    } catch (error) {
      if (!(error instanceof Problem && error.kind === "exists")) throw error;
      const { jobs } = await json("v1/jobs", { signal: run.signal });
      const job = jobs.find((each) => each.name === work.model);
      if (!job) throw error;
      return job.id;
    }
  }, run.signal);
}

function drawJob(job) {
  const { stage, fraction } = job.progress ?? {};
  const bar = $("progress");
  if (Number.isFinite(fraction)) bar.value = fraction;
  else bar.removeAttribute("value");
  $("stage").textContent = job.status === "queued" ? t("queued") : stage ? t("stageOf", { stage, percent: Math.round(100 * fraction) }) : t("started");
}

$("cancel").addEventListener("click", async () => {
  if (!state.job) return;
  try {
    await attempt(() => json(`v1/jobs/${state.job}`, { method: "DELETE" }));
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // It has ended meanwhile.
  }
});

// --- What is taken away -----------------------------------------------------------------------------------------

const base = () => (state.table.name.replace(/\.[^.]*$/, "") || "table").replace(/[\\/:*?"<>|\s]+/g, "-");

function drawDownloads() {
  const button = (word, onclick) => h("button", { type: "button", onclick }, t(word));
  const note = h("p", { class: "note", id: "stored" }, t("downloadsNote"));
  $("downloads").replaceChildren(
    h("h2", {}, t("downloads")),
    h("div", { class: "row" },
      button("csv", () => giveTable("csv")),
      button("xlsx", () => giveTable("xlsx")),
      button("report", () => giveStored("report")), button("modelFile", () => giveStored("file"))),
    note);
  drawStored();
}

function drawStored() {
  if (!state.model || !$("stored")) return;
  $("stored").replaceChildren(t("stored", { name: state.model }), " ", h("button", { type: "button", class: "link", onclick: remove }, t("remove")));
}

function giveTable(kind) {
  give(`${base()}-forecast.${kind}`, make(kind, sheetsOf(state.view.answer, state.view.time)));
}

function give(file, blob) {
  save(blob, file);
  say(t("saved", { name: file }));
}

// Report and model need a stored model: what has none yet is fitted now, by a job like any other.
async function giveStored(what) {
  const { run, view } = state;
  setProblem(null);
  const buttons = [...$("downloads").querySelectorAll("button")];
  for (const each of buttons) each.disabled = true;
  try {
    state.model ??= await train(run, { isPreparing: true });
    if (!state.model || state.view !== view) return;
    drawStored();
    const path = `v1/models/${state.model}`;
    const answer = await attempt(() => (what === "report"
      ? send(`${path}/report`, { method: "POST", body: "{}", type: "application/json", signal: run.signal })
      : send(`${path}/file`, { signal: run.signal })), run.signal);
    give(what === "report" ? `${base()}-report.html` : `${base()}.gatecast`, await answer.blob());
  } catch (error) {
    fail(error, () => giveStored(what));
  } finally {
    for (const each of buttons) each.disabled = false;
  }
}

async function remove() {
  try {
    await attempt(() => send(`v1/models/${state.model}`, { method: "DELETE" }));
    state.model = null;
    $("stored").textContent = t("removed");
  } catch (error) {
    fail(error, remove);
  }
}

// --- The page itself --------------------------------------------------------------------------------------------

function drawTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const chosen = document.documentElement.dataset.theme || (dark ? "dark" : "light");
  $("theme").textContent = t(chosen === "dark" ? "light" : "dark");
  return chosen;
}

function translate() {
  translatePage();
  $("language").textContent = t("other");
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  drawTheme();
  drawProblem();
  if (state.seen) drawSeen();
  if (state.view) {
    $("panel").replaceChildren();
    drawResult(state.view);
    drawDownloads();
    if (!$("gates").hidden) explain(state.run);
  }
}

$("theme").addEventListener("click", () => {
  const next = drawTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("gatecast-theme", next);
  drawTheme();
});
$("language").addEventListener("click", () => {
  setLanguage(language === "zh" ? "en" : "zh");
  translate();
});
$("again").addEventListener("click", () => {
  restart();
  $("content").focus();
});
$("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) takeFile(file);
});
$("example").addEventListener("click", () => takeText(exampleTable(), "air_passengers.csv"));
$("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  takeText($("cells").value, "");
});
$("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  forecast();
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => event.relatedTarget === null && document.body.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const [file] = event.dataTransfer.files;
  const text = event.dataTransfer.getData("text/plain");
  if (file) takeFile(file);
  else if (text) takeText(text, "");
});
document.addEventListener("paste", (event) => {
  if (event.target.closest?.("input, textarea")) return;
  const [file] = event.clipboardData.files;
  const text = event.clipboardData.getData("text/plain");
  if (file) takeFile(file);
  else if (text.includes("\n")) takeText(text, "");
});

async function resume() {
  const open = await kept();
  if (!open) return;
  await loadAbout();
  state.table = { blob: open.blob, name: open.name, type: open.type };
  Object.assign(settings, open.settings);
  await inspect(true);
  if (!state.seen?.series) return;
  say(t("resumed", { name: name() }));
  const run = newRun();
  try {
    const stored = await train(run, { open });
    if (!stored) return;
    const answer = await answerOf(stored, run);
    state.model = stored;
    drawForecast(answer);
    if (isNetwork()) explain(run);
  } catch (error) {
    fail(error, forecast);
  }
}

const theme = localStorage.getItem("gatecast-theme");
if (theme) document.documentElement.dataset.theme = theme;
translate();
document.documentElement.dataset.ready = "";
loadAbout().then(resume);
