"""One table for all that print one: columns, rows of plain values, and its outputs, each written once with its own escaping.

Whoever shows something in rows makes a `Table` and chooses an output: `terminal`, `markdown`, `latex`, `csv`, `plain` (for JSON), `html`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from markupsafe import Markup, escape

from mebench.lazy_imports import load_lazily
from mebench.metrics.catalogue import find
from mebench.number_format import NONE, Score, digits, ends, interval, number
from mebench.terminal import for_template, printable, printed_table

if TYPE_CHECKING:
    import jinja2
    import rich.table as rich_table
else:
    jinja2 = load_lazily("jinja2")
    rich_table = load_lazily("rich.table")

INTERVAL = "95 % interval"
"""Head of the column that holds the interval of the score before it."""
ENDS = ("value", "low", "high", "min", "max")
"""The fields of a score in a file; the last two are the lowest and the highest seed."""


class Latex(str):
    """Text that is LaTeX already."""


@dataclass(frozen=True)
class Column:
    """A column: its content and its format in all outputs.

    Attributes:
        name: in files, and of the attribute that `Table.of` takes of a row.
        label: its head for people; the name with blanks for underscores if it is left out.
        of: what `Table.of` takes of a row in place of that attribute.
        text: how a value that is no text is written; else by what it is: a score with its interval, a number with `digits`, lines of text.
        digits: after the point.
        right: whether it stands at the right, as numbers do.
        score: whether it holds scores: `value`, the ends `low` and `high` of its interval, `min` and `max` over seeds, `note` below it.
        interval: whether a terminal gives the interval a column of its own, where there is no room below the score.
        main: the name of the row, or the score that sorts.
        optional: whether `Table.of` leaves it out where no row has a value.
        meaning: a sentence.
        wrap: where a terminal may break its cells.
        room: on what a page shows it at first: `wide` screens, or none (`more`).
        choose: whether a page lets readers choose among its values.
        order: what a page sorts by; the number itself if it is left out. It gets no None, which comes last.
        kind: class of its cells on a page.
    """

    name: str
    label: str | None = None
    of: Callable[[Any], Any] | None = None
    text: Callable[[Any], str] | None = None
    digits: int = 4
    right: bool = False
    score: bool = False
    interval: bool = True
    main: bool = False
    optional: bool = False
    meaning: str = ""
    wrap: Literal["words", "anywhere", "never"] = "words"
    room: Literal["", "wide", "more"] = ""
    choose: bool = False
    order: Callable[[Any], Any] | None = None
    kind: str = ""

    @classmethod
    def metric(cls, path: str, label: str | None = None, **how: Any) -> Self:
        """The column of a score of `metrics.catalogue`, with its label, digits and meaning.

        >>> Column.metric("f1", digits=3).label
        'F1'
        """
        found = find(path)
        look = {
            "digits": found.digits,
            "right": True,
            "score": True,
            "meaning": found.describe() if found.meaning else "",
            **how,
        }
        return cls(path, label or found.label, **look)

    @property
    def head(self) -> str:
        """Its head for people."""
        return self.name.replace("_", " ") if self.label is None else self.label

    def lines(self, value: Any) -> list[str]:
        """A value as text; of a score its interval, its seeds and its note are lines of their own.

        >>> Column("f1", digits=2).lines({"value": 0.5, "low": 0.25, "high": 0.75, "min": 0.5, "max": 0.5})
        ['0.50', '[0.25, 0.75]']
        """
        if self.text is not None and not isinstance(value, str):
            return [self.text(value)]
        if isinstance(value, Mapping):
            places = value.get("digits", self.digits)
            seen = [digits(value[end], places) for end in ("min", "max") if value.get(end) is not None]
            seeds = " to ".join(seen) if len(set(seen)) > 1 else ""
            return [digits(value["value"], places), *filter(None, (ends(value, places), seeds, value.get("note", "")))]
        if isinstance(value, float):
            return [digits(value, self.digits)]
        return [*map(str, value)] if isinstance(value, tuple) else [NONE if value is None else str(value)]

    def cell(self, value: Any) -> Markup:
        """A value as a cell of a page, in which no text is markup."""
        tag = "th" if self.main and not self.score else "td"
        kinds = " ".join(filter(None, ("num" * self.right, "main" * (self.main and self.score), self.kind)))
        score = (value or {}) if self.score and not isinstance(value, str) else None
        known = (score or {}).get("value")
        order: Any = None
        if score is not None:  # undefined values come last
            order = "" if known is None else f"{known:.6g}"
        elif self.order:
            order = "" if value is None else self.order(value)
        if (value is None and not self.text) or (score and known is None):
            styles, lines = ["none", "spread"], [NONE, *filter(None, [(score or {}).get("note")])]
        elif score:
            lines = self.lines(score)
            styles = ["value", *("interval" if line.startswith("[") else "spread" for line in lines[1:])]
        else:
            lines = [value] if hasattr(value, "__html__") else self.lines(value)
            styles = ["", *("settings" for _ in lines[1:])]
        texts = (str(escape(for_template(line))) for line in lines)
        words = ("" if score is None else " ").join(
            f'<span class="{style}">{text}</span>' if style else text for style, text in zip(styles, texts)
        )
        drawn = bar(score, score.get("metric") or self.name) if score and known is not None and self.main else ""
        attributes = (("class", kinds or None), ("scope", "row" if tag == "th" else None), ("data-order", order))
        head = "".join(f' {name}="{escape(content)}"' for name, content in attributes if content is not None)
        return Markup(f"<{tag}{head}>{words}{drawn}</{tag}>")


@dataclass(frozen=True)
class Table:
    """Columns and rows.

    Attributes:
        columns: from left to right.
        rows: a value for each column: a score, a number, a text, several lines of text as a tuple, or None. `Markup` is HTML and `Latex`
            is LaTeX already. A text in place of a row is a heading over the rows below; an empty one is a line.
        title: over it.
        muted: numbers of rows, from 0, that are no results but stand for comparison, as the level of chance.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any] | str]
    title: str = ""
    muted: Collection[int] = ()

    @classmethod
    def of(cls, columns: Sequence[Column], rows: Iterable[Any], title: str = "", muted: Collection[int] = ()) -> Self:
        """A table of objects or maps, without the optional columns that none of them has a value for."""
        cells = [
            [
                c.of(row) if c.of else row.get(c.name) if isinstance(row, Mapping) else getattr(row, c.name)
                for c in columns
            ]
            for row in rows
        ]
        nothing: tuple[Any, ...] = (None, "", ())
        kept = [
            n
            for n, (column, values) in enumerate(zip(columns, zip(*cells) if cells else [()] * len(columns)))
            if not column.optional
            or any((cell.get("value") if isinstance(cell, Mapping) else cell) not in nothing for cell in values)
        ]
        return cls([columns[n] for n in kept], [[row[n] for n in kept] for row in cells], title, muted)

    def terminal(self) -> rich_table.Table:
        """For `console().print`: a score with its interval; undefined values are `-`."""
        heads = [
            head
            for c in self.columns
            for head in ((c.head, c.right, c.wrap), (INTERVAL, False, c.wrap))[: 1 + (c.score and c.interval)]
        ]
        rows: list[list[str]] = []
        for row in self.rows:
            cells: list[str] = [row] if isinstance(row, str) and row else []
            for column, value in zip(self.columns, () if isinstance(row, str) else row):
                if column.score and not isinstance(value, str):
                    score: Score = value or dict.fromkeys(ENDS)
                    places = score.get("digits", column.digits)
                    cells += [number(score["value"], places), interval(score, places)][: 1 + column.interval]
                elif value is None or isinstance(value, float):
                    cells.append(column.text(value) if column.text else number(value, column.digits))
                else:
                    cells.append(", ".join(column.lines(value)))
                    cells += [""] if column.score and column.interval else []
            rows += [[], cells] if isinstance(row, str) and row else [cells]
        return printed_table(self.title, heads, rows)

    __rich__ = terminal

    def words(self) -> tuple[list[str], list[list[str]]]:
        """Heads and cells as text, for `console.print_table`: a cell holds all lines of its value."""
        return [column.head for column in self.columns], [
            [" ".join(c.lines(v)) for c, v in zip(self.columns, row)] for row in self.rows if not isinstance(row, str)
        ]

    def markdown(self) -> str:
        """Lines of Markdown: below a score stand its interval and the spread of its seeds, and nothing in a text is markup."""

        def cell(column: Column, value: Any, muted: bool) -> str:
            lines = column.lines(value)
            if isinstance(value, str | tuple):
                lines = [markdown_text(line) for line in lines]
            mark = "" if not column.main else "*" * muted if isinstance(value, str | tuple) else "**" * (not muted)
            return "<br>".join([f"{mark}{lines[0]}{mark}", *lines[1:]] if lines else [])

        lines = [
            [column.head for column in self.columns],
            ["---"] * len(self.columns),
            *(
                [f"**{markdown_text(row)}**", *[""] * (len(self.columns) - 1)]
                if isinstance(row, str)
                else [cell(column, value, n in self.muted) for column, value in zip(self.columns, row)]
                for n, row in enumerate(self.rows)
            ),
        ]
        return "\n".join(f"|{'|'.join(line)}|" if n == 1 else f"| {' | '.join(line)} |" for n, line in enumerate(lines))

    def latex(self, caption: str = "") -> str:
        r"""A `\begin{table}`, with scores and intervals; it needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

        Args:
            caption: in LaTeX; the title if it is left out.
        """

        def cell(column: Column, value: Any, muted: bool) -> str:
            if isinstance(value, Latex):
                return value
            if isinstance(value, Mapping):
                value = {**value, "min": None, "max": None, "note": ""}
            text = latex_text(" ".join(column.lines(value)))
            return rf"\textit{{{text}}}" if column.main and muted and not column.score else text

        lines = []
        for n, row in enumerate(self.rows):
            if isinstance(row, str):
                words = "\n      ".join(map(latex_text, row.split("\n")))
                lines += [r"\midrule"] if n else []
                lines += [rf"\multicolumn{{{len(self.columns)}}}{{l}}{{{words}}} \\"] if row else []
            else:
                lines.append(" & ".join(cell(c, v, n in self.muted) for c, v in zip(self.columns, row)) + r" \\")
        heads = " & ".join(latex_text(column.head) for column in self.columns)
        places = "".join("r" if column.right else "l" for column in self.columns)
        return "\n".join(
            [
                r"\begin{table}",
                r"  \centering",
                rf"  \caption{{{caption or latex_text(self.title)}}}",
                rf"  \begin{{tabular}}{{{places}}}",
                r"    \toprule",
                rf"    {heads} \\",
                r"    \midrule",
                *(f"    {line}" for line in lines),
                r"    \bottomrule",
                r"  \end{tabular}",
                r"\end{table}",
            ]
        )

    def csv(self) -> str:
        """As in RFC 4180: numbers to six digits, a score in five columns; formulas get an apostrophe."""

        def text(value: Any) -> Any:
            if isinstance(value, float):
                return f"{value:.6f}".rstrip("0").rstrip(".")
            line = " ".join(map(str, value)) if isinstance(value, tuple) else value
            return spreadsheet_text(line) if isinstance(line, str) else line

        rows: list[list[Any]] = [[]]
        for column in self.columns:
            rows[0] += [column.name, *(f"{column.name}_{end}" for end in ENDS[1:])] if column.score else [column.name]
        for row in self.rows:
            if not isinstance(row, str):
                cells = ([(v or {}).get(end) for end in ENDS] if c.score else [v] for c, v in zip(self.columns, row))
                rows.append([text(value) for some in cells for value in some])
        target = io.StringIO()
        csv.writer(target, lineterminator="\n").writerows(rows)
        return target.getvalue()

    def plain(self) -> list[dict[str, Any]]:
        """For JSON: the values of each row by the names of the columns."""
        return [
            {column.name: value for column, value in zip(self.columns, row)}
            for row in self.rows
            if not isinstance(row, str)
        ]

    def html(self, kind: str = "", caption: str = "", sortable: bool = False) -> Markup:
        """A `<table>` in which no text is markup; below a score stand its interval and the spread of its seeds.

        Args:
            kind: its class.
            caption: in it, for those who do not see what stands above it.
            sortable: whether the script of the page lets readers sort and choose.
        """
        # Cells are written here: a template takes four times as long, and pages have many thousands.
        cells: Callable[[Sequence[Any]], Markup] = lambda row: Markup("").join(map(Column.cell, self.columns, row))  # noqa: E731
        values = {"table": self, "cells": cells, "kind": kind, "caption": caption, "sortable": sortable}
        return Markup(template(Path(__file__).with_suffix(".html")).render(values).strip())


@cache
def template(file: Path) -> jinja2.Template:
    """The Jinja template in a file; values in an HTML one are escaped, and `text` makes cells of the others safe."""
    made = jinja2.Environment(
        autoescape=file.suffix == ".html", trim_blocks=True, lstrip_blocks=True, finalize=for_template
    )
    made.filters |= {"text": markdown_text, "sentence": sentence}
    return made.from_string(file.read_text(encoding="utf-8"))


def sentence(text: str) -> str:
    """Words as a sentence, which begins with a capital letter and ends with a point.

    >>> sentence("it is drawn"), sentence("Is it?")
    ('It is drawn.', 'Is it?')
    """
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def bar(score: Score, metric: str) -> Markup:
    """The interval of a share, 0 to 1, as a bar drawn by the style sheet, next to its numbers; nothing without an interval."""
    if score["low"] is None or find(metric).scale != "share":
        return Markup()
    return Markup('<i class="bar" style="--l:{low:.3g};--h:{high:.3g};--v:{value:.3g}"></i>').format_map(score)


def _in_one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def markdown_text(text: str) -> str:
    r"""Text in a cell of a Markdown table: nothing in it is markup or ends the cell.

    >>> print(markdown_text("a|b *c* <d> _e_ f_g ~h~ $x_1$"))
    a\|b \*c\* &lt;d&gt; \_e\_ f_g \~h\~ &#36;x_1&#36;
    """
    text = _in_one_line(text).translate(_ENTITIES)
    return re.sub(r"([`*|~\[\]]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)


def latex_text(text: str) -> str:
    r"""Text escaped for LaTeX.

    >>> print(latex_text("a_b & 95 % \\end"))
    a\_b \& 95 \% \textbackslash{}end
    """
    return _in_one_line(text).translate(_SPECIAL)


def spreadsheet_text(text: str) -> str:
    r"""Text in a cell that no spreadsheet runs, in one line.

    >>> spreadsheet_text("\t=SUM(A1)"), spreadsheet_text("p=0.6")
    ("'=SUM(A1)", 'p=0.6')
    """
    text = _in_one_line(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\\": "&#92;", "$": "&#36;"})
_SPECIAL = str.maketrans(
    {
        **{char: rf"\{char}" for char in "{}$&#%_"},
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "–": "--",
        "†": r"\textsuperscript{\dag}",
    }
)
