"""The targets that SFAMNet learns, and the way from its scores to intervals; all in frames of the series."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from mebench.spotting import Spotted

Scores = NDArray[np.float64]


class Reach(NamedTuple):
    """Frames of the series: half the smoothing, before and after a peak, shortest and longest interval."""

    half: int
    before: int
    after: int
    shortest: int
    longest: int


def rising(n: int, expressions: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Which expression is near its apex in each frame, (n,): from half way between onset and apex to the apex; -1 for
    none.

    Args:
        n: frames of the series.
        expressions: (onset, apex) of each; of two in one frame the later counts.
    """
    found = np.full(n, -1)
    for i, (onset, apex) in enumerate(expressions):
        found[(onset + apex) // 2 : apex + 1] = i
    return found


def smoothed(scores: Scores, half: int) -> Scores:
    """Means over 2 `half` frames, one more before than after; values beyond the series are 0."""
    if not len(scores):
        return scores
    return np.convolve(scores, np.full(2 * half, 1 / (2 * half)))[half - 1 : half - 1 + len(scores)]


def ends(scores: Scores, peak: int, before: int, after: int, level: float) -> tuple[int, int]:
    """Onset and offset of a peak: where on each side the score differs most from its own, of the frames above the
    level.

    Of equal ones that which is met first, from the far end of the side before, from the peak on the side after; the peak itself where
    none is above.
    """
    found = []
    for side in (range(max(peak - before, 0), peak + 1), range(peak, min(peak + after + 1, len(scores)))):
        best, place = 0.0, peak
        for i in side:
            difference = abs(float(scores[peak] - scores[i]))
            if difference > best and scores[i] > level:
                best, place = difference, i
        found.append(place)
    return found[0], found[1]


def intervals(scores: Scores, reach: Reach, level: float, most: float, fall: float) -> list[Spotted]:
    """Peaks of smoothed scores with their onsets and offsets, those of the right length and shape.

    Args:
        scores: smoothed.
        reach: see `Reach`.
        level: lowest score of a peak.
        most: mean score of an interval from which on it is dropped.
        fall: the peak exceeds both ends by more than this.
    """
    k = reach.half
    inner = scores[k : len(scores) - k]
    peaks, _ = find_peaks(inner, height=level, distance=max(1, (reach.before + reach.after) // 2))
    found = []
    for peak in (peaks + k - 1).tolist():  # a frame early, as the public code places it
        onset, offset = ends(scores, peak, reach.before, reach.after, level)
        if not reach.shortest <= offset - onset <= reach.longest or scores[onset : offset + 1].mean() >= most:
            continue
        if scores[peak] - scores[onset] > fall and scores[peak] - scores[offset] > fall:
            found.append(Spotted(onset, peak, offset, float(scores[peak])))
    return found


def highest(scores: Scores, reach: Reach) -> list[Spotted]:
    """The highest unsmoothed score (smoothing a short series would leave only its middle), and the shortest interval
    around it; empty without scores.
    """
    if not len(scores):
        return []
    peak, half = int(scores.argmax()), -(-reach.shortest // 2)
    return [Spotted(max(peak - half, 0), peak, min(peak + half, len(scores) - 1), float(scores[peak]))]
