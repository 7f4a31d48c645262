"""Stability of a table's rows: significance groups; ranks and pairwise comparisons over draws of other people; the score on
the people who are hardest for all. All of them concern a row's mean over seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import lcm
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mebench.boards.run_tables import Read
from mebench.boards.significance import (
    MOST_ROWS,
    ChosenWeights,
    Scorer,
    Weights,
    find_differing_pairs,
    significance_groups,
)
from mebench.errors import MebenchError
from mebench.grouping import split_into_batches
from mebench.metrics import Tables, find_convention
from mebench.metrics.bootstrap import Resampling, derived_seed
from mebench.metrics.compared_tables import Pool
from mebench.metrics.paired import PERMUTATIONS
from mebench.metrics.ranking import hardest_people, personal_path, rank_intervals, win_shares
from mebench.metrics.ratios import Floats
from mebench.records.record import Record

DRAWS = 1000
"""Number of draws of people, for ranks."""
MOST_TOGETHER = 500_000
"""Most answers of all runs in one test, whose memory grows with these; the largest runs beyond get no letter."""


def compute_standings(
    rows: Sequence[Sequence[Record]], path: str, read: Read, judged: Sequence[int], trusted: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Stability of some rows on the same truth, as in `rows.BoardRow`: `group`, `ranks`, `beats` and `hardest`.

    Args:
        rows: the runs of each row, which differ in the seed alone; the best row first.
        path: path of the score, for example `spotting.micro.f1`.
        read: gives the tables of a record.
        judged: positions of the ranked rows: without levels of chance and without selection on tested people.
        trusted: positions of those whose scores decide who the hardest people are, so that no stranger's record does; all
            ranked rows where there are none.

    Returns:
        Plain data for each; empty for a row without such a score. `group` and `ranks` need two rows that have one. Where
        draws of people are all the same, there is only `group`.
    """
    try:
        pooled = PooledRows.from_rows(rows, path, read)
    except MebenchError:
        return [{} for _ in rows]
    people = Resampling.of_subjects(pooled.pool.strata, DRAWS, derived_seed(0, "ranks"))
    whole = np.ones((1, people.n_units))
    scored = [row for row in range(len(rows)) if not np.isnan(pooled.score_row(row, whole)[0])]
    standings: list[dict[str, Any]] = [{"group": group} for group in _groups(pooled, scored)]
    ranked = [row for row in judged if row in scored]
    if ranked and _draws_differ(people):
        for row, ranks in _ranks_over_draws(pooled, ranked, people).items():
            standings[row] |= ranks
        judges = [row for row in ranked if row in trusted] or ranked
        for row, score in _scores_of_hardest(pooled, judges, scored, people).items():
            standings[row]["hardest"] = score
    return standings


MOST_ROUNDS = 12
"""Most rounds in which a permutation is scored, each with one seed of every row; see `PooledRows.units_of_rounds`."""
MOST_SCORED = 100_000
"""Most scores that are computed at once, whose sums must fit in memory."""


@dataclass(frozen=True)
class PooledRows:
    """Rows on the same truth, the runs of all their seeds in one pool. Scores are means over a row's seeds under
    weights of people.

    Attributes:
        pool: tables of all runs.
        seeds: positions in the pool of each row's runs.
        name: name of the score.
        score: gives the score under weights of the pool.
        scores_of_people: gives the scores of a run on each person alone.
    """

    pool: Pool
    seeds: tuple[tuple[int, ...], ...]
    name: str
    score: Scorer
    scores_of_people: Callable[[int], Floats]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Record]], path: str, read: Read) -> PooledRows:
        """Pool the runs of some rows.

        Raises:
            MebenchError: the tables have no such score.
        """
        task, _, section = path.partition(".")
        records = [record for runs in rows for record in runs]
        first = records[0]
        kind = section.partition(".")[0] if task == "spotting" else "micro"
        kinds = first.about["kinds"] if kind == "overall" else [kind]
        by_id = sorted(range(len(records)), key=lambda run: records[run].id)
        pool = _pool(tuple(read(records[run]) for run in by_id), task, first.convention)
        pool = replace(pool, units=pool.units[np.argsort(by_id)])
        ends = np.cumsum([len(runs) for runs in rows]).tolist()
        seeds = tuple(tuple(range(end - len(runs), end)) for end, runs in zip(ends, rows))
        rules = kinds, first.about["classes"], first.convention
        scores_of_people = pool.personal_scorer(personal_path(path), *rules)
        # A scorer of F1, UF1 or STRS uses no more of its weights than `Weights` has.
        score = cast(Scorer, pool.make_scorer(path, *rules))
        return cls(pool, seeds, path.rpartition(".")[2], score, scores_of_people)

    def score_row(self, row: int, weights: Floats) -> Floats:
        """(m,) means over seeds of a row's scores under (m, n_subjects) weights."""
        order = np.zeros((*weights.shape, 1), dtype=np.int32)
        scores = []
        for run in self.seeds[row]:
            units = self.pool.units[None, run : run + 1]
            scores.append(self.score(ChosenWeights(units, self.pool.units.size, order, weights)))
        return np.asarray(np.mean(scores, axis=0))

    def personal_scores(self, row: int) -> Floats:
        """(n_people,) means over seeds of a row's scores on each person alone."""
        return np.asarray(np.mean([self.scores_of_people(run) for run in self.seeds[row]], axis=0))

    @property
    def places(self) -> NDArray[np.int32]:
        """(n_rows, n_subjects) places of each row's predictions of each subject, whatever their seed."""
        n_rows = len(self.seeds)
        n_subjects = self.pool.units.shape[1]
        return np.arange(n_rows * n_subjects, dtype=np.int32).reshape(n_rows, n_subjects)

    @cached_property
    def units_of_rounds(self) -> list[NDArray[np.int32]]:
        """For each round, the unit of the pool at each place of `places`; a round takes one seed of each row.

        The number of rounds is the least common multiple of the numbers of seeds, so that all seeds of a row take part equally often.
        It is at most `MOST_ROUNDS`; then some seeds of a row take part once more than others.
        """
        n_rounds = min(lcm(*map(len, self.seeds)), MOST_ROUNDS)
        units = []
        for number in range(n_rounds):
            one_run_a_row = [seeds[number % len(seeds)] for seeds in self.seeds]
            units.append(self.pool.units[one_run_a_row].ravel())
        return units

    def mean_scores(self, weights: Weights) -> Floats:
        """(m,) means over seeds under (m, n_places) weights of `places`: all seeds of a row are permuted together."""
        n_together = max(1, MOST_SCORED // max(1, len(weights)))
        scores = []
        for units in split_into_batches(self.units_of_rounds, n_together):
            of_rounds = self.score(WeightsOfRounds(weights, units))
            scores.append(of_rounds.reshape(len(units), len(weights)))
        return np.asarray(np.concatenate(scores).mean(axis=0))


class WeightsOfRounds:
    """Weights of the pool in several rounds, one below the other: the same positions, which each round fills with other units.

    Args:
        weights: (m, n_places) weights of positions.
        units: for each round (n_places,) positions in the pool.
    """

    def __init__(self, weights: Weights, units: Sequence[NDArray[np.int32]]) -> None:
        self._weights = weights
        self._units = np.stack(units, axis=1)

    def __len__(self) -> int:
        return len(self._weights) * int(self._units.shape[1])

    def __matmul__(self, counts: Floats) -> Floats:
        """The weighted sums of the counts of all units, (n_units, ...): (n_rounds x m, ...)."""
        # One product for all rounds, each count of each round a column: a product for each takes twice as long.
        of_places = counts.reshape(len(counts), -1)[self._units].swapaxes(1, 2)  # (n_places, n_counts, n_rounds)
        columns = of_places.reshape(len(of_places), -1)
        sums = np.asarray(self._weights @ columns)  # (m, n_counts x n_rounds)
        below_each_other = sums.T.reshape(-1, len(self)).T  # (n_rounds x m, n_counts)
        return below_each_other.reshape(-1, *counts.shape[1:])


@lru_cache(maxsize=1)  # the parts of a table have the same runs
def _pool(runs: tuple[Tables, ...], task: str, convention: str) -> Pool:
    """The tables of the runs together, reduced to the input of the score."""
    if task == "recognition":
        return Pool.from_runs([replace(run, predictions=None) for run in runs])
    if task == "analysis":  # in a run without intervals, clips show whether it names emotions
        return Pool.from_runs(runs)
    plain: dict[str, Any] = {"emotion": None}
    if find_convention(convention).matching == "maximum":
        plain["confidence"] = 0.0  # the number of matches does not depend on confidences, and ranking is slow
    reduced = []
    for run in runs:
        intervals = None if run.predictions is None else run.predictions.assign(**plain)
        reduced.append(replace(run, predictions=intervals, clips=None))
    return Pool.from_runs(reduced)


def _groups(rows: PooledRows, scored: Sequence[int]) -> list[str]:
    """The letters of all rows; empty for those without a score."""
    pairs = find_differing_pairs(rows.mean_scores, rows.places, PERMUTATIONS, derived_seed(0, "permutation"))
    if pairs is None:
        return [""] * len(rows.seeds)
    return significance_groups(pairs, np.isin(range(len(rows.seeds)), scored))


def _draws_differ(people: Resampling) -> bool:
    """Whether other people are ever drawn; the only person of a dataset is in each draw once."""
    return bool((people.weights != 1).any())


def _ranks_over_draws(rows: PooledRows, ranked: Sequence[int], people: Resampling) -> dict[int, dict[str, Any]]:
    """Ranks of rows, and shares of draws in which one is better than another; needs two rows.

    Args:
        rows: all rows.
        ranked: positions of the ranked ones.
        people: draws of people.
    """
    drawn = np.stack([rows.score_row(row, people.weights) for row in ranked])
    drawn = drawn[:, ~np.isnan(drawn).any(axis=0)]
    if len(ranked) < 2 or not drawn.size:
        return {}
    of_rows = zip(ranked, rank_intervals(drawn), win_shares(drawn))
    return {row: {"ranks": [*ranks], "beats": beats.round(3).tolist()} for row, ranks, beats in of_rows}


def _scores_of_hardest(
    rows: PooledRows, judges: Sequence[int], scored: Sequence[int], people: Resampling
) -> dict[int, dict[str, Any]]:
    """The score of each row on the hardest people; empty if no person has a score alone.

    Args:
        rows: all rows.
        judges: positions of the rows on which these people are the hardest.
        scored: positions of those with a score.
        people: draws of people.
    """
    cohort = hardest_people(np.stack([rows.personal_scores(row) for row in judges]))
    if not len(cohort):
        return {}

    def score_on_cohort(row: int) -> dict[str, Any]:
        score = people.of_some(cohort, lambda weights: {rows.name: rows.score_row(row, weights)})[rows.name]
        return {"value": score["value"], "low": score["low"], "high": score["high"], "people": len(cohort)}

    return {row: score_on_cohort(row) for row in scored}


def testable_together(rows: Sequence[Sequence[Record]]) -> list[int]:
    """The positions of rows that are tested together, in order.

    Rows are taken from the one with the fewest answers on, as long as they have at most `MOST_TOGETHER` answers in all. Of
    the taken rows, the first `MOST_ROWS` by position stay.
    """
    sizes = np.array([sum(record.answers for record in runs) for runs in rows], dtype=int)
    smallest = np.argsort(sizes, kind="stable")
    return sorted(smallest[sizes[smallest].cumsum() <= MOST_TOGETHER].tolist())[:MOST_ROWS]
