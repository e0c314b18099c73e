// A forecast on the page: chart, values, scores, all series.

import { drawChart, spark } from "./chart.js";
import { $, h, say, show } from "./dom.js";
import { count, language, numberFormat, t } from "./words.js";

const PAGE_ROWS = 12;
const RECENT = 60;

const nameOf = (model) => t("names")[model] ?? model;

// The column of times: ids come before it, models after.
const timeOf = ({ forecast }, seen) => (forecast[seen.time_col] ? seen.time_col : Object.keys(forecast)[0]);

// An answer of the server as series: {label, id, future: {ds, y, bands}}.
export function readForecast(answer, seen) {
  const { forecast } = answer;
  const names = Object.keys(forecast);
  const at = names.indexOf(timeOf(answer, seen));
  const model = forecast[answer.model] ? answer.model : names.slice(at + 1).find((name) => !/-(lo|hi)-[\d.]+$/.test(name));
  const levels = names.flatMap((name) => (name.startsWith(`${model}-lo-`) ? [name.slice(model.length + 4)] : []));
  const ids = names.slice(0, at);
  const times = forecast[names[at]];
  const starts = times.flatMap((_, k) => (k === 0 || ids.some((id) => forecast[id][k] !== forecast[id][k - 1]) ? [k] : []));
  return starts.map((start, s) => {
    const part = (name) => forecast[name].slice(start, starts[s + 1]);
    const bands = levels.map((level) => ({ level: Number(level), lo: part(`${model}-lo-${level}`), hi: part(`${model}-hi-${level}`) }));
    const past = seen.history?.[s] ?? { id: null, ds: [], y: [] };
    const label = ids.map((id) => forecast[id][start]).join(" · ");
    return { label, id: past.id, past, future: { ds: part(names[at]), y: part(model), bands } };
  });
}

export function drawResult(view) {
  const { answer, list, chosen } = view;
  const each = list[chosen];
  const title = t("resultOf", { name: each.label || view.target });
  $("result-title").textContent = title;
  $("verdict").textContent = verdict(answer.evaluation);
  show($("verdict"), Boolean(answer.evaluation));
  const { past, future } = each;
  const recent = Math.max(RECENT, 4 * future.ds.length);
  const isLong = past.ds.length > recent * 1.3;
  const shown = isLong && !view.whole ? { ds: past.ds.slice(-recent), y: past.y.slice(-recent) } : past;
  $("range").replaceChildren(...(isLong ? [
    toggle(t("recent"), !view.whole, () => { view.whole = false; drawResult(view); }),
    toggle(t("whole"), view.whole, () => { view.whole = true; drawResult(view); }),
  ] : []));
  view.end?.();
  view.end = drawChart($("chart"), { past: shown, future, label: title });
  $("legend").replaceChildren(
    key("past", t("actual")), key("next", nameOf(answer.model)),
    ...future.bands.map((band, k) => key(`band-${k + 1}`, t("interval", { level: band.level }))));
  $("values-table").replaceChildren(valuesTable(future));
  $("values-table").setAttribute("aria-label", t("values"));
  drawPanel(view);
  drawScores(answer.evaluation);
}

const key = (kind, text) => h("li", {}, h("i", { class: `swatch ${kind}` }), text);

function toggle(text, isOn, onclick) {
  return h("button", { type: "button", class: "quiet", "aria-pressed": String(isOn), onclick }, text);
}

function valuesTable(future) {
  const format = numberFormat([...future.y, ...future.bands.flatMap((band) => [...band.lo, ...band.hi])]);
  const heads = [t("when"), t("forecastLine"), ...future.bands.map((band) => t("interval", { level: band.level }))];
  const rows = future.ds.map((time, k) => h("tr", {}, h("th", { scope: "row" }, String(time)), h("td", {}, format(future.y[k])),
    ...future.bands.map((band) => h("td", {}, `${format(band.lo[k])} – ${format(band.hi[k])}`))));
  return h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rows));
}

// The sentence of the server in English; in Chinese the same from the scores.
function verdict(evaluation) {
  if (!evaluation) return "";
  if (language === "en") return evaluation.verdict;
  const [own] = evaluation.scores;
  const [other] = evaluation.scores.slice(1).filter((score) => score.mae).sort((a, b) => a.mae - b.mae);
  if (!other || own.mae === null) return "";
  const change = Math.round(100 * (own.mae / other.mae - 1));
  return t("verdict", { model: nameOf(own.model), other: nameOf(other.model), p: Math.abs(change), side: t(change > 0 ? "larger" : "smaller") });
}

function drawScores(evaluation) {
  const box = $("scores");
  show(box);
  const title = h("h2", {}, t("scores"));
  if (!evaluation) {
    box.replaceChildren(title, h("p", { class: "note" }, t("noScores")));
    return;
  }
  const { scores } = evaluation;
  const format = numberFormat(scores.map((score) => score.mae));
  const most = Math.max(...scores.map((score) => score.mae ?? 0)) || 1;
  const rows = scores.map((score, k) => {
    const bar = h("i", { class: "bar" });
    bar.style.width = `${(100 * (score.mae ?? 0)) / most}%`;
    return h("tr", { class: k === 0 ? "own" : null }, h("th", { scope: "row" }, nameOf(score.model)), h("td", { class: "bars" }, bar), h("td", {}, format(score.mae ?? NaN)));
  });
  box.replaceChildren(title, h("p", { class: "note" }, t("scoresNote")), h("table", { class: "scores" },
    h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, t("modelName")), h("td", {}), h("th", { scope: "col" }, t("error")))),
    h("tbody", {}, ...rows)));
}

// All series of a panel: a search, rows with a small line, and the one that is chosen above.
function drawPanel(view) {
  const box = $("panel");
  const { list } = view;
  show(box, list.length > 1);
  if (list.length < 2) return;
  if (!box.contains(view.search)) {
    view.search = h("input", { type: "search", id: "find-series", placeholder: t("find"), autocomplete: "off", oninput: () => { view.most = PAGE_ROWS; rows(view); } });
    view.note = h("p", { class: "note", role: "status" });
    view.body = h("tbody");
    view.more = h("button", { type: "button", onclick: () => { view.most += 4 * PAGE_ROWS; rows(view); } }, t("moreRows"));
    const step = list[0].future.ds.length;
    const head = [t("chooseSeries"), "", t("last"), t("next"), t("total", { h: count(step) })];
    box.replaceChildren(
      h("div", { class: "row between baseline" }, h("h2", {}, t("panel")),
        h("div", { class: "row" }, h("label", { class: "unseen", for: "find-series" }, t("find")), view.search)),
      view.note,
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("panel") }, h("table", { class: "panel" },
        h("thead", {}, h("tr", {}, ...head.map((text) => (text ? h("th", { scope: "col" }, text) : h("td", {}))))), view.body)),
      view.more);
  }
  rows(view);
}

function rows(view) {
  const { list } = view;
  const wanted = view.search.value.trim().toLowerCase();
  const found = list.map((each, k) => [each, k]).filter(([each]) => each.label.toLowerCase().includes(wanted));
  const shown = found.slice(0, view.most);
  const format = numberFormat(shown.flatMap(([each]) => each.future.y));
  const newest = (past) => past.y.findLast((value) => Number.isFinite(value)) ?? NaN;
  view.body.replaceChildren(...shown.map(([each, k]) => h("tr", { "aria-current": k === view.chosen ? "true" : null },
    h("th", { scope: "row" }, h("button", { type: "button", class: "link", onclick: () => choose(view, k) }, each.label)),
    h("td", {}, spark(each.past.y.slice(-RECENT), each.future.y)),
    h("td", {}, format(newest(each.past))), h("td", {}, format(each.future.y[0])),
    h("td", {}, format(each.future.y.reduce((sum, value) => sum + value, 0))))));
  view.note.textContent = t("shown", { shown: count(shown.length), n: count(list.length) });
  show(view.more, shown.length < found.length);
}

function choose(view, k) {
  view.chosen = k;
  drawResult(view);
  say($("result-title").textContent);
  $("result-title").focus({ preventScroll: true });
  $("result").scrollIntoView({ block: "start" });
  view.onChoose();
}

export function newView(answer, seen, onChoose) {
  const list = readForecast(answer, seen);
  return { answer, list, time: timeOf(answer, seen), target: seen.target_col, chosen: 0, whole: false, most: PAGE_ROWS, onChoose };
}
