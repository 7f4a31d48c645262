"""From smoothed scores to peaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def threshold(scores: NDArray[np.float64], p: float) -> float:
    """T = mean + p (max - mean) of the video's smoothed scores (MEAN, equation 12).

    At p = 1 rounding must not lift it above the maximum, which is then the one peak.
    """
    mean, highest = float(scores.mean()), float(scores.max())
    return min(mean + p * (highest - mean), highest)


def peaks_of(
    smoothed: NDArray[np.float64], level: float, distance: float, highest_only: bool = False
) -> NDArray[np.int64]:
    """Positions of the local maxima of at least `level`, at least `distance` apart; of near ones the highest stays.

    They are those of `scipy.signal.find_peaks`, so neither end is ever a peak.

    Args:
        smoothed: (n,), n at least 1.
        level: the threshold.
        distance: in frames.
        highest_only: no threshold, the (first) highest position is the one answer, also at an end.
    """
    if highest_only:
        return np.array([int(smoothed.argmax())])
    from scipy.signal import find_peaks  # half a second to import: only where it is used

    return np.asarray(find_peaks(smoothed, height=level, distance=max(distance, 1))[0], dtype=np.int64)
