"""What went wrong in spotting, as tables that a person reads."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.table import Table

from mebench.report.score_rows import console, empty_table, number

EXPLAINED = (
    "false positives: duplicate (hits a truth of its kind that another interval found), else kind confusion (hits one of the "
    "other kind), else localisation (IoU from 0.1 to below the threshold with one of its kind), else background; "
    "misses: kind confusion or localisation where a false positive says so, else missed"
)


def print_mistakes(counts: pd.DataFrame, title: str) -> None:
    """Print the counts of `count_mistakes` on standard output; elsewhere than on a terminal nothing is cut or wrapped."""
    out = console()
    out.print()
    if counts.empty:
        out.print(f"{title}: nothing, there is neither a false positive nor a miss", markup=False, soft_wrap=True)
        return
    out.print(mistakes_table(counts, title))
    out.print(EXPLAINED, markup=False, soft_wrap=True)


def mistakes_table(counts: pd.DataFrame, title: str) -> Table:
    """One row for each kind, subject or emotion, those with the most mistakes first, and their sum."""
    table = empty_table(title)
    table.add_column(str(counts.index.name), no_wrap=True)
    columns: list[tuple[str, str]] = counts.columns.to_list()  # type: ignore[assignment]
    for mistake, cause in columns:
        short = "FP" if mistake == "false_positive" else "missed" if cause == "missed" else "miss"
        table.add_column(short if cause == "missed" else f"{short}: {cause.replace('_', ' ')}", justify="right")
    by_name = str(counts.index.name) != "kind"
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index if by_name else counts.index
    for name in order:
        table.add_row(str(name) or "(none)", *(number(counts.loc[name, column]) for column in columns))
    if len(counts) > 1:
        table.add_section()
        table.add_row("all", *(number(counts[column].sum()) for column in columns))
    return table


def plain(counts: pd.DataFrame) -> dict[str, Any]:
    """The counts for JSON: `{name: {mistake: {cause: n}}}`."""
    found: dict[str, Any] = {str(name): {} for name in counts.index}
    columns: list[tuple[str, str]] = counts.columns.to_list()  # type: ignore[assignment]
    for name, row in zip(counts.index, counts.to_numpy().tolist()):
        for (mistake, cause), n in zip(columns, row):
            found[str(name)].setdefault(mistake, {})[cause] = n
    return found
