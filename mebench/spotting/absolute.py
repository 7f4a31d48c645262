"""A threshold for all videos, learnt from those of training subjects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.spotting.intervals import Spotted, iou

MATCHED = 0.5
"""IoU from which a spotted interval counts as right (MEAN, equation 14)."""


def learnt_threshold(found: Sequence[Sequence[Spotted]], truths: Sequence[Sequence[tuple[int, int]]]) -> float:
    """The level with the largest F1 of spotting, over all videos together; of equally good ones the highest.

    Args:
        found: of each video, also of those without expressions, all that is spotted without a threshold.
        truths: (onset, offset) of each video's expressions of the kind, both inclusive.

    Returns:
        A level half way between the last peak above it and the first below it. Where no peak is right, one just above the
        highest peak; where there is no peak at all, infinity.
    """
    peaks = [(one, video) for video, own in enumerate(found) for one in own]
    if not peaks:
        return float("inf")
    # A peak suppresses only what is lower, so the peaks above a level are the first of them all.
    peaks.sort(key=lambda found: (-found[0].confidence, found[1], found[0].apex))
    right = np.cumsum(_matches(peaks, truths))
    heights = np.array([one.confidence for one, _ in peaks])
    counts = np.arange(1, len(peaks) + 1)
    f1 = 2 * right / (counts + sum(map(len, truths)))
    f1[:-1][heights[:-1] == heights[1:]] = -1  # no level lies between equal peaks
    best = int(f1.argmax())
    if right[best] == 0:
        return float(np.nextafter(heights[0], np.inf))
    return float(heights[best] if best + 1 == len(heights) else (heights[best] + heights[best + 1]) / 2)


def _matches(peaks: Sequence[tuple[Spotted, int]], truths: Sequence[Sequence[tuple[int, int]]]) -> NDArray[np.bool_]:
    """Whether each interval is right, the surest first: each takes the truth it overlaps most, of those still free."""
    free = [np.array(own, dtype=np.int64).reshape(-1, 2).T for own in truths]
    right = np.zeros(len(peaks), dtype=bool)
    for i, (one, video) in enumerate(peaks):
        overlaps = iou((one.onset, one.offset), free[video])
        if overlaps.max(initial=0) >= MATCHED:
            free[video] = np.delete(free[video], overlaps.argmax(), axis=1)
            right[i] = True
    return right
