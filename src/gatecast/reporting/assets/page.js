// Draws the charts of the page from its JSON, in the color scheme of the reader, and lets the reader select a series.
// Nothing is fetched.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const types = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = {
    displaylogo: false, responsive: true, scrollZoom: false, displayModeBar: touch ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
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
    if (code.$ === "#") return resolve(slots[code.k], slots, "");
    if (code.$ === "g") return grid.subarray(code.s, code.s + code.n);
    if (code.$ === "i") return Array.from(decodeBytes(code.b, code.t), (k) => grid[k]);
    if (code.$ === "q") return decodeHeatMap(code);
    return decodeBytes(code.b, code.$);
  };

  // Colors: "@model" is a color of the style sheet, "@model/0.2" the same color with this opacity.
  const resolveColor = (text) => {
    const [role, opacity] = text.slice(1).split("/");
    const hex = getComputedStyle(root).getPropertyValue("--" + role).trim();
    if (!opacity) return hex;
    return "rgba(" + [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)).join(",") + "," + opacity + ")";
  };
  const closePolygon = ({ x, low, high, ...trace }) => {
    const xs = [], ys = [], finite = (k) => Number.isFinite(low[k]) && Number.isFinite(high[k]);
    for (let first = 0; first < x.length; first++) {
      if (!finite(first)) continue;
      let stop = first;
      while (stop < x.length && finite(stop)) stop++;
      for (let k = first; k < stop; k++) { xs.push(x[k]); ys.push(high[k]); }
      for (let k = stop - 1; k >= first; k--) { xs.push(x[k]); ys.push(low[k]); }
      xs.push(x[first]); ys.push(null);
      first = stop;
    }
    return { ...trace, x: xs, y: ys };
  };
  const resolve = (value, slots, key) => {
    if (typeof value === "string") return key.endsWith("color") && value[0] === "@" ? resolveColor(value) : value;
    if (Array.isArray(value)) return value.map((item) => resolve(item, slots, ""));
    if (value === null || typeof value !== "object") return value;
    if ("$" in value) return decode(value, slots);
    const made = {};
    for (const name of Object.keys(value)) made[name] = resolve(value[name], slots, name);
    return "low" in made ? closePolygon(made) : made;
  };

  // Charts are drawn when they come near the screen, and again when the color scheme changes.
  const charts = new Set(document.querySelectorAll(".chart")), drawn = new Set(), slotted = new Map();
  // Legend and color scale are below the labels of the x axis, whatever the height of the chart.
  const placeLegend = ({ data: traces, layout }, height) => {
    const axisHeight = layout.xaxis.title.text !== "" ? 56 : 30;
    const plotHeight = height - layout.margin.t - axisHeight - (layout.showlegend ? 46 : 10);
    const y = -axisHeight / Math.max(plotHeight, 60);
    layout.legend.y = y;
    for (const trace of traces) if (trace.colorbar) trace.colorbar.y = y;
  };
  const draw = (chart) => {
    if (chart.closest("[hidden]")) return;
    const [template, slots] = slotted.get(chart) || [data.figures[+chart.dataset.figure], []];
    const figure = resolve(template, slots, "");
    if (touch) figure.layout.dragmode = false;
    placeLegend(figure, chart.clientHeight);
    figure.layout.xaxis.nticks = Math.max(3, Math.floor(chart.clientWidth / 75));
    drawn.add(chart);
    Plotly.react(chart, figure.data, figure.layout, config);
  };
  const observer = "IntersectionObserver" in window && new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { observer.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "500px" });
  const drawWhenNear = (chart) => observer ? observer.observe(chart) : draw(chart);
  const redraw = () => drawn.forEach(draw);
  const drawAll = () => charts.forEach((chart) => { if (!drawn.has(chart)) draw(chart); });
  const discard = (chart) => {
    if (observer) observer.unobserve(chart);
    if (drawn.delete(chart)) Plotly.purge(chart);
    charts.delete(chart);
    slotted.delete(chart);
  };

  // Color scheme: that of the system until the reader uses the button.
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
  const updateButton = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(isDark()));
    button.setAttribute("aria-label", isDark() ? "Use light colors" : "Use dark colors");
  };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; updateButton(); redraw(); });
  systemDark.addEventListener("change", () => { updateButton(); redraw(); });
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
    drawAll(); redraw();
    drawn.forEach((chart) => { if (!chart.closest("[hidden]")) Plotly.Plots.resize(chart); });
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

  // Content of one series, built from JSON.
  const chosen = new Map();
  const buildFigure = ([template, slots, title, alternative, note, caption, height]) => {
    const chart = element("div", { class: "chart", role: "img", "aria-label": alternative, style: `height:${height}px` });
    slotted.set(chart, [data.templates[template], slots]);
    const texts = (text) => text ? [element("p", { class: "note" }, text)] : [];
    return element("figure", {}, element("figcaption", {}, title), ...texts(note), chart, ...texts(caption));
  };
  const buildTable = ([caption, columns, rows, collapsed]) => {
    const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
    const body = rows.map(([first, ...cells]) => element("tr", {}, element("th", { scope: "row" }, first),
      ...cells.map((cell) => element("td", {}, cell))));
    const table = element("table", {}, ...(collapsed ? [] : [element("caption", {}, caption)]),
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
  const build = (block, view) => {
    if ("text" in block) return element("p", {}, block.text);
    if ("table" in block) return buildTable(block.table);
    return "choice" in block ? buildChoice(block.choice, view) : buildFigure(block.figure);
  };
  const fill = (container, k, name) => {
    const { blocks, missing } = data.views[container.dataset.view], content = blocks[k];
    container.querySelectorAll(".chart").forEach(discard);
    container.replaceChildren(...(content ? content.map((block) => build(block, container.dataset.view))
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
      hitsText.textContent = `${hits.length.toLocaleString("en")} of ${names.length.toLocaleString("en")} series, `
        + `${nCharted.toLocaleString("en")} with charts`;
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
