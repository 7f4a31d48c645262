"""Stability of a table's rows: significance groups from paired tests of all rows together; ranks and pairwise
comparisons over draws of other people; the score on the people who are hardest for all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, count, pairwise, permutations, product, takewhile, tee
from math import factorial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mebench.errors import MebenchError
from mebench.lazy_imports import load_lazily
from mebench.metrics import (
    PERMUTATIONS,
    Bools,
    Floats,
    Pool,
    Resampling,
    Tables,
    derived_seed,
    find_convention,
    hardest_people,
    personal_path,
    rank_intervals,
    win_shares,
)
from mebench.records.record import Record

if TYPE_CHECKING:
    import networkx
    import scipy
else:
    networkx = load_lazily("networkx")
    scipy = load_lazily("scipy")

ALPHA = 0.05
MOST_PLACES = 500_000
"""Most subjects of permuted runs that are scored at once."""
MOST_ROWS, MOST_TOGETHER = 60, 500_000
"""Most runs in one test (time grows with their cube), and most answers of all of them (memory grows with these). The
last rows beyond, and the largest runs, get no letter.
"""

Scorer = Callable[[Floats], Floats]
"""From (m, n_units) weights of a pool of runs' predictions to (m,) scores."""


def subject_permutations(
    n_runs: int, n_subjects: int, most: int, seed: int
) -> tuple[Iterator[NDArray[np.integer]], bool]:
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
    identity = np.arange(n_runs)
    if factorial(n_runs) ** max(n_subjects - 1, 0) <= most:
        orders = list(permutations(identity)) if n_subjects > 1 else []  # a single subject needs no permutations
        return iter([np.array([*product([tuple(identity)], *[orders] * (n_subjects - 1))], dtype=np.int16)]), True
    return copy(_drawn(n_runs, n_subjects, most, seed)), False


@lru_cache(maxsize=MOST_ROWS)  # the parts of a table, and many tables, have as many runs and subjects
def _drawn(n_runs: int, n_subjects: int, most: int, seed: int) -> Iterator[NDArray[np.integer]]:
    rng = np.random.default_rng(seed)
    ends = takewhile(lambda end: end < most, (200 * (2**n - 1) for n in count()))
    sizes = (end - start for start, end in pairwise((*ends, most)))
    # Numbers of 64 bits are permuted in three fifths of the time, in the same way.
    drawn = (rng.permuted(np.broadcast_to(np.arange(n_runs), (size, n_subjects, n_runs)), axis=2) for size in sizes)
    return tee((part.astype(np.min_scalar_type(n_runs)) for part in drawn), 1)[0]


def distinguished(evaluate: Scorer, units: NDArray[np.int32], most: int, seed: int) -> Bools | None:
    """Pairs of runs that differ significantly, at `ALPHA` for all pairs together.

    The multiple range test of Ryan, Einot and Gabriel, and Welsch (Einot and Gabriel 1975; Welsch 1977, both in the
    Journal of the American Statistical Association) with permutations: two runs differ if every set of neighbours in
    the ranking that holds both is found to differ, the widest first; for k runs, the p value of a set of p runs must be
    at most 1 - (1 - ALPHA)^(p / k), and `ALPHA` for all runs and for all but one. Only the runs of the set are
    permuted: if all were, one distant run would hide, or feign, differences of the others (Petrondas and Gabriel 1983,
    same journal, 78(384)).

    Args:
        evaluate: of a pool of all runs' predictions.
        units: (n_runs, n_subjects) positions of each run's predictions of each subject in the pool.
        most: largest number of permutations for a set.
        seed: of random ones.

    Returns: (n_runs, n_runs), False if a run's own score is undefined; None if fewer than two have one.
    """
    n_units = int(units.max()) + 1
    observed = evaluate(cast(Floats, _Chosen(units[None], n_units)))
    ranked = [int(run) for run in np.argsort(-observed, kind="stable") if not np.isnan(observed[run])]
    k, alike = len(ranked), list[tuple[int, int]]()
    if k < 2:
        return None
    for wide in range(k, 1, -1):
        level = ALPHA if wide >= k - 1 else 1 - (1 - ALPHA) ** (wide / k)
        # Subsets of a set without a difference are skipped.
        sets = [(n, n + wide) for n in range(k - wide + 1) if not any(a <= n and n + wide <= b for a, b in alike)]
        if sets:
            places = np.stack([units[ranked[first:end]] for first, end in sets])
            ps = range_p(evaluate, n_units, places, *subject_permutations(wide, units.shape[1], most, seed), level)
            alike += [one for one, p in zip(sets, ps) if p > level]
    distinct = np.zeros((len(units), len(units)), dtype=np.bool_)
    for one, other in combinations(range(k), 2):
        if not any(a <= one and other < b for a, b in alike):
            distinct[ranked[one], ranked[other]] = distinct[ranked[other], ranked[one]] = True
    return distinct


def range_p(
    evaluate: Scorer,
    n_units: int,
    units: NDArray[np.int32],
    parts: Iterable[NDArray[np.integer]],
    exact: bool,
    level: float | None = None,
) -> Floats:
    """The p values of range tests: how often runs with predictions permuted subject by subject have a range at least as
    large as these.

    Args:
        evaluate: as in `distinguished`.
        n_units: of its pool.
        units: (n_sets, n_runs, n_subjects) positions for the runs of each set; their own scores are defined.
        parts: permutations, see `subject_permutations`.
        exact: whether these are all permutations. With random ones the observed one counts too, so p is never 0.
        level: if only the question matters whether p exceeds it, the computation for a set stops as soon as the 99.9 %
            interval of p (Clopper and Pearson) excludes it (Davidson and MacKinnon 2000, Econometric Reviews 19(1),
            choose the number of draws so).

    Returns:
        (n_sets,) p; a permutation that leaves a score undefined counts as one of large differences.
    """
    n_sets, n_runs, _ = units.shape
    # Sums in another order differ in the last digits; equal scores must count as equal.
    far = np.ptp(evaluate(cast(Floats, _Chosen(units, n_units))).reshape(n_sets, n_runs), axis=1) - 1e-9
    tried = 0 if exact else 1
    as_far, p, undecided = np.full(n_sets, tried), np.ones(n_sets), np.arange(n_sets)
    for part in parts:
        # All runs and sets at once, in blocks that fit in memory: one call for each takes longer.
        for block in np.array_split(part, -(-part.size // MOST_PLACES)):
            values = evaluate(cast(Floats, _Chosen(units[undecided], n_units, block))).reshape(-1, len(block), n_runs)
            as_far[undecided] += (~(np.ptp(values, axis=2) < far[undecided, None])).sum(axis=1)  # NaN if one is NaN
        tried += len(part)
        p[undecided] = as_far[undecided] / tried
        if level is not None and not exact:
            quantile, hits = scipy.special.betaincinv, as_far[undecided]
            low, high = quantile(hits, tried - hits + 1, 0.0005), quantile(hits + 1, tried - hits, 0.9995)
            undecided = undecided[(low <= level) & (level <= high)]
            if not len(undecided):
                break
    return p


class _Chosen:
    """Weights of a pool, (n_sets x m x n_runs, n_units), that are 0 except where a run gets the predictions of a subject.
    Computed only as far as needed, because almost all are 0.

    Args:
        units: (n_sets, n_runs, n_subjects) positions in the pool.
        n_units: of the pool.
        orders: (m, n_subjects, n_runs) runs whose predictions each gets, equal for all sets; its own by default.
        weights: (m, n_subjects) of the subjects of a single run; 1 by default.
    """

    def __init__(
        self,
        units: NDArray[np.int32],
        n_units: int,
        orders: NDArray[np.integer] | None = None,
        weights: Floats | None = None,
    ) -> None:
        n_sets, n_runs, n_subjects = units.shape
        orders = np.broadcast_to(np.arange(n_runs), (1, n_subjects, n_runs)) if orders is None else orders
        places = orders.swapaxes(1, 2) * np.int32(n_subjects) + np.arange(n_subjects, dtype=np.int32)
        values = np.ones(places.size, np.float32) if weights is None else weights.ravel()
        rows = csr_array(
            (values, places.ravel(), np.arange(0, places.size + 1, n_subjects, dtype=np.int32)),
            (places.size // n_subjects, n_runs * n_subjects),
        )
        self._units, self._weights, self.shape = units.reshape(n_sets, -1), rows, (n_sets * rows.shape[0], n_units)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __matmul__(self, counts: Floats) -> Floats:
        # One product for all sets: the counts of each side by side.
        n_sets, n = self._units.shape
        columns = np.moveaxis(counts[self._units].reshape(n_sets, n, -1), 0, 1).reshape(n, -1)
        # Sums of numbers of clips are exact in 32 bits, which take half the time.
        found = self._weights @ (columns.astype(np.float32) if counts.dtype.kind == "i" else columns)
        sets = np.moveaxis(found.reshape(len(found), n_sets, -1), 1, 0).reshape(-1, *counts.shape[1:])
        return np.asarray(sets, dtype=np.float64)

    def __getitem__(self, places: Any) -> Floats:  # average precision, which depends on the rank of each answer
        return np.asarray((self @ np.eye(self.shape[1]))[places])


DRAWS = 1000
"""Number of draws of people, for ranks."""
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
    first = records[0]
    kind = section.partition(".")[0] if task == "spotting" else "micro"
    kinds = [kind] if kind != "overall" else first.about["kinds"]
    order = sorted(range(len(records)), key=lambda run: records[run].id)
    try:
        pool = _pool(tuple(read(records[run]) for run in order), task, first.convention)
        pool = replace(pool, units=pool.units[np.argsort(order)])
        rules = kinds, first.about["classes"], first.convention
        score, by, name = pool.scorer(path, *rules), personal_path(path), path.rpartition(".")[2]
        of_person = score if by == path else pool.scorer(by, *rules)
    except MebenchError:
        return [{} for _ in records]
    pairs = distinguished(score, pool.units, PERMUTATIONS, derived_seed(0, "permutation"))

    def of_run(run: int, evaluate: Scorer, weights: Floats) -> Floats:
        """(m,) scores under (m, n_subjects) weights."""
        order = np.zeros((*weights.shape, 1), dtype=np.int32)
        return evaluate(cast(Floats, _Chosen(pool.units[None, run : run + 1], pool.units.size, order, weights)))

    people, runs = Resampling.of_subjects(pool.strata, DRAWS, derived_seed(0, "ranks")), range(len(records))
    scored = [run for run in runs if not np.isnan(of_run(run, score, np.ones((1, people.n_units)))[0])]
    groups = [""] * len(records) if pairs is None else significance_groups(pairs, np.isin(runs, scored))
    standings: list[dict[str, Any]] = [{"group": group} for group in groups]
    ranked = [run for run in judged if run in scored]
    if not ranked:
        return standings
    drawn = np.stack([of_run(run, score, people.weights) for run in ranked])
    drawn = drawn[:, ~np.isnan(drawn).any(axis=0)]
    if len(ranked) > 1 and drawn.size:
        for run, ranks, beats in zip(ranked, rank_intervals(drawn), win_shares(drawn)):
            standings[run] |= {"ranks": [*ranks], "beats": beats.round(3).tolist()}
    cohort = hardest_people(np.stack([of_run(run, of_person, np.eye(people.n_units)) for run in ranked]))
    for run in scored if len(cohort) else ():  # no person has a score alone where each fold is scored by itself
        score_of = people.of_some(cohort, lambda weights, run=run: {name: of_run(run, score, weights)})[name]  # type: ignore[misc]
        standings[run]["hardest"] = {end: score_of[end] for end in ("value", "low", "high")} | {"people": len(cohort)}  # type: ignore[literal-required]
    return standings


def significance_groups(pairs: Bools, tested: Bools) -> list[str]:
    """Letters for runs: runs that share a letter do not differ significantly, and the best run's first letter is `a`.

    Each letter is a maximal set without a differing pair (Piepho 2004, Journal of Computational and Graphical
    Statistics 13(2)).

    Args:
        pairs: (n_runs, n_runs) from `distinguished`, best first.
        tested: (n_runs,) whether a run's own score is defined; the others get no letter.
    """
    graph = networkx.from_numpy_array(np.triu(~pairs)).subgraph(np.flatnonzero(tested).tolist())
    groups = sorted(sorted(group) for group in networkx.find_cliques(graph))
    names = [f"{chr(ord('a') + n % 26)}{n // 26 or ''}" for n in range(len(groups))]  # after `z` comes `a1`
    return ["".join(name for name, group in zip(names, groups) if row in group) for row in range(len(pairs))]


def together(records: Sequence[Record]) -> list[int]:
    """Positions, in order, of the first `MOST_ROWS` runs with the fewest answers, as long as these are at most
    `MOST_TOGETHER` in all.
    """
    sizes = np.array([record.answers for record in records], dtype=int)
    smallest = np.argsort(sizes, kind="stable")
    return sorted(smallest[sizes[smallest].cumsum() <= MOST_TOGETHER].tolist())[:MOST_ROWS]


@lru_cache(maxsize=1)  # the parts of a table have the same runs
def _pool(runs: tuple[Tables, ...], task: str, convention: str) -> Pool:
    """The tables of the runs together, reduced to the input of the score."""
    if task == "recognition":
        return Pool.of([replace(run, predictions=None) for run in runs])
    if task == "analysis":  # in a run without intervals, clips show whether it names emotions
        return Pool.of(runs)
    # The number of matches does not depend on confidences, and ranking is slow.
    plain = {"emotion": None, **({"confidence": 0.0} if find_convention(convention).matching == "maximum" else {})}
    spotted = [None if run.predictions is None else run.predictions.assign(**plain) for run in runs]
    return Pool.of([replace(run, predictions=intervals, clips=None) for run, intervals in zip(runs, spotted)])
