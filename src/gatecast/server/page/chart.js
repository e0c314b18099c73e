// A line with bands, drawn as SVG: steps have equal distances. The values are read by pointer, by arrow keys, or aloud.

import { h, svg } from "./dom.js";
import { locale, numberFormat, t } from "./words.js";

const MARGIN = { top: 14, right: 14, bottom: 28, left: 10 };
const TICK_WIDTH = 74;

// past: {ds, y}; future: {ds, y, bands: [{level, lo, hi}]} or null. Returns a function that ends the drawing.
export function drawChart(box, { past, future = null, label, height = 330 }) {
  const times = [...past.ds, ...(future ? future.ds : [])];
  const nPast = past.ds.length;
  const bands = future ? [...future.bands].sort((a, b) => b.level - a.level) : [];
  const all = [...past.y, ...(future ? future.y : []), ...bands.flatMap((band) => [...band.lo, ...band.hi])];
  const format = numberFormat(all);
  const describe = timeFormat(times);
  const state = { at: future ? nPast : times.length - 1 };

  const picture = svg("svg", { class: "plot", "aria-hidden": "true" });
  const tip = h("div", { class: "tip", "aria-hidden": "true" });
  tip.hidden = true;
  const handle = h("div", {
    class: "handle", role: "slider", tabindex: "0", "aria-label": `${label}. ${t("chartLabel")}`,
    "aria-valuemin": "1", "aria-valuemax": String(times.length),
  });
  const frame = h("div", { class: "chart" }, picture, handle, tip);
  box.replaceChildren(frame);

  let scale = null;
  const lines = () => {
    const k = state.at;
    const rows = [[k < nPast ? t("actual") : t("forecastLine"), format(k < nPast ? past.y[k] : future.y[k - nPast])]];
    if (k >= nPast) {
      for (const band of [...bands].reverse()) {
        rows.push([t("interval", { level: band.level }), `${format(band.lo[k - nPast])} – ${format(band.hi[k - nPast])}`]);
      }
    }
    return rows;
  };

  const point = (isShown) => {
    const k = state.at;
    const rows = lines();
    handle.setAttribute("aria-valuenow", String(k + 1));
    handle.setAttribute("aria-valuetext", `${describe(k)}: ${rows.map((row) => row.join(" ")).join(", ")}`);
    tip.hidden = !isShown;
    cursor?.setAttribute("visibility", isShown ? "visible" : "hidden");
    if (!isShown || !scale) return;
    tip.replaceChildren(h("strong", {}, describe(k)), ...rows.map(([name, value]) => h("span", {}, name, h("b", {}, value))));
    const x = scale.x(k);
    cursor.setAttribute("transform", `translate(${x} 0)`);
    const value = k < nPast ? past.y[k] : future.y[k - nPast];
    dot.setAttribute("visibility", Number.isFinite(value) ? "inherit" : "hidden");
    dot.setAttribute("cy", Number.isFinite(value) ? scale.y(value) : 0);
    const left = x > scale.width / 2 ? x - tip.offsetWidth - 14 : x + 14;
    tip.style.left = `${Math.max(0, Math.min(left, scale.width - tip.offsetWidth))}px`;
  };

  let cursor = null;
  let dot = null;
  const draw = () => {
    const width = frame.clientWidth;
    if (!width) return;
    const ticks = niceTicks(all, height < 260 ? 4 : 6);
    const tickFormat = numberFormat(ticks);
    const left = MARGIN.left + Math.max(...ticks.map((tick) => tickFormat(tick).length)) * 7.2;
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const [low, high] = [ticks[0], ticks.at(-1)];
    const x = (k) => left + ((right - left) * k) / Math.max(times.length - 1, 1);
    const y = (value) => bottom - ((bottom - MARGIN.top) * (value - low)) / (high - low || 1);
    scale = { x, y, width, left, right };
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("width", width);
    picture.setAttribute("height", height);

    const grid = ticks.map((tick) => svg("g", {},
      svg("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "tick", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, tickFormat(tick))));
    const labels = timeTicks(times, Math.max(2, Math.floor((right - left) / TICK_WIDTH))).map(({ k, text }) => svg("text", {
      class: "tick", y: bottom + 20, "text-anchor": "middle",
      x: Math.max(left / 2, Math.min(x(k), width - 4 - widthOf(text) / 2)),
    }, text));
    const marks = [];
    if (future) {
      // Bands begin at the newest value: nothing is uncertain about it.
      const begins = nPast && Number.isFinite(past.y[nPast - 1]) ? [nPast - 1] : [];
      const start = begins.length ? past.y[nPast - 1] : null;
      const steps = [...begins, ...future.ds.map((_, k) => nPast + k)];
      const withStart = (values) => (begins.length ? [start, ...values] : values);
      bands.forEach((band, i) => {
        const hi = withStart(band.hi).map((value, k) => `${x(steps[k])} ${y(value)}`);
        const lo = withStart(band.lo).map((value, k) => `${x(steps[k])} ${y(value)}`).reverse();
        marks.push(svg("path", { class: `band band-${bands.length - i}`, d: `M${hi.join("L")}L${lo.join("L")}Z` }));
      });
      if (nPast) marks.push(svg("line", { class: "now", x1: x(nPast - 1), x2: x(nPast - 1), y1: MARGIN.top, y2: bottom }));
      marks.push(svg("path", { class: "line next", d: path(withStart(future.y), (k) => x(steps[k]), y) }));
    }
    marks.push(svg("path", { class: "line past", d: path(past.y, x, y) }));
    if (past.y.length < 40 && (right - left) / times.length > 9) {
      past.y.forEach((value, k) => Number.isFinite(value) && marks.push(svg("circle", { class: "dot", cx: x(k), cy: y(value), r: 2 })));
    }
    dot = svg("circle", { class: "dot at", r: 4.5 });
    cursor = svg("g", { visibility: "hidden" }, svg("line", { class: "cursor", y1: MARGIN.top, y2: bottom }), dot);
    picture.replaceChildren(...grid, ...labels, ...marks, cursor);
    point(!tip.hidden);
  };

  const move = (k) => {
    state.at = Math.max(0, Math.min(times.length - 1, k));
    point(true);
  };
  handle.addEventListener("pointermove", (event) => {
    if (!scale) return;
    const place = event.clientX - frame.getBoundingClientRect().left;
    move(Math.round(((place - scale.left) / (scale.right - scale.left)) * Math.max(times.length - 1, 1)));
  });
  handle.addEventListener("pointerleave", () => point(document.activeElement === handle && handle.matches(":focus-visible")));
  handle.addEventListener("focus", () => handle.matches(":focus-visible") && point(true));
  handle.addEventListener("blur", () => point(false));
  handle.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.round(times.length / 10));
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: page, PageDown: -page, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") point(false);
    if (by === undefined) return;
    event.preventDefault();
    move(state.at + by);
  });
  const observer = new ResizeObserver(draw);
  observer.observe(frame);
  draw();
  point(false);
  return () => observer.disconnect();
}

// About: Chinese characters are as wide as two others.
const widthOf = (text) => [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 12 : 6.8), 0);

// A path that is interrupted where values are missing; a value between two missing ones is a short stroke.
function path(values, x, y) {
  let d = "";
  let isDown = false;
  values.forEach((value, k) => {
    if (!Number.isFinite(value)) {
      isDown = false;
      return;
    }
    d += `${isDown ? "L" : "M"}${x(k).toFixed(2)} ${y(value).toFixed(2)}`;
    if (!isDown && !Number.isFinite(values[k + 1])) d += "h.01";
    isDown = true;
  });
  return d;
}

export function niceTicks(values, n) {
  const finite = values.filter(Number.isFinite);
  let low = Math.min(...finite);
  let high = Math.max(...finite);
  if (!finite.length) [low, high] = [0, 1];
  if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  // Bars of a shop begin at zero, lines need not: only where zero is near.
  if (low > 0 && low < (high - low) * 0.6) low = 0;
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

const parse = (text) => {
  const match = /^(\d{4})-(\d\d)(?:-(\d\d))?(?:[T ](\d\d):(\d\d))?/.exec(String(text));
  return match ? match.slice(1).map((part) => Number(part ?? 0)) : null;
};

const asDate = ([year, month, day, hour, minute]) => {
  const date = new Date(Date.UTC(2000, month - 1, day || 1, hour, minute));
  date.setUTCFullYear(year);
  return date;
};

const PARTS = [
  { year: "numeric" },
  { year: "numeric", month: "short" },
  { year: "numeric", month: "short", day: "numeric" },
  { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" },
];

// How fine the times are: 0 years, 1 months, 2 days, 3 below.
function fineness(dates) {
  if (dates.some((date) => date[3] || date[4])) return 3;
  if (dates.some((date) => date[2] > 1)) return 2;
  return dates.some((date) => date[1] > 1) ? 1 : 0;
}

const intl = (options) => new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" });

function timeFormat(times) {
  const dates = times.map(parse);
  if (!dates.length || dates.includes(null)) return (k) => String(times[k]);
  const format = intl(PARTS[fineness(dates)]);
  return (k) => format.format(asDate(dates[k]));
}

// Labels where a year, month, day or hour begins: of the coarsest kind that gives enough of them.
export function timeTicks(times, most) {
  const dates = times.map(parse);
  if (!dates.length || dates.includes(null)) {
    const by = Math.ceil(times.length / most) || 1;
    return times.flatMap((time, k) => (k % by === 0 ? [{ k, text: String(time) }] : []));
  }
  const kinds = [
    { part: (date) => date[0], options: { year: "numeric" } },
    { part: (date) => date[0] * 12 + date[1], options: { month: "short", year: "2-digit" } },
    { part: (date) => asDate(date.slice(0, 3).concat(0, 0)).getTime(), options: { day: "numeric", month: "short" } },
    { part: (date) => asDate(date.slice(0, 4).concat(0)).getTime(), options: { hour: "2-digit", minute: "2-digit" } },
    { part: (_, k) => k, options: { hour: "2-digit", minute: "2-digit" } },
  ];
  const finest = fineness(dates);
  let chosen = null;
  for (const [i, { part, options }] of kinds.entries()) {
    if (i > finest + (finest === 3 ? 1 : 0)) break;
    const places = dates.flatMap((date, k) => (k && part(date, k) !== part(dates[k - 1], k - 1) ? [k] : []));
    if (finest === i && i < 3) places.unshift(0);
    if (!places.length) continue;
    chosen = { places, options };
    if (places.length >= Math.min(3, most)) break;
  }
  if (!chosen) chosen = { places: [0], options: PARTS[finest] };
  const by = Math.ceil(chosen.places.length / most);
  const format = intl(chosen.options);
  // Counted from the end, so that the newest times have labels.
  return chosen.places.filter((_, i) => (chosen.places.length - 1 - i) % by === 0).map((k) => ({ k, text: format.format(asDate(dates[k])) }));
}

// A line without axes, for a row of a table.
export function spark(past, next) {
  const width = 96;
  const height = 26;
  const values = [...past, ...next];
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const x = (k) => 2 + ((width - 4) * k) / Math.max(values.length - 1, 1);
  const y = (value) => height - 3 - ((height - 6) * (value - low)) / (high - low || 1);
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    svg("path", { class: "line past", d: path(past, x, y) }),
    svg("path", { class: "line next", d: path([past.at(-1), ...next], (k) => x(past.length - 1 + k), y) }));
}
