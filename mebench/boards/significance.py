"""Stability of a table's rows: significance groups from paired tests of all rows together; ranks and pairwise
comparisons over draws of other people; the score on the people who are hardest for all.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, count, pairwise, permutations, product, takewhile, tee
from math import factorial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mebench import heavy
from mebench.errors import MebenchError
from mebench.metrics import (
    PERMUTATIONS,
    Bools,
    Floats,
    Pool,
    Resampling,
    Tables,
    beating,
    derived_seed,
    hardest,
    named,
    personal,
    rank_intervals,
)
from mebench.records.record import Record

ALPHA = 0.05
MOST_PLACES = 2_000_000
"""Most subjects of permuted runs that are scored at once."""

Score = Callable[[NDArray[np.int32]], Floats]
"""From (m, n_subjects) places of a run's subjects in a pool to (m,) scores."""


def subject_permutations(
    n_runs: int, n_subjects: int, most: int, seed: int
) -> tuple[Iterator[NDArray[np.int16]], bool]:
    """For each run and subject, the run whose predictions it gets.

    Permuting the runs as a whole does not change their range, so the first subject may stay fixed.

    Args:
        n_runs: number of runs.
        n_subjects: number of subjects.
        most: largest number of permutations.
        seed: of random ones.

    Returns: parts of the permutations, (m, n_subjects, n_runs), made on demand, each twice as large as the one before,
        because what is unclear after a few stays so for long; and whether these are all permutations (n_runs! ^
        (n_subjects - 1), including the identity), in one part; otherwise they are `most` random ones.

    >>> next(subject_permutations(2, 2, 10, seed=0)[0]).tolist()
    [[[0, 1], [0, 1]], [[0, 1], [1, 0]]]
    >>> [part.shape for part in subject_permutations(5, 8, 1000, seed=0)[0]]
    [(200, 8, 5), (400, 8, 5), (400, 8, 5)]
    """
    own = np.arange(n_runs)
    if factorial(n_runs) ** max(n_subjects - 1, 0) <= most:
        orders = list(permutations(own)) if n_subjects > 1 else []  # a single subject needs no permutations
        return iter([np.array([*product([tuple(own)], *[orders] * (n_subjects - 1))], dtype=np.int16)]), True
    rng = np.random.default_rng(seed)
    ends = takewhile(lambda end: end < most, (200 * (2**n - 1) for n in count()))
    sizes = (end - start for start, end in pairwise((*ends, most)))
    # Numbers of 64 bits are permuted in three fifths of the time, in the same way.
    drawn = (rng.permuted(np.broadcast_to(own, (size, n_subjects, n_runs)), axis=2) for size in sizes)
    return (part.astype(np.int16) for part in drawn), False


def distinguished(evaluate: Callable[[Floats], Floats], units: NDArray[np.int32], most: int, seed: int) -> Bools | None:
    """Pairs of runs that differ significantly, at `ALPHA` for all pairs together.

    The multiple range test of Ryan, Einot and Gabriel, and Welsch (Einot and Gabriel 1975; Welsch 1977, both in the
    Journal of the American Statistical Association) with permutations: two runs differ if every set of neighbours in
    the ranking that holds both is found to differ, the widest first; for k runs, the p value of a set of p runs must be
    at most 1 - (1 - ALPHA)^(p / k), and `ALPHA` for all runs and for all but one. Only the runs of the set are
    permuted: if all were, one distant run would hide, or feign, differences of the others (Petrondas and Gabriel 1983,
    same journal, 78(384)).

    Args:
        evaluate: from (m, n_units) weights of a pool of all runs' predictions to (m,) scores.
        units: (n_runs, n_subjects) positions of each run's predictions of each subject in the pool.
        most: largest number of permutations for a set.
        seed: of random ones.

    Returns: (n_runs, n_runs), False if a run's own score is undefined; None if fewer than two have one.
    """
    score = _of_places(evaluate, int(units.max()) + 1)
    observed = score(units)
    ranked = [int(run) for run in np.argsort(-observed, kind="stable") if not np.isnan(observed[run])]
    k, alike = len(ranked), list[tuple[int, int]]()
    if k < 2:
        return None
    for wide in range(k, 1, -1):
        level = ALPHA if wide >= k - 1 else 1 - (1 - ALPHA) ** (wide / k)
        drawn, exact = subject_permutations(wide, units.shape[1], most, seed)  # equal for all sets of this size
        for first in range(k - wide + 1):
            end = first + wide
            inside = any(a <= first and end <= b for a, b in alike)  # subsets of a set without a difference are skipped
            if not inside:
                drawn, parts = tee(drawn)
                if range_p(score, units[ranked[first:end]], parts, exact, level) > level:
                    alike.append((first, end))
    distinct = np.zeros((len(units), len(units)), dtype=np.bool_)
    for one, other in combinations(range(k), 2):
        if not any(a <= one and other < b for a, b in alike):
            distinct[ranked[one], ranked[other]] = distinct[ranked[other], ranked[one]] = True
    return distinct


def range_p(
    score: Score,
    units: NDArray[np.int32],
    parts: Iterable[NDArray[np.int16]],
    exact: bool,
    level: float | None = None,
) -> float:
    """The p value of a range test: how often runs with predictions permuted subject by subject have a range at least as
    large as these.

    Args:
        score: of runs, from the positions of their subjects.
        units: (n_runs, n_subjects) positions for the runs in question; their own scores are defined.
        parts: permutations, see `subject_permutations`.
        exact: whether these are all permutations. With random ones the observed one counts too, so p is never 0.
        level: if only the question matters whether p exceeds it, the computation stops as soon as the 99.9 % interval
            of p (Clopper and Pearson) excludes it (Davidson and MacKinnon 2000, Econometric Reviews 19(1), choose the
            number of draws so).

    Returns:
        p; a permutation that leaves a score undefined counts as one of large differences.
    """
    n_runs, n_subjects = units.shape
    observed = score(units)
    # Sums in another order differ in the last digits; equal scores must count as equal.
    far = observed.max() - observed.min() - 1e-9
    tried, as_far = (0, 0) if exact else (1, 1)
    for part in parts:
        # All runs at once, in blocks that fit in memory: one call for each run takes longer.
        for block in np.array_split(part, -(-part.size // MOST_PLACES)):
            places = units[block.swapaxes(1, 2), np.arange(n_subjects)].reshape(-1, n_subjects)
            found = score(places).reshape(len(block), n_runs)
            as_far += int((~(np.ptp(found, axis=1) < far)).sum())  # NaN if one is NaN
        tried += len(part)
        if level is not None and not exact:
            low = heavy.scipy.stats.beta.ppf(0.0005, as_far, tried - as_far + 1) if as_far else 0.0
            high = heavy.scipy.stats.beta.ppf(0.9995, as_far + 1, tried - as_far) if as_far < tried else 1.0
            if not low <= level <= high:
                break
    return as_far / tried


class _Chosen:
    """Weights of a pool, (m, n_units), that are 0 except at some places, (m, n_subjects). Computed only as far as
    needed, because almost all are 0.
    """

    def __init__(self, places: NDArray[np.int32], n_units: int, weights: Floats | float = 1.0) -> None:
        m, n_subjects = places.shape
        ends = np.arange(0, places.size + 1, n_subjects, dtype=places.dtype)
        self.shape, values = (m, n_units), np.broadcast_to(weights, places.shape).ravel()
        self._weights = csr_array((values, places.ravel(), ends), shape=self.shape)

    def __len__(self) -> int:
        return int(self._weights.shape[0])

    def __matmul__(self, counts: Floats) -> Floats:
        return np.asarray(self._weights @ counts)

    def __getitem__(self, places: Any) -> Floats:  # average precision, which depends on the rank of each answer
        return np.asarray(self._weights.toarray()[places])


def _of_places(evaluate: Callable[[Floats], Floats], n_units: int) -> Score:
    return lambda places: np.asarray(evaluate(cast(Floats, _Chosen(places, n_units))))


DRAWS = 1000
"""Number of draws of people, for ranks."""
MOST_ROWS, MOST_TOGETHER = 60, 500_000
"""Most runs in one test (time grows with their cube), and most answers of all of them (memory grows with these). The
last rows beyond, and the largest runs, get no letter.
"""

Read = Callable[[Record], Tables]


def standing(records: Sequence[Record], path: str, read: Read, judged: Sequence[int]) -> list[dict[str, Any]]:
    """Stability of some runs on the same truth, as in `records.Row`: `group`, `ranks`, `beats` and `hardest`.

    Args:
        records: best first.
        path: of the score, for example `spotting.micro.f1`.
        read: gives the tables of a record.
        judged: positions of the ranked runs: without levels of chance and without selection on tested people.

    Returns: Plain data for each; empty for a run without such a score. `group` and `ranks` need two runs that have one.
    """
    task, _, section = path.partition(".")
    kind = section.partition(".")[0] if task == "spotting" else "micro"
    first = records[0]
    kinds = [kind] if kind != "overall" else first.about["kinds"]
    try:
        pool = Pool.of([_needed(read(record), task, first.convention) for record in records])
        rules = kinds, first.about["classes"], first.convention
        score, of_person = pool.scorer(path, *rules), pool.scorer(personal(path), *rules)
    except MebenchError:
        return [{} for _ in records]
    pairs = distinguished(score, pool.units, PERMUTATIONS, derived_seed(0, "permutation"))

    def of_run(run: int, evaluate: Callable[[Floats], Floats], weights: Floats) -> Floats:
        """(m,) scores under (m, n_subjects) weights."""
        chosen = _Chosen(np.broadcast_to(pool.units[run], weights.shape), pool.units.size, weights)
        return evaluate(cast(Floats, chosen))

    people, runs = Resampling.of_subjects(pool.strata, DRAWS, derived_seed(0, "ranks")), range(len(records))
    scored = [run for run in runs if not np.isnan(of_run(run, score, np.ones((1, people.n_units)))[0])]
    groups = [""] * len(records) if pairs is None else letters(pairs, np.isin(runs, scored))
    found: list[dict[str, Any]] = [{"group": group} for group in groups]
    ranked = [run for run in judged if run in scored]
    if not ranked:
        return found
    drawn = np.stack([of_run(run, score, people.weights) for run in ranked])
    drawn = drawn[:, ~np.isnan(drawn).any(axis=0)]
    if len(ranked) > 1 and drawn.size:
        for run, ranks, beats in zip(ranked, rank_intervals(drawn), beating(drawn)):
            found[run] |= {"ranks": [*ranks], "beats": beats.round(3).tolist()}
    cohort = hardest(np.stack([of_run(run, of_person, np.eye(people.n_units)) for run in ranked]))
    for run in scored:
        own = people.of_some(cohort, path.rpartition(".")[2], partial(of_run, run, score))
        found[run]["hardest"] = {end: own[end] for end in ("value", "low", "high")} | {"people": len(cohort)}  # type: ignore[literal-required]
    return found


def letters(pairs: Bools, tested: Bools) -> list[str]:
    """Letters for runs: runs that share a letter do not differ significantly, and the best run's first letter is `a`.

    Each letter is a maximal set without a differing pair (Piepho 2004, Journal of Computational and Graphical
    Statistics 13(2)).

    Args:
        pairs: (n_runs, n_runs) from `distinguished`, best first.
        tested: (n_runs,) whether a run's own score is defined; the others get no letter.
    """
    graph = heavy.networkx.from_numpy_array(np.triu(~pairs)).subgraph(np.flatnonzero(tested).tolist())
    groups = sorted(sorted(group) for group in heavy.networkx.find_cliques(graph))
    every = string.ascii_lowercase  # after `z` comes `a1`
    names = [f"{every[n % len(every)]}{n // len(every) or ''}" for n in range(len(groups))]
    return ["".join(name for name, group in zip(names, groups) if row in group) for row in range(len(pairs))]


def together(records: Sequence[Record]) -> list[int]:
    """Positions, in order, of the first `MOST_ROWS` runs with the fewest answers, as long as these are at most
    `MOST_TOGETHER` in all.
    """
    sizes = np.array([record.answers for record in records], dtype=int)
    smallest = np.argsort(sizes, kind="stable")
    return sorted(smallest[sizes[smallest].cumsum() <= MOST_TOGETHER].tolist())[:MOST_ROWS]


def _needed(tables: Tables, task: str, convention: str) -> Tables:
    """The tables, reduced to the input of the score."""
    if task == "recognition":
        return replace(tables, predictions=None)
    if task == "analysis":  # in a run without intervals, clips show whether it names emotions
        return tables
    if tables.predictions is None:
        return replace(tables, clips=None)
    predictions = tables.predictions.assign(emotion=None)
    if (
        named(convention).matching == "maximum"
    ):  # the number of matches does not depend on confidences, and ranking is slow
        predictions = predictions.assign(confidence=0.0)
    return replace(tables, predictions=predictions, clips=None)
