"""The tables of a named board as HTML, for its page of the site."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from mebench.boards.board_pages import (
    BoardPage,
    cell_of_place,
    cell_of_system,
    decimals_of,
    head_of_column,
    methods_by_gain,
    places_and_levels,
)
from mebench.boards.guest_tables import GuestTable
from mebench.boards.method_names import presets_in
from mebench.boards.named_boards import BoardContent, RescoredSystem
from mebench.boards.power import mean_rank
from mebench.boards.row_columns import cost_columns, firmness_columns, of_ranked
from mebench.boards.rows import Part, Ranked
from mebench.boards.selection_gains import Gain, table_of_gains
from mebench.metrics.catalogue import METRICS, find_metric
from mebench.metrics.score_column import score_column
from mebench.output.number_format import NONE, format_ends, format_number
from mebench.output.table import Column, Table
from mebench.score_type import UNDEFINED, Score

ON_TABLE = 3
"""Digits of the headline score behind the point."""


class BoardTables:
    """Tables of named boards as HTML.

    Args:
        environment: contains `macros.html`, which draws the names of methods with their links.
    """

    def __init__(self, environment: Environment) -> None:
        self._draw: Any = environment.get_template("macros.html").module

    def measured(self, page: BoardPage) -> Markup:
        """The rows of a board with their ranks, and its levels of chance."""
        content = page.content
        part = _shown_part(content)

        def method(line: Ranked) -> Any:
            year = page.names.find_year(line.row.method) if line.row.measured else ""
            return self._draw.method_name(line.row, part, "../", line.row.remark, line.pairs, year)

        lines = places_and_levels(content)
        columns = [
            Column("rank", "#", right=True, text=lambda rank: str(rank or "")),
            Column("method", "method (year)", of=method, main=True),
            score_column(content.score, digits=ON_TABLE, main=True, of=partial(_score_of_line, content.score)),
            *(_column_of_board(name, content) for name in content.board.columns),
            *(replace(of_ranked(column), room="more") for column in cost_columns()),
            Column("runs", of=lambda line: self._draw.run_links(line.row, "../"), kind="runs", room="wide"),
        ]
        muted = {n for n, line in enumerate(lines) if line.rank is None}
        return Table.from_items(columns, lines, muted=muted).to_html(caption=page.board.title, sortable=True)

    def order(self, content: BoardContent) -> Markup:
        """The ranks when other people are drawn, and scores on the hardest people."""
        part = _shown_part(content)
        # The ranges of ranks count the rows of the whole table, whose page shows them.
        firmness = [column for column in firmness_columns(part) if column.name not in ("beats_next", "ranks")]
        columns = [
            Column("rank", "#", right=True),
            Column("method", of=lambda place: self._draw.method_head(place.row, part), main=True),
            Column("mean_rank", "mean rank with other people", right=True, of=lambda place: _mean_rank(place, content)),
            *(replace(of_ranked(column), room="") for column in firmness),
        ]
        return Table.from_items(columns, content.places).to_html("plain")

    def systems(self, page: BoardPage) -> Markup:
        """The rescored answers of a board, one row for each system."""
        content = page.content
        label = f"{find_metric(content.score).label}, strict"
        columns = [
            Column("method", "method (year)", of=lambda system: page.names.of_system(system.row.method), main=True),
            score_column(
                content.score, label, digits=ON_TABLE, main=True, of=lambda system: system.row.scores[content.score]
            ),
            *(_column_of_systems(name, content) for name in content.board.columns),
        ]
        return Table.from_items(columns, content.systems).to_html("rescored", page.board.title, sortable=True)

    def guest(self, table: GuestTable) -> Markup:
        """The rows of a table with columns of its own."""
        return table.whole.to_html(caption=table.title, sortable=True)

    def gains(self, page: BoardPage) -> Markup:
        """The gains of a board of selection: a row for each method, a column for each board."""

        def method(id_: str) -> Markup:
            name = self._draw.method_words(id_, "../")
            details = [page.names.find_year(id_), *presets_in(page.settings_of_gain(id_))]
            words = ", ".join(filter(None, details))
            return Markup('{} <span class="year">({})</span>').format(name, words) if words else name

        columns = [
            Column("method", "method (year)", of=method, main=True),
            *(_column_of_gains(name, of_rows) for name, of_rows in page.gains.items()),
        ]
        return Table.from_items(columns, methods_by_gain(page)).to_html(caption=page.board.title, sortable=True)

    def all_gains(self, page: BoardPage) -> Markup:
        """Every gain behind a board of selection with its scores, candidates and rules."""
        of_boards = [gain for of_rows in page.gains.values() for gain in of_rows.values()]
        return table_of_gains([*of_boards, *page.other_gains]).to_html(sortable=True)


def _shown_part(content: BoardContent) -> Part:
    """The rows of a board as a part of a table: names then distinguish these rows alone."""
    return replace(content.parts[0], rows=(*content.rows, *content.levels))


def _score_of_line(metric: str, line: Ranked) -> Score:
    """A score of a row."""
    return line.row.scores.get(metric, UNDEFINED)


def _column_of_board(name: str, content: BoardContent) -> Column:
    """A column of measured rows beside rank, method and score."""
    head = head_of_column(name, content)
    if name in METRICS:
        return score_column(name, head, digits=decimals_of(name), room="wide", of=partial(_score_of_line, name))

    def cell(line: Ranked) -> str:
        return "" if line.rank is None else cell_of_place(name, line, content)

    return Column(name, head, of=cell, right=True, room="wide")


def _mean_rank(place: Ranked, content: BoardContent) -> str:
    """The mean rank of a row over draws of other people. It is taken among the rows of a board."""
    return format_number(mean_rank(content, place.row), 1)


def _column_of_systems(name: str, content: BoardContent) -> Column:
    """A column of rescored systems beside method and score."""

    def cell(system: RescoredSystem) -> str:
        return cell_of_system(name, system, content)

    return Column(name, head_of_column(name, content), of=cell, right=True, room="wide")


def _column_of_gains(name: str, of_rows: Mapping[str, Gain]) -> Column:
    """The column of a board's gains, by the ids of methods."""

    def text(gain: Gain | None) -> Markup:
        if gain is None or gain.score.value is None:
            return Markup('<span class="none">{}</span>').format(NONE)
        interval = Markup('<span class="interval">{}</span>').format(format_ends(gain.score))
        return Markup('<span class="value">{:+.3f}</span> {}').format(gain.score.value, interval)

    return Column(name, of=of_rows.get, text=text, right=True, order=lambda gain: gain.score.value)
