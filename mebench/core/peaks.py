"""Frame scores -> smoothing -> peaks -> threshold -> intervals, on plain arrays; overlap of intervals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.core.options import Anchor, Rule, Smoothing, SpottingParams
from mebench.errors import ConfigError
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

Span = tuple[Any, Any] | NDArray[np.int64]
Scores = NDArray[np.float64]

WINDOW_NUMBERS = 1 << 21
"""Numbers of windows that are sorted at once, which bounds memory for long videos."""


class Spotted(NamedTuple):
    """An interval around a peak, both ends inclusive; the onset may be negative and the offset beyond the video."""

    onset: int
    apex: int
    offset: int
    confidence: float


@dataclass(frozen=True)
class Curve:
    """The curve from which the intervals of one kind were made.

    Attributes:
        first: frame of the first height.
        heights: (n,) smoothed scores, one for each frame.
        level: least height of a peak; minus infinity where only the highest one is taken.
    """

    first: int
    heights: NDArray[np.float64]
    level: float


@dataclass(frozen=True)
class ScoreCurve:
    """The frame scores of one kind, and how they became intervals.

    Attributes:
        scores: scores of frames, (n_frames,); NaN where undefined.
        smoothed: smoothed scores; None if the method has its own `propose`.
        level: least height of a peak in `smoothed`, or None.
        baseline: seconds of the running median that was taken off before smoothing, or None.
    """

    scores: Scores
    smoothed: Scores | None = None
    level: float | None = None
    baseline: float | None = None


def interval(peak: int, k_prime: int, confidence: float, rule: Rule = "paper") -> Spotted:
    """The fixed interval around a peak: [F_p - k', F_p + k' - 1] (MEAN, section 3.4); the released code's ends at F_p +
    k'.

    >>> interval(10, 3, 1.0)
    Spotted(onset=7, apex=10, offset=12, confidence=1.0)
    """
    offset = peak + k_prime - 1 if rule == "paper" else peak + k_prime
    return Spotted(peak - k_prime, peak, offset, confidence)


def window_shift(lead: int) -> int:
    """Frames to shift an interval to the middle of its window: k'/2, rounded down.

    The label of frame i stands for the window [i, i + k' - 1], whose middle lies (k' - 1)/2 after i; that of [i - k', i + k' - 1] lies
    half a frame before i. The shift follows from the labels; nothing is tuned.

    Args:
        lead: frames by which a score sees an expression before its onset: k' - 1 with windows of k' frames.
    """
    return (lead + 1) // 2


def anchored(found: Spotted, anchor: Anchor, lead: int) -> Spotted:
    """An interval around a peak, moved by its anchor: `paper` leaves it, `middle` moves it `window_shift` later.

    >>> anchored(interval(10, 3, 1.0), "middle", lead=2)
    Spotted(onset=8, apex=11, offset=13, confidence=1.0)
    """
    shift = window_shift(lead) if anchor == "middle" else 0
    return Spotted(found.onset + shift, found.apex + shift, found.offset + shift, found.confidence)


def score_curve(
    smoothed: NDArray[np.float64], peaks: NDArray[np.int64], height: float = 0.5, lead: int = 0
) -> list[tuple[int, int] | None]:
    """Interval of each peak where the curve crosses a part of its height.

    The height is counted from the peak's foot, the lowest level from which one can climb it without passing a higher peak
    (its prominence); beyond the curve's ends all is as low as its minimum. Widths are those of `scipy.signal.peak_widths`.

    Args:
        smoothed: (n,), n at least 1.
        peaks: positions in it.
        height: part of the peak's height at which its width is taken, in (0, 1); 0.5 is half way.
        lead: frames before its onset from which an expression affects the score; the interval begins so much later, but
            not after its peak.

    Returns:
        (first, last) position, both inclusive; None for a peak without height, on a flat curve.

    >>> score_curve(np.array([0.0, 0.0, 1.0, 4.0, 3.0, 1.0, 0.0]), np.array([3]))
    [(3, 4)]
    """
    low = float(smoothed.min())
    heights = [low, *smoothed.tolist(), low]  # SciPy takes a second to import its signals
    found: list[tuple[int, int] | None] = []
    for peak in peaks.tolist():
        top = heights[peak + 1]
        if top <= low:
            found.append(None)
            continue
        level = top - (top - _foot(heights, peak + 1)) * (1 - height)
        left = _crossing(heights, peak + 1, level, step=-1)
        right = _crossing(heights, peak + 1, level, step=1)
        first = min(math.ceil(left) - 1, peak) + lead
        last = max(math.floor(right) - 1, peak)
        found.append((min(first, peak), last))
    return found


def _foot(heights: Sequence[float], peak: int) -> float:
    """The higher of the lowest levels on both sides of a peak.

    Each side ends at a higher peak.
    """
    lows = []
    for step in (-1, 1):
        low = heights[peak]
        position = peak
        while 0 <= position < len(heights) and heights[position] <= heights[peak]:
            low = min(low, heights[position])
            position += step
        lows.append(low)
    return max(lows)


def _crossing(heights: Sequence[float], peak: int, level: float, step: int) -> float:
    """The nearest place beside a peak where the curve falls to a level.

    Args:
        heights: the curve, which falls to the level on that side.
        peak: position of the peak.
        level: level below the peak.
        step: -1 for the side before the peak, 1 for the one after it.
    """
    position = peak
    while heights[position] > level:
        position += step
    if heights[position] == level or position == peak:
        return float(position)
    share = (level - heights[position]) / (heights[position - step] - heights[position])
    return position - step * share


def overlap(a: Span, b: Span) -> tuple[Any, Any]:
    """Intersection and union of two intervals in frames; whole numbers, hence exact.

    Args:
        a: onset and offset, both inclusive: two numbers, or two arrays that broadcast with those of `b`.
        b: the same.
    """
    common = np.maximum(np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]) + 1, 0)
    return common, (a[1] - a[0] + 1) + (b[1] - b[0] + 1) - common


def overlap_ratio(common: Any, either: Any) -> Any:
    """Intersection over union; 0 where both are 0. Correctly rounded, so it orders as the exact ratios do."""
    return common / np.maximum(either, 1)


def reaches_iou(common: Any, either: Any, threshold: Fraction, reaching: bool = True) -> Any:
    """Whether intersection over union reaches a threshold, or on demand exceeds it.

    At least one frame must be common.

    """
    # common / either against numerator / denominator, without a division that rounds
    ratio_side = common * threshold.denominator
    threshold_side = either * threshold.numerator
    passes = ratio_side >= threshold_side if reaching else ratio_side > threshold_side
    return passes & (common > 0)


def iou(a: Span, b: Span) -> Any:
    """Common frames of two intervals divided by the frames of either.

    >>> float(iou((0, 3), (2, 5))), float(iou((0, 1), (2, 3)))
    (0.3333333333333333, 0.0)
    """
    return overlap_ratio(*overlap(a, b))


def hits(a: Span, b: Span) -> Any:
    """Whether the IoU of two intervals is at least .5: a hit (MEAN, equation 14).

    >>> bool(hits((0, 3), (2, 3))), bool(hits((0, 3), (3, 3)))
    (True, False)
    """
    return reaches_iou(*overlap(a, b), Fraction(1, 2))


def stretches(high: NDArray[np.bool_], bridge: int = 0) -> list[tuple[int, int]]:
    """First and last frame of each stretch of True, both inclusive; those with at most `bridge` frames between them are one.

    >>> stretches(np.array([0, 1, 1, 0, 1, 0, 0, 1], bool), bridge=1)
    [(1, 4), (7, 7)]
    """
    frames = np.flatnonzero(high)
    parts = np.split(frames, np.flatnonzero(np.diff(frames) > bridge + 1) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts if len(part)]


def suppress(found: Sequence[Spotted], most: float, top: int | None = None) -> list[Spotted]:
    """Non-maximum suppression: of two intervals with an IoU above `most` the more confident stays; ties: the earlier.

    Args:
        found: intervals in any order.
        most: highest IoU that two may have, from 0 (no common frame) to 1 (everything stays).
        top: number of intervals that remain at most, the surest ones; None for all.

    Returns:
        The remaining intervals, by time.
    """
    surest_first = sorted(found, key=lambda s: (-s.confidence, s.apex))
    ends = np.array([(s.onset, s.offset) for s in surest_first], dtype=np.int64).reshape(-1, 2).T
    kept_ranks: list[int] = []
    for rank in range(len(surest_first)):
        if (iou(ends[:, rank], ends[:, kept_ranks]) <= most).all():
            kept_ranks.append(rank)
    return sorted((surest_first[rank] for rank in kept_ranks[:top]), key=lambda s: s.apex)


def place_randomly(rng: np.random.Generator, n_frames: int, count: int, k_prime: int) -> list[Spotted]:
    """Intervals of width 2k' at random peaks, inside the video.

    They may overlap, and their confidences are random. The peak of a video shorter than 2k' is its middle.
    """
    first = k_prime
    last = n_frames - k_prime
    peaks = rng.integers(first, last + 1, count) if last >= first else np.full(count, n_frames // 2)
    confidences = rng.random(count)
    return [interval(int(peak), k_prime, float(c)) for peak, c in zip(np.sort(peaks), confidences)]


def smooth(scores: Scores, k_prime: int, rule: Rule = "paper", smoothing: Smoothing = "average") -> tuple[int, Scores]:
    """Weighted moving average of frame scores.

    `paper`: over the 2k'+1 frames around each, only frames with a full window kept (MEAN, equation 11). `released_code`: over
    the 2k' frames [i - k', i + k' - 1], zero-padded, every frame kept.

    Args:
        scores: (n,), without NaN.
        k_prime: half window in frames, at least 1.
        rule: one of the two above.
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
        return 0, np.convolve(scores, make_window(2 * k_prime, smoothing))[k_prime - 1 : k_prime - 1 + n]
    length = 2 * k_prime + 1
    if n < length:
        return k_prime, np.empty(0)
    return k_prime, np.convolve(scores, make_window(length, smoothing), mode="valid")


def make_window(length: int, smoothing: Smoothing) -> Scores:
    """Symmetric weights of a moving average that sum to 1, (length,): those of `scipy.signal.windows`.

    >>> make_window(3, "exponential_1").round(3)
    array([0.212, 0.576, 0.212])
    """
    if smoothing == "average":
        return np.full(length, 1 / length)
    shape, _, width = smoothing.partition("_")
    windows = scipy.signal.windows
    tau = float(width)
    weights = windows.gaussian(length, tau) if shape == "gaussian" else windows.exponential(length, tau=tau)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def baseline_reach(seconds: float, fps: float) -> int:
    """Frames on each side of a frame in the window of its baseline.

    >>> baseline_reach(2.0, 25.0)
    25
    """
    return max(1, round(seconds * fps / 2))


def less_baseline(scores: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Scores less their running median; frames without a score get 0, as if they were on the median.

    Args:
        scores: (n,); NaN does not count in medians.
        reach: frames on each side that the median is taken over, fewer at the ends.

    >>> less_baseline(np.array([5.0, 5.0, 7.0, 5.0, 5.0, np.nan]), 1)
    array([0., 0., 2., 0., 0., 0.])
    """
    if not len(scores):
        return scores
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(scores, reach, constant_values=np.nan), 2 * reach + 1)
    at_once = max(1, WINDOW_NUMBERS // windows.shape[1])
    medians = [_known_medians(windows[first : first + at_once]) for first in range(0, len(windows), at_once)]
    raised: NDArray[np.float64] = np.nan_to_num(scores - np.concatenate(medians))
    return raised


def _known_medians(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of the numbers in each row that are known; NaN where none is. Pandas takes half a second to import."""
    ordered = np.sort(rows, axis=1)  # NaN comes last
    n_known = np.count_nonzero(~np.isnan(ordered), axis=1)
    lower_middle = np.maximum(n_known - 1, 0) // 2
    upper_middle = np.minimum(n_known // 2, rows.shape[1] - 1)
    row = np.arange(len(rows))
    medians: NDArray[np.float64] = (ordered[row, lower_middle] + ordered[row, upper_middle]) / 2
    return medians


def threshold(scores: NDArray[np.float64], p: float) -> float:
    """The threshold T of a video's smoothed scores: mean + p (max - mean) (MEAN, equation 12).

    At p = 1 rounding must not lift it above the maximum, which is then the one peak.
    """
    mean = float(scores.mean())
    highest = float(scores.max())
    return min(mean + p * (highest - mean), highest)


def peaks_of(
    smoothed: NDArray[np.float64], level: float, distance: float, highest_only: bool = False
) -> NDArray[np.int64]:
    """Positions of local maxima of at least `level`, at least `distance` apart; of close ones the highest stays, of
    equal ones the last.

    They are those of `scipy.signal.find_peaks`, so neither end is ever a peak; but which of equally high ones its `distance` leaves
    depends on the processor.

    Args:
        smoothed: (n,), n at least 1.
        level: the threshold.
        distance: in frames.
        highest_only: no threshold, the (first) highest position is the only answer, even at an end.
    """
    if highest_only:
        return np.array([int(smoothed.argmax())])
    peaks = _local_maxima(smoothed)
    peaks = peaks[smoothed[peaks] >= level]
    first_close = np.searchsorted(peaks, peaks - distance, side="right").tolist()
    end_of_close = np.searchsorted(peaks, peaks + distance, side="left").tolist()
    stays = np.ones(len(peaks), dtype=bool)
    highest_first = np.lexsort((peaks, smoothed[peaks]))[::-1].tolist()
    for i in highest_first:
        if stays[i]:
            stays[first_close[i] : end_of_close[i]] = False
            stays[i] = True
    return np.asarray(peaks[stays])


def _local_maxima(curve: Scores) -> NDArray[np.int64]:
    """Positions higher than what lies beside them, the middle of a flat top; never an end. SciPy takes a second to import its signals."""
    last_of_stretch = np.flatnonzero(np.diff(curve))  # stretches of one height, but for the last one
    starts = np.append(0, last_of_stretch + 1)
    ends = np.append(last_of_stretch, len(curve) - 1)
    heights = curve[starts]
    is_higher = (heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])
    middles = np.asarray((starts + ends) // 2, np.int64)
    return np.asarray(middles[1:-1][is_higher])


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
    fps: float | None = None,
    keep: Callable[[Curve], object] | None = None,
) -> list[Spotted]:
    """Spotted intervals of one video from its frame scores.

    Smoothing, the threshold T, peaks at least k' apart and at least T high, and a fixed interval around each (MEAN, section
    3.4). The peaks are those of `scipy.signal.find_peaks`, so the first and the last kept frame are never peaks.

    Args:
        scores: (n,); NaN (undefined, such as the last k frames) is taken off both ends. Inner NaN is an error of the caller,
            unless the options have a baseline, on which such frames then lie.
        k_prime: half the mean expression length in frames, at least 1.
        p: place of the threshold between mean (0) and maximum (1); that of the options where it is left out.
        rule: the paper's smoothing and interval, or the released code's; that of the options where it is left out.
        highest_only: no threshold, the highest smoothed frame is the one answer (short videos, section 4.3).
        options: smoothing, intervals and suppression; the paper's where they are left out.
        level: an absolute threshold instead of T; minus infinity for every peak.
        distance: least distance of two peaks in frames; k' where it is left out.
        lead: frames by which a score sees an expression before its onset, see `anchored` and `score_curve`.
        fps: frames per second, which options with a baseline need.
        keep: given the curve in which the peaks are found, if there is one.

    Returns:
        Intervals by time; the confidence is the smoothed score of the peak. A video too short to smooth, or without any
        defined score, gives none.
    """
    how = options or SpottingParams()
    p = how.p if p is None else p
    rule = how.rule if rule is None else rule
    defined = np.flatnonzero(~np.isnan(scores))
    if not len(defined):
        return []
    first = int(defined[0])
    last = int(defined[-1])
    defined_scores = np.asarray(scores[first : last + 1], dtype=np.float64)
    if how.baseline is not None:
        defined_scores = _less_baseline_of_seconds(defined_scores, how.baseline, fps)
    offset, smoothed = smooth(defined_scores, k_prime, rule, how.smoothing)
    if len(smoothed) == 0:
        return []
    start = first + offset
    height = threshold(smoothed, p) if level is None else level
    if keep is not None:
        keep(Curve(start, smoothed, -np.inf if highest_only else height))
    peaks = peaks_of(smoothed, height, k_prime if distance is None else distance, highest_only)
    half = max(1, int(how.half_width * k_prime + 0.5))
    fixed = [interval(start + int(peak), half, float(smoothed[peak]), rule) for peak in peaks]
    found = [anchored(one, how.anchor, lead) for one in fixed]
    if how.interval == "score_curve":
        spans = score_curve(smoothed, peaks, how.curve_height, lead)
        found = [_at_span(one, moved, span, start) for one, moved, span in zip(fixed, found, spans, strict=True)]
    return found if how.nms is None else suppress(found, how.nms)


def _less_baseline_of_seconds(scores: NDArray[np.float64], seconds: float, fps: float | None) -> NDArray[np.float64]:
    """Scores without their baseline over some seconds, which needs a frame rate."""
    if not fps:
        raise ConfigError(f"method.baseline={seconds} is in seconds, and these scores have no frame rate")
    return less_baseline(scores, baseline_reach(seconds, fps))


def _at_span(peak: Spotted, fixed: Spotted, span: tuple[int, int] | None, start: int) -> Spotted:
    """An interval with the ends of the score curve, or the fixed ones.

    Args:
        peak: interval around the peak, before it is anchored.
        fixed: the same after it is anchored.
        span: first and last position in the curve; None on a flat curve.
        start: frame of the curve's first position.
    """
    onset = fixed.onset
    offset = fixed.offset
    if span is not None:
        onset = start + span[0]
        offset = start + span[1]
    apex = min(max(peak.apex, onset), offset)  # it stays at the peak, or is moved into the interval
    return Spotted(onset, apex, offset, peak.confidence)


def learnt_threshold(found: Sequence[Sequence[Spotted]], truths: Sequence[Sequence[tuple[int, int]]]) -> float:
    """The level with the largest F1 of spotting, over all videos together; of equally good ones the highest.

    Args:
        found: all intervals spotted without a threshold in each video, also in videos without expressions.
        truths: (onset, offset) of each video's expressions of the kind, both inclusive.

    Returns:
        A level half way between the last peak above it and the first below it. Where no peak is right, one just above the
        highest peak; where there is no peak at all, infinity.
    """
    # A peak suppresses only lower frames, so the peaks above a level are the first of all peaks.
    of_video = [(peak, video) for video, peaks in enumerate(found) for peak in peaks]
    highest_first = sorted(of_video, key=lambda entry: (-entry[0].confidence, entry[1], entry[0].apex))
    if not highest_first:
        return float("inf")
    n_right = np.cumsum(_are_right(highest_first, truths))
    n_spotted = np.arange(1, len(highest_first) + 1)
    n_truths = sum(map(len, truths))
    f1 = 2 * n_right / (n_spotted + n_truths)
    heights = np.array([peak.confidence for peak, _ in highest_first])
    f1[:-1][heights[:-1] == heights[1:]] = -1  # no level separates equal peaks
    best = int(f1.argmax())
    if n_right[best] == 0:
        return float(np.nextafter(heights[0], np.inf))
    if best + 1 == len(heights):
        return float(heights[best])
    return float((heights[best] + heights[best + 1]) / 2)


def _are_right(peaks: Sequence[tuple[Spotted, int]], truths: Sequence[Sequence[tuple[int, int]]]) -> NDArray[np.bool_]:
    """Whether each peak, given with the number of its video, hits a truth; it takes the free one that it overlaps most."""
    free = [np.array(spans, dtype=np.int64).reshape(-1, 2).T for spans in truths]
    right = np.zeros(len(peaks), dtype=bool)
    for i, (peak, video) in enumerate(peaks):
        span = (peak.onset, peak.offset)
        if hits(span, free[video]).any():
            free[video] = np.delete(free[video], iou(span, free[video]).argmax(), axis=1)
            right[i] = True
    return right
