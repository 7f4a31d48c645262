"""The catalogue of costs: what a run costs, how its folds add up, and how tables, pages and reports show it.

A new cost is one entry. It then stands in records, on the page of a run, in the table of a sweep, and for each row of a
leaderboard in Markdown, CSV, JSON, LaTeX and on the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from mebench.output.number_format import format_seconds, format_whole
from mebench.output.table import Room


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A cost of a run.

    Attributes:
        name: its key in the costs of a record.
        head: head of its column, without the unit.
        unit: unit of its values; empty for numbers.
        words: its description on the page of a run.
        pooled: whether a run has the sum or the maximum of its folds.
        column: column of `costs.csv`, which has a row for each fold; by default `name`.
        per_minute: whether the sum is divided by the minutes of all videos.
        decimals: decimals that a record keeps; 0 makes whole numbers.
        always: whether every run has it; others may lack it.
        if_zero: whether a record has it although it is 0.
        every_fold: whether a run has it only if each of its folds does.
        optional: whether tables without a value of it lack its column.
        write: text of a value; None is a missing one.
        in_tables: whether the cost is a column of a leaderboard's Markdown and page.
        in_csv: whether the cost is a column of a leaderboard's CSV.
        sweep_decimals: decimals in the table of a sweep; None leaves it out there. Costs per minute are never in it.
        room: screens on which a page shows its column at first, as in `table.Column`.
        meaning: remark on its column.
    """

    name: str
    head: str
    unit: str = ""
    words: str
    pooled: Literal["sum", "max"] = "sum"
    column: str = ""
    per_minute: bool = False
    decimals: int = 3
    always: bool = False
    if_zero: bool = True
    every_fold: bool = False
    optional: bool = False
    write: Callable[[float | None], str] = format_seconds
    in_tables: bool = True
    in_csv: bool = True
    sweep_decimals: int | None = 1
    room: Room = "more"
    meaning: str = ""

    @property
    def label(self) -> str:
        """Its head with the unit."""
        return f"{self.head}, {self.unit}" if self.unit else self.head

    def over_folds(self, folds: pd.DataFrame) -> float | None:
        """The value of a run before it is rounded or divided; None if no fold has one.

        Args:
            folds: content of `costs.csv`.
        """
        column = self.column or self.name
        if not self.always and (column not in folds or folds[column].isna().all()):
            return None
        if self.every_fold and folds[column].isna().any():  # a sum without them would be too small
            return None
        return float(folds[column].sum() if self.pooled == "sum" else folds[column].max())

    def recorded_value(self, folds: pd.DataFrame, minutes: float) -> float | None:
        """The value that the record of a run holds; None if it holds none.

        Args:
            folds: content of `costs.csv`.
            minutes: length of all videos; 0 if it is unknown.
        """
        value = self.over_folds(folds)
        if value is None or (self.per_minute and minutes <= 0) or (value == 0 and not self.if_zero):
            return None
        if self.per_minute:
            value /= minutes
        return round(value, self.decimals) if self.decimals else int(value)


COSTS: dict[str, Cost] = {
    cost.name: cost
    for cost in (
        Cost(
            name="feature_seconds",
            head="features",
            unit="s",
            words="to compute features",
            if_zero=False,  # then all features were stored already
            in_tables=False,
            in_csv=False,
        ),
        Cost(
            name="fit_seconds",
            head="fit",
            unit="s",
            words="to train, all folds",
            always=True,
            room="wide",
            meaning="seconds, all folds",
        ),
        Cost(
            name="predict_seconds",
            head="predict",
            unit="s",
            words="to predict, all folds",
            always=True,
            meaning="seconds, all folds",
        ),
        Cost(
            name="predict_per_minute",
            head="predict a minute",
            unit="s",
            words="to predict a minute of video",
            column="predict_seconds",
            per_minute=True,
            in_tables=False,
        ),
        Cost(
            name="parameters",
            head="parameters",
            words="parameters",
            pooled="max",
            decimals=0,
            always=True,
            write=format_whole,
            sweep_decimals=None,
        ),
        Cost(
            name="peak_memory_mib",
            head="memory",
            unit="MiB",
            words="memory, at most",
            pooled="max",
            decimals=1,
            write=format_whole,
            in_tables=False,
            sweep_decimals=0,
        ),
        Cost(
            name="energy_wh",
            head="energy",
            unit="Wh",
            words="of electricity of the machine to train and predict, as codecarbon estimates it",
            every_fold=True,
            optional=True,
            meaning="the machine's watt hours while folds were computed, as codecarbon estimates them",
        ),
        Cost(
            name="carbon_g",
            head="carbon",
            unit="g CO2e",
            words="of carbon dioxide equivalents of that electricity, as codecarbon estimates them",
            every_fold=True,
            optional=True,
            meaning="grams of carbon dioxide equivalents of that electricity; the world's average unless codecarbon knows the country",
        ),
    )
}
"""All costs by name, in the order in which they are shown."""
