// What a trained network does: attributions of the first step, and gates as a picture of numbers.

import { $, h, show } from "./dom.js";
import { count, numberFormat, t } from "./words.js";

const BARS = 12;

export function clearNetwork() {
  for (const id of ["attributions", "gates"]) {
    show($(id), false);
    $(id).replaceChildren();
  }
}

// A network is looked into by a process of its own, which takes some seconds.
export function announceNetwork() {
  $("attributions").replaceChildren(h("h2", {}, t("attributions")), h("p", { class: "note" }, t("explaining")));
  show($("attributions"));
}

export function drawAttributions(answer) {
  const box = $("attributions");
  const { lag, attribution, feature } = answer.attributions;
  const names = new Set(feature);
  const parts = lag.map((steps, k) => ({ steps, added: attribution[k] ?? 0, name: feature[k] }))
    .sort((a, b) => Math.abs(b.added) - Math.abs(a.added)).slice(0, BARS);
  const most = Math.max(...parts.map((part) => Math.abs(part.added))) || 1;
  const format = numberFormat(parts.map((part) => part.added));
  const rows = parts.map((part) => {
    const bar = h("i", { class: part.added < 0 ? "bar below" : "bar" });
    bar.style.width = `${(50 * Math.abs(part.added)) / most}%`;
    const steps = part.steps === null ? "" : t("ago", { n: count(part.steps) });
    return h("tr", {}, h("th", { scope: "row" }, names.size > 1 ? `${part.name} ${steps}` : steps), h("td", { class: "bars both" }, bar), h("td", {}, format(part.added)));
  });
  box.replaceChildren(
    h("h2", {}, t("attributions")), h("p", { class: "note" }, t("attributionsNote")), h("p", { class: "sentence", lang: "en" }, answer.sentence),
    h("table", { class: "scores" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("lag")), h("td", {}), h("th", { scope: "col" }, t("added")))), h("tbody", {}, ...rows)));
  show(box);
}

export function drawGates(answer) {
  const box = $("gates");
  const pictures = answer.layers.flatMap((layer) => Object.keys(layer.gates).map((gate) => ({ layer, gate })));
  const first = Math.max(pictures.findIndex(({ gate }) => gate === "f" || gate === "z"), 0);
  const canvas = h("canvas", { class: "heat", role: "img" });
  const draw = (k) => paint(canvas, pictures[k]);
  const select = h("select", { id: "gate", onchange: (event) => draw(Number(event.target.value)) },
    ...pictures.map(({ layer, gate }, k) => h("option", { value: String(k), selected: k === first }, `${layer.name}: ${t("gateNames")[gate] ?? gate}`)));
  const times = answer.layers[0].ds;
  box.replaceChildren(
    h("div", { class: "row between baseline" }, h("h2", {}, t("gates")), h("div", { class: "row" }, h("label", { for: "gate" }, t("gate")), select)),
    h("p", { class: "note" }, t("gatesNote")), canvas,
    h("p", { class: "row between note" }, h("span", {}, String(times[0])), h("span", { class: "ramp" }, t("low"), h("i", {}), t("high")), h("span", {}, String(times.at(-1)))),
    h("p", { class: "sentence", lang: "en" }, answer.sentence));
  draw(first);
  show(box);
}

function paint(canvas, { layer, gate }) {
  const rows = layer.gates[gate];
  const all = rows.flat().filter(Number.isFinite);
  const isSigned = all.some((value) => value < 0);
  const largest = isSigned ? Math.max(...all.map(Math.abs)) : 1;
  // The longest memory at the top, as in the report.
  const mean = (row) => row.reduce((sum, value) => sum + (value ?? 0), 0) / row.length;
  const sorted = [...rows].sort((a, b) => mean(b) - mean(a));
  canvas.width = rows[0].length;
  canvas.height = rows.length;
  canvas.style.height = `${Math.max(120, Math.min(320, rows.length * 9))}px`;
  canvas.setAttribute("aria-label", `${layer.name}: ${t("gateNames")[gate] ?? gate}. ${t("gatesNote")}`);
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  const [from, to] = [[236, 241, 247], [20, 66, 122]];
  sorted.forEach((row, r) => row.forEach((value, c) => {
    const share = Number.isFinite(value) ? (isSigned ? (value / largest + 1) / 2 : value) : 0;
    const at = 4 * (r * canvas.width + c);
    for (let k = 0; k < 3; k += 1) picture.data[at + k] = from[k] + (to[k] - from[k]) * share;
    picture.data[at + 3] = Number.isFinite(value) ? 255 : 0;
  }));
  context.putImageData(picture, 0, 0);
}
