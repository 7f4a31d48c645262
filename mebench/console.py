"""Printing: words and tables for people at a terminal, plain lines for everything else, JSON for programs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


WIDE = 200
"""Columns of a table that goes into a file."""


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its word.

    >>> plural(1, "video"), plural(2, "video"), plural(0, "apex", "apexes")
    ('1 video', '2 videos', '0 apexes')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def size(n_bytes: float) -> str:
    """Bytes for people.

    >>> size(0), size(1023), size(5300000000)
    ('0 B', '1023 B', '4.9 GiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.1f} GiB"


def duration(seconds: float) -> str:
    """Seconds for people, in two units at most.

    >>> [duration(s) for s in (0.2, 42, 60, 125, 3600, 7325)]
    ['1 s', '42 s', '1 min', '2 min 5 s', '1 h', '2 h 2 min']
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    large, small, names = (
        (whole // 3600, whole % 3600 // 60, ("h", "min")) if whole >= 3600 else (*divmod(whole, 60), ("min", "s"))
    )
    return f"{large} {names[0]}" + (f" {small} {names[1]}" if small else "")


def at_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table on a terminal; elsewhere tab-separated lines, the headers first, nothing cut or wrapped."""
    if not at_terminal():
        for row in (headers, *rows):
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for n, header in enumerate(headers):
        table.add_column(header, overflow="fold", no_wrap=n == 0, style="cyan" if n == 0 else "")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def console() -> Console:
    """Standard output for tables of rich; nothing is cut or wrapped where that is no terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if at_terminal() else WIDE)


def empty_table(title: str, columns: Sequence[str] = (), words: Collection[str] = ()) -> Table:
    """A table without rows; columns of words and intervals stand at the left, those of numbers at the right; none is wrapped."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        left = column in words or column.endswith("interval")
        table.add_column(column, no_wrap=True, justify="left" if left else "right")
    return table


def print_markdown(text: str) -> None:
    """Markdown, rendered on a terminal and as it stands elsewhere."""
    if not at_terminal():
        print(text.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def days_of(text: str) -> float:
    """A time such as `12h`, `30d` or `2w` in days.

    Raises:
        ConfigError: it is none.

    >>> days_of("30d"), days_of("12h"), days_of("2w")
    (30.0, 0.5, 14.0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip().lower())
    if match is None:
        raise ConfigError(f"--older-than must be a number of hours, days or weeks such as 12h, 30d or 2w, not {text!r}")
    return float(match[1]) * {"h": 1 / 24, "d": 1.0, "w": 7.0}[match[2]]


def check_target(target: str | None) -> None:
    """Make sure that `write_json` will be able to write there, before hours of work go into what it writes.

    Raises:
        ConfigError: the target is a folder, or its folder is not there or not writable.
    """
    if target is None or target == "-":
        return
    file = Path(target)
    if not target or file.is_dir():
        raise ConfigError(f"--json must name a file, or - for standard output, not {target!r}")
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise ConfigError(
            f"--json {target}: the folder {file.parent} is not there or cannot be written to: make it, or name another"
        )


def write_json(data: Any, target: str | None) -> None:
    """`data` into the file `target`, or for `-` onto standard output; nowhere for None.

    JSON lacks nan and infinity: they become null.
    """
    if target is None:
        return
    import json

    text = json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False)
    if target == "-":
        print(text)
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")


def text(value: Any) -> str:
    """A value as the command line would take it.

    >>> text(None), text(True), text([1, "a"]), text("a b")
    ('null', 'true', '[1, "a"]', 'a b')
    """
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and (data != data or data in (float("inf"), float("-inf"))) else data
