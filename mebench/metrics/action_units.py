"""Scores of action units: several may be active in one clip. Wherever a ratio is 0/0 it counts 0."""

import numpy as np
from numpy.typing import ArrayLike

from mebench.metrics.ratios import Floats, ratio


def unit_counts(truth: ArrayLike, predicted: ArrayLike) -> Floats:
    """True positives, false positives and false negatives of every unit.

    Args:
        truth: (n, U) bool, or (..., n, U): which units are active.
        predicted: the same shape: which were said to be.

    Returns:
        (..., U, 3).

    >>> unit_counts([[1, 0], [1, 1]], [[1, 1], [0, 1]]).tolist()
    [[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    true, said = np.asarray(truth, dtype=np.bool_), np.asarray(predicted, dtype=np.bool_)
    return np.stack([(true & said).sum(-2), (~true & said).sum(-2), (true & ~said).sum(-2)], axis=-1).astype(np.float64)


def unit_f1(counts: ArrayLike) -> Floats:
    """2 TP / (2 TP + FP + FN) of every unit, 0 to 1.

    Args:
        counts: (..., U, 3) as from `unit_counts`, summed over whatever is pooled.

    Returns:
        (..., U); a unit that is neither true nor said counts 0.

    >>> unit_f1([[1, 0, 1], [1, 1, 0], [0, 0, 0]]).round(3).tolist()
    [0.667, 0.667, 0.0]
    """
    c = np.asarray(counts, dtype=np.float64)
    return ratio(2 * c[..., 0], 2 * c[..., 0] + c[..., 1] + c[..., 2])


def mean_unit_f1(counts: ArrayLike) -> Floats:
    """Mean of the units' F1 over those that occur in the truth, 0 to 1; 0 if none does.

    >>> float(mean_unit_f1([[1, 0, 0], [1, 1, 1], [0, 4, 0]]))  # the last never occurs
    0.75
    """
    c = np.asarray(counts, dtype=np.float64)
    occurs = c[..., 0] + c[..., 2] > 0
    return ratio((unit_f1(c) * occurs).sum(-1), occurs.sum(-1).astype(np.float64))
