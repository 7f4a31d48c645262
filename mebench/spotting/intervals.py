"""From peaks to intervals, what two intervals have in common, and which stay."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.spotting.params import Rule

Span = tuple[Any, Any] | NDArray[np.int64]


class Spotted(NamedTuple):
    """An interval around a peak, both ends inclusive; the onset may be negative and the offset beyond the video."""

    onset: int
    apex: int
    offset: int
    confidence: float


def interval(peak: int, k_prime: int, confidence: float, rule: Rule = "paper") -> Spotted:
    """The fixed interval around a peak: [F_p - k', F_p + k' - 1] (MEAN, section 3.4); the released code's ends at F_p + k'.

    >>> interval(10, 3, 1.0)
    Spotted(onset=7, apex=10, offset=12, confidence=1.0)
    """
    return Spotted(peak - k_prime, peak, peak + k_prime - (rule == "paper"), confidence)


def score_curve(
    smoothed: NDArray[np.float64], peaks: NDArray[np.int64], height: float = 0.5, lead: int = 0
) -> list[tuple[int, int] | None]:
    """Interval of each peak as the curve tells it: where the curve crosses a part of the peak's height.

    The height is counted from the peak's foot, the lowest level from which one can climb it without passing a higher peak
    (its prominence); beyond the curve's ends all is as low as its minimum. Widths are those of `scipy.signal.peak_widths`.

    Args:
        smoothed: (n,), n at least 1.
        peaks: positions in it.
        height: part of the peak's height at which its width is taken, in (0, 1); 0.5 is half way.
        lead: frames by which the score sees an expression before its onset; the interval begins so much later, but not
            after its peak.

    Returns:
        (first, last) position, both inclusive; None for a peak without height, on a flat curve.

    >>> score_curve(np.array([0.0, 0.0, 1.0, 4.0, 3.0, 1.0, 0.0]), np.array([3]))
    [(3, 4)]
    """
    from scipy.signal import peak_prominences, peak_widths

    low = float(smoothed.min())
    closed = np.concatenate([[low], smoothed, [low]])
    # On a plateau SciPy wants a position that no neighbour exceeds: any of it will do.
    high = np.flatnonzero(smoothed[peaks] > low)
    found: list[tuple[int, int] | None] = [None] * len(peaks)
    if len(high) == 0:
        return found
    places = peaks[high] + 1
    feet = peak_prominences(closed, places)
    _, _, left, right = peak_widths(closed, places, rel_height=1 - height, prominence_data=feet)
    for i, a, b in zip(high.tolist(), left, right):
        peak = int(peaks[i])
        first, last = min(int(np.ceil(a)) - 1, peak), max(int(np.floor(b)) - 1, peak)
        found[i] = (min(first + lead, peak), last)
    return found


def overlap(a: Span, b: Span) -> tuple[Any, Any]:
    """Frames that both of two intervals cover, and frames that either covers; whole numbers, hence exact.

    Args:
        a: onset and offset, both inclusive: two numbers, or two arrays that broadcast with those of the other.
        b: the same.
    """
    common = np.maximum(np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]) + 1, 0)
    return common, (a[1] - a[0] + 1) + (b[1] - b[0] + 1) - common


def ratio(common: Any, either: Any) -> Any:
    """Intersection over union; 0 where both are 0. Correctly rounded, so it orders as the exact ratios do."""
    return common / np.maximum(either, 1)


def reaches(common: Any, either: Any, threshold: Fraction, reaching: bool = True) -> Any:
    """Whether intersection over union reaches (or, on demand, exceeds) a threshold, with at least one common frame."""
    left, right = common * threshold.denominator, either * threshold.numerator
    return (left >= right if reaching else left > right) & (common > 0)


def iou(a: Span, b: Span) -> Any:
    """Common frames of two intervals divided by the frames of either.

    >>> float(iou((0, 3), (2, 5))), float(iou((0, 1), (2, 3)))
    (0.3333333333333333, 0.0)
    """
    return ratio(*overlap(a, b))


def hits(a: Span, b: Span) -> Any:
    """Whether the IoU of two intervals is at least a half, so that the spotted one is right (MEAN, equation 14).

    >>> bool(hits((0, 3), (2, 3))), bool(hits((0, 3), (3, 3)))
    (True, False)
    """
    return reaches(*overlap(a, b), Fraction(1, 2))


def suppress(found: Sequence[Spotted], most: float) -> list[Spotted]:
    """Non-maximum suppression: of two intervals with an IoU above `most` the surer stays, of equally sure ones the earlier.

    Args:
        found: in any order.
        most: from 0 (no common frame is allowed) to 1 (everything stays).

    Returns:
        What stays, by time.
    """
    surest = sorted(found, key=lambda s: (-s.confidence, s.apex))
    ends = np.array([(s.onset, s.offset) for s in surest], dtype=np.int64).reshape(-1, 2).T
    kept: list[int] = []
    for i in range(len(surest)):
        if (iou(ends[:, i], ends[:, kept]) <= most).all():
            kept.append(i)
    return sorted((surest[i] for i in kept), key=lambda s: s.apex)


def place_randomly(rng: np.random.Generator, n_frames: int, count: int, k_prime: int) -> list[Spotted]:
    """`count` intervals of width 2k' at peaks drawn uniformly from those whose interval lies inside the video.

    They may overlap: chance does not look. The confidences are random too. A video shorter than 2k' takes its middle as peak.
    """
    low, high = k_prime, n_frames - k_prime
    peaks = rng.integers(low, high + 1, count) if high >= low else np.full(count, n_frames // 2)
    return [interval(int(peak), k_prime, float(c)) for peak, c in zip(np.sort(peaks), rng.random(count))]
