"""What the page of a run shows beyond its scores: confusions, mistakes, subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mebench.metrics import Tables, named
from mebench.metrics.mistakes import count_mistakes, number_of_draws, sort_mistakes
from mebench.results.record import Record
from mebench.results.render.plots import confusions, true_positives
from mebench.runner.folder import RunFolder
from mebench.runner.scoring import tables_of


@dataclass(frozen=True)
class Confusion:
    """Counts of true against predicted classes.

    Attributes:
        title: what was named.
        columns: the named classes; `no class` for what is none of the scheme's.
        rows: true class, its total, and for each column the count and its share of the total.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[tuple[int, float], ...]], ...]


@dataclass(frozen=True)
class Counts:
    """A small table of numbers: a name and a number for each column in every row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


@dataclass(frozen=True)
class Details:
    """What is known about the answers of a run.

    Attributes:
        confusions: of annotated clips and of true positives; none where nothing was named.
        mistakes: by kind of expression and cause; None where nothing was spotted.
        subjects: for each tested subject its expressions, what was found, clips and right answers.
    """

    confusions: tuple[Confusion, ...]
    mistakes: Counts | None
    subjects: Counts


def details(record: Record) -> Details:
    """The details of a run.

    Raises:
        RunError: a table of it is missing or damaged.
    """
    tables, classes = tables_of(RunFolder(record.folder)), record.about["classes"]
    named_so = []
    if tables.clips is not None and len(tables.clips):
        named_so.append(_confusion("Annotated clips", tables.clips, classes))
    mistakes, sorted_mistakes = None, pd.DataFrame()
    if tables.predictions is not None:
        found = true_positives(tables, named(record.convention))
        if len(found):
            named_so.append(_confusion("Spotted clips that are right (true positives)", found, classes))
        sorted_mistakes = sort_mistakes(tables, record.about["kinds"], record.convention)
        mistakes = _mistakes(record.summary.get("mistakes", {}))
    return Details(tuple(named_so), mistakes, _subjects(tables, sorted_mistakes, record.about["kinds"]))


def _confusion(title: str, answers: pd.DataFrame, classes: Sequence[str]) -> Confusion:
    table = confusions(answers, classes)
    rows = (
        (name, sum(counts), tuple((n, n / max(sum(counts), 1)) for n in counts))
        for name, counts in zip(table.index, table.to_numpy().tolist())
    )
    return Confusion(title, tuple(table.columns), tuple(rows))


WORDS = {"false_positive": "false positive: ", "miss": "miss: ", "under": "under a false positive: "}
"""What the page shows of the mistakes in a summary, which are counts, and how it says so."""


def _mistakes(mistakes: Mapping[str, Any]) -> Counts | None:
    """A row for each kind of false positive and miss, a column for each kind of expression."""
    causes = [
        (what, cause) for kind in mistakes.values() for what, found in kind.items() if what in WORDS for cause in found
    ]
    rows = (
        (f"{WORDS[what]}{cause}".replace("_", " "), tuple(part[what].get(cause, 0) for part in mistakes.values()))
        for what, cause in dict.fromkeys(causes)
    )
    return Counts(tuple(mistakes), tuple(rows)) if causes else None


def _subjects(tables: Tables, mistakes: pd.DataFrame, kinds: Sequence[str]) -> Counts:
    """A row for each subject: expressions, found, false positives, F1; clips, right answers."""
    subjects = sorted(set(tables.videos["subject"]))
    of_video = tables.videos.set_index("video")["subject"]
    columns: dict[str, list[float | None]] = {}
    if tables.predictions is not None:
        draws = number_of_draws(tables)
        counts = count_mistakes(mistakes, "subject", draws).reindex(subjects, fill_value=0)
        truths = tables.truths[tables.truths["kind"].isin(list(kinds))]["video"].map(of_video).value_counts()
        n = truths.reindex(subjects, fill_value=0).to_numpy(float)
        missed = counts["miss"].to_numpy(float).sum(axis=1)
        wrong = counts["false_positive"].to_numpy(float).sum(axis=1)
        columns = {"expressions": [*n], "found": [*(n - missed)], "false positives": [*wrong]}
        below = 2 * (n - missed) + wrong + missed
        columns["F1"] = [
            None if not total else float(2 * hit / total) for hit, total in zip(n - missed, below, strict=True)
        ]
    if tables.clips is not None:
        right = (tables.clips["truth"] == tables.clips["predicted"]).fillna(False).groupby(tables.clips["subject"])
        columns["clips"] = [*right.size().reindex(subjects, fill_value=0).to_numpy(float)]
        columns["right"] = [*right.sum().reindex(subjects, fill_value=0).to_numpy(float)]
    rows = tuple((subject, tuple(column[i] for column in columns.values())) for i, subject in enumerate(subjects))
    return Counts(tuple(columns), rows)
