// Draws the charts of the page from the JSON in it, in the reader's colours; finds series; nothing is fetched.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const types = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const coarse = matchMedia("(pointer: coarse)").matches;
  const config = {
    displaylogo: false, responsive: true, scrollZoom: false, displayModeBar: coarse ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };

  // Arrays: see encode.py.
  const bytes = (text, type) => {
    const raw = atob(text), view = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) view[k] = raw.charCodeAt(k);
    return new types[type](view.buffer);
  };
  const grid = data.grid && bytes(data.grid.b, data.grid.$);
  const rowsOf = (code) => {
    const flat = bytes(code.b, "u1"), rows = [];
    for (let at = 0; at < flat.length; at += code.c) {
      rows.push(Array.from(flat.subarray(at, at + code.c), (v) => v === 255 ? null : code.lo + (code.hi - code.lo) * v / 254));
    }
    return rows;
  };
  const array = (code, slots) => {
    if (code.$ === "#") return resolve(slots[code.k], slots);
    if (code.$ === "g") return grid.subarray(code.s, code.s + code.n);
    if (code.$ === "i") return Array.from(bytes(code.b, code.t), (k) => grid[k]);
    if (code.$ === "q") return rowsOf(code);
    return bytes(code.b, code.$);
  };

  // Roles: "@model" is a colour of the style sheet, "@model/0.2" the same, paler.
  const colour = (text) => {
    const [role, strength] = text.slice(1).split("/");
    const hex = getComputedStyle(root).getPropertyValue("--" + role).trim();
    if (!strength) return hex;
    return "rgba(" + [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)).join(",") + "," + strength + ")";
  };
  const polygon = ({ x, low, high, ...trace }) => {
    const xs = [], ys = [];
    for (let first = 0; first < x.length; first++) {
      if (!(Number.isFinite(low[first]) && Number.isFinite(high[first]))) continue;
      let stop = first;
      while (stop < x.length && Number.isFinite(low[stop]) && Number.isFinite(high[stop])) stop++;
      for (let k = first; k < stop; k++) { xs.push(x[k]); ys.push(high[k]); }
      for (let k = stop - 1; k >= first; k--) { xs.push(x[k]); ys.push(low[k]); }
      xs.push(x[first]); ys.push(null);
      first = stop;
    }
    return { ...trace, x: xs, y: ys };
  };
  const resolve = (value, slots) => {
    if (typeof value === "string") return value[0] === "@" ? colour(value) : value;
    if (Array.isArray(value)) return value.map((one) => resolve(one, slots));
    if (value === null || typeof value !== "object") return value;
    if ("$" in value) return array(value, slots);
    const made = {};
    for (const name of Object.keys(value)) made[name] = resolve(value[name], slots);
    return "low" in made ? polygon(made) : made;
  };

  // Charts are drawn when they come near the screen, and again in other colours.
  const drawn = new Set();
  let looked = null;
  const source = (place) => {
    if (place.dataset.figure !== undefined) return [data.figures[+place.dataset.figure], []];
    const one = looked === null ? null : data.explorer.kept[looked][1 + +place.dataset.part];
    return one && [data.templates[one[0]], one[1]];
  };
  // Legend and scale stand below the labels of the x axis, whatever the height.
  const below = ({ data: traces, layout }, height) => {
    const titled = layout.xaxis.title.text !== "", room = titled ? 56 : 30;
    const inner = height - layout.margin.t - room - (layout.showlegend ? 46 : 10);
    const y = -room / Math.max(inner, 60);
    layout.legend.y = y;
    for (const trace of traces) if (trace.colorbar) trace.colorbar.y = y;
  };
  const draw = (place) => {
    const found = source(place);
    if (!found || place.closest("[hidden]")) return;
    const figure = resolve(found[0], found[1]);
    if (coarse) figure.layout.dragmode = false;
    below(figure, place.clientHeight);
    figure.layout.xaxis.nticks = Math.max(3, Math.floor(place.clientWidth / 75));
    drawn.add(place);
    Plotly.react(place, figure.data, figure.layout, config);
  };
  const places = [...document.querySelectorAll(".chart")];
  const near = "IntersectionObserver" in window && new IntersectionObserver((seen) => {
    for (const one of seen) if (one.isIntersecting) { near.unobserve(one.target); draw(one.target); }
  }, { rootMargin: "500px" });
  const later = (place) => near ? near.observe(place) : draw(place);
  const again = () => drawn.forEach(draw);
  const all = () => places.forEach((place) => { if (!drawn.has(place)) draw(place); });

  // Light and dark: the system's choice until the button is used.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const chosen = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const tell = () => {
    button.textContent = chosen() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(chosen() === "dark"));
    button.setAttribute("aria-label", chosen() === "dark" ? "Use light colours" : "Use dark colours");
  };
  button.addEventListener("click", () => { root.dataset.theme = chosen() === "dark" ? "light" : "dark"; tell(); again(); });
  dark.addEventListener("change", () => { tell(); again(); });
  tell();

  // On paper everything is drawn, and light.
  let before = null;
  const print = (on) => {
    if (on === (before !== null)) return;
    if (on) {
      before = [root.dataset.theme, [...document.querySelectorAll("details:not([open])")]];
      root.dataset.theme = "light";
      before[1].forEach((one) => { one.open = true; });
    } else {
      if (before[0]) root.dataset.theme = before[0]; else delete root.dataset.theme;
      before[1].forEach((one) => { one.open = false; });
      before = null;
    }
    all(); again();
    drawn.forEach((place) => { if (!place.closest("[hidden]")) Plotly.Plots.resize(place); });
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  matchMedia("print").addEventListener("change", (event) => print(event.matches));

  // Charts of which one is shown.
  for (const choice of document.querySelectorAll(".choice")) {
    const options = [...choice.querySelectorAll(".option")];
    choice.querySelector("select").addEventListener("change", (event) => {
      options.forEach((option, k) => { option.hidden = k !== +event.target.value; });
      draw(options[+event.target.value].querySelector(".chart"));
    });
  }

  if (data.explorer) explore(data.explorer);
  places.forEach(later);

  function explore({ names, columns, orders, kept }) {
    const body = document.getElementById("rows"), search = document.getElementById("search");
    const order = document.getElementById("order"), found = document.getElementById("found");
    const more = document.getElementById("more"), title = document.getElementById("chosen");
    const facts = document.getElementById("facts"), own = places.filter((place) => place.dataset.part !== undefined);
    const small = names.map((name) => name.toLowerCase()), STEP = 50;
    let hits = [], shown = 0;

    const cell = (tag, text) => { const made = document.createElement(tag); made.textContent = text; return made; };
    const row = (k) => {
      const line = document.createElement("tr"), head = document.createElement("th");
      head.scope = "row";
      line.dataset.series = k;
      if (String(k) in kept) {
        const link = cell("button", names[k]);
        link.type = "button";
        link.addEventListener("click", () => look(String(k), true));
        head.append(link);
      } else head.textContent = names[k];
      line.append(head, ...columns.map((column) => cell("td", column[k])));
      if (String(k) === looked) line.setAttribute("aria-current", "true");
      return line;
    };
    const grow = () => {
      body.append(...hits.slice(shown, shown + STEP).map(row));
      shown = Math.min(shown + STEP, hits.length);
      more.hidden = shown === hits.length;
    };
    const find = () => {
      const wanted = search.value.trim().toLowerCase();
      hits = orders[order.value].filter((k) => small[k].includes(wanted));
      const drawable = hits.filter((k) => String(k) in kept).length;
      found.textContent = `${hits.length.toLocaleString("en")} of ${names.length.toLocaleString("en")} series, `
        + `${drawable.toLocaleString("en")} of them with charts`;
      body.replaceChildren();
      shown = 0;
      grow();
    };
    const look = (k, jump) => {
      looked = k;
      title.textContent = names[+k];
      facts.textContent = kept[k][0];
      for (const line of body.children) {
        if (line.dataset.series === k) line.setAttribute("aria-current", "true"); else line.removeAttribute("aria-current");
      }
      own.forEach((place) => {
        place.setAttribute("aria-label", kept[k][1 + +place.dataset.part][2]);
        if (jump || drawn.has(place)) draw(place);
      });
      if (jump) { title.focus({ preventScroll: true }); title.scrollIntoView({ block: "nearest" }); }
    };
    search.addEventListener("input", find);
    order.addEventListener("change", find);
    more.addEventListener("click", grow);
    looked = Object.keys(kept).length ? String(orders[order.value].find((k) => String(k) in kept)) : null;
    find();
    if (looked !== null) look(looked, false);
  }

  window.gatecast = { draw: all };
})();
