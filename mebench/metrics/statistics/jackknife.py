"""Intervals for few subjects: leave each one out, and let Student's t say how far the score may be off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from mebench.metrics.catalogue import find
from mebench.metrics.ratios import Floats

Scale = Literal["share", "positive", "difference", "any"]
_ENDS = {"share": (0.0, 1.0), "positive": (0.0, np.inf), "difference": (-1.0, 1.0), "any": (-np.inf, np.inf)}


def scale_of_difference(name: str) -> Scale:
    """The scale of a difference of two such scores: `difference`, -1 to 1, of two shares, else `any`."""
    return "difference" if find(name).scale == "share" else "any"


def leave_one_out(units: Sequence[int], n_units: int) -> Floats:
    """Weights that leave out each of `units` once, (len(units), n_units).

    >>> leave_one_out([0, 2], 3)
    array([[0., 1., 1.],
           [1., 1., 0.]])
    """
    weights = np.ones((len(units), n_units))
    weights[np.arange(len(units)), list(units)] = 0
    return weights


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
    known, names = ~np.isnan(replicates), np.asarray(strata, dtype=object)
    variance, degrees = 0.0, 0
    for stratum in sorted(set(strata)):
        part = replicates[known & (names == stratum)]
        if len(part) > 1:
            variance += (len(part) - 1) / len(part) * float(((part - part.mean()) ** 2).sum())
            degrees += len(part) - 1
    return (float(np.sqrt(variance)) if degrees else np.nan), degrees


def interval(
    value: float, replicates: Floats, strata: Sequence[str], scale: Scale = "any"
) -> tuple[float, float] | None:
    """The 95 % interval of Student's t around a value, even on the logit of a share, the logarithm of what is positive.

    The transformation keeps the interval inside the score's range, and mends most of what the plain t interval misses
    (`tests/metrics/statistics/test_coverage.py`). The standard error is carried over by the derivative. A share of 0 or
    1, a positive score that may well be 0 (half the width of the plain interval reaches it) and a difference get the plain
    interval, cut at the ends of the range.

    Args:
        value: the score of all subjects.
        replicates: (n,) the score without each subject, NaN where undefined.
        strata: (n,) stratum of each subject.
        scale: of the score.

    Returns:
        Low and high; None if fewer than two subjects of a stratum say anything.
    """
    error, degrees = standard_error(replicates, strata)
    if not degrees or np.isnan(value):
        return None
    half = float(student.ppf(0.975, degrees)) * error
    if error == 0:
        return value, value
    if scale == "share" and 0 < value < 1:
        centre, reach = float(logit(value)), half / (value * (1 - value))
        return float(expit(centre - reach)), float(expit(centre + reach))
    if scale == "positive" and half < value:
        return float(value * np.exp(-half / value)), float(value * np.exp(half / value))
    lowest, highest = _ENDS[scale]
    return max(value - half, lowest), min(value + half, highest)
