"""From the frame scores of one video to its spotted intervals: smoothing, peaks, threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.spotting import intervals
from mebench.spotting.intervals import Spotted, iou
from mebench.spotting.params import Rule, Smoothing, SpottingParams

Scores = NDArray[np.float64]


def smooth(scores: Scores, k_prime: int, rule: Rule = "paper", smoothing: Smoothing = "average") -> tuple[int, Scores]:
    """Weighted moving average of frame scores.

    `paper`: over the 2k'+1 frames around each, only frames with a full window kept (MEAN, equation 11). `released_code`: over
    the 2k' frames [i - k', i + k' - 1], zero-padded, every frame kept.

    Args:
        scores: (n,), without NaN.
        k_prime: half window in frames, at least 1.
        rule: which of the two.
        smoothing: weights of the window: all equal (`average`), a Gaussian of standard deviation 1 or 3 frames, or
            exp(-|distance| / tau) with tau 1 or 3 frames (MEAN, section 5.4); or `none`: the scores as they are.

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
    if smoothing == "none":
        return 0, scores
    if rule == "released_code":
        # Entry j of the full convolution sums frames j - 2k' + 1 to j; frame i wants i - k' to i + k' - 1.
        full = np.convolve(scores, window(2 * k_prime, smoothing))
        return 0, full[k_prime - 1 : k_prime - 1 + n]
    length = 2 * k_prime + 1
    if n < length:
        return k_prime, np.empty(0)
    return k_prime, np.convolve(scores, window(length, smoothing), mode="valid")


def window(length: int, smoothing: Smoothing) -> Scores:
    """Symmetric weights of a moving average that sum to 1, (length,): those of `scipy.signal.windows`.

    >>> window(3, "exponential_1").round(3)
    array([0.212, 0.576, 0.212])
    """
    if smoothing == "average":
        return np.full(length, 1 / length)
    from scipy.signal import windows  # half a second to import: only where it is used

    shape, _, width = smoothing.partition("_")
    gaussian = shape == "gaussian"
    weights = windows.gaussian(length, float(width)) if gaussian else windows.exponential(length, tau=float(width))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


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


def spot(
    scores: NDArray[np.float64],
    k_prime: int,
    p: float | None = None,
    rule: Rule | None = None,
    highest_only: bool = False,
    *,
    options: SpottingParams | None = None,
    level: float | None = None,
    distance: float | None = None,
    lead: int = 0,
) -> list[Spotted]:
    """Spotted intervals of one video from its frame scores.

    Smoothing, the threshold T, peaks at least k' apart and at least T high, and a fixed interval around each (MEAN, section
    3.4). The peaks are those of `scipy.signal.find_peaks`, so the first and the last kept frame are never peaks.

    Args:
        scores: (n,); NaN (undefined, such as the last k frames) is taken off both ends. Inner NaN is an error of the caller.
        k_prime: half the mean expression length in frames, at least 1.
        p: place of the threshold between mean (0) and maximum (1); that of the options where it is left out.
        rule: the paper's smoothing and interval, or the released code's; that of the options where it is left out.
        highest_only: no threshold, the highest smoothed frame is the one answer (short videos, section 4.3).
        options: smoothing, intervals and suppression; the paper's where they are left out.
        level: an absolute threshold instead of T; minus infinity for every peak.
        distance: least distance of two peaks in frames; k' where it is left out.
        lead: frames by which a score sees an expression before its onset, see `score_curve`.

    Returns:
        Intervals by time; the confidence is the smoothed score of the peak. A video too short to smooth, or without any
        defined score, gives none.
    """
    how = options or SpottingParams()
    p, rule = how.p if p is None else p, how.rule if rule is None else rule
    defined = np.flatnonzero(~np.isnan(scores))
    if len(defined) == 0:
        return []
    start = int(defined[0])
    own = np.asarray(scores[start : defined[-1] + 1], dtype=np.float64)
    first, smoothed = smooth(own, k_prime, rule, how.smoothing)
    if len(smoothed) == 0:
        return []
    height = threshold(smoothed, p) if level is None else level
    peaks = peaks_of(smoothed, height, k_prime if distance is None else distance, highest_only)
    half = max(1, int(how.half_width * k_prime + 0.5))
    found = [intervals.interval(start + first + int(i), half, float(smoothed[i]), rule) for i in peaks]
    if how.interval == "score_curve":
        widths = intervals.score_curve(smoothed, peaks, how.curve_height, lead)
        found = [_as_wide(one, width, start + first) for one, width in zip(found, widths)]
    return found if how.nms is None else intervals.suppress(found, how.nms)


def _as_wide(one: Spotted, width: tuple[int, int] | None, shift: int) -> Spotted:
    """The interval as wide as the curve says; as it was where the curve is flat."""
    return one if width is None else one._replace(onset=shift + width[0], offset=shift + width[1])


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
