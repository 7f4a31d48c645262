"""Division with the scores' rules for 0/0, and type names of arrays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Bools = NDArray[np.bool_]


def per_unit(unit: Indices, n_units: int, values: Floats | None = None) -> Floats:
    """Sum of values (by default their number) for every unit, (n_units,).

    >>> per_unit(np.array([0, 2, 2]), 3)
    array([1., 0., 2.])
    """
    return np.asarray(np.bincount(unit, weights=values, minlength=n_units), dtype=np.float64)


def safe_ratio(numerator: Floats, denominator: Floats, empty: float = 0.0) -> Floats:
    """Elementwise quotient, with `empty` where the denominator is 0.

    >>> safe_ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    array([0.5, 0. ])
    """
    shape = np.broadcast(numerator, denominator).shape
    # In memory as the denominator: many weightings of few classes lie class by class.
    quotient: Floats = np.full_like(denominator, empty, dtype=np.float64, subok=False, shape=shape)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def largest_before(group: Indices, values: Indices) -> Floats:
    """The largest value of the rows before each one in its group, (n,); NaN for the first of a group.

    >>> largest_before(np.array([0, 0, 0, 1]), np.array([5, 3, 7, 1]))  # groups lie together, their numbers rise
    array([nan,  5.,  5., nan])
    """
    different, rank = np.unique(values, return_inverse=True)
    # Ranks of a group are raised above those of earlier groups, so that the largest so far is one of its own.
    floor = group * len(different)
    largest = different[np.maximum.accumulate(floor + rank) - floor].astype(np.float64)
    is_first = np.diff(group, prepend=-1) != 0
    return np.where(is_first, np.nan, np.roll(largest, 1))


def last_of_equals(values: Floats) -> Indices:
    """Places of the last of each run of equal values: no threshold parts intervals of one confidence, so only these are points of a curve.

    >>> last_of_equals(np.array([0.9, 0.5, 0.5])).tolist(), last_of_equals(np.empty(0)).tolist()
    ([0, 2], [])
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    differs_from_next = values[1:] != values[:-1]
    return np.flatnonzero(np.append(differs_from_next, True))


def weighted_quantiles(values: Floats, weights: Floats, share: float) -> Floats:
    """The quantile of values that count by weights, under many weightings at once; NaN where none has a weight.

    A value of weight 2 counts as two equal values do. Where the weights of the values up to one make just the share, it is the middle
    between this value and the next that has a weight: of an even number of values, the usual median.

    Args:
        values: (n,), none NaN.
        weights: (n_weightings, n), not negative.
        share: share of the weight below the quantile, 0 to 1.

    >>> weighted_quantiles(np.array([4.0, 1.0, 3.0]), np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [2.0, 1.0, 1.0]]), 0.5)
    array([3. , 2.5, 3.5])
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    below = weights[:, order].cumsum(axis=1)
    quantiles = np.full(len(weights), np.nan)
    for row, sums in enumerate(below):
        if len(sums) and sums[-1] > 0:
            # Sums of weights that are no whole numbers carry rounding errors; the ends of the range are values with a weight.
            slack = 1e-12 * sums[-1]
            wanted = np.clip(share * sums[-1], 2 * slack, sums[-1] - 2 * slack)
            first = np.searchsorted(sums, wanted - slack, side="left")
            last = np.searchsorted(sums, wanted + slack, side="right")
            quantiles[row] = (ranked[first] + ranked[last]) / 2
    return quantiles
