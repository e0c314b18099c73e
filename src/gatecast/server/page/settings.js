// What was understood, and how to correct it: each field is empty for what the server recognizes.

import { $, h, show } from "./dom.js";
import { count, t } from "./words.js";

const FREQS = ["h", "D", "B", "W", "MS", "QS", "YS", "15min", "30min", "min"];
const LEVELS = [["80,95", "80 %, 95 %"], ["90", "90 %"], ["50,80,95", "50 %, 80 %, 95 %"], ["", null]];
const FIRST_MODELS = ["pretrained", "auto", "lstm", "gru", "es-lstm"];
// They need a library that a server may not have, or are there to be compared with.
const OTHER_MODELS = ["dot", "lgt", "segrnn", "slstm", "rnn", "lstm-peephole", "ar", "seasonal-naive", "naive", "drift", "mean"];

export const settings = { sheet: "", time_col: "", target_col: "", id_col: [], freq: "", season_length: "", h: "", level: "80,95", model: "pretrained" };
const INITIAL = structuredClone(settings);

export function resetSettings(sheet = "") {
  Object.assign(settings, structuredClone(INITIAL), { sheet });
}

// A comma alone is an empty list.
// The part that inspecting and forecasting share, as a query.
export function query() {
  const { sheet, time_col, target_col, id_col, freq, season_length, h: steps, level } = settings;
  return { sheet, time_col, target_col, id_col: id_col.join(","), freq, season_length, h: steps, level: level || "," };
}

const options = (pairs, chosen) => pairs.map(([value, text]) => h("option", { value, selected: value === chosen }, text));

const mark = () => h("small", {}, h("span", { "aria-hidden": "true" }, "✓"), h("span", { class: "unseen" }, t("automatic")));

function field(name, label, control, isRecognized) {
  control.id = `field-${name}`;
  return h("div", { class: `field field-${name}` }, h("label", { for: control.id }, label, isRecognized ? mark() : null), control);
}

function select(name, label, pairs, change, isRecognized = false) {
  const control = h("select", { onchange: (event) => { settings[name] = event.target.value; change(name); } }, ...options(pairs, settings[name]));
  return field(name, label, control, isRecognized);
}

function number(name, label, placeholder, most, change) {
  const control = h("input", {
    type: "number", inputmode: "numeric", min: 1, max: most, step: 1, placeholder, value: settings[name],
    onchange: (event) => {
      if (!event.target.checkValidity()) { event.target.reportValidity(); return; }
      settings[name] = event.target.value;
      change(name);
    },
  });
  return field(name, label, control, placeholder && !settings[name]);
}

// `seen` is an inspection, or the problem of one that still has the columns.
export function drawSettings(seen, about, change) {
  const names = (seen.columns ?? []).map((column) => column.name);
  // What is recognized stands in the place of what is not declared.
  const pairs = (name, value, values, more = []) => {
    const found = settings[name] ? null : value;
    return [["", found ? found[1] : t("unknown")], ...more, ...values.filter(([each]) => each !== found?.[0])];
  };
  const columns = (name, value, more) => pairs(name, value && [value, names.includes(value) || name === "time_col" ? value : t("allColumns")], names.map((each) => [each, each]), more);
  const isFound = (name, value) => !settings[name] && Boolean(value);
  const freqs = FREQS.includes(seen.frequency) || !seen.frequency ? FREQS : [...FREQS, seen.frequency];
  const nameOf = (freq) => t("freqs")[freq] ?? (freq.startsWith("W-") ? `${t("freqs").W} (${freq.slice(2)})` : freq);
  const focused = document.activeElement?.id;

  const isSaid = settings.id_col.length > 0 || !seen.series;
  const ids = h("details", { class: "field ids" },
    h("summary", {}, h("span", { class: "label" }, t("ids"), isSaid ? null : mark()), h("span", { class: "value" }, idsText(seen))),
    h("div", { class: "checks" }, ...names.map((name, k) => h("label", { class: "check" }, h("input", {
      type: "checkbox", id: `id-${k}`, checked: settings.id_col.includes(name),
      onchange: (event) => {
        settings.id_col = settings.id_col.filter((each) => each !== name);
        if (event.target.checked) settings.id_col.push(name);
        change("id_col");
      },
    }), name))));
  ids.open = $("fields").querySelector(".ids")?.open ?? false;

  const known = about.models.map((model) => model.name);
  const models = (list) => options(list.filter((name) => known.includes(name)).map((name) => [name, t("models")[name] ?? name]), settings.model);
  const model = h("select", { onchange: (event) => { settings.model = event.target.value; change("model"); } },
    ...models(FIRST_MODELS), h("optgroup", { label: t("more") }, ...models(OTHER_MODELS)));

  $("fields").replaceChildren(
    ...(seen.sheets?.length > 1 ? [select("sheet", t("sheet"), [["", t("firstSheet")], ...seen.sheets.map((each) => [each, each])], (name) => {
      // Another sheet has other columns.
      resetSettings(settings.sheet);
      change(name);
    })] : []),
    select("time_col", t("time"), columns("time_col", seen.time_col), change, isFound("time_col", seen.time_col)),
    select("target_col", t("target"), columns("target_col", seen.target_col, [["*", t("allColumns")]]), change, isFound("target_col", seen.target_col)),
    ids,
    select("freq", t("freq"), pairs("freq", seen.frequency && [seen.frequency, nameOf(seen.frequency)], freqs.map((freq) => [freq, nameOf(freq)])), change, isFound("freq", seen.frequency)),
    number("season_length", t("season"), seen.season ? String(seen.season) : "", 10000, change),
    number("h", t("horizon"), seen.horizon ? String(seen.horizon) : "", about.limits.max_horizon, change),
    select("level", t("levels"), LEVELS.map(([value, text]) => [value, text ?? t("none")]), change),
    field("model", t("model"), model),
  );
  if (focused) document.getElementById(focused)?.focus();
}

function idsText(seen) {
  if (settings.id_col.length) return settings.id_col.join(" + ");
  if (!seen.series) return t("unknown");
  // Names that the table does not have are those of a table with a column for each series.
  if (seen.id_cols.length && seen.id_cols.every((id) => seen.columns.some((column) => column.name === id))) return seen.id_cols.join(" + ");
  return seen.n_series > 1 ? t("wideIds") : t("noIds");
}

// What was understood in a line, and what the readers noticed.
export function factsOf(seen) {
  const missing = seen.series.reduce((sum, row) => sum + row.missing, 0);
  const rows = seen.series.reduce((sum, row) => sum + row.rows, 0);
  const first = seen.series.map((row) => row.first).sort()[0];
  const last = seen.series.map((row) => row.last).sort().at(-1);
  const series = seen.n_series === 1 ? t("oneSeries") : t("series", { n: count(seen.n_series) });
  const parts = [series, t("rowsOf", { n: count(rows) }), `${first} – ${last}`];
  return [...parts, missing ? t("missing", { n: count(missing) }) : t("noMissing")].join(" · ");
}

export function drawUnderstood(seen, name) {
  $("file-name").textContent = name;
  $("work-title").textContent = name;
  $("facts").textContent = seen.series ? factsOf(seen) : "";
  // The first sentence says what the fields say.
  const notes = [...(seen.findings ?? []).slice(1), ...(seen.series && seen.problem ? [seen.problem] : [])];
  $("notes").replaceChildren(...notes.map((note) => h("li", { lang: "en" }, note)));
  show($("notes"), notes.length > 0);
  show($("hint"), Boolean(seen.series));
  drawRows(seen);
}

function drawRows(seen) {
  const columns = seen.columns ?? [];
  show($("preview"), columns.length > 0);
  if (!seen.series) $("preview").open = true;
  const roles = { [seen.time_col]: "time", [seen.target_col]: "target" };
  for (const id of seen.id_cols ?? []) roles[id] = "ids";
  const heads = columns.map((column) => {
    const role = seen.series ? roles[column.name] : undefined;
    return h("th", { scope: "col", class: role ? `role-${role}` : null }, column.name, role ? h("small", {}, t(role)) : null);
  });
  const rows = (seen.rows ?? []).map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))));
  $("rows").setAttribute("aria-label", t("rows"));
  $("rows").replaceChildren(h("table", { class: "cells" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)));
}
