"""Scores as rows of a printed table, and the sentences about their intervals."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from mebench.metrics.catalogue import JOINT, find

INTERVAL = "95 % interval"
UNDEFINED = dict.fromkeys(("value", "low", "high"))
COUNTS = {"tp": "TP", "fp": "FP", "fn": "FN"}
WIDE = 200
"""Columns of a table that goes into a file."""


def console() -> Console:
    """Standard output; nothing is cut or wrapped where that is no terminal."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=WIDE)


def empty_table(title: str, columns: Sequence[str] = (), words: Collection[str] = ()) -> Table:
    """A table without rows; columns of words stand at the left, those of numbers at the right, and none is wrapped."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, justify="left" if column in {*words, INTERVAL} else "right")
    return table


def score_table(title: str, scores: Mapping[str, Any]) -> Table:
    """One row for each score: name, value, interval."""
    table = empty_table(title, ("score", "value", INTERVAL), ("score",))
    for name, score in scores.items():
        add_score(table, find(name).label, score, find(name).digits)
    return table


def add_score(table: Table, name: str, score: Mapping[str, float | None], digits: int = 4) -> None:
    """Add one row to a `score_table`."""
    table.add_row(name, figure(score["value"], digits), interval(score, digits))


def parts_of(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Section, name, what is scored in words and content of each part of spotting and analysis.

    What spans both sections stands before the scores of the true positives.
    """
    for kind, part in summary.get("spotting", {}).items():
        yield "spotting", kind, counts_of(part), part
    analysis = summary.get("analysis", {})
    for name in ("true_positives", "all_intervals"):
        if name in analysis:
            part = analysis[name]
            joint = {n: analysis[n] for n in analysis if n in JOINT and name == "true_positives"}
            scores = {**joint, **part["scores"]}
            yield "analysis", name.replace("_", " "), f"n = {number(part['n'])}", {**part, "scores": scores}


def figure(value: float | None, digits: int = 4) -> str:
    """A score with so many digits; `-` where it is undefined."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval(score: Mapping[str, float | None], digits: int = 4) -> str:
    """`[low, high]`, or nothing where there is none."""
    return "" if score["low"] is None else f"[{figure(score['low'], digits)}, {figure(score['high'], digits)}]"


def number(value: float) -> str:
    """A count: whole, or with two digits where it is a mean over draws.

    >>> number(12), number(3.25)
    ('12', '3.25')
    """
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}"


def counts_of(part: Mapping[str, Any]) -> str:
    """True positives, false positives and misses of a kind, `3 TP, 1 FP, 0 FN`."""
    return ", ".join(f"{number(part[count])} {name}" for count, name in COUNTS.items())


def interval_lines(bootstrap: Mapping[str, Any], subjects: int) -> list[str]:
    """How the intervals were found, and when they are too narrow."""
    if not bootstrap["draws"]:
        return []
    if bootstrap.get("interval") == "jackknife":
        lines = [f"intervals: 95 % jackknife over {subjects} subjects, since they are fewer than 20"]
    else:
        lines = [f"intervals: 95 % bootstrap over {subjects} subjects, {bootstrap['draws']} draws"]
    skipped = max(bootstrap["skipped"].values(), default=0)
    if skipped:
        lines.append(
            f"{skipped} of the resampled sets lack a class or a truth that some score needs and are left out of it: "
            "its interval is too narrow"
        )
    return lines
