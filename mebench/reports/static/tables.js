// Makes every table with `data-sortable` sortable and filterable, and lets readers choose its columns; what they choose is kept in the
// address. Without this script the tables are there all the same.
"use strict";
(() => {
  const PAGE = 50;
  const FEW = 8;
  const WIDE = window.matchMedia("(min-width: 60rem)");

  // `#filter:0.method=MEAN&0.words=tvl1`: what is chosen in each table, by its number on the page. A fragment, for pages of a folder have no query.
  const PREFIX = "#filter:";
  const chosen = new URLSearchParams(location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : "");
  function keep(name, value) {
    if (value) chosen.set(name, value);
    else chosen.delete(name);
    const text = chosen.toString();
    history.replaceState(null, "", text ? `${PREFIX}${text}` : location.pathname);
  }

  const made = (tag, properties, ...content) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...content);
    return element;
  };
  const named = (count) => count.toLocaleString("en");
  // The first words of a cell; small print under them is no value of its own.
  const first = (cell) => (cell.firstChild ? cell.firstChild.textContent.trim() : "");

  // The rows of a table in their first order, each with its cells and its words.
  class Rows {
    constructor(element) {
      this.body = element.tBodies[0];
      this.head = element.tHead.rows[0];
      this.headings = [...this.head.cells];
      this.all = [];
      let group = null; // a heading over the rows with which a row compares
      for (const row of this.body.rows) {
        if (row.cells.length === 1 && row.cells[0].scope === "rowgroup") group = row;
        else this.all.push({ row, group, cells: [...row.cells], words: `${group?.textContent ?? ""} ${row.textContent}`.toLowerCase() });
      }
      this.groups = [...new Set(this.all.map((one) => one.group))];
      this.shown = this.headings.map(() => true);
      this.filters = new Map(); // by name, a function of a row
      this.wanted = []; // the words of the filter
      this.sorted = { column: null, sign: 1 };
      this.page = 0;
      this.length = PAGE;
      this.info = made("span", { className: "info" });
      this.info.setAttribute("aria-live", "polite");
      const turn = (text, label, by) => {
        const button = made("button", { type: "button", onclick: () => this.draw(this.page + by) }, text);
        button.setAttribute("aria-label", label);
        return button;
      };
      this.back = [turn("«", "first page", -Infinity), turn("‹", "previous page", -1)];
      this.on = [turn("›", "next page", 1), turn("»", "last page", Infinity)];
      const pages = made("span", { className: "pages", hidden: this.all.length <= PAGE }, ...this.back, ...this.on);
      element.after(made("div", { className: "under", hidden: this.all.length <= FEW }, this.info, pages));
      this.headings.forEach((heading, index) => {
        const button = made("button", { type: "button", className: "order" });
        button.setAttribute("aria-label", `sort by ${heading.textContent.trim()}`);
        heading.append(button);
        heading.addEventListener("click", () => this.sort(index));
      });
    }

    // The values by which a column is sorted: numbers if all are.
    keys(column) {
      const texts = this.all.map(({ cells }) => {
        const text = (cells[column].dataset.order ?? cells[column].textContent).trim().toLowerCase();
        return text === "–" ? "" : text;
      });
      const bare = texts.map((text) => text.replace(/[,%†\s]/g, ""));
      const keys = bare.every((text) => !isNaN(text)) ? bare.map((text) => text && Number(text)) : texts;
      return new Map(this.all.map((one, index) => [one, keys[index]]));
    }

    // The best first, then the other way, then the first order again; empty cells come last.
    sort(column) {
      const { column: before, sign } = this.sorted;
      const best = "falling" in this.headings[column].dataset ? -1 : 1;
      this.order(before !== column ? { column, sign: best } : sign === best ? { column, sign: -best } : { column: null, sign: 1 });
    }

    order(sorted) {
      this.sorted = sorted;
      const { column } = sorted;
      this.headings.forEach((heading) => heading.removeAttribute("aria-sort"));
      if (this.sorted.column !== null) {
        this.headings[column].setAttribute("aria-sort", this.sorted.sign === 1 ? "ascending" : "descending");
      }
      this.draw();
      this.reordered?.(sorted);
    }

    // Rows whose own name holds the words of the filter come before those that hold them elsewhere.
    named_first() {
      if (!this.wanted.length) return this.all;
      const elsewhere = ({ cells }) => {
        const name = first(cells.find(({ scope }) => scope === "row") ?? cells[0]).toLowerCase();
        return this.wanted.every((word) => name.includes(word)) ? 0 : 1;
      };
      return [...this.all].sort(
        (one, other) => this.groups.indexOf(one.group) - this.groups.indexOf(other.group) || elsewhere(one) - elsewhere(other),
      );
    }

    ordered() {
      const { column, sign } = this.sorted;
      if (column === null) return this.named_first();
      const keys = this.keys(column);
      return [...this.all].sort((one, other) => {
        const apart = this.groups.indexOf(one.group) - this.groups.indexOf(other.group);
        if (apart) return apart; // rows of different headings do not compare
        const [a, b] = [keys.get(one), keys.get(other)];
        if (a === "" || b === "") return (a === "") - (b === "");
        return sign * (a > b) - sign * (a < b);
      });
    }

    show(column, visible) {
      this.shown[column] = visible;
      const visibles = (cells) => cells.filter((_, index) => this.shown[index]);
      this.head.replaceChildren(...visibles(this.headings));
      for (const { row, cells } of this.all) row.replaceChildren(...visibles(cells));
      for (const group of this.groups) if (group) group.cells[0].colSpan = visibles(this.headings).length;
    }

    draw(page = 0) {
      const tests = [...this.filters.values()];
      const rows = this.ordered().filter((one) => tests.every((test) => test(one)));
      const last = Math.max(0, Math.ceil(rows.length / this.length) - 1);
      this.page = Math.min(Math.max(page, 0), last);
      const begin = this.page * this.length || 0; // all rows are one page
      const here = rows.slice(begin, begin + this.length);
      const lines = here.flatMap(({ row, group }, n) => (group && group !== here[n - 1]?.group ? [group, row] : [row]));
      const text = this.all.length ? "no row fits the filter" : "nothing here";
      const none = made("tr", {}, made("td", { colSpan: this.shown.filter(Boolean).length, className: "none" }, text));
      this.body.replaceChildren(...(here.length ? lines : [none]));
      const part = this.all.length > PAGE ? `${named(begin + 1)} to ${named(begin + here.length)} of ` : "";
      const whole = rows.length < this.all.length ? ` (of ${named(this.all.length)})` : "";
      this.info.textContent = here.length ? `${part}${named(rows.length)} rows${whole}` : `no rows${whole}`;
      for (const button of this.back) button.disabled = this.page === 0;
      for (const button of this.on) button.disabled = this.page === last;
    }
  }

  function words(table, name) {
    const box = made("input", { type: "search", size: 25, placeholder: "method, setting, note …" });
    const filter = () => {
      const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      table.wanted = wanted;
      table.filters.set(name, (one) => wanted.every((word) => one.words.includes(word)));
    };
    box.addEventListener("input", () => {
      keep(name, box.value);
      filter();
      table.draw();
    });
    if (chosen.has(name)) {
      box.value = chosen.get(name);
      filter();
    }
    return made("label", {}, "filter", box);
  }

  function select(table, column, heading, name) {
    const values = [...new Set(table.all.map(({ cells }) => first(cells[column])))].sort((a, b) => a.localeCompare(b));
    const choice = made("select", {}, new Option("all", ""), ...values.map((value) => new Option(value, value)));
    choice.setAttribute("aria-label", heading); // or the choices would be part of its name
    const filter = () => table.filters.set(name, ({ cells }) => !choice.value || first(cells[column]) === choice.value);
    choice.addEventListener("change", () => {
      keep(name, choice.value);
      filter();
      table.draw();
    });
    if (values.includes(chosen.get(name))) {
      choice.value = chosen.get(name);
      filter();
    }
    return made("label", {}, heading, choice);
  }

  // Columns of `data-column="more"` are hidden at first, those of `wide` on a narrow screen.
  function columns(table, names, name) {
    const unseen = made("span", { className: "unseen" });
    const head = made("summary", {}, made("span", {}, "columns"), unseen);
    const box = made("details", { className: "columns" }, head);
    const tell = () => {
      const hidden = table.shown.filter((shown) => !shown).length;
      unseen.textContent = hidden ? ` (${hidden} hidden)` : "";
    };
    const kept = chosen.has(name) ? chosen.get(name).split(",") : null;
    table.headings.forEach(({ dataset: { column: when } }, index) => {
      if (!when) return;
      const checked = kept ? kept.includes(String(index)) : when === "wide" && WIDE.matches;
      const check = made("input", { type: "checkbox", checked });
      check.dataset.index = index;
      check.addEventListener("change", () => {
        table.show(index, check.checked);
        const every = [...box.querySelectorAll("input")].filter((one) => one.checked).map((one) => one.dataset.index);
        keep(name, every.join(",") || "none");
        tell();
      });
      box.append(made("label", {}, check, names[index]));
      table.show(index, checked);
    });
    tell();
    return box;
  }

  // The column by which a table is sorted, with a minus where it falls.
  function keepOrder(table, names, name) {
    const kept = chosen.get(name) ?? "";
    const column = names.indexOf(kept.replace(/^-/, ""));
    if (kept && column >= 0) table.order({ column, sign: kept.startsWith("-") ? -1 : 1 });
    table.reordered = ({ column, sign }) => keep(name, column === null ? "" : (sign < 0 ? "-" : "") + names[column]);
  }

  // The rows of all tables once stood on the index: addresses with their filters lead to the page where they stand now.
  const moved = document.querySelector("a[data-filters]");
  if (moved && location.hash.startsWith(PREFIX)) location.replace(moved.href + location.hash);

  for (const [number, element] of document.querySelectorAll("table[data-sortable]").entries()) {
    const names = [...element.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const table = new Rows(element);
    const bar = made("div", { className: "filters" });
    bar.setAttribute("role", "search");
    bar.setAttribute("aria-label", `Table ${number + 1}`);
    if (table.all.length > FEW) bar.append(words(table, `${number}.words`));
    table.headings.forEach((heading, index) => {
      if ("filter" in heading.dataset) bar.append(select(table, index, names[index], `${number}.${names[index]}`));
    });
    if (table.headings.some((heading) => heading.dataset.column)) bar.append(columns(table, names, `${number}.columns`));
    if (bar.children.length) element.closest(".scroll").before(bar);
    table.draw();
    keepOrder(table, names, `${number}.order`);
    element.dataset.ready = "";
    // On paper there is no next page of a table.
    const paged = (length) => () => {
      table.length = length;
      table.draw();
    };
    window.addEventListener("beforeprint", paged(Infinity));
    window.addEventListener("afterprint", paged(PAGE));
  }

  // The command beside the button goes to the clipboard; where that is refused, it is selected.
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("button.copy");
    if (!button) return;
    const command = button.closest("div").querySelector("code");
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = "selected";
    }
  });
  document.documentElement.dataset.ready = "";
})();
