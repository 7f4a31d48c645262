"""Recall against false positives per minute, over all confidences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.metrics.ratios import Floats, ratio


class DetectionCurve(NamedTuple):
    """One point for each distinct confidence c, falling: the scores of all spotted intervals at least as sure as c.

    Attributes:
        confidence: (n_points,).
        recall: (n_points,), 0 to 1, never falling; NaN without a truth.
        fp_per_minute: (n_points,), 0 or more, never falling; NaN where the length of the videos is unknown or 0.
    """

    confidence: Floats
    recall: Floats
    fp_per_minute: Floats


def detection_curve(hits: NDArray[np.bool_], confidence: Floats, n_truths: int, minutes: float) -> DetectionCurve:
    """The curve of spotted intervals that find truths the surest first, as for average precision.

    Args:
        hits: (n,) whether each found a truth, the surest first.
        confidence: (n,), falling.
        n_truths: number of truths.
        minutes: length of all videos, with or without expressions.

    >>> curve = detection_curve(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]), n_truths=4, minutes=2.0)
    >>> [column.tolist() for column in curve]
    [[0.9, 0.5], [0.25, 0.5], [0.0, 0.5]]
    """
    last = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True)) if len(hits) else np.empty(0, np.int64)
    found = hits.cumsum()[last].astype(np.float64)
    recall = ratio(found, np.full(len(last), float(n_truths)), np.nan)
    rate = ratio(last + 1 - found, np.full(len(last), minutes), np.nan)
    return DetectionCurve(confidence[last], recall, rate)


def thinned(curve: DetectionCurve, points: int = 200) -> DetectionCurve:
    """At most so many points of a curve, evenly spread over its ranks, first and last among them."""
    if len(curve.recall) <= points:
        return curve
    chosen = np.unique(np.linspace(0, len(curve.recall) - 1, points).round().astype(np.int64))
    return DetectionCurve(*(column[chosen] for column in curve))
