"""From the strain curve of a video to intervals and to one apex, on plain arrays."""

import numpy as np
from numpy.typing import NDArray

from mebench import spotting
from mebench.spotting import Spotted


def relative_strain(strain: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Each region's strain between its own mean in the video, 0, and its own maximum, 1.

    The strain is averaged over the 2k + 1 frames around each first; only frames with a full window are kept.

    Args:
        strain: (n, regions).
        k: half window in frames.

    Returns:
        (n - 2k, regions), none if n < 2k + 1. A region whose strain never changes (0/0) is 0 throughout.
    """
    smoothed = np.stack([spotting.smooth(region, k)[1] for region in strain.T], axis=1)
    if len(smoothed) == 0:
        return smoothed
    above = smoothed - smoothed.mean(axis=0)
    highest = above.max(axis=0)
    # Rounding makes the mean of equal numbers differ from them.
    changes = highest > 1e-9 * np.abs(smoothed).max(axis=0)
    relative: NDArray[np.float64] = np.divide(above, highest, out=np.zeros_like(above), where=changes)
    return relative


def strained_intervals(
    scores: NDArray[np.float64], p: float, bridge: int, lengths: range | None = None
) -> list[Spotted]:
    """Intervals in which the relative strain is at least `p` (Shreve et al. 2011).

    High stretches with at most `bridge` lower frames between them are one, because the strain between two frames falls
    while an expression is held.

    Args:
        scores: (n,), see `relative_strain`; NaN (undefined) is ignored.
        p: the threshold.
        bridge: longest gap that is bridged, in frames.
        lengths: numbers of frames that an interval may have; None keeps the one interval with the highest strain, at
            any length and also below the threshold.

    Returns:
        Intervals by time, both ends inclusive; the apex is the highest frame, the confidence its relative strain.
    """
    if np.isnan(scores).all():
        return []
    level = min(p, float(np.nanmax(scores))) if lengths is None else p
    return spotting.high_intervals(scores, scores >= level, lengths, bridge)


def divide_and_conquer(curve: NDArray[np.float64]) -> int | None:
    """The apex of a video: the frames are halved, again and again, keeping the half with more strain (Liong et al.
    2015, 2016).

    The local maxima of the curve are found first. Of two halves, the one with the larger sum of maxima is kept (the
    first if equal), until one maximum is left. So a burst of maxima wins over a single higher one elsewhere.

    Args:
        curve: (n,) strain of each frame; NaN (undefined) is taken off both ends.

    Returns:
        The frame. A curve without a local maximum inside, one that only rises for example, gives its highest frame; one
        without any defined frame gives None.

    >>> divide_and_conquer(np.array([0, 9, 0, 0, 0, 0, 5, 0, 6, 0.0]))
    8
    """
    from scipy.signal import find_peaks  # half a second to import: only where it is used

    start, values = defined(curve)
    if len(values) == 0:
        return None
    peaks = find_peaks(values)[0]
    if len(peaks) == 0:
        return start + int(values.argmax())
    low, high = 0, len(values)
    while len(peaks) > 1:
        middle = (low + high) // 2
        left, right = peaks[peaks < middle], peaks[peaks >= middle]
        if values[left].sum() >= values[right].sum():
            peaks, high = left, middle
        else:
            peaks, low = right, middle
    return start + int(peaks[0])


def defined(curve: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    """Frame of the first defined value, and the values from there to the last; (0, nothing) if all are NaN."""
    frames = np.flatnonzero(~np.isnan(curve))
    if len(frames) == 0:
        return 0, np.empty(0)
    return int(frames[0]), curve[frames[0] : frames[-1] + 1]
