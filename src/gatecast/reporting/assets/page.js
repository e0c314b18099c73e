// Draws the charts of the page from its JSON, in the color scheme of the reader, and lets the reader select a series.
// Nothing is fetched.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const types = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const texts = data.texts, filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  // Arrays: the encodings of chart_json.py.
  const decodeBytes = (text, type) => {
    const raw = atob(text), view = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) view[k] = raw.charCodeAt(k);
    return new types[type](view.buffer);
  };
  const grid = data.grid && decodeBytes(data.grid.b, data.grid.$);
  const decodeHeatMap = (code) => {
    const flat = decodeBytes(code.b, "u1"), rows = [], scale = (code.hi - code.lo) / 254;
    for (let start = 0; start < flat.length; start += code.c) {
      rows.push(Array.from(flat.subarray(start, start + code.c), (v) => v === 255 ? null : code.lo + scale * v));
    }
    return rows;
  };
  const decode = (code, slots) => {
    if (code.$ === "#") return resolve(slots[code.k], slots);
    if (code.$ === "g") return grid.subarray(code.s, code.s + code.n);
    if (code.$ === "i") return Array.from(decodeBytes(code.b, code.t), (k) => grid[k]);
    if (code.$ === "q") return decodeHeatMap(code);
    return decodeBytes(code.b, code.$);
  };

  const resolve = (value, slots) => {
    if (Array.isArray(value)) return value.map((item) => resolve(item, slots));
    if (value === null || typeof value !== "object") return value;
    if ("$" in value) return decode(value, slots);
    const made = {};
    for (const name of Object.keys(value)) made[name] = resolve(value[name], slots);
    return made;
  };

  // Charts are drawn when they come near the screen, and again when their width changes.
  const charts = new Set(document.querySelectorAll(".chart")), drawn = new Map(), slotted = new Map();
  const draw = (chart) => {
    if (chart.closest("[hidden]")) return;
    const [template, slots] = slotted.get(chart) || [data.figures[+chart.dataset.figure], []];
    drawn.set(chart, chart.clientWidth);
    gatecastDraw(chart, resolve(template, slots));
    if (sizes) sizes.observe(chart);
  };
  const sizes = "ResizeObserver" in window && new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (drawn.has(target) && target.clientWidth && target.clientWidth !== drawn.get(target)) draw(target);
    }
  });
  const observer = "IntersectionObserver" in window && new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { observer.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "500px" });
  const drawWhenNear = (chart) => observer ? observer.observe(chart) : draw(chart);
  const drawAll = () => charts.forEach((chart) => { if (!drawn.has(chart)) draw(chart); });
  const discard = (chart) => {
    if (observer) observer.unobserve(chart);
    if (sizes) sizes.unobserve(chart);
    drawn.delete(chart);
    charts.delete(chart);
    slotted.delete(chart);
  };

  // Color scheme: that of the system until the reader uses the button.
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
  const updateButton = () => {
    button.textContent = isDark() ? texts.light : texts.dark;
    button.setAttribute("aria-pressed", String(isDark()));
    button.setAttribute("aria-label", isDark() ? texts.use_light : texts.use_dark);
  };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; updateButton(); });
  systemDark.addEventListener("change", () => { updateButton(); });
  updateButton();

  // In print, all charts are drawn, in light colors, and all details are open.
  let beforePrint = null;
  const setPrint = (on) => {
    if (on === (beforePrint !== null)) return;
    if (on) {
      beforePrint = [root.dataset.theme, [...document.querySelectorAll("details:not([open])")]];
      root.dataset.theme = "light";
      beforePrint[1].forEach((details) => { details.open = true; });
    } else {
      if (beforePrint[0]) root.dataset.theme = beforePrint[0]; else delete root.dataset.theme;
      beforePrint[1].forEach((details) => { details.open = false; });
      beforePrint = null;
    }
    drawAll();
  };
  addEventListener("beforeprint", () => setPrint(true));
  addEventListener("afterprint", () => setPrint(false));
  matchMedia("print").addEventListener("change", (event) => setPrint(event.matches));

  // A choice shows one of several charts.
  const connect = (choice, onChange = () => {}) => {
    const options = [...choice.querySelectorAll(".option")];
    choice.querySelector("select").addEventListener("change", (event) => {
      options.forEach((option, k) => { option.hidden = k !== +event.target.value; });
      draw(options[+event.target.value].querySelector(".chart"));
      onChange(event.target.selectedOptions[0].textContent);
    });
  };
  document.querySelectorAll(".choice").forEach((choice) => connect(choice));

  // The forecast: numbers in full, for the tables of single series and for the files.
  const table = data.forecast && {
    ...data.forecast, numbers: data.forecast.numbers.map((code) => decodeBytes(code.b, code.$)),
    index: decodeBytes(data.forecast.index.b, data.forecast.index.$),
  };
  const decimalsOf = (columns) => {
    let largest = 0;
    for (const column of columns) for (const v of column) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
    return largest > 0 ? 3 - Math.floor(Math.log10(largest)) : 3;
  };
  const forecastTable = (caption, series) => {
    const { h, index, times, numbers, levels } = table, start = h * table.series.indexOf(series);
    const columns = numbers.map((column) => column.subarray(start, start + h)), decimals = decimalsOf(columns);
    const text = (v) => !Number.isFinite(v) ? "-" : decimals < -6 || decimals > 8 ? v.toPrecision(4) : v.toFixed(Math.max(0, decimals));
    const rows = Array.from({ length: h }, (_, k) => [times[index[start + k]], text(columns[0][k]),
      ...levels.map((_, j) => filled(texts.range, { n_low: text(columns[2 * j + 1][k]), n_high: text(columns[2 * j + 2][k]) }))]);
    return [caption, [table.time, table.names[0], ...levels], rows, false];
  };
  const fileRows = function* () {
    const { ids, times, serials, index, numbers, h } = table;
    yield [...ids.map(([name]) => name), table.time, ...table.names].map((name) => ({ text: name }));
    for (let row = 0; row < index.length; row++) {
      const time = index[row];
      yield [
        ...ids.map(([, values]) => { const v = values[Math.floor(row / h)]; return typeof v === "number" ? { number: v } : { text: v }; }),
        serials ? { text: times[time], serial: serials[time] } : { number: +times[time] },
        ...numbers.map((column) => ({ number: column[row] })),
      ];
    }
  };
  document.querySelectorAll("[data-download]").forEach((link) => {
    link.closest(".files").hidden = false;
    const kind = link.dataset.download;
    link.addEventListener("click", () => gatecastFiles.save(gatecastFiles.make(kind, [["forecast", fileRows()]]), `${table.file}.${kind}`));
  });

  // Content of one series, built from JSON.
  const chosen = new Map();
  const buildFigure = ([template, slots, title, alternative, note, caption, height]) => {
    const style = `min-height:${height}px`;
    const chart = element("div", { class: "chart", role: "img", "aria-label": alternative, "data-height": height, style });
    slotted.set(chart, [data.templates[template], slots]);
    const noteOf = (text) => text ? [element("p", { class: "note" }, text)] : [];
    return element("figure", {}, element("figcaption", {}, title), ...noteOf(note), chart, ...noteOf(caption));
  };
  const buildTable = ([caption, columns, rows, collapsed]) => {
    const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
    const body = rows.map(([first, ...cells]) => element("tr", {}, element("th", { scope: "row" }, first),
      ...cells.map((cell, k) => element("td", { "data-label": columns[k + 1] }, cell))));
    const kinds = [...(columns.length > 4 ? ["wide"] : []), ...(rows.every(([first]) => first.length <= 16) ? ["short"] : [])];
    const table = element("table", kinds.length ? { class: kinds.join(" ") } : {}, ...(collapsed ? [] : [element("caption", {}, caption)]),
      element("thead", {}, head), element("tbody", {}, ...body));
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, table);
    return collapsed ? element("details", {}, element("summary", {}, caption), scroll) : scroll;
  };
  const buildChoice = ([label, options], view) => {
    if (options.length === 1) return buildFigure(options[0][1]);
    const id = `${view}-${label.toLowerCase().replaceAll(" ", "-")}`;
    // The option that the reader chose for another series stays chosen.
    const index = Math.max(0, options.findIndex(([name]) => name === chosen.get(id)));
    const select = element("select", { id }, ...options.map(([name], k) => element("option", { value: k }, name)));
    select.value = index;
    const figures = options.map(([, figure], k) => {
      const option = element("div", { class: "option" }, buildFigure(figure));
      option.hidden = k !== index;
      return option;
    });
    const controls = element("p", { class: "controls" }, element("label", { for: id }, label), " ", select);
    const choice = element("div", { class: "choice" }, controls, ...figures);
    connect(choice, (name) => chosen.set(id, name));
    return choice;
  };
  const build = (block, view, series) => {
    if ("text" in block) return element("p", {}, block.text);
    if ("table" in block) return buildTable(block.table);
    if ("forecast" in block) return buildTable(forecastTable(block.forecast, series));
    return "choice" in block ? buildChoice(block.choice, view) : buildFigure(block.figure);
  };
  const fill = (container, k, name) => {
    const { blocks, missing } = data.views[container.dataset.view], content = blocks[k];
    container.querySelectorAll(".chart").forEach(discard);
    container.replaceChildren(...(content ? content.map((block) => build(block, container.dataset.view, +k))
      : [element("p", { class: "note" }, missing.split("{series}").join(name))]));
    container.querySelectorAll(".chart").forEach((chart) => { charts.add(chart); drawWhenNear(chart); });
  };

  if (data.explorer) explore(data.explorer, data.views.charts.blocks);
  charts.forEach(drawWhenNear);

  function explore({ names, columns, orders }, charted) {
    const body = document.getElementById("rows"), search = document.getElementById("search");
    const order = document.getElementById("order"), hitsText = document.getElementById("hits");
    const more = document.getElementById("more"), title = document.getElementById("selected");
    const views = [...document.querySelectorAll(".view")], labels = document.querySelectorAll("[data-selected]");
    const lowerNames = names.map((name) => name.toLowerCase()), PAGE_SIZE = 50;
    let hits = [], shown = 0, selected = null;

    const buildRow = (k) => {
      const head = element("th", { scope: "row" }), row = element("tr", { "data-series": k }, head);
      if (String(k) in charted) {
        const link = element("button", { type: "button" }, names[k]);
        link.addEventListener("click", () => select(String(k), true));
        head.append(link);
      } else head.textContent = names[k];
      row.append(...columns.map((column) => element("td", {}, column[k])));
      if (String(k) === selected) row.setAttribute("aria-current", "true");
      return row;
    };
    const showMore = () => {
      body.append(...hits.slice(shown, shown + PAGE_SIZE).map(buildRow));
      shown = Math.min(shown + PAGE_SIZE, hits.length);
      more.hidden = shown === hits.length;
    };
    const find = () => {
      const query = search.value.trim().toLowerCase();
      hits = orders[order.value].filter((k) => lowerNames[k].includes(query));
      const nCharted = hits.filter((k) => String(k) in charted).length;
      const [n, all, nWithCharts] = [hits.length, names.length, nCharted].map((count) => count.toLocaleString("en"));
      hitsText.textContent = filled(texts.hits, { n, n_all: all, n_charted: nWithCharts });
      body.replaceChildren();
      shown = 0;
      showMore();
    };
    const select = (k, byReader) => {
      selected = k;
      title.textContent = names[+k];
      labels.forEach((label) => { label.textContent = names[+k]; });
      for (const row of body.children) {
        if (row.dataset.series === k) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
      }
      views.forEach((view) => fill(view, k, names[+k]));
      if (byReader) {
        views[0].querySelectorAll(".chart").forEach(draw);
        title.focus({ preventScroll: true });
        title.scrollIntoView({ block: "nearest" });
      }
    };
    search.addEventListener("input", find);
    order.addEventListener("change", find);
    more.addEventListener("click", showMore);
    const first = orders[order.value].find((k) => String(k) in charted);
    selected = first === undefined ? null : String(first);
    find();
    if (selected !== null) select(selected, false);
  }

  window.gatecast = { draw: drawAll };
})();
