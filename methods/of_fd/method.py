"""OF-FD behind the contract: no training; stretch after stretch of a video is compared with its own first frame."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from mebench.core import KINDS, Chain, Kind, Method, Prediction, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.spotting import interval

from .intervals import Span, divided, low_pass, merged, peaks, rise, widened
from .motion import THRESHOLDS, MotionFromFirst, Stacked
from .params import Params as _Params

CHAIN = "motion_from_first"
STRETCH = 200
"""Frames of the series that are compared with the same first one."""
HALF = STRETCH // 2
LEAST = 4
"""Least number of frames of a stretch after the first one."""


@dataclass(frozen=True)
class Walk:
    """The findings in a video, in frames of the series.

    Attributes:
        spans: intervals.
        heights: (n,), see `OFFD.score_frames`; NaN in frames outside all stretches.
    """

    spans: list[Span]
    heights: NDArray[np.float64]


class OFFD(Method):
    """Spots movements of regions of the face away from their place and back."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = KINDS
    params: _Params

    _walked: tuple[VideoView, Walk] | None = None

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        if find_spec("PyEMD") is None:
            raise ConfigError(
                "method=of_fd needs the package EMD-signal, which is not installed: pip install 'mebench[emd]'"
            )

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The motion of sixteen regions in a stretch, (frames, 16, 2).

        Raises:
            ConfigError: the videos have too few frames per second.
        """
        p = self.params
        p.rate(timing.fps)
        steps = (p.crop(), Stacked(p.step(timing.fps)), MotionFromFirst(p.unit, p.shares))
        return {CHAIN: Chain(CHAIN, steps, scope="clips")}

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Largest rise of a region within a second around, as a multiple of its threshold; equal for both kinds.

        (n_frames, n_kinds); NaN at the ends, outside all stretches.
        """
        step = self.params.step(video.timing.fps)
        heights = np.repeat(self._walk(video).heights, step)[: video.n_frames]
        return np.repeat(heights[:, None], len(self.task.kinds), axis=1)

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Intervals; the apex is the highest frame. In videos with one expression the surest, or one around the highest
        frame.
        """
        p, step = self.params, self.params.step(video.timing.fps)
        predictions = []
        for first, last in self._walk(video).spans:
            onset, offset = first * step, last * step
            own = np.nan_to_num(scores[onset : offset + 1, 0], nan=0.0)
            kind: Kind = "micro" if p.is_micro(offset - onset, video.timing.fps) else "macro"
            if self.task.one_per_video and len(self.task.kinds) == 1:
                (kind,) = self.task.kinds
            if kind in self.task.kinds:
                apex = onset + int(own.argmax())
                predictions.append(Prediction(video.key, kind, onset, apex, offset, float(own.max())))
        if not self.task.one_per_video:
            return predictions
        if not predictions and not np.isnan(scores).all():
            kind, highest = self.task.kinds[0], int(np.nanargmax(scores[:, 0]))
            around = interval(highest, video.timing.k_prime[kind], float(scores[highest, 0]))
            return [Prediction(video.key, kind, *around)]
        return [max(predictions, key=lambda one: one.confidence)] if predictions else []

    def _walk(self, video: VideoView) -> Walk:
        """Analyse a video once, for both scores and intervals."""
        if self._walked is None or self._walked[0] is not video:
            self._walked = video, self._look(video)
        return self._walked[1]

    def _look(self, video: VideoView) -> Walk:
        """Stretch after stretch, each beginning within the one before: half way, or next to an interval there."""
        fps, step = video.timing.fps, self.params.step(video.timing.fps)
        n, rules = -(-video.n_frames // step), self.params.rules(fps)
        heights, spans, first, more = np.full(n, np.nan), list[Span](), 0, True
        while more:
            whole, more = first + STRETCH <= n, first + STRETCH < n
            last = first + STRETCH - 1 if whole else n - 3  # as in the public code
            if last - first < LEAST:
                break
            more &= whole
            motion = video.clip_feature(CHAIN, first * step, first * step, last * step).astype(np.float64)
            found = twice_merged(self._in_stretch(motion, first + 1, heights, fps), rules.overlap)
            spans += found
            first += self._next([(a - first, b - first) for a, b in found])
        shortest, longest = self.params.lengths(fps)
        fitting = [span for span in spans if shortest <= span[1] - span[0] <= longest]
        return Walk(sorted(twice_merged(fitting, rules.overlap)), without_gaps(heights))

    def _in_stretch(
        self, motion: NDArray[np.float64], begin: int, heights: NDArray[np.float64], fps: float
    ) -> list[Span]:
        """Intervals of all regions from the second frame of a stretch, `begin`, to its last but one, with their heights
        recorded.
        """
        p, spans, rules = self.params, list[Span](), self.params.rules(fps)
        if len(motion) < 3:  # if only the time of a video is measured
            return []
        seen = heights[begin : begin + len(motion) - 2]
        for region, threshold in zip(np.moveaxis(motion[1:-1], 1, 0), THRESHOLDS, strict=True):
            low, needed = low_pass(np.hypot(region[:, 0], region[:, 1]), p.highest, p.rate(fps)), getattr(p, threshold)
            np.fmax(seen, rise(low, rules.around) / needed, out=seen)
            for peak in peaks(low, needed, rules):
                spans += [(a + begin, b + begin) for a, b in divided(low, widened(low, peak, rules), rules)]
        return spans

    @staticmethod
    def _next(found: list[Span]) -> int:
        """Beginning of the next stretch within this one: next to the last interval over its middle, or at the middle.

        >>> [OFFD._next([span]) for span in ((10, 40), (70, 120), (60, 180), (20, 170))]
        [100, 140, 40, 180]
        """
        begin = HALF
        for first, last in found:
            if first < HALF < last:
                begin = last + 20 if last < 150 else first - 20 if first > 50 else min(189, last) + 10
        return begin


def twice_merged(spans: list[Span], overlap: float) -> list[Span]:
    """Overlapping intervals are merged, as in the public code: an interval extended by one pass may overlap others."""
    return merged(merged(spans, overlap), overlap)


def without_gaps(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN between numbers replaced along a line: of a frame that ends one stretch and begins the next."""
    known = np.flatnonzero(~np.isnan(heights))
    if len(known):
        inner = np.arange(known[0], known[-1] + 1)
        heights[inner] = np.interp(inner, known, heights[known])
    return heights


Plugin = OFFD
