"""The randomised Tukey HSD test: many runs on the same subjects, all pairs of them tested at once.

In every permutation the predictions of each subject are dealt anew among the runs, as a whole, and the pooled score of every
run is computed anew. A pair's p value is how often the best and the worst of these scores are at least as far apart as the
pair is. It is thereby adjusted for all pairs (Carterette 2012, Multiple testing in statistical analysis of systems-based
information retrieval experiments, doi 10.1145/2094072.2094074). Of two runs it is the permutation test of `compare`. Tests
of single pairs, adjusted by Holm, would tell nothing apart where subjects are few: with ten of them no p value is below
1/512, which 26 pairs make insignificant.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from math import factorial

import numpy as np
from numpy.typing import NDArray

from mebench.metrics.ratios import Floats

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
