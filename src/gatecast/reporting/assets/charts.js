// Draws one chart as SVG: lines, bands, points, shaded ranges, vertical lines, bars and heat maps, in panes below each
// other. Colors are variables of the style sheet, so that a chart follows the color scheme without being drawn again.
(() => {
  "use strict";
  const NS = "http://www.w3.org/2000/svg", FONT = 12, LINE = 15, GAP = 14;
  const language = document.documentElement.lang || "en";
  const CIVIDIS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120],
    [165, 156, 116], [195, 179, 105], [254, 232, 56]];
  const ruler = document.createElement("canvas").getContext("2d");
  const node = (tag, attributes = {}, ...children) => {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const html = (tag, className, ...children) => {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...children);
    return made;
  };
  const widthOf = (text) => {
    ruler.font = `${FONT}px ${getComputedStyle(document.body).fontFamily}`;
    return ruler.measureText(text).width;
  };
  const shorten = (text, width) => {
    if (widthOf(text) <= width) return text;
    let n = text.length;
    while (n > 1 && widthOf(text.slice(0, n) + "…") > width) n--;
    return text.slice(0, n) + "…";
  };
  const extent = (arrays) => {
    let low = Infinity, high = -Infinity;
    for (const array of arrays) for (const v of array) if (Number.isFinite(v)) { if (v < low) low = v; if (v > high) high = v; }
    return low > high ? null : [low, high];
  };

  // Numbers: ticks at round steps; texts with as many digits as tell neighbors apart.
  const numberTicks = ([low, high], n, whole) => {
    const raw = (high - low) / Math.max(n, 1), base = 10 ** Math.floor(Math.log10(raw));
    let step = [1, 2, 2.5, 5, 10].find((f) => f * base >= raw * 0.999) * base;
    if (whole) step = Math.max(1, Math.ceil(step));
    const first = Math.ceil(low / step - 1e-9), ticks = [];
    for (let k = first; k * step <= high + step * 1e-9 && ticks.length < 60; k++) ticks.push(k * step || 0);
    return ticks;
  };
  const numberTexts = (ticks) => {
    const largest = Math.max(...ticks.map(Math.abs)), step = ticks.length > 1 ? ticks[1] - ticks[0] : largest || 1;
    if (largest >= 1e15 || (largest > 0 && largest < 1e-4)) return ticks.map((v) => v ? v.toExponential(1) : "0");
    const places = [0, 1, 2, 3, 4, 5, 6, 7, 8], close = (v, d) => Math.abs(+v.toFixed(d) - v) < step * 0.01;
    const decimals = places.find((d) => ticks.every((v) => close(v, d))) ?? 8;
    const full = new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    if (largest < 1e7) return ticks.map((v) => full.format(v));
    const compact = new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 4 });
    const texts = ticks.map((v) => compact.format(v));
    return new Set(texts).size === texts.length ? texts : ticks.map((v) => full.format(v));
  };
  const logTicks = ([low, high]) => {
    const ticks = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++) {
      for (const f of [1, 2, 5]) if (f * 10 ** k >= low && f * 10 ** k <= high) ticks.push(f * 10 ** k);
    }
    return ticks;
  };
  const exact = new Intl.NumberFormat(language, { maximumSignificantDigits: 6 });
  const valueText = (v) => !Number.isFinite(v) ? "–" : Math.abs(v) >= 1e15 || (v && Math.abs(v) < 1e-6) ? v.toExponential(3) : exact.format(v);

  // Times, in UTC: a tick has a label, and a second line where year or day change.
  const SECOND = 1e3, MINUTE = 6e4, HOUR = 36e5, DAY = 864e5;
  const UNITS = [
    ...[1, 2, 5, 10, 15, 30].map((k) => ["second", k]), ...[1, 2, 5, 10, 15, 30].map((k) => ["minute", k]),
    ...[1, 2, 3, 6, 12].map((k) => ["hour", k]), ...[1, 2, 7, 14].map((k) => ["day", k]),
    ...[1, 2, 3, 6].map((k) => ["month", k]), ...[1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000].map((k) => ["year", k]),
  ];
  const SIZE = { second: SECOND, minute: MINUTE, hour: HOUR, day: DAY, month: 30.44 * DAY, year: 365.25 * DAY };
  const utc = (year, month = 0) => { const date = new Date(0); date.setUTCFullYear(year, month, 1); return date.getTime(); };
  const timeAt = ([unit, k], low, high) => {
    const ticks = [];
    if (unit === "year" || unit === "month") {
      const perYear = unit === "year" ? 1 : 12, date = new Date(low);
      let n = Math.floor((date.getUTCFullYear() * perYear + (unit === "month" ? date.getUTCMonth() : 0)) / k) * k;
      for (; ticks.length < 200; n += k) {
        const t = unit === "year" ? utc(n) : utc(Math.floor(n / 12), ((n % 12) + 12) % 12);
        if (t > high) break;
        if (t >= low) ticks.push(t);
      }
      return ticks;
    }
    // Weeks begin on Mondays: 5 January 1970 was one.
    const size = SIZE[unit] * k, offset = unit === "day" && k >= 7 ? 4 * DAY : 0;
    for (let n = Math.ceil((low - offset) / size); n * size + offset <= high && ticks.length < 200; n++) ticks.push(n * size + offset);
    return ticks;
  };
  const formats = {
    month: new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" }),
    day: new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" }),
    minute: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" }),
    second: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" }),
  };
  formats.hour = formats.minute;
  const yearText = (t) => String(new Date(t).getUTCFullYear());
  const timeTexts = (ticks, unit) => {
    if (unit === "year") return ticks.map((t) => [yearText(t), ""]);
    const context = unit === "month" || unit === "day" ? yearText
      : (t) => `${formats.day.format(t)} ${yearText(t)}`;
    return ticks.map((t, k) => [formats[unit].format(t), k && context(ticks[k - 1]) === context(t) ? "" : context(t)]);
  };
  const timeTicks = ([low, high], width) => {
    for (const unit of UNITS) {
      if ((high - low) / (SIZE[unit[0]] * unit[1]) > width / 24) continue;
      const ticks = timeAt(unit, low, high), texts = timeTexts(ticks, unit[0]);
      const widest = Math.max(0, ...texts.map(([text]) => widthOf(text)));
      const apart = ticks.length > 1 ? (ticks[1] - ticks[0]) / (high - low) * width : width;
      // Labels of months differ in width, and months in length: a tick apart is no less than this.
      if (apart * 0.93 >= widest + GAP) return [ticks, texts];
    }
    return [[low], [[yearText(low), ""]]];
  };
  const timeText = (t) => new Date(t).toISOString().replace(/T00:00:00.000Z$/, "").replace(/(:00)?\.000Z$/, "").replace("T", " ").replace(/^\+0*/, "");

  // Scales: a domain of values to pixels.
  const linear = ([low, high], [from, to]) => (v) => from + (v - low) / (high - low) * (to - from);
  const padded = ([low, high], share) => {
    const pad = low === high ? Math.abs(low) * share || 1 : (high - low) * share;
    return [low - pad, high + pad];
  };
  const path = (x, y, sx, sy) => {
    let text = "", dots = "", open = false;
    for (let k = 0; k < x.length; k++) {
      if (!Number.isFinite(y[k]) || !Number.isFinite(x[k])) { open = false; continue; }
      const point = `${sx(x[k]).toFixed(1)},${sy(y[k]).toFixed(1)}`;
      text += (open ? "L" : "M") + point;
      // A value between two gaps is a dot: a line of no length, with round ends.
      if (!open && !Number.isFinite(y[k + 1])) dots += `M${point}h0`;
      open = true;
    }
    return [text, dots];
  };
  const area = ({ x, low, high }, sx, sy) => {
    let text = "";
    const finite = (k) => Number.isFinite(low[k]) && Number.isFinite(high[k]);
    for (let first = 0; first < x.length; first++) {
      if (!finite(first)) continue;
      let stop = first;
      while (stop < x.length && finite(stop)) stop++;
      const forth = [], back = [];
      for (let k = first; k < stop; k++) {
        forth.push(`${sx(x[k]).toFixed(1)},${sy(high[k]).toFixed(1)}`);
        back.unshift(`${sx(x[k]).toFixed(1)},${sy(low[k]).toFixed(1)}`);
      }
      if (stop - first === 1) {
        const left = sx(x[first]) - 4, top = sy(high[first]), bottom = sy(low[first]);
        text += `M${left},${top}h8V${bottom}h-8Z`;
      } else text += `M${forth.join("L")}L${back.join("L")}Z`;
      first = stop;
    }
    return text;
  };
  const SHAPES = { circle: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z", diamond: "M0,-5L5,0L0,5L-5,0Z", x: "M-4,-4L4,4M4,-4L-4,4" };
  const color = (role, opacity) => `var(--${role})` + (opacity ? `;fill-opacity:${opacity}` : "");

  const swatch = (mark) => {
    const icon = node("svg", { width: 26, height: 12, "aria-hidden": "true" });
    if (mark.kind === "band" || mark.kind === "ranges" || mark.kind === "bars") {
      icon.append(node("rect", { x: 1, y: 1, width: 24, height: 10, style: `fill:${color(mark.role, mark.opacity || (mark.kind === "ranges" ? 0.25 : 1))}` }));
    } else if (mark.kind === "points") {
      icon.append(node("path", { d: SHAPES[mark.shape], transform: "translate(13,6)", style: pointStyle(mark) }));
    } else {
      icon.append(node("line", { x1: 1, x2: 25, y1: 6, y2: 6, style: lineStyle(mark) }));
      if (mark.markers) icon.append(node("circle", { cx: 13, cy: 6, r: 3, style: `fill:${color(mark.role)}` }));
    }
    return icon;
  };
  const lineStyle = (mark) => `fill:none;stroke:${color(mark.role)};stroke-width:${mark.width}` + (mark.dashed ? ";stroke-dasharray:5 3" : "");
  const pointStyle = (mark) => mark.shape === "x" ? `stroke:${color(mark.role)};stroke-width:2;fill:none` : `fill:${color(mark.role)}`;

  const heatColor = (share) => {
    const place = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1), k = Math.min(Math.floor(place), CIVIDIS.length - 2);
    return CIVIDIS[k].map((v, i) => Math.round(v + (place - k) * (CIVIDIS[k + 1][i] - v)));
  };
  const edgesOf = (x) => {
    const n = x.length, edges = new Float64Array(n + 1);
    for (let k = 1; k < n; k++) edges[k] = (x[k - 1] + x[k]) / 2;
    edges[0] = n > 1 ? x[0] - (x[1] - x[0]) / 2 : x[0] - 0.5;
    edges[n] = n > 1 ? x[n - 1] + (x[n - 1] - x[n - 2]) / 2 : x[0] + 0.5;
    return edges;
  };
  const heatImage = (mark, sx, [top, bottom], [from, to]) => {
    const edges = edgesOf(mark.x), rows = mark.z.length, canvas = document.createElement("canvas");
    const wide = Math.max(1, Math.round(to - from)), picture = new ImageData(wide, rows);
    let k = 0;
    for (let p = 0; p < wide; p++) {
      while (k < mark.x.length && sx(edges[k + 1]) - from < p + 0.5) k++;
      if (k >= mark.x.length || sx(edges[k]) - from > p + 0.5) continue;
      for (let r = 0; r < rows; r++) {
        const v = mark.z[rows - 1 - r][k];
        if (v === null) continue;
        picture.data.set([...heatColor((v - mark.zmin) / (mark.zmax - mark.zmin)), 255], 4 * (r * wide + p));
      }
    }
    canvas.width = wide; canvas.height = rows;
    canvas.getContext("2d").putImageData(picture, 0, 0);
    return node("image", { class: "heat", href: canvas.toDataURL(), x: from, y: top, width: to - from, height: bottom - top,
      preserveAspectRatio: "none", style: "image-rendering:pixelated" });
  };

  const legendOf = (marks) => {
    const named = marks.filter((mark) => mark.name && mark.kind !== "heat"), legend = html("div", "legend");
    if (named.length > 1) for (const mark of named) legend.append(html("span", "", swatch(mark), " ", mark.name));
    for (const mark of marks) {
      if (mark.kind !== "heat") continue;
      const bar = html("span", "color-scale");
      bar.style.background = `linear-gradient(90deg,${CIVIDIS.map((c) => `rgb(${c})`).join(",")})`;
      legend.append(html("span", "", `${mark.name}: ${valueText(mark.zmin)} `, bar, ` ${valueText(mark.zmax)}`));
    }
    return legend;
  };

  // One chart.
  function draw(element, spec) {
    const marks = spec.data, width = Math.max(element.clientWidth, 200), height = +element.dataset.height;
    const bars = marks.filter((mark) => mark.kind === "bars"), isBars = bars.length > 0, nPanes = spec.panes.length;
    const heat = marks.find((mark) => mark.kind === "heat"), svg = node("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, width: "100%" });
    const tip = html("div", "tip");
    tip.hidden = true;
    const legend = legendOf(marks), zoom = element.zoom;

    // Domains.
    const ofX = marks.flatMap((mark) => mark.kind === "bars" ? [mark.y, [0], mark.low || [], mark.high || []]
      : mark.kind === "ranges" ? [mark.x, mark.end] : mark.kind === "heat" ? [edgesOf(mark.x)] : [mark.x]);
    let domain = zoom || extent(ofX) || [0, 1];
    if (spec.log) domain = [domain[0] / 1.3, domain[1] * 1.3];
    else if (!zoom) domain = isBars ? [domain[0] < 0 ? padded(domain, 0.04)[0] : 0, domain[1] > 0 ? padded(domain, 0.04)[1] : 0]
      : padded(domain, heat && nPanes === 1 ? 0 : domain[0] === domain[1] && spec.time ? 1e-4 : 0.01);
    if (domain[0] === domain[1]) domain = [domain[0], domain[0] + 1];
    const inDomain = (mark, values) => !zoom || !mark.x || mark.x.length !== values.length ? values
      : Array.from(values).filter((_, k) => mark.x[k] >= domain[0] && mark.x[k] <= domain[1]);
    const yDomains = spec.panes.map((_, pane) => {
      const inside = marks.filter((mark) => (mark.pane || 0) === pane);
      const values = inside.flatMap((mark) => mark.kind === "band" ? [inDomain(mark, mark.low), inDomain(mark, mark.high)]
        : mark.kind === "line" || mark.kind === "points" ? [inDomain(mark, mark.y)] : []);
      return padded(extent(values) || [0, 1], 0.06);
    });

    // Room for labels: above for the names of vertical lines, on the left for the ticks of y.
    const titles = marks.filter((mark) => mark.kind === "vlines").flatMap((mark) => [...mark.x].map((x, k) => [x, mark.text[k]]))
      .filter(([x]) => x >= domain[0] && x <= domain[1]).sort((a, b) => a[0] - b[0]);
    // A second row for names that would overprint: where they are is known but for the labels of y.
    const about = (x) => 60 + (x - domain[0]) / (domain[1] - domain[0]) * (width - 74);
    const isCrowded = titles.some(([x, name], k) => about(x) + 4 + widthOf(name) > (k + 1 < titles.length ? about(titles[k + 1][0]) : width));
    const titleRows = titles.length ? (isCrowded ? 2 : 1) : 0, hasTitles = spec.panes.some((pane) => pane.label);
    const labels = isBars ? bars[0].text : [];
    const rightPad = 14, bottom = height - (spec.time ? 2 * LINE + 10 : LINE + 10) - (spec.x ? LINE + 4 : 0);
    const top = isBars ? 6 : Math.max(8, titleRows * LINE + 6);
    const total = spec.panes.reduce((sum, pane) => sum + pane.height, 0), head = hasTitles ? LINE + 5 : 0, between = 10 + head;
    const room = bottom - top - between * (nPanes - 1) - head;
    let edge = top;
    const panes = spec.panes.map((pane) => {
      edge += head;
      const box = [edge, edge + room * pane.height / total];
      edge = box[1] + 10;
      return box;
    });
    const yTicks = panes.map((box, pane) => {
      if (isBars || (heat && heat.pane === pane)) return [[], []];
      const ticks = numberTicks(yDomains[pane], Math.max(2, Math.min(6, Math.floor((box[1] - box[0]) / 34))));
      return [ticks, numberTexts(ticks)];
    });
    const unitLabels = heat ? heat.labels : [];
    const widest = Math.max(0, ...yTicks.flatMap(([, texts]) => texts.map(widthOf)), ...unitLabels.map(widthOf), ...labels.map(widthOf));
    const left = Math.min(widest, width * 0.38) + 10, right = width - rightPad;
    const sx = spec.log ? ((f) => (v) => f(Math.log10(v)))(linear(domain.map(Math.log10), [left, right])) : linear(domain, [left, right]);
    const sys = panes.map(([a, b], pane) => linear(yDomains[pane], [b, a]));
    const text = (x, y, value, anchor = "start", className = "tick") => node("text", { x, y, "text-anchor": anchor, class: className }, value);

    // Grid and ticks.
    const frame = node("g"), clip = `clip${draw.count = (draw.count || 0) + 1}`;
    svg.append(node("defs", {}, node("clipPath", { id: clip }, node("rect", { x: left, y: top - 4, width: right - left, height: bottom - top + 8 }))), frame);
    panes.forEach(([a, b], pane) => {
      if (spec.panes[pane].label) frame.append(text(0, a - 9, shorten(spec.panes[pane].label, width), "start", "tick"));
      const [ticks, texts] = yTicks[pane];
      ticks.forEach((v, k) => {
        const y = sys[pane](v);
        frame.append(node("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }), text(left - 6, y + 4, texts[k], "end"));
      });
    });
    const axis = (position, label, context, last) => {
      frame.append(node("line", { class: "axis", x1: position, x2: position, y1: bottom, y2: bottom + 4 }));
      const half = widthOf(label) / 2;
      if (position - half < last.end || position + half > width) return;
      frame.append(text(position, bottom + LINE + 2, label, "middle"));
      last.end = position + half + 6;
      const start = Math.max(0, position - half);
      if (context && start >= last.context && start + widthOf(context) <= width) {
        frame.append(text(start, bottom + 2 * LINE + 2, context));
        last.context = start + widthOf(context) + 10;
      }
    };
    const last = { end: -Infinity, context: -Infinity };
    if (spec.time) {
      const [ticks, texts] = timeTicks(domain, right - left);
      ticks.forEach((t, k) => axis(sx(t), ...texts[k], last));
    } else {
      const ticks = spec.log ? logTicks(domain) : numberTicks(domain, Math.max(3, Math.floor((right - left) / 64)), spec.whole);
      const texts = spec.log ? ticks.map((v) => valueText(v)) : numberTexts(ticks);
      ticks.forEach((v, k) => {
        if (isBars) frame.append(node("line", { class: v ? "grid" : "axis", x1: sx(v), x2: sx(v), y1: top, y2: bottom }));
        axis(sx(v), texts[k], "", last);
      });
    }
    frame.append(node("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
    if (spec.x) frame.append(text((left + right) / 2, height - 5, shorten(spec.x, right - left), "middle"));

    // Marks.
    const plot = node("g", { "clip-path": `url(#${clip})` });
    svg.append(plot);
    for (const mark of marks) {
      const pane = mark.pane || 0, sy = sys[pane], [a, b] = panes[pane];
      if (mark.kind === "line") {
        const [d, dots] = path(mark.x, mark.y, sx, sy);
        plot.append(node("path", { class: "line", d, style: lineStyle(mark), "stroke-linejoin": "round", "data-name": mark.name }));
        if (dots) plot.append(node("path", { d: dots, style: `fill:none;stroke:${color(mark.role)};stroke-width:${mark.width + 3}`, "stroke-linecap": "round" }));
        if (mark.markers) {
          for (let k = 0; k < mark.x.length; k++) {
            if (Number.isFinite(mark.y[k])) plot.append(node("circle", { class: "point", cx: sx(mark.x[k]), cy: sy(mark.y[k]), r: 3, style: `fill:${color(mark.role)}` }));
          }
        }
      } else if (mark.kind === "band") {
        plot.append(node("path", { class: "band", d: area(mark, sx, sy), style: `fill:${color(mark.role, mark.opacity)}` }));
      } else if (mark.kind === "points") {
        for (let k = 0; k < mark.x.length; k++) {
          if (!Number.isFinite(mark.y[k])) continue;
          plot.append(node("path", { class: "point", d: SHAPES[mark.shape], transform: `translate(${sx(mark.x[k])},${sy(mark.y[k])})`, style: pointStyle(mark) }));
        }
      } else if (mark.kind === "ranges") {
        for (let k = 0; k < mark.x.length; k++) {
          const from = sx(mark.x[k]);
          plot.append(node("rect", { class: "band", x: from, y: a, width: Math.max(sx(mark.end[k]) - from, 1), height: b - a, style: `fill:${color(mark.role, 0.25)}` }));
        }
      } else if (mark.kind === "heat") {
        plot.append(heatImage(mark, sx, [a, b], [left, right]));
        const rows = mark.labels.length, every = Math.max(1, Math.ceil(rows * LINE / (b - a)));
        for (let r = 0; r < rows; r += every) {
          frame.append(text(left - 6, b - (r + 0.5) * (b - a) / rows + 4, shorten(mark.labels[r], left - 10), "end"));
        }
      } else if (mark.kind === "bars") {
        const n = mark.y.length, slot = (bottom - top) / n, k0 = bars.indexOf(mark), thick = slot * 0.62 / bars.length;
        for (let k = 0; k < n; k++) {
          const y = top + slot * (k + 0.19) + thick * k0, x0 = sx(0), x1 = sx(mark.y[k]);
          if (k0 === 0) frame.append(text(left - 6, top + slot * (k + 0.5) + 4, shorten(mark.text[k], left - 10), "end"));
          if (!Number.isFinite(x1)) continue;
          plot.append(node("rect", { class: "bar", x: Math.min(x0, x1), y, width: Math.max(Math.abs(x1 - x0), 1), height: thick, style: `fill:${color(mark.role)}` }));
          if (mark.low && Number.isFinite(mark.low[k])) plot.append(node("line", { class: "error", x1: sx(mark.low[k]), x2: sx(mark.high[k]), y1: y + thick / 2, y2: y + thick / 2 }));
        }
      }
    }
    // Names of vertical lines stay inside, and step up where they would overprint.
    let busy = [-Infinity, -Infinity];
    for (const [x, name] of titles) {
      const wide = widthOf(name), place = sx(x), start = place + 4 + wide > width ? Math.max(0, place - 4 - wide) : place + 4;
      const row = titleRows > 1 && start < busy[0] ? 1 : 0;
      busy[row] = start + wide + 8;
      const [a, b] = [panes[0][0], panes[nPanes - 1][1]];
      plot.append(node("line", { class: "mark", x1: place, x2: place, y1: a - 4, y2: heat ? panes[0][1] : b }));
      svg.append(text(start, top - 5 - row * LINE, name));
    }
    element.replaceChildren(svg, tip, ...(legend.childNodes.length ? [legend] : []));
    element.style.minHeight = "";
    listen(element, spec, { svg, tip, sx, panes, left, right, top, bottom, domain, width, heat, bars });
  }

  // Under the pointer: the values at the nearest time, the bar, or the cell. Dragging zooms, a double click goes back.
  function listen(element, spec, view) {
    const { svg, tip, sx, panes, left, right, top, bottom, domain, width, heat, bars } = view;
    const cursor = node("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
    const shade = node("rect", { class: "zoom", y: top, height: bottom - top, visibility: "hidden" });
    svg.append(shade, cursor);
    const at = (event) => { const box = svg.getBoundingClientRect(); return [(event.clientX - box.left) * width / box.width, (event.clientY - box.top) * width / box.width]; };
    const inverse = (p) => spec.log ? 10 ** (Math.log10(domain[0]) + (p - left) / (right - left) * Math.log10(domain[1] / domain[0]))
      : domain[0] + (p - left) / (right - left) * (domain[1] - domain[0]);
    const nearest = (x, value) => {
      let low = 0, high = x.length - 1;
      while (high - low > 1) { const middle = (low + high) >> 1; if (x[middle] < value) low = middle; else high = middle; }
      return x.length && Math.abs(x[high] - value) < Math.abs(x[low] - value) ? high : low;
    };
    const show = (place, lines) => {
      tip.replaceChildren(...lines.map((line, k) => html(k ? "div" : "strong", "", line)));
      tip.hidden = false;
      const scale = svg.getBoundingClientRect().width / width, x = place * scale;
      tip.style.left = `${Math.max(0, Math.min(x + 10, element.clientWidth - tip.offsetWidth))}px`;
      if (x + 10 + tip.offsetWidth > element.clientWidth) tip.style.left = `${Math.max(0, x - 10 - tip.offsetWidth)}px`;
    };
    const hide = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
    const xText = (v) => spec.time ? timeText(v) : valueText(v);
    const move = (event) => {
      const [px, py] = at(event);
      if (px < left - 4 || px > right + 4 || py < 0 || py > bottom) return hide();
      if (bars.length) {
        const k = Math.floor((py - top) / ((bottom - top) / bars[0].y.length));
        if (k < 0 || k >= bars[0].y.length) return hide();
        return show(px, [bars[0].text[k], ...bars.map((mark) => `${mark.name ? mark.name + ": " : ""}${valueText(mark.y[k])}`)]);
      }
      const value = inverse(px);
      let best = null;
      for (const mark of spec.data) {
        if (!["line", "points", "band", "heat"].includes(mark.kind) || (mark.kind !== "heat" && !mark.name && spec.data.some((other) => other.name)) || !mark.x.length) continue;
        const x = mark.kind === "points" ? Array.from(mark.x).sort((a, b) => a - b) : mark.x, near = x[nearest(x, value)];
        if (best === null || Math.abs(near - value) < Math.abs(best - value)) best = near;
      }
      if (best === null) return hide();
      const lines = [(spec.x ? `${spec.x}: ` : "") + xText(best)];
      for (const mark of spec.data) {
        if (!mark.x || !["line", "points", "band"].includes(mark.kind)) continue;
        const k = Array.prototype.indexOf.call(mark.x, best);
        if (k < 0 || (!mark.name && spec.data.some((other) => other.name))) continue;
        if (mark.kind === "points" && mark.text && mark.text.length) { lines.push(mark.text[k]); continue; }
        const label = mark.name ? `${mark.name}: ` : "";
        if (mark.kind === "band") { if (Number.isFinite(mark.low[k])) lines.push(`${label}${valueText(mark.low[k])} – ${valueText(mark.high[k])}`); }
        else if (Number.isFinite(mark.y[k])) lines.push(label + valueText(mark.y[k]));
      }
      if (heat) {
        const [a, b] = panes[heat.pane], r = Math.floor((b - py) / ((b - a) / heat.labels.length)), k = nearest(heat.x, value);
        if (r >= 0 && r < heat.labels.length && py >= a) lines.push(`${heat.labels[r]}: ${heat.z[r][k] === null ? "–" : valueText(heat.z[r][k])}`);
      }
      cursor.setAttribute("x1", sx(best)); cursor.setAttribute("x2", sx(best)); cursor.setAttribute("visibility", "visible");
      show(sx(best), lines);
    };
    let start = null;
    svg.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse" && !bars.length && !spec.log) start = at(event)[0]; });
    svg.addEventListener("pointermove", (event) => {
      if (start === null) return move(event);
      const px = Math.max(left, Math.min(right, at(event)[0]));
      shade.setAttribute("x", Math.min(start, px)); shade.setAttribute("width", Math.abs(px - start)); shade.setAttribute("visibility", "visible");
    });
    svg.addEventListener("pointerup", (event) => {
      const px = at(event)[0], from = start;
      start = null;
      shade.setAttribute("visibility", "hidden");
      if (from !== null && Math.abs(px - from) > 8) {
        element.zoom = [inverse(Math.max(left, Math.min(px, from))), inverse(Math.min(right, Math.max(px, from)))];
        draw(element, spec);
      }
    });
    svg.addEventListener("pointerleave", () => { start = null; shade.setAttribute("visibility", "hidden"); hide(); });
    svg.addEventListener("dblclick", () => { if (element.zoom) { delete element.zoom; draw(element, spec); } });
  }

  window.gatecastDraw = draw;
})();
