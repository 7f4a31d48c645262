"""Average precision of ranked intervals, also under weights of subjects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mebench.metrics.matching import Indices, Pairs
from mebench.metrics.ratios import Floats, ratio
from mebench.metrics.turns import take_turns

_BLOCK = 64


def claim(pairs: Pairs, draw: Indices, ties: str = "earlier") -> NDArray[np.bool_]:
    """Which predictions find a truth when they choose one after the other, the surest first.

    The rule of ActivityNet's evaluation (Caba Heilbron et al. 2015): a prediction takes the truth of best IoU among
    those it hits and, if that is taken, the next free one; if none is free it finds nothing.

    Args:
        pairs: allowed pairs; predictions are numbered by rank.
        draw: (n_predictions,) number of the draw; each draw has the truths to itself.
        ties: of truths of equal IoU, whether the `earlier` or the `later` is preferred.

    Returns:
        (n_predictions,) bool.
    """
    return take_turns(pairs, draw, ties) >= 0


def average_precision(hits: NDArray[np.bool_], n_truths: int) -> float:
    """Area under the interpolated precision-recall curve, over all its points (MEAN, equation 17).

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        n_truths: number of truths; with none the result is NaN.

    >>> average_precision(np.array([True, False, True]), 4)  # precision 1 up to recall 1/4, then 2/3 up to 1/2
    0.41666666666666663
    >>> average_precision(np.array([], dtype=bool), 4)
    0.0
    >>> average_precision(np.array([False]), 0)
    nan
    """
    one = np.zeros(len(hits), dtype=np.int64)
    return float(weighted_average_precision(hits, one, np.array([float(n_truths)]), np.ones((1, 1)))[0])


def weighted_average_precision(
    hits: NDArray[np.bool_], unit: Indices, truths: Floats, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average precision when every unit (a subject, say) counts `weight` times, for many weightings at once.

    A weight of 2 is the same as two copies of the subject, for only precisions at hits enter, and the last of equal
    copies has the highest.

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        unit: (n,) unit of each prediction.
        truths: (n_units,) number of truths.
        weights: (n_weightings, n_units), not negative.

    Returns:
        (n_weightings,), NaN where no truth has a weight.
    """
    n_units, where = len(truths), np.flatnonzero(hits)
    # Predictions of each unit up to each hit; those after the last hit do not matter.
    bins = np.searchsorted(where, np.arange(len(hits)))
    before = bins < len(where)
    counts = np.bincount(unit[before] * len(where) + bins[before], minlength=n_units * len(where))
    ranked = counts.reshape(n_units, len(where)).cumsum(axis=1).astype(np.float64)
    area = np.empty(len(weights))
    # In blocks, so that what is at work fits into the processor's cache.
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        own = block[:, unit[where]]
        precision = ratio(own.cumsum(axis=1), block @ ranked)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        area[start : start + _BLOCK] = (own * envelope).sum(axis=1)
    return ratio(area, weights @ truths, np.nan)
