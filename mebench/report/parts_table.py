"""Tables of a run's parts: each dataset that was spotted in, each fold that is scored by itself, what a leak bought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from mebench.metrics.catalogue import find
from mebench.report import score_rows as rows


def spotting_by_dataset(members: Mapping[str, Any]) -> Table:
    """One row for each dataset and kind."""
    names = ("precision", "recall", "f1")
    columns = ("dataset", "kind", *rows.COUNTS.values(), *(find(name).label for name in names), rows.INTERVAL)
    table = rows.empty_table("spotting, by dataset", columns, ("dataset", "kind"))
    for name, parts in members.items():
        for kind, part in parts.get("spotting", {}).items():
            scores = part["scores"]
            shown = [rows.figure(scores[score]["value"]) for score in names]
            counts = [rows.number(part[count]) for count in rows.COUNTS]
            table.add_row(name, kind, *counts, *shown, rows.interval(scores["f1"]))
    return table


def recognition_by_fold(folds: Mapping[str, Any]) -> Table:
    """One row for each fold."""
    names = ("accuracy", "uf1", "uar")
    columns = [column for name in names for column in (find(name).label, rows.INTERVAL)]
    table = rows.empty_table("recognition, each fold by itself", ("fold", "clips", *columns), ("fold",))
    for fold, part in folds.items():
        scores = [part["scores"][name] for name in names]
        shown = [text for score in scores for text in (rows.figure(score["value"]), rows.interval(score))]
        table.add_row(fold, str(part["n"]), *shown)
    return table


def leak_table(leak: Mapping[str, Any]) -> Table:
    """One row for each score of a run that leaks: without the leak, with it, and what it bought."""
    table = rows.empty_table(
        f"what the leak bought, beside {leak['honest']}", ("score", "honest", "leak", "points"), ("score",)
    )
    for path, score in leak["scores"].items():
        points = "-" if score["points"] is None else f"{score['points']:+.2f}"
        table.add_row(path, rows.figure(score["honest"]), rows.figure(score["leak"]), points)
    return table
