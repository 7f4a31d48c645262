"""Rises and falls of the motion of a region: the rules of OF-FD within a stretch of frames, and the merging of
intervals.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from mebench.spotting import stretches

Span = tuple[int, int]
"""First and last frame, both inclusive."""
Signal = NDArray[np.float64]

BRIDGE = 1
"""Frames between two stretches that are one."""


class Rules(NamedTuple):
    """Lengths in frames and heights in pixels, see `Params`.

    Attributes:
        around: frames before and after a frame for the search of the lowest one: a second.
        near: the same for an interval that begins or ends in a valley: a third.
        long: from which on an interval may be two: two thirds.
        ends: frames at both ends without a search for valleys: four fifteenths.
        base: a peak's height above the lowest of the stretch.
        wave: its rise without the trend.
        slope: part of its height over the valley at which an interval ends.
        edge: height over the lowest frame near it of an end that is moved there.
        valley: depth of a valley as a share of the peak.
        depth: and by how much, at least.
        overlap: part of the shorter of two intervals from which on they are one.
    """

    around: int
    near: int
    long: int
    ends: int
    base: float
    wave: float
    slope: float
    edge: float
    valley: float
    depth: float
    overlap: float

    @classmethod
    def at(cls, rate: float, *heights: float) -> Self:
        """At this number of frames per second.

        >>> Rules.at(30.0, *[0.0] * 7)[:4], Rules.at(25.0, *[0.0] * 7)[:4]
        ((30, 10, 20, 8), (25, 8, 16, 6))
        """
        ends = max(int(rate * 4 / 15), 1)
        return cls(max(int(rate), 1), max(int(rate / 3), 1), max(int(rate * 2 / 3), 2 * ends + 1), ends, *heights)


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
    """The sum of all modes of a signal but the slowest (empirical mode decomposition, Huang et al. 1998); 0 where it
    has one alone.
    """
    from PyEMD import EMD

    with np.errstate(divide="ignore"):  # a mode that is 0 somewhere
        modes = EMD().emd(signal)
    return np.asarray(modes[:-1].sum(axis=0), dtype=np.float64)


def rise(signal: Signal, around: int) -> Signal:
    """Height of each frame above the lowest frame from `around` before to one less after it; the last never counts."""
    from scipy.ndimage import minimum_filter1d

    others = signal.copy()
    others[-1] = np.inf
    return np.asarray(signal - minimum_filter1d(others, 2 * around, mode="constant", cval=np.inf))


def peaks(low: Signal, least: float, rules: Rules) -> list[Span]:
    """Places where a signal, (n,), is at least `base` above its minimum, and rises more than `least`, and more than
    `wave` without its trend.
    """
    high = rise(low, rules.around) > least
    if not high.any():
        return []
    high &= rise(without_trend(low), rules.around) > rules.wave
    counts = np.zeros(len(low), bool)
    for first, last in stretches(low - low.min() >= rules.base, BRIDGE):
        counts[first:last] = True  # the last of them never does
    return stretches(high & counts, BRIDGE)


def widened(low: Signal, span: Span, rules: Rules) -> Span:
    """An interval around a peak's frames, down to a third of its height over the valleys.

    Towards a valley outside of the frames each end moves until the signal is that low, or rises again; where the lowest frame around
    lies inside of them, the end moves to the lowest one near it, if that lies low enough.
    """
    (first, last), n = span, len(low)
    peak = low[first:last].max() if last > first else low[first]
    start, end = max(0, first - rules.around), max(0, last - rules.around)
    before = low[start : min(n - 1, first + rules.around)]
    after = low[end : min(n - 1, last + rules.around)]
    if start + before.argmin() < first:
        for j in range(first - 1, -1, -1):
            if low[j] - before.min() < rules.slope * (peak - before.min()):
                first = j
                break
            if low[j] > low[j + 1]:
                first = j + 2
                break
    else:
        left = max(first - rules.near, 0)
        lowest = left + int(low[left : first + 1].argmin())
        if low[first] - low[lowest] > rules.edge:
            first = lowest + 1
    valley = end + int(after.argmin())
    if valley > last:
        for j in range(last + 1, valley):
            if low[j] - after.min() < rules.slope * (peak - after.min()):
                last = j
                break
            if low[j] > low[j - 1]:
                last = j - 2
                break
    else:
        lowest = last + int(low[last : min(last + rules.near, n - 1) + 1].argmin())
        if low[last] - low[lowest] > rules.edge:
            last = lowest - 1
    return first, last


def divided(low: Signal, span: Span, rules: Rules) -> list[Span]:
    """The interval, or two if a long one has a deep valley between two peaks."""
    first, last = span
    if last - first < rules.long:
        return [span]
    valley = first + rules.ends + int(low[first + rules.ends : last - rules.ends].argmin())
    for top in (low[first:valley].max(), low[valley:last].max()):
        if not top - low[valley] > max(rules.depth, rules.valley * top):
            return [span]
    return [(first, valley - 1), (valley + 1, last)]


def merged(spans: Sequence[Span], overlap: float) -> list[Span]:
    """Merge intervals that overlap by more than a share of the shorter one; one pass, in their order."""
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
