"""`python docs/limit_tables.py` writes the table of `docs/contribute/limits.md` again, from `mebench.limits.FORMATS`."""

from __future__ import annotations

from pathlib import Path

from mebench.limits import FORMATS

PAGE = Path(__file__).parent / "contribute" / "limits.md"
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->\n"
HEADS = ("files", "read by", "packed", "unpacked", "rows", "cells", "depth", "seconds", "also")
UNITS = (("GiB", 30), ("MiB", 20), ("KiB", 10))


def write_page() -> None:
    """Put the table of today into the page."""
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def page_with_table(page: str) -> str:
    """The page with the table as it follows from the code."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """A line for each format, as Markdown."""
    rows = [HEADS, ("---",) * len(HEADS)]
    for form in FORMATS:
        files = ", ".join(f"`mebench/{file}`" for file in form.readers)
        numbers = (_count(number) for number in (form.rows, form.cells, form.depth, form.seconds))
        rows.append(
            (form.files, f"{form.library} ({files})", _size(form.packed), _size(form.unpacked), *numbers, form.more)
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _size(n_bytes: int | None) -> str:
    """A number of bytes in the largest unit that it is whole in."""
    if n_bytes is None:
        return ""
    for unit, power in UNITS:
        if not n_bytes % (1 << power):
            return f"{n_bytes >> power:,} {unit}"
    return f"{n_bytes:,} bytes"


def _count(number: float | None) -> str:
    """A number, grouped by thousands."""
    return "" if number is None else f"{number:,.0f}"


if __name__ == "__main__":
    write_page()
