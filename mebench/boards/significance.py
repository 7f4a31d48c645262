"""Significance groups of a table's rows, from paired tests of all rows together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import lru_cache
from itertools import combinations, permutations, product, tee
from math import factorial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mebench.boards.group_letters import name_groups
from mebench.lazy_imports import load_lazily
from mebench.metrics.ratios import Bools, Floats

if TYPE_CHECKING:
    import networkx
    import scipy
else:
    networkx = load_lazily("networkx")
    scipy = load_lazily("scipy")

ALPHA = 0.05
MOST_PLACES = 500_000
"""Most subjects of permuted runs that are scored at once."""
MOST_ROWS = 60
"""Most runs in one test, whose time grows with their cube; the last rows beyond get no letter."""
MOST_KEPT = 60
"""Most sets of permutations that are kept for other tables; 9,999 of 60 runs of 100 people take 60 MB."""


class Weights(Protocol):
    """Weights of a pool of runs' predictions, (m, n_units), as scorers see them: they need not exist one by one."""

    def __len__(self) -> int: ...

    def __matmul__(self, counts: Any, /) -> Floats: ...


Scorer = Callable[[Weights], Floats]
"""From weights to (m,) scores."""


def subject_permutations(
    n_runs: int, n_subjects: int, most: int, seed: int
) -> tuple[Iterator[NDArray[np.integer]], bool]:
    """For each run and subject, the run whose predictions it gets.

    Permuting the runs as a whole does not change their range, so the first subject may stay fixed.

    Args:
        n_runs: number of runs.
        n_subjects: number of subjects.
        most: largest number of permutations.
        seed: seed of random ones.

    Returns:
        Parts of the permutations, (m, n_subjects, n_runs), made on demand, each twice as large as the one before, because p
        values that are undecided after a few permutations usually need many more; and whether these are all permutations
        (n_runs! ^ (n_subjects - 1), including the identity), in one part; otherwise they are `most` random ones.

    >>> next(subject_permutations(2, 2, 10, seed=0)[0]).tolist()
    [[[0, 1], [0, 1]], [[0, 1], [1, 0]]]
    >>> [part.shape for part in subject_permutations(5, 8, 1000, seed=0)[0]]
    [(200, 8, 5), (400, 8, 5), (400, 8, 5)]
    """
    identity = np.arange(n_runs)
    if factorial(n_runs) ** max(n_subjects - 1, 0) <= most:
        orders = list(permutations(identity)) if n_subjects > 1 else []  # a single subject needs no permutations
        return iter([np.array([*product([tuple(identity)], *[orders] * (n_subjects - 1))], dtype=np.int16)]), True
    return copy(_replayed_permutations(n_runs, n_subjects, most, seed)), False


@lru_cache(maxsize=MOST_KEPT)  # the parts of a table, and many tables, have as many runs and subjects
def _replayed_permutations(n_runs: int, n_subjects: int, most: int, seed: int) -> Iterator[NDArray[np.integer]]:
    """Parts of random permutations, each drawn once.

    The iterator itself is never advanced, but copies of it: each begins with the first part and draws only what none had drawn.
    """
    rng = np.random.default_rng(seed)

    def draw(size: int) -> NDArray[np.integer]:
        # Numbers of 64 bits are permuted in three fifths of the time, in the same way.
        orders = rng.permuted(np.broadcast_to(np.arange(n_runs), (size, n_subjects, n_runs)), axis=2)
        return orders.astype(np.min_scalar_type(n_runs))

    (parts,) = tee(map(draw, _sizes_of_parts(most)), 1)
    return parts


def _sizes_of_parts(most: int) -> list[int]:
    """Sizes of parts: 200, 400, 800 and so on, and what is left of `most`."""
    sizes: list[int] = []
    size = 200
    left = most
    while left > 0:
        sizes.append(min(size, left))
        left -= sizes[-1]
        size *= 2
    return sizes


def find_differing_pairs(evaluate: Scorer, units: NDArray[np.int32], most: int, seed: int) -> Bools | None:
    """Pairs of runs that differ significantly, at `ALPHA` for all pairs together.

    The multiple range test of Ryan, Einot and Gabriel, and Welsch (Einot and Gabriel 1975; Welsch 1977, both in the
    Journal of the American Statistical Association) with permutations: two runs differ if every set of neighbours in
    the ranking that holds both is found to differ, the widest first. A set of m of the k runs differs if its p value is
    at most 1 - (1 - ALPHA)^(m / k); for m = k and m = k - 1 the limit is ALPHA. Only the runs of the set are permuted:
    if all were, one distant run would hide, or feign, differences of the others (Petrondas and Gabriel 1983, same
    journal, 78(384)).

    Args:
        evaluate: scores of a pool of all runs' predictions.
        units: (n_runs, n_subjects) positions of each run's predictions of each subject in the pool.
        most: largest number of permutations for a set.
        seed: seed of random ones.

    Returns: (n_runs, n_runs), False if a run's own score is undefined; None if fewer than two have one.
    """
    n_units = int(units.max()) + 1
    observed = evaluate(ChosenWeights(units[None], n_units))
    ranked = [int(run) for run in np.argsort(-observed, kind="stable") if not np.isnan(observed[run])]
    if len(ranked) < 2:
        return None
    alike = _neighbours_without_difference(evaluate, units[ranked], n_units, most, seed)
    distinct = np.zeros((len(units), len(units)), dtype=np.bool_)
    for better, worse in combinations(range(len(ranked)), 2):
        if not _lies_in_one_of(better, worse + 1, alike):
            one, other = ranked[better], ranked[worse]
            distinct[one, other] = distinct[other, one] = True
    return distinct


def _neighbours_without_difference(
    evaluate: Scorer, units: NDArray[np.int32], n_units: int, most: int, seed: int
) -> list[tuple[int, int]]:
    """The widest sets of neighbours in the ranking that are not found to differ: first position, and end.

    Args:
        evaluate: scores of a pool, as in `find_differing_pairs`.
        units: positions of the runs, the best first.
        n_units: size of the pool.
        most: largest number of permutations for a set.
        seed: seed of random ones.
    """
    n_runs, n_subjects = units.shape
    alike: list[tuple[int, int]] = []
    for width in range(n_runs, 1, -1):
        level = ALPHA if width >= n_runs - 1 else 1 - (1 - ALPHA) ** (width / n_runs)
        # Subsets of a set without a difference are skipped.
        starts = [start for start in range(n_runs - width + 1) if not _lies_in_one_of(start, start + width, alike)]
        if starts:
            windows = np.stack([units[start : start + width] for start in starts])
            orders, exact = subject_permutations(width, n_subjects, most, seed)
            ps = range_p(evaluate, n_units, windows, orders, exact, level)
            alike += [(start, start + width) for start, p in zip(starts, ps) if p > level]
    return alike


def _lies_in_one_of(first: int, end: int, sets: Sequence[tuple[int, int]]) -> bool:
    """Whether some neighbours lie in one set."""
    return any(set_first <= first and end <= set_end for set_first, set_end in sets)


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
        evaluate: scores of a pool, as in `find_differing_pairs`.
        n_units: size of its pool.
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
    observed = evaluate(ChosenWeights(units, n_units)).reshape(n_sets, n_runs)
    observed_range = np.ptp(observed, axis=1) - 1e-9
    tried = 0 if exact else 1
    n_as_wide = np.full(n_sets, tried)
    p = np.ones(n_sets)
    undecided = np.arange(n_sets)
    for part in parts:
        # All runs and sets at once, in blocks that fit in memory: one call for each takes longer.
        for block in np.array_split(part, -(-part.size // MOST_PLACES)):
            values = evaluate(ChosenWeights(units[undecided], n_units, block)).reshape(-1, len(block), n_runs)
            is_narrower = np.ptp(values, axis=2) < observed_range[undecided, None]
            n_as_wide[undecided] += (~is_narrower).sum(axis=1)  # an undefined range is not narrower
        tried += len(part)
        p[undecided] = n_as_wide[undecided] / tried
        if level is not None and not exact:
            undecided = undecided[_may_be_either(n_as_wide[undecided], tried, level)]
            if not len(undecided):
                break
    return p


def _may_be_either(hits: NDArray[np.integer], tried: int, level: float) -> Bools:
    """Whether the 99.9 % interval of a share (Clopper and Pearson) includes a level.

    Args:
        hits: number of hits of each.
        tried: number of trials.
        level: the level.
    """
    quantile = scipy.special.betaincinv
    low = quantile(hits, tried - hits + 1, 0.0005)
    high = quantile(hits + 1, tried - hits, 0.9995)
    return np.asarray((low <= level) & (level <= high))


class ChosenWeights:
    """Weights of a pool, (n_sets x m x n_runs, n_units): 0 except for chosen predictions. Each run gets those of one
    run for each subject. They are computed only as far as needed, because almost all are 0.

    Args:
        units: (n_sets, n_runs, n_subjects) positions in the pool.
        n_units: size of the pool.
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
        self._units = units
        self._orders = np.broadcast_to(np.arange(n_runs), (1, n_subjects, n_runs)) if orders is None else orders
        self._weights = weights
        self._chosen: dict[tuple[tuple[int, ...], np.dtype[Any]], scipy.sparse.csr_array] = {}
        self._n_rows = len(self._orders) * n_runs
        self.shape = (n_sets * self._n_rows, n_units)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __matmul__(self, counts: Floats) -> Floats:
        """The weighted sums of the counts of all units, (n_units, ...): (n_sets x m x n_runs, ...)."""
        columns = counts.reshape(len(counts), -1).T[:, self._units]
        sums: NDArray[np.floating]
        if counts.dtype.kind == "i" and self._weights is None:
            sums = self._sum_whole_numbers(columns)
        else:
            sums = self._sum(columns, tuple(range(columns.shape[-1])))
        # Each column lies by itself in memory: scores of many weights take one after the other.
        in_rows = sums.astype(np.float64, copy=False).reshape(len(sums), len(self)).T
        return in_rows.reshape(-1, *counts.shape[1:])

    def _sum_whole_numbers(self, columns: NDArray[np.number]) -> Floats:
        """The sums of `_sum` for whole numbers, which are exact in any order.

        What a subject has in all runs, such as its truths, is added once: only differences from the first run are permuted.
        """
        of_first_run = columns[:, :, :1]
        differences = columns - of_first_run
        differs: Bools = (differences != 0).any(axis=(1, 2))
        differing = np.flatnonzero(differs.any(axis=1))
        subjects = tuple(np.flatnonzero(differs.any(axis=0)).tolist())
        sums = np.empty((*columns.shape[:2], self._n_rows))
        sums[:] = of_first_run.sum(axis=-1)
        # 32 bits hold numbers of clips and intervals exactly, and take half the time.
        permuted = differences[differing][..., subjects].astype(np.float32)
        for column, of_column in zip(differing, self._sum(permuted, subjects)):
            sums[column] += of_column
        return sums

    def _sum(self, columns: NDArray[np.floating], subjects: tuple[int, ...]) -> NDArray[np.floating]:
        """Weighted sums over subjects, (n_columns, n_sets, m x n_runs).

        Args:
            columns: (n_columns, n_sets, n_runs, n_subjects) counts of these subjects.
            subjects: their positions among all subjects.
        """
        n_columns, n_sets, n_runs, n_subjects = columns.shape
        of_subjects = subjects, columns.dtype
        if of_subjects not in self._chosen:
            self._chosen[of_subjects] = self._choose(subjects, columns.dtype)
        # One product for all: the counts of all columns and sets side by side.
        sums = self._chosen[of_subjects] @ columns.reshape(n_columns * n_sets, n_runs * n_subjects).T
        return np.asarray(sums.T).reshape(n_columns, n_sets, self._n_rows)

    def _choose(self, subjects: tuple[int, ...], kind: np.dtype[Any]) -> scipy.sparse.csr_array:
        """(m x n_runs, n_runs x n_subjects) weights of the units of some subjects; the arguments are those of `_sum`."""
        _, n_runs, _ = self._units.shape
        n_subjects = len(subjects)
        orders = np.ascontiguousarray(self._orders[:, subjects].swapaxes(1, 2))
        positions = orders * np.int32(n_subjects) + np.arange(n_subjects, dtype=np.int32)
        values = np.ones(positions.size, kind) if self._weights is None else self._weights.ravel()
        ends = np.arange(self._n_rows + 1, dtype=np.int32) * n_subjects
        return scipy.sparse.csr_array((values, positions.ravel(), ends), (self._n_rows, n_runs * n_subjects))

    def __getitem__(self, positions: Any) -> Floats:
        """Some of the weights in full: average precision depends on the rank of each answer."""
        return np.asarray((self @ np.eye(self.shape[1]))[positions])


def significance_groups(pairs: Bools, tested: Bools) -> list[str]:
    """Letters for runs: runs that share a letter do not differ significantly.

    The best run's first letter is `a`.

    Each letter is a maximal set without a differing pair (Piepho 2004, Journal of Computational and Graphical
    Statistics 13(2)).

    Args:
        pairs: (n_runs, n_runs) from `find_differing_pairs`, best first.
        tested: (n_runs,) whether a run's own score is defined; the others get no letter.
    """
    graph = networkx.from_numpy_array(np.triu(~pairs)).subgraph(np.flatnonzero(tested).tolist())
    groups = sorted(sorted(group) for group in networkx.find_cliques(graph))
    letters = [""] * len(pairs)
    for letter, group in zip(name_groups(len(groups)), groups):
        for row in group:
            letters[row] += letter
    return letters
