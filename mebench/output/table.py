"""One table for all rows that are shown: columns, plain values, and outputs, each with its own escaping.

Every table of the project is a `Table` with a choice of output: `to_terminal`, `to_markdown`, `to_latex`, `to_csv_text`, `to_html`, and
`plain` for JSON. Pages of boards and tables of papers are a `MarkdownStyle` and a `LatexStyle`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from markupsafe import Markup, escape

from mebench.lazy_imports import load_lazily
from mebench.output.number_format import NONE, format_ends, format_interval, format_number, format_table_number
from mebench.output.terminal import escape_controls, for_template, make_rich_table
from mebench.score_type import UNDEFINED, Score

if TYPE_CHECKING:
    import jinja2
    import rich.table as rich_table
else:
    jinja2 = load_lazily("jinja2")
    rich_table = load_lazily("rich.table")

INTERVAL = "95 % interval"
"""Head of the column that holds the interval of the score before it."""
ENDS = ("low", "high", "min", "max")
"""The ends of a score's columns in a file, after the value; the last two are the lowest and the highest seed."""


class Latex(str):
    """Text that is LaTeX already."""


class Markdown(str):
    """Text that is Markdown already."""


@dataclass(frozen=True)
class ShownScore:
    """A score as one cell shows it, where that differs from its column.

    Attributes:
        score: the score.
        note: words below it.
        digits: number of decimals; default: the column's.
        share: True for a score of 0 to 1; default: as the column's scores.
    """

    score: Score
    note: str = ""
    digits: int | None = None
    share: bool | None = None


@dataclass(frozen=True)
class MarkdownStyle:
    """A form of tables in Markdown.

    Attributes:
        aligned: whether the columns of numbers (`right`) stand at the right.
        beside: text between a score and its interval, in place of a line break; also between the interval's own words.
        italic: whether all cells of muted rows are in italics, and their scores without intervals; otherwise their names alone.
        heading: the mark around a heading over rows.
    """

    aligned: bool = False
    beside: str = ""
    italic: bool = False
    heading: str = "**"


@dataclass(frozen=True)
class LatexStyle:
    """A form of tables in LaTeX.

    Attributes:
        caption: caption in LaTeX; default: the table's title.
        label: label, by which a text refers to the table; or empty.
        commands: commands before the `tabular`, such as the size of its letters; or empty.
        columns: specification of the columns; by default `r` for numbers, else `l`.
    """

    caption: str = ""
    label: str = ""
    commands: str = ""
    columns: str = ""


PLAIN_MARKDOWN = MarkdownStyle()
PLAIN_LATEX = LatexStyle()

Room = Literal["", "wide", "more"]
"""The part of a page that shows a column at first: every screen, wide screens, or none."""


@dataclass(frozen=True)
class Column:
    """A column: its content and its format in all outputs.

    Attributes:
        name: name in files, and of the attribute that `Table.from_items` takes of a row.
        label: head for people; default: the name with blanks for underscores.
        of: function from a row to the value; default: the attribute `name`.
        text: formatter for non-text values; default: a score with its interval, a number with `digits`, lines of text.
        digits: number of decimals.
        right: whether cells are aligned to the right, as numbers are.
        score: True for scores, each a `Score` or a `ShownScore`.
        share: whether its scores lie in 0 to 1, so that a page draws their intervals as bars.
        interval: whether a terminal gives the interval a column of its own, because there is no room below the score.
        main: True for the name of the row and for the score that sorts.
        optional: whether `Table.from_items` leaves it out if no row has a value.
        meaning: a sentence about it.
        wrap: positions at which a terminal may break its cells.
        room: part of a page that shows it at first: `wide` screens, or none (`more`).
        choose: whether a page lets readers choose among its values.
        order: function from a value, never None, to what a page sorts by; default: the number itself.
        falling: True if the first click on a page sorts the largest value first, as of scores of which higher is better.
        kind: class of its cells on a page.
    """

    name: str
    label: str | None = None
    of: Callable[[Any], Any] | None = None
    text: Callable[[Any], str] | None = None
    digits: int = 4
    right: bool = False
    score: bool = False
    share: bool = True
    interval: bool = True
    main: bool = False
    optional: bool = False
    meaning: str = ""
    wrap: Literal["words", "anywhere", "never"] = "words"
    room: Room = ""
    choose: bool = False
    order: Callable[[Any], Any] | None = None
    falling: bool = False
    kind: str = ""

    @property
    def head(self) -> str:
        """Its head for people."""
        return self.name.replace("_", " ") if self.label is None else self.label

    def value_of(self, row: Any) -> Any:
        """Its value in a row, which is an object or a map."""
        if self.of is not None:
            return self.of(row)
        return row.get(self.name) if isinstance(row, Mapping) else getattr(row, self.name)

    def write_lines(self, value: Any) -> list[str]:
        """A value as text; of a score its interval, its seeds and its note are lines of their own.

        >>> Column("f1", digits=2).write_lines(Score(0.5, 0.25, 0.75, lowest=0.5, highest=0.5))
        ['0.50', '[0.25, 0.75]']
        """
        if self.text is not None and not isinstance(value, str):
            return [self.text(value)]
        if isinstance(value, Score | ShownScore):
            return self._score_lines(_as_shown(value))
        if isinstance(value, float):
            return [format_table_number(value, self.digits)]
        if isinstance(value, tuple):
            return [str(line) for line in value]
        return [NONE if value is None else str(value)]

    def _score_lines(self, shown: ShownScore) -> list[str]:
        """A score, its interval, the range of its seeds where they differ, and its note."""
        score = shown.score
        places = self._places_of(shown)
        extremes = [format_table_number(end, places) for end in (score.lowest, score.highest) if end is not None]
        seeds = " to ".join(extremes) if len(set(extremes)) > 1 else ""
        below = (format_ends(score, places), seeds, shown.note)
        return [format_table_number(score.value, places), *filter(None, below)]

    def _places_of(self, shown: ShownScore) -> int:
        """The number of decimals of a score."""
        return self.digits if shown.digits is None else shown.digits

    def write_cell(self, value: Any) -> Markup:
        """A value as a cell of a page, in which no text is markup."""
        if self.score and not isinstance(value, str):
            return self._score_cell(value)
        order = None
        if self.order is not None:
            order = "" if value is None else self.order(value)
        if value is None and self.text is None:
            return self._page_cell(_spanned(NONE, "none"), order)
        first, *others = [value] if hasattr(value, "__html__") else self.write_lines(value) or [""]
        if first == str(order):
            order = None
        return self._page_cell(_spanned(first) + "".join(_spanned(line, "settings") for line in others), order)

    def _score_cell(self, value: Score | ShownScore | None) -> Markup:
        """A score with its interval, its note and its bar; an undefined one is sorted last."""
        if value is None and self.text is not None:
            return self._page_cell(_spanned(self.text(None)), "")
        shown = _as_shown(value)
        if shown.score.value is None:
            texts = [_spanned(NONE, "none")]
            if shown.note:
                texts.append(_spanned(shown.note, "spread"))
            return self._page_cell(" ".join(texts), "")
        first, *others = self.write_lines(value)
        texts = [_spanned(first, "value")]
        for line in others:
            name = "interval" if line.startswith("[") else "spread"
            texts.append(_spanned(line, name))
        is_share = self.share if shown.share is None else shown.share
        bar = str(interval_bar(shown.score)) if self.main and is_share else ""
        return self._page_cell(" ".join(texts) + bar, f"{shown.score.value:.6g}")

    def _page_cell(self, content: str, order: Any) -> Markup:
        """A cell of HTML; `order` is what a page sorts by, if it is not the content."""
        classes = [self.kind] if self.kind else []
        if self.main and self.score:
            classes.insert(0, "main")
        if self.right:
            classes.insert(0, "num")
        names_row = self.main and not self.score
        tag = "th" if names_row else "td"
        attributes = {
            "class": " ".join(classes) or None,
            "scope": "row" if names_row else None,
            "data-order": order,
        }
        written = "".join(f' {name}="{escape(text)}"' for name, text in attributes.items() if text is not None)
        return Markup(f"<{tag}{written}>{content}</{tag}>")

    def terminal_cells(self, value: Any) -> list[str]:
        """A value as one cell of a terminal, or two with the interval apart.

        The interval may have a column of its own. An undefined value is `-`.
        """
        interval_apart = self.score and self.interval
        if self.score and not isinstance(value, str):
            shown = _as_shown(value)
            places = self._places_of(shown)
            written = format_number(shown.score.value, places)
            return [written, format_interval(shown.score, places)] if interval_apart else [written]
        if value is None or isinstance(value, float):
            written = self.text(value) if self.text else format_number(value, self.digits)
            return [written]
        written = ", ".join(self.write_lines(value))
        return [written, ""] if interval_apart else [written]

    def markdown_cell(self, value: Any, muted: bool, style: MarkdownStyle = PLAIN_MARKDOWN) -> str:
        """A value as a cell of Markdown: bold where it sorts, names of muted rows in italics."""
        if isinstance(value, Markdown):
            return value
        is_text = isinstance(value, str | tuple)
        lines = self.write_lines(value)
        if not lines:
            return ""
        if is_text:
            lines = [markdown_text(line) for line in lines]
        if muted and style.italic:
            return f"*{lines[0]}*" if lines[0] else ""
        mark = ""
        if self.main and is_text and muted:
            mark = "*"
        if self.main and not is_text and not muted:
            mark = "**"
        first, *others = [f"{mark}{lines[0]}{mark}", *lines[1:]]
        if style.beside and not is_text:
            return style.beside.join([first, *(line.replace(" ", style.beside) for line in others)])
        return "<br>".join([first, *others])

    def latex_cell(self, value: Any, muted: bool) -> str:
        """A value as a cell of LaTeX: a score with its interval alone, names of muted rows in italics."""
        if isinstance(value, Latex):
            return value
        if isinstance(value, Score | ShownScore):
            shown = _as_shown(value)
            value = replace(shown, score=replace(shown.score, lowest=None, highest=None), note="")
        text = latex_text(" ".join(self.write_lines(value)))
        return rf"\textit{{{text}}}" if self.main and muted and not self.score else text

    def csv_heads(self) -> list[str]:
        """Its heads in a file: a score has one for each of its ends."""
        if not self.score:
            return [self.name]
        return [self.name, *(f"{self.name}_{end}" for end in ENDS)]

    def csv_cells(self, value: Any) -> list[Any]:
        """A value as one cell of a file, or the ends of a score; a score may be a text, as it is printed somewhere."""
        if not self.score:
            return [_csv_value(value)]
        if isinstance(value, str):
            return [_csv_value(value), *("" for _ in ENDS)]
        score = _as_shown(value).score
        ends = (score.low, score.high, score.lowest, score.highest)
        return [_csv_value(score.value), *map(_csv_value, ends)]


def _as_shown(value: Score | ShownScore | None) -> ShownScore:
    """A score as its cell shows it; an undefined one for None."""
    return value if isinstance(value, ShownScore) else ShownScore(value or UNDEFINED)


def _plain_value(value: Any) -> Any:
    """A value of a cell for JSON."""
    if isinstance(value, ShownScore):
        value = value.score
    if not isinstance(value, Score):
        return value
    return value.plain() if value.lowest is None else value.plain_over_seeds()


def _spanned(line: Any, style: str = "") -> str:
    """A line of a cell on a page, escaped, in a span of its style."""
    text = str(escape(for_template(line)))
    return f'<span class="{style}">{text}</span>' if style else text


def _csv_value(value: Any) -> Any:
    """A value for a file: numbers to six digits, a tuple as one text, text that no spreadsheet runs."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, tuple):
        value = " ".join(map(str, value))
    return spreadsheet_text(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Table:
    """Columns and rows.

    Attributes:
        columns: columns from left to right.
        rows: a value for each column: a score, a number, a text, several lines of text as a tuple, or None. `Markup` is HTML, `Markdown` is
            Markdown and `Latex` is LaTeX already. A text instead of a row is a heading over the rows below; an empty one is a line.
        title: line over the table.
        muted: numbers of rows, from 0, that are no results but stand for comparison, such as the level of chance.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any] | str]
    title: str = ""
    muted: Collection[int] = ()

    @classmethod
    def from_items(
        cls, columns: Sequence[Column], rows: Iterable[Any], title: str = "", muted: Collection[int] = ()
    ) -> Self:
        """A table of objects or maps.

        Optional columns without a value in any row are left out.
        """
        cells = [[column.value_of(row) for column in columns] for row in rows]
        kept = []
        for position, column in enumerate(columns):
            has_value = any(not _is_empty(row[position]) for row in cells)
            if has_value or not column.optional:
                kept.append(position)
        kept_columns = [columns[position] for position in kept]
        kept_cells = [[row[position] for position in kept] for row in cells]
        return cls(kept_columns, kept_cells, title, muted)

    def to_terminal(self) -> rich_table.Table:
        """For `console().print`: a score with its interval; undefined values are `-`."""
        heads = list[tuple[str, bool, str]]()
        for column in self.columns:
            heads.append((column.head, column.right, column.wrap))
            if column.score and column.interval:
                heads.append((INTERVAL, False, column.wrap))
        rows = list[list[str]]()
        for row in self.rows:
            if not isinstance(row, str):
                rows.append([cell for column, value in zip(self.columns, row) for cell in column.terminal_cells(value)])
                continue
            rows.append([])  # a line
            if row:
                rows.append([row])
        return make_rich_table(self.title, heads, rows)

    __rich__ = to_terminal

    def to_plain_text(self) -> str:
        """Lines of aligned text, as `print` shows a result; each score stands with its interval."""
        heads, rows = self.to_words()
        widths = [max(map(len, column)) for column in zip(heads, *rows)]
        lines = []
        for row in (heads, *rows):
            cells = [
                cell.rjust(width) if column.right and not column.score else cell.ljust(width)
                for column, cell, width in zip(self.columns, row, widths)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def to_words(self) -> tuple[list[str], list[list[str]]]:
        """Heads and cells as text, for `console.print_table`: a cell holds all lines of its value."""
        heads = [column.head for column in self.columns]
        rows = [
            [" ".join(column.write_lines(value)) for column, value in zip(self.columns, row)]
            for row in self.rows
            if not isinstance(row, str)
        ]
        return heads, rows

    def to_markdown(self, style: MarkdownStyle = PLAIN_MARKDOWN) -> str:
        """Lines of Markdown: interval and seeds stand below a score, and nothing in a text is markup, except in a `Markdown`.

        Args:
            style: another form.
        """
        heads = [column.head for column in self.columns]
        rules = ["--:" if style.aligned and column.right else "---" for column in self.columns]
        lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(rules)}|"]
        for n, row in enumerate(self.rows):
            if isinstance(row, str):
                lines.append(f"| {style.heading}{markdown_text(row)}{style.heading} |{' |' * (len(heads) - 1)}")
                continue
            cells = [column.markdown_cell(value, n in self.muted, style) for column, value in zip(self.columns, row)]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def to_latex(self, style: LatexStyle = PLAIN_LATEX) -> str:
        r"""A `\begin{table}`, with scores and intervals; it needs `\usepackage{booktabs}` and `\usepackage[T1]{fontenc}`.

        Args:
            style: caption, label, and another form of the columns.
        """
        heads = " & ".join(latex_text(column.head) for column in self.columns)
        letters = {True: "r", False: "l"}
        alignment = style.columns or "".join(letters[bool(column.right)] for column in self.columns)
        label = [rf"  \label{{{style.label}}}"] if style.label else []
        commands = [f"  {style.commands}"] if style.commands else []
        return "\n".join(
            [
                r"\begin{table}",
                r"  \centering",
                rf"  \caption{{{style.caption or latex_text(self.title)}}}",
                *label,
                *commands,
                rf"  \begin{{tabular}}{{{alignment}}}",
                r"    \toprule",
                rf"    {heads} \\",
                r"    \midrule",
                *(f"    {line}" for line in self._latex_lines()),
                r"    \bottomrule",
                r"  \end{tabular}",
                r"\end{table}",
            ]
        )

    def _latex_lines(self) -> Iterator[str]:
        """The rows in LaTeX; a heading stands below a rule, unless it is the first row. A line of `Latex` stands as it is."""
        for n, row in enumerate(self.rows):
            if isinstance(row, Latex):
                yield row
                continue
            if not isinstance(row, str):
                cells = [column.latex_cell(value, n in self.muted) for column, value in zip(self.columns, row)]
                yield " & ".join(cells) + r" \\"
                continue
            if n > 0:
                yield r"\midrule"
            if row:
                words = "\n      ".join(latex_text(line) for line in row.split("\n"))
                yield rf"\multicolumn{{{len(self.columns)}}}{{l}}{{{words}}} \\"

    def to_csv_text(self) -> str:
        """As in RFC 4180: numbers to six digits, a score in five columns; formulas get an apostrophe."""
        heads = [head for column in self.columns for head in column.csv_heads()]
        rows = [row for row in self.rows if not isinstance(row, str)]
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows(
            [cell for column, value in zip(self.columns, row) for cell in column.csv_cells(value)] for row in rows
        )
        return target.getvalue()

    def plain(self) -> list[dict[str, Any]]:
        """For JSON: the values of each row by the names of the columns."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, map(_plain_value, row))) for row in self.rows if not isinstance(row, str)]

    def to_html(self, kind: str = "", caption: str = "", sortable: bool = False) -> Markup:
        """A `<table>` in which no text is markup; below a score stand its interval and the spread of its seeds.

        Args:
            kind: class of the table.
            caption: caption for readers who do not see what stands above it.
            sortable: whether the script of the page lets readers sort and choose.
        """
        classes = [kind] if kind else []
        columns = self.columns
        if self._holds_only_numbers():
            classes.append("numbers")
            columns = [replace(column, right=False) for column in columns]  # no cell needs a class of its own
        page = load_template(Path(__file__).with_suffix(".html"))

        def cells(row: Sequence[Any]) -> Markup:
            """The cells of a row; a template would take four times as long, and pages have many thousands."""
            return Markup("").join(map(Column.write_cell, columns, row))

        html = page.render(table=self, cells=cells, kind=" ".join(classes), caption=caption, sortable=sortable)
        return Markup(html.strip())

    def _holds_only_numbers(self) -> bool:
        """Whether all columns but the names of rows are numbers: then one class of the table aligns all its cells."""
        others = [column for column in self.columns if column.score or not column.main]
        return bool(others) and all(column.right and not column.score for column in others)


def _is_empty(value: Any) -> bool:
    """Whether a value, or the value of a score, is None or holds nothing."""
    held = _as_shown(value).score.value if isinstance(value, Score | ShownScore) else value
    return held in (None, "", ())


@cache
def load_template(file: Path) -> jinja2.Template:
    """The Jinja template in a file; values in an HTML one are escaped, and `text` makes cells of the others safe."""
    made = jinja2.Environment(
        autoescape=file.suffix == ".html", trim_blocks=True, lstrip_blocks=True, finalize=for_template
    )
    made.filters |= {"text": markdown_text, "sentence": as_sentence}
    return made.from_string(file.read_text(encoding="utf-8"))


def as_sentence(text: str) -> str:
    """Words as a sentence, which begins with a capital letter and ends with a point.

    >>> as_sentence("it is drawn"), as_sentence("Is it?")
    ('It is drawn.', 'Is it?')
    """
    end = "" if text.endswith((".", "!", "?")) else "."
    return text[:1].upper() + text[1:] + end


def interval_bar(score: Score) -> Markup:
    """The interval of a share as a bar that the style sheet draws; empty without an interval."""
    if score.ends is None:
        return Markup()
    low, high = score.ends
    bar = Markup('<i class="bar" style="--l:{low:.3g};--h:{high:.3g};--v:{value:.3g}"></i>')
    return bar.format(low=low, high=high, value=score.value)


def _in_one_line(text: str) -> str:
    """Text without line ends, multiple blanks and control characters."""
    return escape_controls(" ".join(text.split()))


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
        "‡": r"\textsuperscript{\ddag}",
    }
)
