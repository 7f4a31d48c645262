"""Frame scores -> smoothing -> threshold -> peaks -> intervals, on plain arrays.

All functions take the scores of one video and one kind and answer in its frames. Nothing here sees a label.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rule = Literal["paper", "released_code"]
RULES: tuple[Rule, ...] = ("paper", "released_code")
SMOOTHINGS = ("average",)
"""Ways of smoothing that the command line can name; `average` is `smooth`."""


class Spotted(NamedTuple):
    """An interval around a peak, both ends inclusive; the onset may be negative and the offset beyond the video."""

    onset: int
    apex: int
    offset: int
    confidence: float


def smooth(scores: NDArray[np.float64], k_prime: int, rule: Rule = "paper") -> tuple[int, NDArray[np.float64]]:
    """Moving average of frame scores.

    `paper`: over the 2k'+1 frames around each, only frames with a full window kept (MEAN, equation 11). `released_code`: over
    the 2k' frames [i - k', i + k' - 1], zero-padded, every frame kept.

    Args:
        scores: (n,), without NaN.
        k_prime: half window in frames, at least 1.
        rule: which of the two.

    Returns:
        Frame of the first average, and the averages: n - 2k' of them for `paper` (none if n < 2k' + 1), n otherwise.

    >>> smooth(np.array([0.0, 0.0, 3.0, 0.0, 0.0]), 1)
    (1, array([1., 1., 1.]))
    >>> smooth(np.ones(4), 2)
    (2, array([], dtype=float64))
    >>> smooth(np.array([0.0, 0.0, 2.0, 0.0, 0.0]), 1, "released_code")
    (0, array([0., 0., 1., 1., 0.]))
    """
    n = len(scores)
    if rule == "released_code":
        # Entry j of the full convolution sums frames j - 2k' + 1 to j; frame i wants i - k' to i + k' - 1.
        full = np.convolve(scores, np.full(2 * k_prime, 1 / (2 * k_prime)))
        return 0, full[k_prime - 1 : k_prime - 1 + n]
    window = 2 * k_prime + 1
    if n < window:
        return k_prime, np.empty(0)
    return k_prime, np.convolve(scores, np.full(window, 1 / window), mode="valid")


def threshold(scores: NDArray[np.float64], p: float) -> float:
    """T = mean + p (max - mean) of the video's smoothed scores (MEAN, equation 12).

    At p = 1 rounding must not lift it above the maximum, which is then the one peak.
    """
    mean, highest = float(scores.mean()), float(scores.max())
    return min(mean + p * (highest - mean), highest)


def interval(peak: int, k_prime: int, confidence: float, rule: Rule = "paper") -> Spotted:
    """The fixed interval around a peak: [F_p - k', F_p + k' - 1] (MEAN, section 3.4); the released code's ends at F_p + k'.

    >>> interval(10, 3, 1.0)
    Spotted(onset=7, apex=10, offset=12, confidence=1.0)
    """
    return Spotted(peak - k_prime, peak, peak + k_prime - (rule == "paper"), confidence)


def spot(
    scores: NDArray[np.float64], k_prime: int, p: float = 0.55, rule: Rule = "paper", highest_only: bool = False
) -> list[Spotted]:
    """Spotted intervals of one video from its frame scores.

    Smoothing, the threshold T, peaks at least k' apart and at least T high, and a fixed interval around each (MEAN, section
    3.4). The peaks are those of `scipy.signal.find_peaks`, so the first and the last kept frame are never peaks.

    Args:
        scores: (n,); NaN (undefined, such as the last k frames) is taken off both ends. Inner NaN is an error of the caller.
        k_prime: half the mean expression length in frames, at least 1.
        p: place of the threshold between mean (0) and maximum (1).
        rule: the paper's smoothing and interval, or the released code's.
        highest_only: no threshold, the highest smoothed frame is the one answer (short videos, section 4.3).

    Returns:
        Intervals by time; the confidence is the smoothed score of the peak. A video too short to smooth, or without any
        defined score, gives none.
    """
    from scipy.signal import find_peaks  # half a second to import: only where it is used

    defined = np.flatnonzero(~np.isnan(scores))
    if len(defined) == 0:
        return []
    start = int(defined[0])
    first, smoothed = smooth(np.asarray(scores[start : defined[-1] + 1], dtype=np.float64), k_prime, rule)
    if len(smoothed) == 0:
        return []
    if highest_only:
        peaks = np.array([int(smoothed.argmax())])
    else:
        peaks, _ = find_peaks(smoothed, height=threshold(smoothed, p), distance=max(k_prime, 1))
    return [interval(start + first + int(i), k_prime, float(smoothed[i]), rule) for i in peaks]


def place_randomly(rng: np.random.Generator, n_frames: int, count: int, k_prime: int) -> list[Spotted]:
    """`count` intervals of width 2k' at peaks drawn uniformly from those whose interval lies inside the video.

    They may overlap: chance does not look. The confidences are random too. A video shorter than 2k' takes its middle as peak.
    """
    low, high = k_prime, n_frames - k_prime
    peaks = rng.integers(low, high + 1, count) if high >= low else np.full(count, n_frames // 2)
    return [interval(int(peak), k_prime, float(c)) for peak, c in zip(np.sort(peaks), rng.random(count))]
