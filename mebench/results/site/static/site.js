// Makes every table with `data-sortable` sortable and filterable. Without this script the tables are there all the same.
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

  function select(table, column, heading) {
    const label = document.createElement("label");
    const choice = document.createElement("select");
    label.append(heading, choice);
    choice.setAttribute("aria-label", heading); // or the choices would be part of its name
    // The first words of a cell; small print under them is no value of its own.
    const first = (cell) => (cell.firstChild ? cell.firstChild.textContent.trim() : "");
    const cells = column.nodes().toArray();
    const values = [...new Set(cells.map(first))].sort((a, b) => a.localeCompare(b));
    choice.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    choice.addEventListener("change", () => {
      const wanted = choice.value;
      column.search(wanted ? (_, __, row) => first(cells[row]) === wanted : "").draw();
    });
    return label;
  }

  for (const element of tables) {
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
    if (rows > FEW || filters.length) {
      const bar = document.createElement("div");
      bar.className = "filters";
      bar.setAttribute("role", "search");
      if (rows > FEW) {
        const label = document.createElement("label");
        const box = document.createElement("input");
        box.type = "search";
        box.placeholder = "method, setting, note …";
        box.addEventListener("input", () => table.search(box.value).draw());
        label.append("filter", box);
        bar.append(label);
      }
      for (const index of filters) bar.append(select(table, table.column(index), names[index]));
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
