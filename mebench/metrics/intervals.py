"""Confidence intervals from scores of which each subject was left out once: subjects, since clips of one face depend."""

from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

from mebench.metrics.catalogue import Scale
from mebench.metrics.ratios import Floats

FLAT = 1e-12
"""A standard error below this comes from rounding alone: whoever is left out, the score stays."""


def leave_one_out(units: Sequence[int], n_units: int) -> Floats:
    """Weights that leave out each of `units` once, (len(units), n_units).

    >>> leave_one_out([0, 2], 3)
    array([[0., 1., 1.],
           [1., 1., 0.]])
    """
    return 1 - np.eye(n_units)[list(units)]


def standard_error(replicates: Floats, strata: Sequence[str]) -> tuple[float, int]:
    """Standard error and degrees of freedom from leave-one-out replicates (Efron and Tibshirani 1993, eq. 11.5).

    In strata h of n_h subjects the variance is the sum over h of (n_h - 1) / n_h sum_i (theta_hi - mean_h)^2, and the
    degrees of freedom are the sum of n_h - 1 (Shao and Tu 1995, section 6.2). A stratum of one subject adds nothing to
    either: nobody knows how another subject of it would have scored.

    Args:
        replicates: (n,) score without each subject; NaN where it is undefined, which is left out.
        strata: (n,) stratum of each subject.

    Returns:
        The error, NaN without a degree of freedom, and the degrees.

    >>> standard_error(np.array([2.5, 2.0, 1.5]), ["a", "a", "a"])  # of the mean of 1, 2, 3: 1 / sqrt(3)
    (0.5773502691896257, 2)
    """
    off, degrees = deviations(replicates, strata)
    return (float(np.sqrt((off**2).sum())) if degrees else np.nan), degrees


def effective_degrees(replicates: Floats, strata: Sequence[str]) -> float:
    """Degrees of freedom of the squared error: fewer where a few subjects make most of it.

    2 E^2 / V for a sum of squares of mean E and variance V (Satterthwaite 1946), here E what all subjects add and V, by
    their kurtosis, sum v_i^2 - E^2 / n. What is normal has about n; one subject that makes all of it has 2.

    Returns:
        From 1 to the degrees of `standard_error`, which it also is where nobody adds anything.

    >>> effective_degrees(np.array([2.5, 2.0, 1.5]), ["a", "a", "a"])
    2.0
    >>> round(effective_degrees(np.array([1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]), ["a"] * 8), 2)
    3.05
    """
    off, degrees = deviations(replicates, strata)
    added = off**2
    if added.sum() <= FLAT**2:
        return float(degrees)
    uneven = float((added**2).sum() / added.sum() ** 2) - 1 / len(added)
    return float(np.clip(2 / max(uneven, FLAT), 1, degrees))


def deviations(replicates: Floats, strata: Sequence[str]) -> tuple[Floats, int]:
    """What each subject adds to the standard error, signed, NaN left out, and the degrees of freedom."""
    known, names = ~np.isnan(replicates), np.asarray(strata, dtype=object)
    parts = [replicates[known & (names == stratum)] for stratum in sorted(set(strata))]
    several = [part for part in parts if len(part) > 1]
    off = [np.sqrt((len(part) - 1) / len(part)) * (part - part.mean()) for part in several]
    return np.concatenate([np.empty(0), *off]), sum(len(part) - 1 for part in several)


def share_interval(value: float, error: float, degrees: float, subjects: int) -> tuple[float, float]:
    """The exact binomial 95 % interval of Clopper and Pearson, with as many samples as the standard error is worth.

    These are value (1 - value) / error^2, times the squared ratio of the normal to Student's quantile, and need not be whole
    (Korn and Graubard 1998, Survey Methodology 24(2)). Where the error is 0, as at 0 and 1, each subject is a sample: if all
    is right in 10 subjects, at least 1 - .025^(1/10) = 69 % is. How often they hold: `benchmarks/coverage.py`.

    Args:
        value: the share, 0 to 1.
        error: its standard error over subjects.
        degrees: of freedom of the error.
        subjects: on which the share rests.

    >>> [round(end, 3) for end in share_interval(1.0, 0.0, 9, 10)]
    [0.692, 1.0]
    """
    samples = float(subjects)
    if error > FLAT and 0 < value < 1:
        samples = value * (1 - value) / error**2 * float(ndtri(0.975) / stdtrit(degrees, 0.975)) ** 2
    right, wrong = samples * value, samples * (1 - value)
    low = float(betaincinv(right, wrong + 1, 0.025)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, wrong, 0.975)) if wrong > 0 else 1.0
    return min(low, value), max(high, value)  # next to no error leaves the quantiles to rounding


def interval(
    value: float,
    replicates: Floats,
    strata: Sequence[str],
    scale: Scale = "any",
    subjects: int | None = None,
    unseen: float = 0.0,
) -> tuple[float, float] | None:
    """The 95 % interval around a value: of a share `share_interval`, else Student's t, of what is positive on the logarithm.

    The standard error is carried over to the logarithm by the derivative. A positive score that may well be 0 (half the width
    of the plain interval reaches it) gets the plain interval, cut at 0.

    Args:
        value: the score of all subjects.
        replicates: (n,) the score without each subject, NaN where undefined.
        strata: (n,) stratum of each subject.
        scale: of the score.
        subjects: on which the score rests; all by default.
        unseen: standard error that the replicates of a share do not show.

    Returns:
        Low and high; None if fewer than two subjects of a stratum say anything, or if what is no share has no spread.
    """
    error, degrees = standard_error(replicates, strata)
    if not degrees or np.isnan(value):
        return None
    if scale == "share":
        held, several = min(value, 1.0), len(replicates) if subjects is None else subjects
        # Of megc2020 precision may exceed 1.
        whole = float(np.hypot(error, unseen)) if error > FLAT else error
        return share_interval(held, whole, effective_degrees(replicates, strata), several)
    if error <= FLAT:
        return None
    half = float(stdtrit(degrees, 0.975)) * error
    if scale == "positive" and half < value:
        return float(value * np.exp(-half / value)), float(value * np.exp(half / value))
    return (max(value - half, 0.0) if scale == "positive" else value - half), value + half


def difference_interval(
    first: tuple[float, float, float], second: tuple[float, float, float], correlation: float
) -> tuple[float, float]:
    """The 95 % interval of a difference, recovered from both intervals (Zou and Donner 2008, Statistics in Medicine 27(10)).

    Each end lies as far off as the two ends that make the difference small, or large, taken together as correlated errors
    are (for shares Newcombe 1998, Statistics in Medicine 17(22), method 10). Unlike t it stays honest near 0 and 1.

    Args:
        first: value, low and high of the minuend.
        second: the same of the subtrahend.
        correlation: of the two over subjects.

    >>> [round(end, 3) for end in difference_interval((0.5, 0.3, 0.7), (0.5, 0.3, 0.7), correlation=0)]
    [-0.283, 0.283]
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second

    def reach(one: float, other: float) -> float:
        return float(np.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0)))

    return a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)


def correlation(first: Floats, second: Floats, strata: Sequence[str]) -> float:
    """Of two scores over subjects, from their leave-one-out replicates; 0 where one does not vary.

    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]), ["a", "a", "a"]), 6)
    1.0
    """
    known = ~np.isnan(first) & ~np.isnan(second)
    one, other = (deviations(np.where(known, replicates, np.nan), strata)[0] for replicates in (first, second))
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size > FLAT**2 else 0.0
