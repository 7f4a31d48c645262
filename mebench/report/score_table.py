"""The scores of files as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from mebench.metrics.catalogue import METRICS, find
from mebench.metrics.tables import Tables
from mebench.report import score_rows as rows

SWEEP = ("0.10", "0.30", "0.50", "0.70", "0.90")
"""The thresholds that are printed; the JSON has more."""

_COMPARED = ("precision", "recall", "f1", "ap50", "ap")
_EMOTIONS = ("accuracy", "f1", "uf1", "strs")


def print_scores(summary: Mapping[str, Any], tables: Tables, verbose: bool = False) -> None:
    """Print scores on standard output, with `verbose` all of them; nothing is cut or wrapped where that is no terminal."""
    console = rows.console()
    console.print(_title(tables), markup=False, style="bold")
    for table in score_tables(summary, verbose):
        console.print(table)
    for line in _remarks(summary, tables, verbose):
        console.print(line, markup=False, soft_wrap=True)


def score_tables(summary: Mapping[str, Any], verbose: bool = False) -> list[Table]:
    """One table for each task of the summary, and one of all conventions where that was asked."""
    found = [
        rows.score_table(f"{section}, {name} ({counted})", {**part["scores"], **(_details(part) if verbose else {})})
        for section, name, counted, part in rows.parts_of(summary)
    ]
    if compared := summary.get("sensitivity"):
        found.append(sensitivity_table(compared))
    return found


def sensitivity_table(compared: Mapping[str, Any]) -> Table:
    """One line for each convention and kind."""
    kinds = [kind for kind in ("micro", "macro", "overall") if any(kind in row for row in compared.values())]
    named_emotions = any("analysis" in row for row in compared.values())
    left = ["convention", *(["kind"] if len(kinds) > 1 else [])]
    right = [*rows.COUNTS.values(), *(find(name).label for name in _COMPARED)]
    right += [f"{find(name).label}{' (emotions)' * (name in _COMPARED)}" for name in _EMOTIONS if named_emotions]
    table = rows.empty_table("the same predictions under every convention", (*left, *right), left)
    for name, row in compared.items():
        if "reason" in row:
            table.add_row(name, row["reason"])
        for kind in (kind for kind in kinds if kind in row):
            cells = [name, kind][: len(left)]
            cells += [rows.number(row[kind][count]) for count in rows.COUNTS]
            cells += [rows.figure(row[kind].get(score)) for score in _COMPARED]
            if named_emotions and kind == "micro":
                cells += [rows.figure(row.get("analysis", {}).get(score)) for score in _EMOTIONS]
            table.add_row(*cells)
    return table


def _details(part: Mapping[str, Any]) -> dict[str, Any]:
    """The further scores of a part that are defined."""
    details = part.get("details", {})
    scores = {**details.get("scores", {}), **details.get("frames", {})}
    sweep = details.get("f1_at_iou", {})
    scores |= {f"{METRICS['f1_at_iou'].label} {float(iou):.1f}": sweep[iou] for iou in SWEEP if iou in sweep}
    return {name: score for name, score in scores.items() if score["value"] is not None}


def _title(tables: Tables) -> str:
    videos, truths = tables.videos, tables.truths
    spotted = 0 if tables.predictions is None else len(tables.predictions)
    return f"{spotted} predictions against {len(truths)} expressions in {len(videos)} videos of {videos['subject'].nunique()} subjects"


def _remarks(summary: Mapping[str, Any], tables: Tables, verbose: bool) -> list[str]:
    """What a reader must know to trust the numbers."""
    subjects = tables.videos["subject"].nunique()
    return [
        f"convention {summary['rules'] if verbose else summary['convention']}",
        *rows.interval_lines(summary["bootstrap"], subjects),
        *summary.get("remarks", []),
    ]
