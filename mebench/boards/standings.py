"""Stability of a table's rows: significance groups; ranks and pairwise comparisons over draws of other people; the score on
the people who are hardest for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np

from mebench.boards.run_tables import Read
from mebench.boards.significance import MOST_ROWS, ChosenWeights, Scorer, distinguished, significance_groups
from mebench.errors import MebenchError
from mebench.metrics import Tables, find_convention
from mebench.metrics.bootstrap import Resampling, derived_seed
from mebench.metrics.comparison import Pool
from mebench.metrics.paired import PERMUTATIONS
from mebench.metrics.ranking import hardest_people, personal_path, rank_intervals, win_shares
from mebench.metrics.ratios import Floats
from mebench.records.record import Record

DRAWS = 1000
"""Number of draws of people, for ranks."""
MOST_TOGETHER = 500_000
"""Most answers of all runs in one test, whose memory grows with these; the largest runs beyond get no letter."""


def compute_standings(records: Sequence[Record], path: str, read: Read, judged: Sequence[int]) -> list[dict[str, Any]]:
    """Stability of some runs on the same truth, as in `rows.Row`: `group`, `ranks`, `beats` and `hardest`.

    Args:
        records: the runs, best first.
        path: path of the score, for example `spotting.micro.f1`.
        read: gives the tables of a record.
        judged: positions of the ranked runs: without levels of chance and without selection on tested people.

    Returns:
        Plain data for each; empty for a run without such a score. `group` and `ranks` need two runs that have one.
    """
    try:
        runs = PooledRuns.of(records, path, read)
    except MebenchError:
        return [{} for _ in records]
    people = Resampling.of_subjects(runs.pool.strata, DRAWS, derived_seed(0, "ranks"))
    whole = np.ones((1, people.n_units))
    scored = [run for run in range(len(records)) if not np.isnan(runs.scores(run, whole)[0])]
    standings: list[dict[str, Any]] = [{"group": group} for group in _groups(runs, scored)]
    ranked = [run for run in judged if run in scored]
    if ranked:
        for run, ranks in _ranks_over_draws(runs, ranked, people).items():
            standings[run] |= ranks
        for run, score in _scores_of_hardest(runs, ranked, scored, people).items():
            standings[run]["hardest"] = score
    return standings


@dataclass(frozen=True)
class PooledRuns:
    """Runs on the same truth in one pool, with their scores under weights of people.

    Attributes:
        pool: tables of all runs.
        name: name of the score.
        score: gives the score under weights of the pool.
        scores_of_people: gives the scores of a run on each person alone.
    """

    pool: Pool
    name: str
    score: Scorer
    scores_of_people: Callable[[int], Floats]

    @classmethod
    def of(cls, records: Sequence[Record], path: str, read: Read) -> PooledRuns:
        """Pool some runs.

        Raises:
            MebenchError: the tables have no such score.
        """
        task, _, section = path.partition(".")
        first = records[0]
        kind = section.partition(".")[0] if task == "spotting" else "micro"
        kinds = first.about["kinds"] if kind == "overall" else [kind]
        by_id = sorted(range(len(records)), key=lambda run: records[run].id)
        pool = _pool(tuple(read(records[run]) for run in by_id), task, first.convention)
        pool = replace(pool, units=pool.units[np.argsort(by_id)])
        rules = kinds, first.about["classes"], first.convention
        scores_of_people = pool.personal_scorer(personal_path(path), *rules)
        return cls(pool, path.rpartition(".")[2], pool.scorer(path, *rules), scores_of_people)

    def scores(self, run: int, weights: Floats) -> Floats:
        """(m,) scores of a run under (m, n_subjects) weights."""
        return self.score(self._weights_of(run, weights))

    def _weights_of(self, run: int, weights: Floats) -> Floats:
        """Weights of the pool that choose the predictions of one run."""
        order = np.zeros((*weights.shape, 1), dtype=np.int32)
        return cast(Floats, ChosenWeights(self.pool.units[None, run : run + 1], self.pool.units.size, order, weights))


@lru_cache(maxsize=1)  # the parts of a table have the same runs
def _pool(runs: tuple[Tables, ...], task: str, convention: str) -> Pool:
    """The tables of the runs together, reduced to the input of the score."""
    if task == "recognition":
        return Pool.of([replace(run, predictions=None) for run in runs])
    if task == "analysis":  # in a run without intervals, clips show whether it names emotions
        return Pool.of(runs)
    plain: dict[str, Any] = {"emotion": None}
    if find_convention(convention).matching == "maximum":
        plain["confidence"] = 0.0  # the number of matches does not depend on confidences, and ranking is slow
    reduced = []
    for run in runs:
        intervals = None if run.predictions is None else run.predictions.assign(**plain)
        reduced.append(replace(run, predictions=intervals, clips=None))
    return Pool.of(reduced)


def _groups(runs: PooledRuns, scored: Sequence[int]) -> list[str]:
    """The letters of all runs; empty for those without a score."""
    n_runs = len(runs.pool.units)
    pairs = distinguished(runs.score, runs.pool.units, PERMUTATIONS, derived_seed(0, "permutation"))
    if pairs is None:
        return [""] * n_runs
    return significance_groups(pairs, np.isin(range(n_runs), scored))


def _ranks_over_draws(runs: PooledRuns, ranked: Sequence[int], people: Resampling) -> dict[int, dict[str, Any]]:
    """Ranks of the ranked runs and the share of draws in which each beats each; needs two runs.

    Args:
        runs: all runs.
        ranked: positions of the ranked ones.
        people: draws of people.
    """
    drawn = np.stack([runs.scores(run, people.weights) for run in ranked])
    drawn = drawn[:, ~np.isnan(drawn).any(axis=0)]
    if len(ranked) < 2 or not drawn.size:
        return {}
    of_runs = zip(ranked, rank_intervals(drawn), win_shares(drawn))
    return {run: {"ranks": [*ranks], "beats": beats.round(3).tolist()} for run, ranks, beats in of_runs}


def _scores_of_hardest(
    runs: PooledRuns, ranked: Sequence[int], scored: Sequence[int], people: Resampling
) -> dict[int, dict[str, Any]]:
    """The score of each run on the hardest people; empty if no person has a score alone.

    Args:
        runs: all runs.
        ranked: positions of the ranked ones.
        scored: positions of those with a score.
        people: draws of people.
    """
    cohort = hardest_people(np.stack([runs.scores_of_people(run) for run in ranked]))
    if not len(cohort):
        return {}

    def score_on_cohort(run: int) -> dict[str, Any]:
        score = people.of_some(cohort, lambda weights: {runs.name: runs.scores(run, weights)})[runs.name]
        return {"value": score["value"], "low": score["low"], "high": score["high"], "people": len(cohort)}

    return {run: score_on_cohort(run) for run in scored}


def testable_together(records: Sequence[Record]) -> list[int]:
    """Positions, in order, of the first `MOST_ROWS` runs with the fewest answers, as long as these are at most
    `MOST_TOGETHER` in all.
    """
    sizes = np.array([record.answers for record in records], dtype=int)
    smallest = np.argsort(sizes, kind="stable")
    return sorted(smallest[sizes[smallest].cumsum() <= MOST_TOGETHER].tolist())[:MOST_ROWS]
