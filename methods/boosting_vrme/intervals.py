"""The extensible interval selection of BoostingVRME: intervals that follow the scores on both sides of a peak."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.core.options import Smoothing
from mebench.spotting import Spotted, peaks_of, smooth, threshold

FARTHEST = 5
"""Multiples of k' that an interval reaches from its peak at most."""
LOW_PART = 1.5
"""The mean score over the lowest score of a rise near the ends of the usual interval."""
MOST_COMMON = 0.2
"""IoU from which of two intervals only the earlier stays."""
Scores = NDArray[np.float64]


def extended_intervals(
    scores: Scores,
    k_prime: int,
    p: float,
    level: float | None = None,
    highest_only: bool = False,
    smoothing: Smoothing = "average",
) -> list[Spotted]:
    """Intervals around peaks, which end where the scores stay below their mean.

    Args:
        scores: (n,), all defined.
        k_prime: half the usual length of an expression in frames.
        p: place of the threshold between mean and maximum of the smoothed scores.
        level: an absolute threshold instead.
        highest_only: no threshold, the highest smoothed frame is the one answer.
        smoothing: weights of the moving average.
    """
    if not len(scores):
        return []
    _, smoothed = smooth(scores, k_prime, "released_code", smoothing)
    height = threshold(smoothed, p) if level is None else level
    found = []
    for peak in peaks_of(smoothed, height, k_prime, highest_only).tolist():
        start, end = _ends_around(scores, peak, k_prime)
        apex = start + int(scores[start : end + 1].argmax())
        found.append(Spotted(start, apex, end, float(smoothed[peak])))
    return _without_neighbours(found, k_prime)


def _ends_around(scores: Scores, peak: int, k_prime: int) -> tuple[int, int]:
    """First and last frame of the interval around a peak."""
    last, mean = len(scores) - 1, float(scores.mean())
    start = _begin_of(scores, peak, k_prime, mean)
    end = last - _begin_of(scores[::-1], last - peak, k_prime, mean)
    return start, end


def _begin_of(scores: Scores, peak: int, k_prime: int, mean: float) -> int:
    """The first frame of the interval around a peak.

    It is the foot of the first rise within k' frames before the peak, or the frame k' before it. From there the interval grows until
    two frames in a row lie below the mean, if that happens within five times k' of the peak.
    """
    start = nearest = max(0, peak - k_prime)
    for i in range(nearest + 1, peak):
        if scores[i] > scores[i - 1] and scores[i] > mean / LOW_PART:
            start = i - 1
            break
    for i in range(start - 1, max(0, peak - FARTHEST * k_prime) - 1, -1):
        if i > 0 and scores[i] < mean and scores[i - 1] < mean:
            return i + 1
    return start


def _without_neighbours(found: Sequence[Spotted], k_prime: int) -> list[Spotted]:
    """The intervals, by onset, without those that come too close to an earlier one.

    They overlap it, or their apex lies within k' of its apex.
    """
    kept: list[Spotted] = []
    for one in sorted(found, key=lambda spotted: spotted.onset):
        if all(_share(one, other) < MOST_COMMON and abs(one.apex - other.apex) > k_prime for other in kept):
            kept.append(one)
    return kept


def _share(one: Spotted, other: Spotted) -> float:
    """Common part of two intervals over the stretch that both cover, as points in time."""
    common = max(0, min(one.offset, other.offset) - max(one.onset, other.onset))
    whole = max(one.offset, other.offset) - min(one.onset, other.onset)
    return common / whole if whole else 0.0
