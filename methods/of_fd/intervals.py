"""Where the motion of a region rises and falls again: the rules of OF-FD within a stretch of frames, and what joins intervals."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
"""First and last frame, both inclusive."""
Signal = NDArray[np.float64]

GAP = 3
"""Frames from one to the next from which on they are not joined."""
SLOPE = 0.33
"""Part of a peak's height over its valley where an interval begins and ends, and of a peak that a valley must lie below it."""
STEP = 0.3
"""Pixels by which an end in a valley must lie above the valley to be moved there."""
DEPTH = 0.7
"""Pixels that a valley between two intervals must lie below both peaks, at least."""


class Times(NamedTuple):
    """Lengths in frames.

    Attributes:
        around: before and after a frame, among which the lowest is looked for: a second.
        near: the same where an interval begins, or ends, in a valley: a third.
        long: from which on an interval may be two: two thirds.
        ends: at both ends of it, where no valley is looked for: four fifteenths.
    """

    around: int
    near: int
    long: int
    ends: int

    @classmethod
    def at(cls, rate: float) -> Self:
        """At so many frames per second.

        >>> tuple(Times.at(30.0)), tuple(Times.at(25.0))
        ((30, 10, 20, 8), (25, 8, 16, 6))
        """
        return cls(int(rate), int(rate / 3), int(rate * 2 / 3), int(rate * 4 / 15))


def low_pass(signal: Signal, highest: float, fps: float) -> Signal:
    """The part of a signal below a frequency, by the discrete Fourier transform, without its sign.

    As the public code has it: one more of the negative frequencies is kept than of the positive ones, so that the result is
    complex, and its absolute value counts.
    """
    spectrum = np.fft.fft(signal)
    edge = max(int(np.abs(np.fft.fftfreq(len(signal), 1 / fps) - highest).argmin()), 1)
    spectrum[edge:-edge] = 0
    return np.abs(np.fft.ifft(spectrum))


def without_trend(signal: Signal) -> Signal:
    """The sum of all modes of a signal but the slowest (empirical mode decomposition, Huang et al. 1998); 0 where it has one alone."""
    from PyEMD import EMD

    with np.errstate(divide="ignore"):  # a mode that is 0 somewhere
        modes = EMD().emd(signal)
    return np.asarray(modes[:-1].sum(axis=0), dtype=np.float64)


def rise(signal: Signal, around: int) -> Signal:
    """How far each frame lies above the lowest of those from `around` before to one less after it; the last never counts."""
    from scipy.ndimage import minimum_filter1d

    others = signal.copy()
    others[-1] = np.inf
    return np.asarray(signal - minimum_filter1d(others, 2 * around, mode="constant", cval=np.inf))


def peaks(low: Signal, base: float, least: float, wave: float, around: int) -> list[Span]:
    """Where a signal is at least `base` above its minimum, and rises more than `least`, and more than `wave` without its trend.

    Args:
        low: (n,), n at least 2.
        base: above the minimum of `low`.
        least: the rise of `low` must be larger.
        wave: the rise of `low` without its trend must be larger.
        around: see `rise`.
    """
    high = rise(low, around) > least
    if not high.any():
        return []
    high &= rise(without_trend(low), around) > wave
    large = joined(np.flatnonzero(low - low.min() >= base).tolist())
    return joined(j for first, last in large for j in range(first, last) if high[j])  # the last of them never counts


def joined(frames: Iterable[int]) -> list[Span]:
    """Frames, in order, that are less than `GAP` apart, as spans."""
    spans: list[list[int]] = []
    for frame in frames:
        if spans and frame - spans[-1][1] < GAP:
            spans[-1][1] = frame
        else:
            spans.append([frame, frame])
    return [(first, last) for first, last in spans]


def widened(low: Signal, span: Span, times: Times) -> Span:
    """An interval around a peak's frames, down to a third of its height over the valleys.

    Towards a valley outside of the frames each end moves until the signal is that low, or rises again; where the lowest frame around
    lies inside of them, the end moves to the lowest one near it, if that lies low enough.
    """
    (first, last), n = span, len(low)
    peak = low[first:last].max() if last > first else low[first]
    start, end = max(0, first - times.around), max(0, last - times.around)
    before = low[start : min(n - 1, first + times.around)]
    after = low[end : min(n - 1, last + times.around)]
    if start + before.argmin() < first:
        for j in range(first - 1, -1, -1):
            if low[j] - before.min() < SLOPE * (peak - before.min()):
                first = j
                break
            if low[j] > low[j + 1]:
                first = j + 2
                break
    else:
        left = max(first - times.near, 0)
        lowest = left + int(low[left : first + 1].argmin())
        if low[first] - low[lowest] > STEP:
            first = lowest + 1
    valley = end + int(after.argmin())
    if valley > last:
        for j in range(last + 1, valley):
            if low[j] - after.min() < SLOPE * (peak - after.min()):
                last = j
                break
            if low[j] > low[j - 1]:
                last = j - 2
                break
    else:
        lowest = last + int(low[last : min(last + times.near, n - 1) + 1].argmin())
        if low[last] - low[lowest] > STEP:
            last = lowest - 1
    return first, last


def divided(low: Signal, span: Span, times: Times) -> list[Span]:
    """The interval, or two where a deep valley lies between two peaks of a long one."""
    first, last = span
    if last - first < times.long:
        return [span]
    valley = first + times.ends + int(low[first + times.ends : last - times.ends].argmin())
    for top in (low[first:valley].max(), low[valley:last].max()):
        if not top - low[valley] > max(DEPTH, SLOPE * top):
            return [span]
    return [(first, valley - 1), (valley + 1, last)]


def merged(spans: Sequence[Span], overlap: float) -> list[Span]:
    """Intervals of which one covers more than a part of the shorter other become one; once around, in the order in which they come."""
    kept: list[list[int]] = []
    for first, last in spans:
        alone = True
        for other in kept:
            common = min(last, other[1]) - max(first, other[0])
            if common > 0 and common > overlap * min(last - first, other[1] - other[0]):
                other[:] = min(first, other[0]), max(last, other[1])
                alone = False
        if alone:
            kept.append([first, last])
    return [(first, last) for first, last in kept]
