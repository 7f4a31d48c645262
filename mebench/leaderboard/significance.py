"""Which rows of a table cannot be told apart: paired tests between all pairs, as letters."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import networkx as nx

from mebench.errors import MebenchError
from mebench.leaderboard.record import Record
from mebench.metrics.statistics.comparison import compare
from mebench.metrics.statistics.paired import holm
from mebench.metrics.tables import Tables

ALPHA = 0.05
PERMUTATIONS = 1999

Read = Callable[[Record], Tables]


def letters(records: Sequence[Record], path: str, read: Read) -> list[str]:
    """Letters for runs on the same truth; runs that share one cannot be told apart, the best run's first letter is `a`.

    Between any two runs the difference of the score is tested by exchanging their predictions subject by subject (see
    `mebench.metrics.statistics.comparison.compare`); p values are adjusted by Holm for all pairs of the table, at 5 %. The
    letters are the maximal sets without a significant pair (Piepho 2004, Journal of Computational and Graphical
    Statistics 13(2)).

    Args:
        records: best first.
        path: of the score, for example `spotting.micro.f1`.
        read: gives the tables of a record.

    Returns:
        one text each; all empty for fewer than two runs or where no pair could be compared.
    """
    pairs = list(combinations(range(len(records)), 2))
    found = [_p(records[one], records[other], path, read) for one, other in pairs]
    if all(p is None for p in found):
        return [""] * len(records)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(records)))
    for pair, p in zip(pairs, holm(found)):
        if p is None or p >= ALPHA:  # what could not be tested was not told apart either
            graph.add_edge(*pair)
    groups = sorted(sorted(group) for group in nx.find_cliques(graph))
    return ["".join(_letter(n) for n, group in enumerate(groups) if row in group) for row in range(len(records))]


def _p(one: Record, other: Record, path: str, read: Read) -> float | None:
    kinds = [kind for kind in one.about["kinds"] if kind in other.about["kinds"]]
    task, _, section = path.partition(".")
    if task == "spotting" and section.partition(".")[0] in kinds:
        kinds = [section.partition(".")[0]]
    try:
        comparison = compare(
            _needed(read(one), task),
            _needed(read(other), task),
            kinds=kinds,
            classes=one.about["classes"],
            convention=one.convention,
            metrics=[path],
            draws=0,
            permutations=PERMUTATIONS,
        )
    except MebenchError:  # other videos, other truths
        return None
    return comparison.scores[path].p


def _needed(tables: Tables, task: str) -> Tables:
    """Only what the score is computed from: every pair of rows comes here."""
    if task == "recognition":
        return replace(tables, predictions=None)
    without_emotions = task == "spotting" and tables.predictions is not None
    named = tables.predictions.assign(emotion=None) if without_emotions else tables.predictions  # type: ignore[union-attr]
    return replace(tables, predictions=named, clips=None)


def _letter(number: int) -> str:
    """The letters from `a` to `z`, then `a1`, `b1` and so on."""
    turn, place = divmod(number, len(string.ascii_lowercase))
    return string.ascii_lowercase[place] + (str(turn) if turn else "")
