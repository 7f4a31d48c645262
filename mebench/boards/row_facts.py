"""Facts about measured rows, shown with their scores and declared once for all outputs.

A new fact is one entry of `FACTS`, a new cost one of `records.costs.COSTS`. It then appears in Markdown and on a terminal, in
CSV, JSON and LaTeX (as a comment above the table, or as a mark), and on the page. (A new metric is an entry of
`metrics.catalogue`.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from mebench.output.table import Column
from mebench.records.changed_settings import UNPUBLISHED
from mebench.records.record import Record


@dataclass(frozen=True)
class Fact(Column):
    """A column of measured rows, computed from the records of runs. If no row has a value, only files contain it.

    Attributes:
        read: its value, from the record of the row's first run; None or empty if there is none.
        mark: the mark that follows the name of a row with a value, instead of a column in LaTeX and on the page;
            `meaning` explains it.
        seldom: whether files, too, contain it only where a row has a value.
    """

    read: Callable[[Record], Any] = field(kw_only=True)
    mark: str = ""
    seldom: bool = False


FACTS: tuple[Fact, ...] = (
    Fact(
        "earlier",
        "earlier features",
        read=attrgetter("outdated_steps"),
        mark="earlier features",
        meaning=(
            "steps such as crops and flow had an earlier version with other numbers; they stay until the "
            "row is run again"
        ),
    ),
    Fact(
        "other_input",
        read=attrgetter("other_input"),
        mark="not the paper's method",
        meaning="its input, network or training is not its paper's: the score of the paper's method is unknown",
    ),
    Fact(
        "unpublished",
        UNPUBLISHED,
        read=attrgetter("unpublished"),
        mark=UNPUBLISHED,
        meaning="settings that the method's paper or its authors' program has otherwise, such as fewer epochs",
        seldom=True,
    ),
    Fact(
        "loaded",
        read=attrgetter("loaded"),
        meaning="what the method loads and the run did not train, such as weights: name and beginning of the hash",
    ),
    Fact(
        "pretrained",
        read=attrgetter("pretrained"),
        meaning="the data on which what is loaded was trained, as its sender declares: names, none, or unknown",
    ),
    Fact(
        "pretrained_on_tested",
        "trained on tested data",
        read=attrgetter("pretrained_on_tested"),
        mark="pretrained on tested data",
        meaning="what it loads was trained on the tested database: the score is too good, and the row has no rank",
    ),
    Fact(
        "pretrained_on_unknown",
        "trained on unknown data",
        read=attrgetter("pretrained_on_unknown"),
        mark="pretrained on unknown data",
        meaning=(
            "nobody says on what the weights that it loads were trained; it may have been the tested people, so it has no "
            "rank until somebody does"
        ),
    ),
    Fact(
        "sender",
        read=attrgetter("sender"),
        meaning="who sent the records of the row; empty for the board's own. Seeds are pooled within one sender only",
    ),
    Fact(
        "isolation",
        read=attrgetter("isolated"),
        meaning="how the folds of the run were kept from labels; empty for records that do not say it",
    ),
    Fact(
        "not_isolated",
        "folds not isolated",
        read=attrgetter("not_isolated"),
        mark="folds not isolated",
        meaning="the method could read files or processes of its machine, where labels lie: its code must be trusted",
    ),
    Fact(
        "openness",
        read=attrgetter("openness"),
        meaning="what the authors publish (code, weights, answers) and the epoch that their program keeps, as far as its card says",
    ),
)
RULES = ("convention", "selection", "transductive")
"""The facts that decide which scores a run can have."""
VERSIONS = ("mebench", "python", "torch", "method_plugin", "dataset_plugin", "dataset_revision", "scoring")
"""The versions of a record that a table names, that of scoring last."""


def with_seldom_left_out(values: Mapping[str, Any]) -> dict[str, Any]:
    """Facts by name, without the seldom ones that have no value."""
    seldom = {fact.name for fact in FACTS if fact.seldom}
    return {name: value for name, value in values.items() if value or name not in seldom}
