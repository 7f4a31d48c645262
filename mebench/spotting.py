"""Spotting functions for plugins, on plain arrays: frame scores -> smoothing -> peaks -> threshold -> intervals.

All functions take the scores of one video and one kind and answer in its frames. Nothing here sees a label, but for
`learnt_threshold`, which is fitted to training subjects.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mebench.core.options import (
    ANCHORS,
    RULES,
    SMOOTHINGS,
    Anchor,
    Interval,
    Rule,
    Smoothing,
    SpottingParams,
    Threshold,
)
from mebench.core.peaks import (
    Curve,
    Spotted,
    anchored,
    baseline_reach,
    hits,
    interval,
    iou,
    learnt_threshold,
    make_window,
    overlap,
    peaks_of,
    place_randomly,
    score_curve,
    smooth,
    spot,
    stretches,
    suppress,
    threshold,
    window_shift,
)

__all__ = [
    "ANCHORS",
    "RULES",
    "SMOOTHINGS",
    "Anchor",
    "Curve",
    "Interval",
    "Rule",
    "Running",
    "Smoothing",
    "Spotted",
    "SpottingParams",
    "Threshold",
    "anchored",
    "high_intervals",
    "hits",
    "interval",
    "iou",
    "learnt_threshold",
    "less_macro",
    "overlap",
    "peaks_of",
    "place_randomly",
    "score_curve",
    "smooth",
    "spot",
    "stretches",
    "suppress",
    "threshold",
    "window_shift",
]


NEIGHBOURHOOD = 3
"""k' of macro-expressions over that of micro-expressions in the programs of SOFTNet, MEAN and MTSN: 18 and 6 frames on CAS(ME)^2."""


def less_macro(scores: NDArray[np.float64], k_prime: int) -> NDArray[np.float64]:
    """Scores of micro-expressions less the mean score of macro-expressions around each frame.

    The motion of macro-expressions lasts longer.

    Args:
        scores: (n, 1), which stay unchanged; or (n, 2) of micro- and macro-expressions; NaN where undefined.
        k_prime: half the length of micro-expressions; `NEIGHBOURHOOD` times this number of frames on both sides count.

    Returns:
        (n, 1).

    >>> less_macro(np.array([[0.9, 0.1], [0.8, 0.4], [0.5, 0.7]]), 1).round(3).T
    array([[0.5, 0.4, 0.1]])
    """
    if scores.shape[1] == 1:
        return scores
    macro = scores[:, 1]
    reach = NEIGHBOURHOOD * k_prime
    near = np.ones(2 * reach + 1)
    parts = (np.nan_to_num(macro), np.isfinite(macro))
    sums, counts = (np.convolve(part, near)[reach : reach + len(macro)] for part in parts)
    return np.asarray(scores[:, :1] - (sums / np.maximum(counts, 1))[:, None])


def high_intervals(
    scores: NDArray[np.float64], high: NDArray[np.bool_], lengths: range | None, bridge: int = 0
) -> list[Spotted]:
    """Stretches of high scores as intervals, without smoothing and without peaks.

    Args:
        scores: (n,), defined where they are high.
        high: (n,).
        lengths: numbers of frames that an interval may have; None keeps the one with the highest score, whatever its length.
        bridge: see `stretches`.

    Returns:
        By time, both ends inclusive; the apex is the highest frame, the first of equally high ones, the confidence its score.
    """
    spotted = []
    for onset, offset in stretches(high, bridge):
        apex = onset + int(np.nanargmax(scores[onset : offset + 1]))
        spotted.append(Spotted(onset, apex, offset, float(scores[apex])))
    if lengths is None:
        return [max(spotted, key=lambda s: s.confidence)] if spotted else []
    return [s for s in spotted if s.offset - s.onset + 1 in lengths]


class RunningBaseline:
    """`less_baseline` while the scores come: each value `reach` frames after its score.

    Args:
        reach: frames on each side that a median is taken over, fewer at the ends.
    """

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self._window: deque[float] = deque(maxlen=2 * reach + 1)
        self._n_waiting = 0

    def add(self, score: float) -> float | None:
        """Take a score; the value `reach` frames before it, None before there is one."""
        self._window.append(score)
        self._n_waiting += 1
        return self._next_value() if self._n_waiting > self._reach else None

    def finish(self) -> list[float]:
        """The values of the scores that still wait."""
        values = []
        while self._n_waiting:
            if len(self._window) - self._n_waiting > self._reach:
                self._window.popleft()
            values.append(self._next_value())
        return values

    def _next_value(self) -> float:
        """The score that waits longest, less the median of the window around it; 0 without a score."""
        score = self._window[len(self._window) - self._n_waiting]
        self._n_waiting -= 1
        return 0.0 if np.isnan(score) else float(score - np.nanmedian(np.array(self._window)))


class Running:
    """`spot` with an absolute threshold while the scores come: each interval as soon as no later score can change it.

    After `finish` they are those of `spot`. A peak waits until none can come nearer than k' frames, and none that near is open.

    Args:
        k_prime: half the mean expression length in frames, at least 1.
        level: the threshold.
        options: options with `rule=paper`, `interval=fixed` and without `nms`, which look at later peaks.
        lead: frames by which a score leads its frame, see `spot`.
        fps: frames per second, which options with a baseline need.
    """

    def __init__(
        self, k_prime: int, level: float, options: SpottingParams | None = None, lead: int = 0, fps: float | None = None
    ) -> None:
        how = self.options = options or SpottingParams()
        has_baseline = how.baseline is not None and fps is not None
        self._baseline = RunningBaseline(baseline_reach(how.baseline, fps)) if has_baseline else None  # type: ignore[arg-type]
        self._k_prime = k_prime
        self._level = level
        self._lead = lead
        self._weights = np.ones(1) if how.smoothing == "none" else make_window(2 * k_prime + 1, how.smoothing)
        self._recent: deque[float] = deque(maxlen=len(self._weights))
        self.frame = len(self._weights) // 2 - 1
        self._before: float | None = None
        self._rose: int | None = None  # where the scores rose to the last one
        self._open: list[tuple[float, int]] = []  # height and frame of peaks that are not settled

    def add(self, score: float) -> tuple[float | None, list[Spotted]]:
        """Take a score; the smoothed score of `frame`, half a window earlier, None before there is one, and intervals that are settled."""
        if self._baseline is None:
            return self._add(score)
        value = self._baseline.add(score)
        return (None, []) if value is None else self._add(value)

    def drain(self) -> Iterator[tuple[float | None, list[Spotted]]]:
        """The answers of `add` to scores that still wait for their baseline."""
        if self._baseline is not None:
            for value in self._baseline.finish():
                yield self._add(value)

    def _add(self, score: float) -> tuple[float | None, list[Spotted]]:
        """Take a score, less its baseline if there is one."""
        self._recent.append(score)
        if len(self._recent) < len(self._weights):
            return None, []
        self.frame = frame = self.frame + 1
        value = float(np.convolve(np.array(self._recent), self._weights, mode="valid")[0])
        if self._before is not None and value > self._before:
            self._rose = frame
        elif self._before is not None and value < self._before:
            if self._rose is not None and self._before >= self._level:
                self._open.append((self._before, (self._rose + frame - 1) // 2))
            self._rose = None
        self._before = value
        return value, self._settle(frame + 1 if self._rose is None else self._rose)

    def finish(self) -> list[Spotted]:
        """The intervals that were not settled before the scores ended."""
        settled = [spotted for _, of_score in self.drain() for spotted in of_score]
        return [*settled, *self._settle(None)]

    def _settle(self, earliest: int | None) -> list[Spotted]:
        """Take the peaks that no later score can change.

        Args:
            earliest: earliest frame that may still become a peak; None after the last score.
        """
        spotted: list[Spotted] = []
        for height, frame in sorted(self._open, reverse=True):  # the highest first, of equally high ones the last
            near = [peak for peak in self._open if abs(peak[1] - frame) < self._k_prime]
            is_highest = (height, frame) in near and max(near) == (height, frame)
            is_final = earliest is None or earliest - frame >= self._k_prime
            if is_highest and is_final:
                self._open = [peak for peak in self._open if peak not in near]
                half = max(1, int(self.options.half_width * self._k_prime + 0.5))
                spotted.append(anchored(interval(frame, half, height), self.options.anchor, self._lead))
        return spotted
