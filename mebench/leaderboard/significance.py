"""Which rows of a table cannot be told apart: a paired test of all rows at once, as letters."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import networkx as nx
import numpy as np

from mebench.errors import MebenchError
from mebench.leaderboard.pool import Pool
from mebench.leaderboard.record import Record
from mebench.leaderboard.tukey import tukey_p
from mebench.metrics.bootstrap import derived_seed
from mebench.metrics.conventions import named
from mebench.metrics.ratios import Floats
from mebench.metrics.tables import Tables

ALPHA = 0.05
PERMUTATIONS = 4999

Read = Callable[[Record], Tables]


def letters(records: Sequence[Record], path: str, read: Read) -> list[str]:
    """Letters for runs on the same truth; runs that share one cannot be told apart, the best run's first letter is `a`.

    All pairs are tested at once by dealing the predictions of each subject anew among all runs (see
    `mebench.leaderboard.tukey`), at 5 %. The letters are the maximal sets without a significant pair (Piepho 2004,
    Journal of Computational and Graphical Statistics 13(2)).

    Args:
        records: best first.
        path: of the score, for example `spotting.micro.f1`.
        read: gives the tables of a record.

    Returns:
        one text each; all empty for fewer than two runs or where no pair could be compared.
    """
    p = _p(records, path, read) if len(records) > 1 else np.full((len(records), len(records)), np.nan)
    pairs = list(combinations(range(len(records)), 2))
    if all(np.isnan(p[pair]) for pair in pairs):
        return [""] * len(records)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(records)))
    graph.add_edges_from(
        pair for pair in pairs if not p[pair] < ALPHA
    )  # what could not be tested is not told apart either
    groups = sorted(sorted(group) for group in nx.find_cliques(graph))
    return ["".join(_letter(n) for n, group in enumerate(groups) if row in group) for row in range(len(records))]


def _p(records: Sequence[Record], path: str, read: Read) -> Floats:
    """P values of all pairs, NaN where nothing can be tested."""
    task, _, section = path.partition(".")
    kind = section.partition(".")[0] if task == "spotting" else "micro"
    first = records[0]
    kinds = [kind] if kind != "overall" else first.about["kinds"]
    try:
        pool = Pool.of([_needed(read(record), task, first.convention) for record in records])
        score = pool.scorer(path, kinds, first.about["classes"], first.convention)
    except MebenchError:
        return np.full((len(records), len(records)), np.nan)
    return tukey_p(score, pool.units, PERMUTATIONS, derived_seed(0, "permutation"))


def _needed(tables: Tables, task: str, convention: str) -> Tables:
    """Only what the score is computed from."""
    if task == "recognition":
        return replace(tables, predictions=None)
    if task == "analysis" or tables.predictions is None:
        return replace(tables, clips=None)
    predictions = tables.predictions.assign(emotion=None)
    if (
        named(convention).matching == "maximum"
    ):  # how many match does not depend on confidences, and ranking them is slow
        predictions = predictions.assign(confidence=0.0)
    return replace(tables, predictions=predictions, clips=None)


def _letter(number: int) -> str:
    """The letters from `a` to `z`, then `a1`, `b1` and so on."""
    turn, place = divmod(number, len(string.ascii_lowercase))
    return string.ascii_lowercase[place] + (str(turn) if turn else "")
