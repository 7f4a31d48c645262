"""Tests of the difference of two runs on the same subjects, and its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mebench.lazy_imports import load_lazily
from mebench.metrics.ratios import Bools, Floats, Indices

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

PERMUTATIONS = 9999
_AT_ONCE = 500


def paired_weights(units: Indices, of_first: Floats, of_second: Floats) -> Floats:
    """Weights of two runs in one pool of units.

    Every subject is there twice, with the predictions of each run.

    Args:
        units: (2, n_subjects) units of the first and of the second run, the same subjects in the same order.
        of_first: (m, n_subjects) weights of the first run's predictions.
        of_second: (m, n_subjects) weights of the second run's.

    Returns:
        (m, 2 n_subjects)
    """
    of_both = np.concatenate([of_first, of_second], axis=1)
    # Columns are taken in a tenth of the time in which they are written.
    return np.take(of_both, np.argsort(units.ravel()), axis=1)


def draw_swaps(n: int, permutations: int, seed: int) -> tuple[Bools, bool]:
    """The subjects whose predictions the two runs exchange.

    All exchanges are tried if that takes at most `permutations`, else random ones. Exchanging the complement instead gives the same
    difference with the other sign, so where all are tried the first subject is never exchanged.

    Args:
        n: number of subjects.
        permutations: the most to try.
        seed: seed of random ones.

    Returns:
        (m, n), and whether these are all there are (2^(n - 1), the one without exchange among them); otherwise they are
        `permutations` random ones.

    >>> draw_swaps(2, 100, seed=0)[0].tolist()
    [[False, False], [False, True]]
    >>> draw_swaps(30, 100, seed=0)[0].shape
    (100, 30)
    """
    can_try_all = n >= 1 and 2 ** (n - 1) <= permutations
    if not can_try_all:
        return np.random.default_rng(seed).random((permutations, n)) < 0.5, False
    # The bits of a number say whom it exchanges; the first subject stays, since exchanging all others is the same.
    exchange = np.arange(2 ** (n - 1))[:, None]
    others = (exchange >> np.arange(n - 1)) & 1
    first = np.zeros((len(others), 1), dtype=np.bool_)
    return np.concatenate([first, others.astype(np.bool_)], axis=1), True


def permuted_differences(
    evaluate: Callable[[Floats], Mapping[str, Floats]], units: Indices, swapped: Bools
) -> dict[str, Floats]:
    """Differences of two runs after exchanging the predictions of some subjects, (m,).

    A difference is the score of the first run minus that of the second.

    Scores of pooled counts (F1, UF1, STRS) are computed again from the exchanged runs; nothing is averaged over subjects.
    """
    parts = []
    for start in range(0, len(swapped), _AT_ONCE):
        changed = swapped[start : start + _AT_ONCE].astype(np.float64)
        unchanged = 1 - changed
        first = evaluate(paired_weights(units, unchanged, changed))
        second = evaluate(paired_weights(units, changed, unchanged))
        parts.append({name: first[name] - second[name] for name in first})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def permutation_p(observed: float, permuted: Floats, exact: bool) -> float | None:
    """Two-sided p value: how often runs whose predictions were exchanged differ at least as much.

    The hypothesis is that for each subject it is chance which run made which predictions (Fisher 1935; Smucker, Allan
    and Carterette 2007 for pooled scores). Random permutations count the observed one too, so p is never 0 (Phipson and
    Smyth 2010). An undefined difference counts as large.

    Args:
        observed: difference of the runs as they are; NaN gives None.
        permuted: (m,) differences after exchanges.
        exact: whether these are all exchanges.

    >>> permutation_p(1.0, np.array([1.0, 0.0, 0.5, -1.0]), exact=True)
    0.5
    >>> permutation_p(1.0, np.array([0.0, 0.1, 0.2]), exact=False)
    0.25
    """
    if np.isnan(observed):
        return None
    # Sums in another order differ in the last digits; equal scores must count as equal.
    extreme = int((~(np.abs(permuted) < abs(observed) - 1e-9)).sum())
    return extreme / len(permuted) if exact else (extreme + 1) / (len(permuted) + 1)


def signed_rank(first: Floats, second: Floats) -> tuple[int, float | None, float | None]:
    """Wilcoxon signed-rank test of scores of the same subjects (Wilcoxon 1945).

    Scores are (n_subjects,) each, NaN where undefined.

    Subjects without a difference keep their ranks but count for neither run (Pratt 1959). The p value is exact for up
    to `FEW_DIFFERENCES` subjects, over all sign patterns; else SciPy's: exact without ties, else by the normal distribution. It is
    1 where no subject differs.

    Returns:
        How many subjects have a score in both runs; p, two-sided, None without such subjects; and the rank-biserial correlation of matched
        pairs, -1 to 1: the rank sum of subjects that the first run serves better minus that of those it serves worse, over both (Kerby
        2014, the simple difference formula); 0 where nobody differs, None without subjects.

    >>> signed_rank(np.array([0.9, 0.8, 0.7, np.nan]), np.array([0.1, 0.2, 0.7, 0.5]))
    (3, 0.5, 1.0)
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    difference = np.round(first[both] - second[both], 12)  # differences only in the last digits do not count
    n = int(both.sum())
    if not n:
        return 0, None, None
    if not difference.any():
        return n, 1.0, 0.0
    ranks = scipy.stats.rankdata(np.abs(difference)) * np.sign(difference)
    if n <= FEW_DIFFERENCES:  # all assignments of sides to the people who differ
        several = np.abs(ranks[ranks != 0])
        sides = np.arange(2 ** len(several))[:, None] >> np.arange(len(several)) & 1
        sums, observed = sides @ several, ranks[ranks > 0].sum()  # multiples of a half: nothing is rounded
        p = min(1.0, 2 * min(float(np.mean(sums <= observed)), float(np.mean(sums >= observed))))
    else:
        p = float(scipy.stats.wilcoxon(difference, zero_method="pratt").pvalue)
    return n, p, float(ranks.sum() / np.abs(ranks).sum())


FEW_DIFFERENCES = 13
"""Subjects up to which SciPy, too, takes all ways where some differ alike; it spends a thousand times as long."""


@dataclass(frozen=True)
class McNemar:
    """Clips that only one run classifies right.

    Attributes:
        first_only: right in the first run alone.
        second_only: right in the second run alone.
        p: two-sided exact binomial p value; 1 if there is no such clip.
    """

    first_only: int
    second_only: int
    p: float


def mcnemar(first: Bools, second: Bools) -> McNemar:
    """McNemar's exact test of two runs, from their right clips, (n_clips,) each.

    See McNemar 1947.

    It assumes independent clips, which those of one face are not: where the two disagree, trust the permutation over
    subjects.

    >>> mcnemar(np.array([True] * 6 + [False]), np.array([False] * 6 + [False]))
    McNemar(first_only=6, second_only=0, p=0.03125)
    """
    b = int((first & ~second).sum())
    c = int((second & ~first).sum())
    p = scipy.stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    return McNemar(b, c, float(p))


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjust the p values of several tests by Holm's method (1979).

    One false alarm among all then has the level of a test. None stays.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    smallest_first = sorted((value, index) for index, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for position, (value, index) in enumerate(smallest_first):
        n_not_smaller = len(smallest_first) - position
        highest = max(highest, min(1.0, value * n_not_smaller))
        adjusted[index] = highest
    return adjusted


def difference_interval(
    first: tuple[float, float, float], second: tuple[float, float, float], correlation: float
) -> tuple[float, float]:
    """The 95 % interval of a difference, recovered from both intervals.

    See Zou and Donner 2008, Statistics in Medicine 27(10).

    Each end lies as far off as the two ends that make the difference small, or large, taken together as correlated errors
    are (for shares Newcombe 1998, Statistics in Medicine 17(22), method 10). Unlike t it stays honest near 0 and 1.

    Args:
        first: value, low and high of the minuend.
        second: the same of the subtrahend.
        correlation: correlation of the two over subjects.

    >>> [round(end, 3) for end in difference_interval((0.5, 0.3, 0.7), (0.5, 0.3, 0.7), correlation=0)]
    [-0.283, 0.283]
    """
    (a, a_low, a_high) = first
    (b, b_low, b_high) = second

    def reach(a_error: float, b_error: float) -> float:
        return float(np.sqrt(max(a_error**2 + b_error**2 - 2 * correlation * a_error * b_error, 0.0)))

    return a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)


def score_correlation(first: Floats, second: Floats) -> float:
    """Correlation of two scores over subjects, from each subject's influence on them, (n_subjects,) each; 0 where one
    does not vary.

    >>> round(score_correlation(np.array([-1.0, 0.0, 1.0]), np.array([-2.0, 0.0, 2.0])), 6)
    1.0
    """
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum() / size) if size > 1e-24 else 0.0
