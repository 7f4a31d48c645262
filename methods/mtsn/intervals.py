"""From the scores of a video to intervals, on plain arrays, as the public code of MTSN does it."""

import numpy as np
from numpy.typing import NDArray

from mebench import spotting
from mebench.spotting import Spotted

Floats = NDArray[np.float64]


def smoothed(scores: Floats, k: int) -> Floats:
    """Mean of the frames [i - k, i + k - 1], for the frames k to n - k - 1: (n - 2k,)."""
    if len(scores) <= 2 * k:
        return np.empty(0)
    return spotting.smooth(scores, k, "released_code")[1][k:-k]


def extent(curve: Floats, peak: int, reach: int, level: float) -> tuple[int, int]:
    """First and last frame of a peak: within reach those above the level that are furthest from its height.

    Of equally far ones that first from the left counts; without any, the first frame of the curve, and on the right the last within reach.
    """
    ends = []
    for first, last, otherwise in (
        (max(peak - reach, 0), peak, 0),
        (peak, min(peak + reach, len(curve) - 1), min(peak + reach, len(curve) - 1)),
    ):
        away = np.abs(curve[peak] - curve[first : last + 1])
        away[curve[first : last + 1] <= level] = 0
        ends.append(first + int(away.argmax()) if away.max() > 0 else otherwise)
    return ends[0], ends[1]


def intervals(
    scores: Floats, k: int, level: float, reach: float, lengths: tuple[float, float], surest_only: bool = False
) -> list[tuple[Spotted, int]]:
    """Peaks of the smoothed scores, each with its extent.

    Args:
        scores: (n,) without NaN.
        k: half the mean length of an expression.
        level: least height of a peak, and what its frames must be above.
        reach: how far an interval reaches, in k.
        lengths: offset minus onset is strictly between these, in k.
        surest_only: the highest frame of the smoothed scores is the only answer, at any height and extent.

    Returns:
        Intervals by time, in frames of the video, each with the place of its peak in the smoothed scores. The
        confidence is the peak's height.
    """
    curve = smoothed(scores, k)
    if not len(curve):
        return []
    found = []
    for peak in spotting.peaks_of(curve, level, 2 * k, surest_only).tolist():
        first, last = extent(curve, peak, round(reach * k), -np.inf if surest_only else level)
        inside = lengths[0] * k < last - first < lengths[1] * k
        higher = curve[peak] > 0.95 or curve[peak] > max(curve[first], curve[last])
        if surest_only or (inside and higher):
            found.append((Spotted(first + k, peak + k, last + k, float(curve[peak])), peak))
    return found
