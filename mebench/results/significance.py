"""Which rows of a table cannot be told apart: a paired test of all rows at once, as letters."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from math import factorial

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, MebenchError, unknown
from mebench.metrics import Tables, named
from mebench.metrics.bootstrap import derived_seed
from mebench.metrics.comparison import pooled, sections_of
from mebench.metrics.ratios import Floats
from mebench.results.record import Record

_AT_ONCE = 500
_ROUNDING = 1e-9
"""Sums in another order differ in the last digits: what is equal must count as equal."""


def dealings(n_runs: int, n_subjects: int, most: int, seed: int) -> tuple[NDArray[np.int64], bool]:
    """Whose predictions each run gets, subject by subject.

    Dealing to other runs what is dealt to these leaves their range as it is, so the first subject may stay.

    Args:
        n_runs: number of runs.
        n_subjects: number of subjects.
        most: the most to try.
        seed: of random ones.

    Returns:
        (m, n_subjects, n_runs), and whether these are all there are (n_runs! ^ (n_subjects - 1), the one that leaves
        everything as it is among them); otherwise they are `most` random ones.

    >>> dealings(2, 2, 10, seed=0)[0].tolist()
    [[[0, 1], [0, 1]], [[0, 1], [1, 0]]]
    >>> dealings(5, 8, 10, seed=0)[0].shape
    (10, 8, 5)
    """
    own = np.arange(n_runs)
    if factorial(n_runs) ** max(n_subjects - 1, 0) <= most:
        every = product([tuple(own)], *[list(permutations(own))] * (n_subjects - 1))
        return np.array(list(every), dtype=np.int64), True
    same = np.broadcast_to(own, (most, n_subjects, n_runs))
    return np.random.default_rng(seed).permuted(same, axis=2), False


def tukey_p(evaluate: Callable[[Floats], Floats], units: NDArray[np.int64], most: int, seed: int) -> Floats:
    """P values of all pairs of runs.

    Args:
        evaluate: from (m, n_units) weights of a pool of all runs' predictions to (m,) scores.
        units: (n_runs, n_subjects) where each run's predictions of each subject stand in the pool.
        most: the most permutations to try. Random ones count the observed one too, so p is never 0.
        seed: of random ones.

    Returns:
        (n_runs, n_runs); NaN where a run's own score is undefined. A permutation that leaves a score undefined counts as
        one of large differences.
    """
    n_units = int(units.max()) + 1

    def scores(chosen: NDArray[np.int64]) -> Floats:
        """(m,) scores of one run from the (m, n_subjects) units that it is dealt."""
        weights = np.zeros((len(chosen), n_units))
        np.put_along_axis(weights, chosen, 1.0, axis=1)
        return evaluate(weights)

    observed = np.asarray(scores(units))
    known = units[~np.isnan(observed)]
    n_runs, n_subjects = known.shape
    if n_runs < 2:
        return np.full((len(units), len(units)), np.nan)
    dealt, exact = dealings(n_runs, n_subjects, most, seed)
    ranges = []
    for start in range(0, len(dealt), _AT_ONCE):
        part = dealt[start : start + _AT_ONCE]
        found = np.stack([scores(known[part[:, :, run], np.arange(n_subjects)]) for run in range(n_runs)])
        ranges.append(found.max(axis=0) - found.min(axis=0))  # NaN if one is
    largest = np.sort(np.nan_to_num(np.concatenate(ranges), nan=np.inf))
    apart = np.abs(observed[:, None] - observed[None, :])
    as_large = len(largest) - np.searchsorted(largest, apart - _ROUNDING)
    p = as_large / len(largest) if exact else (as_large + 1) / (len(largest) + 1)
    return np.where(np.isnan(apart), np.nan, p)


@dataclass(frozen=True)
class Pool:
    """Runs on the same truth, as if each had been scored on subjects of its own.

    Attributes:
        tables: of all runs; run 2's copy of the subject `a/01` is `2|a/01`.
        units: (n_runs, n_subjects) where each run's predictions of each subject stand among the units of scoring.
    """

    tables: Tables
    units: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Sequence[Tables]) -> Pool:
        """Of methods that predict by chance, the first draw.

        Raises:
            DataError: the tables of a run do not fit together.
        """
        tables = pooled(runs)
        people = tables.ordered().videos.drop_duplicates("unit")
        parts = people["subject"].str.partition("|")
        ranked = people.assign(run=parts[0].astype("int64"), own=parts[2]).sort_values(["run", "dataset", "own"])
        return cls(tables, ranked["unit"].to_numpy(np.int64).reshape(len(runs), -1))

    def scorer(
        self, path: str, kinds: Sequence[str], classes: Sequence[str], convention: str
    ) -> Callable[[Floats], Floats]:
        """From (m, n_units) weights to (m,) values of the score at `path`, such as `spotting.micro.f1`.

        Raises:
            ConfigError: these runs have no such score.
        """
        sections = sections_of(self.tables, self.units.size, kinds, classes, convention)
        ones = np.ones((1, self.units.size))
        for section, part in sections.items():
            for name in part.evaluate(ones):
                if path in (f"{section}.{name}", section if section.endswith(f".{name}") else ""):
                    return lambda weights: part.evaluate(weights)[name]
        raise ConfigError(unknown("score of these runs", path, sections))


ALPHA, PERMUTATIONS = 0.05, 4999
MOST_TOGETHER = 500_000
"""Answers, of all runs that are tested together: the memory of a test grows with them. The largest runs beyond get no letter."""

Read = Callable[[Record], Tables]


def letters(records: Sequence[Record], path: str, read: Read) -> list[str]:
    """Letters for runs on the same truth; runs that share one cannot be told apart, the best run's first letter is `a`.

    All pairs are tested at once by dealing the predictions of each subject anew among all runs (see
    `mebench.results.significance`), at 5 %. The letters are the maximal sets without a significant pair (Piepho 2004,
    Journal of Computational and Graphical Statistics 13(2)).

    Args:
        records: best first.
        path: of the score, for example `spotting.micro.f1`.
        read: gives the tables of a record.

    Returns:
        one text each; all empty for fewer than two runs or where no pair could be compared.
    """
    p = _p(records, path, read) if len(records) > 1 else np.full((len(records), len(records)), np.nan)
    if np.isnan(p[np.triu_indices(len(records), 1)]).all():
        return [""] * len(records)
    graph = nx.from_numpy_array(np.triu(~(p < ALPHA)))  # what could not be tested is not told apart either
    groups = sorted(sorted(group) for group in nx.find_cliques(graph))
    return ["".join(_letter(n) for n, group in enumerate(groups) if row in group) for row in range(len(records))]


def together(records: Sequence[Record]) -> list[int]:
    """Places, in order, of those with the fewest answers, as long as they are at most `MOST_TOGETHER` in all."""
    sizes = np.array([record.answers for record in records], dtype=int)
    smallest = np.argsort(sizes, kind="stable")
    return sorted(smallest[sizes[smallest].cumsum() <= MOST_TOGETHER].tolist())


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
