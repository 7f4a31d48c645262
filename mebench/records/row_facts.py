"""Facts that a leaderboard shows of a measured row besides its scores: a new column is one entry of `FACTS`.

It stands then in Markdown and on a terminal, in CSV, JSON and LaTeX (there a comment above the table, or its mark), and on the page. (A new
metric is an entry of `metrics.catalogue`.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from mebench import records
from mebench.table import Column


@dataclass(frozen=True)
class Fact(Column):
    """A column of measured rows that are made of the records of runs; where no row has a value, it is left out but in files.

    Attributes:
        read: its value, from the record of the row's first run; None or empty if there is none.
        mark: what a row that has a value bears beside its name, for which LaTeX and the page spare a column; `meaning` explains it.
    """

    read: Callable[[records.Record], Any] = bool
    mark: str = ""


FACTS: tuple[Fact, ...] = (
    Fact(
        "earlier",
        "earlier features",
        read=attrgetter("earlier"),
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
        "openness",
        read=attrgetter("openness"),
        meaning="what the authors publish (code, weights, answers) and the epoch that their program keeps, as far as its card says",
    ),
)
RULES = ("convention", "selection", "transductive")
"""What decides which scores a run can have."""
COSTS = ("fit_seconds", "predict_seconds", "predict_per_minute", "parameters", "peak_memory_mib")
VERSIONS = ("mebench", "python", "torch", "method_plugin", "dataset_plugin", "dataset_revision")
"""What of a record's versions a table names."""
