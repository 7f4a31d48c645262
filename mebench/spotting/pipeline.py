"""From the frame scores of one video to its spotted intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mebench.spotting import intervals
from mebench.spotting.intervals import Spotted
from mebench.spotting.params import SpottingParams
from mebench.spotting.peaks import peaks_of, threshold
from mebench.spotting.smoothing import smooth
from mebench.spotting.words import Rule


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
