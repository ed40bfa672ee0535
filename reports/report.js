"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const make = (name, parent, more = {}) => parent.appendChild(Object.assign(document.createElement(name), more));
  // All that is in an element, as a button in it.
  const press = (parent) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...parent.childNodes);
    return parent.appendChild(button);
  };

  // The number in a text such as "1,234", "12.3ms", "2m 5s", "1.2%" or "1.5KiB"; NaN without one.
  const units = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12, B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824 };
  const number = (text) => {
    if (!/^-?[\d.]/.test(text)) return NaN;
    let sum = 0;
    for (const [, digits, unit] of text.matchAll(/(-?[\d.,]+)\s*(ns|us|µs|ms|[KMG]iB|[smhB](?![a-z]))?/gi)) sum += parseFloat(digits.replace(/,/g, "")) * (units[unit] || 1);
    return sum;
  };
  const clock = (seconds) => {
    const parts = [["h", 3600], ["m", 60]].map(([unit, length]) => {
      const count = Math.floor(seconds / length + 1e-9);
      seconds -= count * length;
      return count ? count + unit : "";
    });
    const rest = Math.round(seconds * 100) / 100;
    return [...parts, rest && rest + "s"].filter(Boolean).join(" ") || "0s";
  };
  const words = (cell) => {
    const copy = cell.cloneNode(true);
    all("small", copy).forEach((note) => note.remove());
    return copy.textContent.trim();
  };

  // Tables: a button in each head sorts by its column; what has no number comes last.
  for (const table of all("table.sortable")) {
    const heads = [], taken = [];
    [...table.tHead.rows].forEach((row, top) => {
      let at = 0;
      for (const head of row.cells) {
        while (taken[top]?.[at]) at++;
        for (let y = top; y < top + head.rowSpan; y++) for (let x = at; x < at + head.colSpan; x++) (taken[y] ??= [])[x] = true;
        if (head.scope === "col") heads.push([head, at]);
        at += head.colSpan;
      }
    });
    const body = table.tBodies[0], rows = [...body.rows];
    if (rows.length < 2) continue;
    for (const [head, column] of heads) {
      const keys = new Map(rows.map((row) => [row, words(row.cells[column])]));
      if (rows.every((row) => !/[^–]/.test(keys.get(row)))) continue;
      const numeric = head.classList.contains("n");
      press(head).addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const down = before ? before === "ascending" : numeric;
        heads.forEach(([other]) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const order = (a, b) => {
          if (!numeric) return sign * keys.get(a).localeCompare(keys.get(b), "en", { numeric: true });
          const [x, y] = [number(keys.get(a)), number(keys.get(b))];
          return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y);
        };
        body.append(...[...rows].sort(order));
      });
    }
  }

  // Legends: a button shows or hides its line.
  for (const plot of all(".plot")) {
    const items = all("li[data-s]", plot.previousElementSibling);
    if (items.length < 2) continue;
    for (const item of items) {
      const button = press(item);
      button.ariaPressed = "true";
      button.addEventListener("click", () => {
        const shown = button.ariaPressed !== "true";
        button.ariaPressed = shown;
        all(`[data-s="${item.dataset.s}"]`, plot).forEach((part) => (part.style.display = shown ? "" : "none"));
      });
    }
  }

  // Charts over time share a place in time and a stretch of it.
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200];
  const latency = document.querySelector("#latency")?.closest("section").querySelector("table.over-time");
  const tableOf = (plot) => {
    for (let next = plot.nextElementSibling; next; next = next.nextElementSibling) {
      const table = next.querySelector("table.over-time");
      if (table) return table;
    }
    return latency;
  };
  const charts = all(".plot[data-time]").map((plot) => {
    const table = tableOf(plot);
    const rows = table ? [...table.tBodies[0].rows] : [];
    const svg = plot.querySelector("svg"), labels = plot.querySelector(".plot-x");
    return {
      plot, svg, labels, whole: [...labels.childNodes],
      heads: table ? [...table.tHead.rows[0].cells].map((head) => head.textContent) : [],
      rows: rows.map((row) => [number(row.cells[0].textContent) / 1e9, row]),
      line: make("div", plot, { className: "cross", hidden: true }),
      told: make("div", plot, { className: "told", hidden: true }),
    };
  }).filter((chart) => chart.rows.length);
  if (!charts.length) return;
  const length = Math.max(...charts.map((chart) => +chart.plot.dataset.time));
  const main = document.querySelector("main");
  const back = make("button", main, { type: "button", className: "whole", hidden: true });
  let [from, to] = [0, length];
  let at = null;

  const show = (second) => {
    at = second;
    for (const { line, told, heads, rows } of charts) {
      const n = rows.findLastIndex(([start]) => start <= second);
      const row = rows[n];
      const hidden = second === null || !row || second < from || second > to;
      line.hidden = told.hidden = hidden;
      if (hidden) continue;
      const end = rows[n + 1]?.[0] ?? length;
      const share = (second - from) / (to - from);
      line.style.left = `calc(var(--axis) + (100% - var(--axis)) * ${share})`;
      told.classList.toggle("right", share < 0.5);
      told.replaceChildren();
      make("b", told, { textContent: `${clock(row[0])} – ${clock(end)}` });
      [...row[1].cells].slice(1).forEach((cell, column) => make("span", told, { textContent: `${heads[column + 1]} ${words(cell)}` }));
    }
  };
  const zoom = (a, b) => {
    const least = Math.min(length, Math.max(length / 500, 1));
    if (b - a < least) [a, b] = [(a + b - least) / 2, (a + b + least) / 2];
    if (a < 0) [a, b] = [0, b - a];
    if (b > length) [a, b] = [Math.max(0, a - (b - length)), length];
    [from, to] = [a, b];
    const zoomed = to - from < length * 0.999;
    for (const { svg, labels, whole } of charts) {
      svg.setAttribute("viewBox", `${(from / length) * 1000} 0 ${((to - from) / length) * 1000} 300`);
      svg.classList.toggle("zoomed", zoomed);
      labels.replaceChildren(...(zoomed ? [] : whole));
      if (!zoomed) continue;
      const step = steps.find((step) => step >= (to - from) / 5) ?? (to - from) / 5;
      for (let tick = Math.ceil(from / step - 1e-9) * step; tick <= to + 1e-9; tick += step) {
        const share = (tick - from) / (to - from);
        const span = make("span", labels, { textContent: clock(tick), className: share > 0.97 ? "end" : share < 0.03 ? "start" : "" });
        span.style.left = share * 100 + "%";
      }
    }
    back.hidden = !zoomed;
    back.textContent = `${clock(from)} – ${clock(to)}: show the whole run`;
    if (at !== null) show(at);
  };
  back.addEventListener("click", () => zoom(0, length));

  for (const { plot, svg, told, rows } of charts) {
    const secondOf = (event) => {
      const box = svg.getBoundingClientRect();
      return from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (to - from);
    };
    let start = null, brush = null;
    const stop = () => {
      brush?.remove();
      start = brush = null;
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return show(secondOf(event));
      start = event.clientX;
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (start !== null && (brush || Math.abs(event.clientX - start) > 6)) {
        brush ??= make("div", plot, { className: "brush" });
        const box = svg.getBoundingClientRect(), shift = box.left - plot.getBoundingClientRect().left;
        const ends = [start, event.clientX].map((x) => Math.min(box.width, Math.max(0, x - box.left))).sort((a, b) => a - b);
        brush.style.left = shift + ends[0] + "px";
        brush.style.width = ends[1] - ends[0] + "px";
      }
      show(secondOf(event));
    });
    svg.addEventListener("pointerup", (event) => {
      if (brush) show(null), zoom(...[secondOf({ clientX: start }), secondOf(event)].sort((a, b) => a - b));
      stop();
    });
    svg.addEventListener("pointercancel", stop);
    svg.addEventListener("pointerleave", () => start === null && show(null));
    svg.addEventListener("dblclick", () => zoom(0, length));

    const title = svg.querySelector("title");
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", `${title.textContent}: arrow keys read values, plus and minus zoom, Escape shows the whole run`);
    svg.setAttribute("aria-label", title.textContent);
    svg.removeAttribute("aria-labelledby");
    svg.setAttribute("aria-describedby", svg.querySelector("desc").id);
    title.remove();
    plot.addEventListener("keydown", (event) => {
      const n = rows.findLastIndex(([begin]) => begin <= (at ?? from));
      const middle = at ?? (from + to) / 2, span = to - from;
      const keys = {
        ArrowLeft: () => show(Math.max(0, rows[Math.max(0, at === null ? 0 : n - 1)][0])),
        ArrowRight: () => show(rows[Math.min(rows.length - 1, at === null ? 0 : n + 1)][0]),
        "+": () => zoom(middle - span / 4, middle + span / 4),
        "-": () => zoom(middle - span, middle + span),
        Escape: () => zoom(0, length),
      };
      const act = keys[event.key === "=" ? "+" : event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
      if (at !== null && (at < from || at > to)) zoom(at - span / 2, at + span / 2);
    });
    plot.addEventListener("focus", () => (told.ariaLive = "polite"));
    plot.addEventListener("blur", () => {
      told.ariaLive = "off";
      show(null);
    });
  }
})();
