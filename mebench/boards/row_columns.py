"""Columns for the rows of a board: costs, rules, versions, facts and firmness, the same in every output."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from mebench.boards import row_facts
from mebench.boards.row_facts import RULES, VERSIONS, Fact
from mebench.boards.rows import BoardRow, Part, Ranked
from mebench.output.number_format import format_span
from mebench.output.table import Column
from mebench.records.costs import COSTS
from mebench.score_type import Score


def cost_columns() -> list[Column]:
    """A column of rows for each cost that tables show."""
    return [
        Column(
            cost.name,
            cost.label,
            of=partial(_cost_of, cost.name),
            text=cost.write,
            right=True,
            order=float,
            room=cost.room,
            meaning=cost.meaning,
            optional=cost.optional,
        )
        for cost in COSTS.values()
        if cost.in_tables
    ]


def _cost_of(name: str, row: BoardRow) -> float | None:
    """A cost of a row."""
    return row.costs.get(name)


def rule_columns() -> list[Column]:
    """A column of rows for each rule. Of a level of chance only the convention is a rule."""
    return [Column(name, of=partial(_rule_of, name), room="more") for name in RULES]


def _rule_of(name: str, row: BoardRow) -> str | None:
    """A rule of a row."""
    if not row.measured and name != "convention":
        return None
    return str(getattr(row, name)) or None


def version_columns(names: Iterable[str] = VERSIONS) -> list[Column]:
    """A column of rows for each of some versions."""
    return [Column(name, of=partial(_version_of, name), room="more") for name in names]


def _version_of(name: str, row: BoardRow) -> str | None:
    """A version of a row."""
    return row.versions.get(name) or None


def fact_columns() -> list[Fact]:
    """A column of rows for each of `FACTS`."""
    return [replace(fact, of=partial(_fact_of, fact.name), optional=True, room="more") for fact in row_facts.FACTS]


def _fact_of(name: str, row: BoardRow) -> Any:
    """A fact of a row."""
    return row.facts.get(name) or None


def firmness_columns(part: Part) -> list[Column]:
    """Columns of a part's rows: their stability over draws of other people, and their score on the hardest people."""
    people = max((row.hardest.people for row in part.rows if row.hardest), default=0)
    return [
        Column(
            "ranks",
            "rank, 95 %",
            of=lambda row: format_span(row.ranks) if row.ranks else None,
            right=True,
            optional=True,
            order=_first_number,
            room="wide",
            meaning="95 % of draws of other people, among the rows that are there",
        ),
        Column(
            "beats_next",
            "P(beats next)",
            of=part.beats_next,
            digits=2,
            right=True,
            optional=True,
            order=_first_number,
            room="wide",
            meaning="the share of draws in which it is better than the next row",
        ),
        Column(
            "hardest",
            "hardest person" if people == 1 else f"hardest {people} people",
            of=score_of_hardest,
            digits=3,
            right=True,
            score=True,
            optional=True,
            room="wide",
            meaning="the same people for all rows, chosen by those of the board and of senders whom its maintainer named",
        ),
    ]


def score_of_hardest(row: BoardRow) -> Score | None:
    """The score of a row on the hardest people."""
    return None if row.hardest is None else row.hardest.score


def _first_number(value: Any) -> float:
    """The first number of a text such as `2 to 5`."""
    return float(re.findall(r"[\d.]+", str(value))[0])


def of_ranked(column: Column, blank: str | None = None) -> Column:
    """A column of rows as one of ranked rows.

    Args:
        column: column of rows, with its `of`.
        blank: cell of a row without a value.
    """

    def value(one: Ranked) -> Any:
        found = column.value_of(one.row)
        return blank if found is None else found

    return replace(column, of=value)
