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
