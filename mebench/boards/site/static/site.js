// Makes every table with `data-sortable` sortable and filterable, and lets readers choose its columns; what they choose is kept in the
// address. Without this script the tables are there all the same.
"use strict";
(async () => {
  const tables = [...document.querySelectorAll("table[data-sortable]")];
  if (!tables.length) return;
  // A page opened from a folder may not import a module from a file, but it may from memory.
  const packed = Uint8Array.from(atob(window.tableLibrary), (letter) => letter.charCodeAt(0));
  const library = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const script = await new Response(library, { headers: { "Content-Type": "text/javascript" } }).blob();
  const address = URL.createObjectURL(script);
  const { default: DataTable } = await import(address);
  URL.revokeObjectURL(address);

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

  function select(table, column, heading, name) {
    const label = document.createElement("label");
    const choice = document.createElement("select");
    label.append(heading, choice);
    choice.setAttribute("aria-label", heading); // or the choices would be part of its name
    // The first words of a cell; small print under them is no value of its own.
    const first = (cell) => (cell.firstChild ? cell.firstChild.textContent.trim() : "");
    const cells = column.nodes().toArray();
    const values = [...new Set(cells.map(first))].sort((a, b) => a.localeCompare(b));
    choice.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    const filter = () => {
      const wanted = choice.value;
      column.search(wanted ? (_, __, row) => first(cells[row]) === wanted : "").draw();
    };
    choice.addEventListener("change", () => {
      keep(name, choice.value);
      filter();
    });
    if (values.includes(chosen.get(name))) {
      choice.value = chosen.get(name);
      filter();
    }
    return label;
  }

  // Columns of `data-column="more"` are hidden at first, those of `wide` on a narrow screen.
  function columns(table, headings, names, name) {
    const box = document.createElement("details");
    box.className = "columns";
    box.append(Object.assign(document.createElement("summary"), { textContent: "columns" }));
    const kept = chosen.has(name) ? chosen.get(name).split(",") : null;
    const shown = (index) => {
      const when = headings[index].dataset.column;
      return !when || (kept ? kept.includes(String(index)) : when === "wide" && WIDE.matches);
    };
    headings.forEach((heading, index) => {
      if (!heading.dataset.column) return;
      const label = document.createElement("label");
      const check = Object.assign(document.createElement("input"), { type: "checkbox", checked: shown(index) });
      check.dataset.index = index;
      check.addEventListener("change", () => {
        table.column(index).visible(check.checked);
        const every = [...box.querySelectorAll("input")].filter((one) => one.checked).map((one) => one.dataset.index);
        keep(name, every.join(",") || "none");
      });
      label.append(check, names[index]);
      box.append(label);
      table.column(index).visible(check.checked, false);
    });
    table.columns.adjust();
    return box;
  }

  for (const [number, element] of tables.entries()) {
    const rows = element.tBodies[0].rows.length;
    const headings = [...element.tHead.rows[0].cells];
    const filters = headings.map((cell, index) => ("filter" in cell.dataset ? index : -1)).filter((index) => index >= 0);
    const names = headings.map((cell) => cell.textContent.trim());
    const table = new DataTable(element, {
      autoWidth: false,
      order: [],
      orderMulti: false,
      paging: rows > PAGE,
      pageLength: PAGE,
      lengthChange: false,
      searching: rows > 1,
      info: rows > FEW,
      layout: {
        topStart: null,
        topEnd: null,
        bottomStart: rows > FEW ? "info" : null,
        bottomEnd: rows > PAGE ? "paging" : null,
      },
      language: {
        emptyTable: "nothing here",
        zeroRecords: "no row fits the filter",
        info: rows > PAGE ? "_START_ to _END_ of _TOTAL_ rows" : "_TOTAL_ rows",
        infoEmpty: "no rows",
        thousands: ",",
        infoFiltered: "(of _MAX_)",
      },
    });
    const optional = headings.some((heading) => heading.dataset.column);
    if (rows > FEW || filters.length || optional) {
      const bar = document.createElement("div");
      bar.className = "filters";
      bar.setAttribute("role", "search");
      bar.setAttribute("aria-label", `Table ${number + 1}`);
      if (rows > FEW) {
        const label = document.createElement("label");
        const box = document.createElement("input");
        box.type = "search";
        box.placeholder = "method, setting, note …";
        box.addEventListener("input", () => {
          keep(`${number}.words`, box.value);
          table.search(box.value).draw();
        });
        if (chosen.has(`${number}.words`)) {
          box.value = chosen.get(`${number}.words`);
          table.search(box.value).draw();
        }
        label.append("filter", box);
        bar.append(label);
      }
      for (const index of filters) bar.append(select(table, table.column(index), names[index], `${number}.${names[index]}`));
      if (optional) bar.append(columns(table, headings, names, `${number}.columns`));
      element.closest(".scroll").before(bar);
    }
    element.dataset.ready = "";
    if (rows > PAGE) {
      // On paper there is no next page of a table.
      window.addEventListener("beforeprint", () => table.page.len(-1).draw());
      window.addEventListener("afterprint", () => table.page.len(PAGE).draw());
    }
  }
  document.documentElement.dataset.ready = "";
})();
