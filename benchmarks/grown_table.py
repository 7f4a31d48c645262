"""A Markdown table that grows: rows that it holds already stay beside new ones, those of the same name give way."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Key = tuple[str, ...]


def rows_of(table: Path | None, titles: Sequence[str], key: Sequence[int]) -> dict[Key, list[str]]:
    """Cells of a table by those of the columns `key`; none where there is no table yet."""
    if table is None or not table.exists():
        return {}
    lines = [line.strip("| ").split(" | ") for line in table.read_text().splitlines() if line.startswith("| ")]
    if not lines or lines[0] != titles:
        raise SystemExit(f"{table} is no table of this program: move it away, or name another")
    return {tuple(cells[column] for column in key): cells for cells in lines[1:]}


def write(table: Path | None, head: str, titles: Sequence[str], rows: Mapping[Key, Sequence[str]]) -> str:
    """The rows, sorted, which a file gets under `head`."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [titles, *(rows[key] for key in sorted(rows))]]
    text = "\n".join([lines[0], "|---" * len(titles) + "|", *lines[1:]])
    if table:
        table.write_text(head + text + "\n")
    return text
