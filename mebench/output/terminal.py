"""Printing: words and tables for people at a terminal, plain lines for everything else."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mebench.lazy_imports import load_lazily
from mebench.system import join_words

if TYPE_CHECKING:
    import rich.box as rich_box
    import rich.console as rich_console
    import rich.measure as rich_measure
    import rich.protocol as rich_protocol
    import rich.table as rich_table
    import rich.text as rich_text
else:
    rich_box = load_lazily("rich.box")
    rich_console = load_lazily("rich.console")
    rich_measure = load_lazily("rich.measure")
    rich_protocol = load_lazily("rich.protocol")
    rich_table = load_lazily("rich.table")
    rich_text = load_lazily("rich.text")

WIDE = 200
"""Columns of a table that goes into a file."""
PADDING = 3
"""Characters between two columns of a table."""
SHORT_WORD = 12
"""Words up to this length are never broken, even in cells that may break anywhere."""


MOVING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Characters that a terminal obeys instead of showing: they move the cursor, end a line, turn the direction of writing, or hide."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Commands to a terminal for colours and the position of the cursor."""


def escape_controls(text: str, kept: str = "") -> str:
    r"""Text in one line whose control characters, except `kept`, are written as Python writes them.

    Every foreign word, such as the name of a file or a name in one, passes here before it is printed.

    >>> print(escape_controls("a \x1b[31m red\nline é"))
    a \x1b[31m red\nline é
    """
    is_plain = text.isprintable() or ("\n" in kept and str(text).replace("\n", "").isprintable())
    if is_plain:  # as most texts are
        return text

    def escape(sign: re.Match[str]) -> str:
        return sign[0] if sign[0] in kept else sign[0].encode("unicode_escape").decode()

    return MOVING.sub(escape, text)


def for_template(value: object) -> object:
    r"""A value as a template writes it (Jinja's `finalize`): text as `escape_controls` writes it, with its ends of lines and tabs.

    >>> print(for_template("a \x1b[31m red"), for_template(1))
    a \x1b[31m red 1
    """
    return type(value)(escape_controls(value, "\n\r\t")) if isinstance(value, str) else value


def for_figure(text: str) -> str:
    r"""Text of others as matplotlib draws it: a dollar begins no formula, and nothing is a sign that SVG cannot hold.

    >>> print(for_figure("5 $ a \x1b[31m red"))
    5 \$ a \x1b[31m red
    """
    return escape_controls(text).replace("$", r"\$")


def print_lines(*lines: str, error: bool = False, flush: bool = False) -> None:
    """Print each as one line, on standard error if it is an error; at once with `flush`."""
    for line in lines:
        print(escape_controls(line), file=sys.stderr if error else sys.stdout, flush=error or flush)


def print_foreign_text(text: str) -> str:
    """Print a piece of another process's output on standard error, and return it as printed.

    Ends of lines and tabs are kept, commands for colours and the cursor are left out.
    """
    printed = escape_controls(_COLOURS.sub("", text), "\n\r\t")
    print(printed, end="", file=sys.stderr, flush=True)
    return printed


def shell_command(verb: str, words: Iterable[str], config: Iterable[str] = (), plugins: Iterable[str] = ()) -> str:
    """A command of mebench as a shell takes it.

    >>> shell_command("run -m", ["method=mine", "seed=0..2"], plugins=["my plugins"])
    "mebench run -m --plugins 'my plugins' method=mine seed=0..2"
    """
    options = list[str]()
    for file in config:
        options += ["-c", file]
    for folder in plugins:
        options += ["--plugins", folder]
    return join_words(["mebench", *verb.split(), *options, *words])


def format_count(count: int, one: str, many: str = "") -> str:
    """A count with its word.

    >>> format_count(1, "video"), format_count(2, "video"), format_count(0, "apex", "apexes")
    ('1 video', '2 videos', '0 apexes')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def format_size(n_bytes: float) -> str:
    """Bytes for people.

    >>> format_size(0), format_size(1023), format_size(5300000000)
    ('0 B', '1023 B', '4.9 GiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.1f} GiB"


def format_duration(seconds: float) -> str:
    """Seconds for people, in two units at most.

    >>> [format_duration(s) for s in (0.2, 42, 60, 125, 3600, 7325)]
    ['1 s', '42 s', '1 min', '2 min 5 s', '1 h', '2 h 2 min']
    """
    total = max(1, round(seconds))
    if total < 60:
        return f"{total} s"
    if total < 3600:
        minutes, rest = divmod(total, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(total, 3600)
    minutes = rest // 60
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def at_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table of words on a terminal; elsewhere tab-separated lines, the headers first, nothing cut or wrapped."""
    if at_terminal():
        wraps = ["never", *["anywhere"] * (len(headers) - 1)]
        table = make_rich_table(title, [(head, False, wrap) for head, wrap in zip(headers, wraps)], rows)
        table.columns[0].style = "cyan"
        make_console().print(table)
        return
    for row in (headers, *rows):
        print("\t".join(escape_controls(" ".join(cell.split())) for cell in row))


def make_rich_table(
    title: str, heads: Iterable[tuple[str, bool, str]], rows: Iterable[Sequence[str]]
) -> rich_table.Table:
    """A table for `make_console`.

    Args:
        title: text over the table.
        heads: head of each column, whether it stands at the right, and where it breaks: between `words`, `anywhere`, or
            `never`.
        rows: cells of the rows; a row without any is a line.
    """
    table = rich_table.Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=rich_box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for head, right, wrap in heads:
        table.add_column(
            head,
            justify="right" if right else "left",
            overflow="fold" if wrap == "anywhere" else "ellipsis",
            no_wrap=wrap == "never",
        )
    for row in rows:
        if row:
            table.add_row(*row)
        else:
            table.add_section()
    return table


def make_console(error: bool = False) -> rich_console.Console:
    """Standard output, or error, for tables of rich.

    Text is printed literally (no markup); output to a file or pipe is never cut or wrapped.
    """

    class Plain(rich_console.Console):
        """Text has no markup, and passes `escape_controls`; a wide table runs over the edge rather than lose a part."""

        def print(self, *objects: Any, **how: Any) -> None:
            shown = tuple(map(rich_protocol.rich_cast, objects))
            for table in shown:
                if isinstance(table, rich_table.Table):
                    _widen_table(table, self)
            super().print(*shown, crop=False, **how)

        def render_str(self, text: str, **how: Any) -> rich_text.Text:
            return super().render_str(escape_controls(text), **{**how, "markup": False, "emoji": False})

    if error:
        return Plain(highlight=False, stderr=True, soft_wrap=True)
    return Plain(highlight=False, width=None if at_terminal() else WIDE)


def _widen_table(table: rich_table.Table, console: rich_console.Console) -> None:
    """Give each column room for its longest word, and the table room for its columns."""
    widths = [_least_width(column, console) for column in table.columns]
    for column, width in zip(table.columns, widths):
        column.min_width = width
    least = sum(widths) + PADDING * len(widths) - 1  # none after the last
    table.width = least if least > console.width else None


def _least_width(column: rich_table.Column, console: rich_console.Console) -> int:
    """The room that a column needs so that none of its short words breaks."""
    unlimited = console.options.update(max_width=WIDE)
    sizes = [rich_measure.Measurement.get(console, unlimited, text) for text in (column.header, *column.cells)]
    widths = [size.maximum for size in sizes] if column.no_wrap else [size.minimum for size in sizes]
    needed = max(widths)
    return min(needed, SHORT_WORD if column.overflow == "fold" else WIDE)


def print_report(title: str, *parts: Any) -> None:
    """Print a title, and tables and lines below it.

    Nothing is cut or wrapped in a file or pipe.
    """
    out = make_console()
    if title:
        out.print(title, style="bold", soft_wrap=True)
    for part in parts:
        out.print(part, soft_wrap=isinstance(part, str))


def print_markdown(text: str) -> None:
    """Print Markdown: rendered on a terminal, as source elsewhere."""
    lines = "\n".join(map(escape_controls, text.rstrip().split("\n")))
    if not at_terminal():
        print(lines)
        return
    from rich.markdown import Markdown

    make_console().print(Markdown(lines))
