"""LTP-ML behind the contract: a linear SVM judges how twelve regions move from each frame on."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.svm import SVC
from torch import Tensor

from mebench.core import Chain, LabelledVideo, Method, Prediction, Task, Timing, VideoView
from mebench.spotting import interval

from .params import Params as _Params
from .patterns import fused, intervals, learnt_frames, patterns, regions_of, typical, windows
from .regions import Picture, RegionPixels

CHAIN = "pixels_of_regions"


class Ltp(Method):
    """Spots micro-expressions by the pattern of their movement; the SVM is kept as weights and a bias."""

    Params = _Params
    tasks = frozenset({"spot"})
    transductive = "video"  # a pattern is a part of the largest movement of its window
    params: _Params

    weights: Tensor
    bias: Tensor

    _seen: tuple[VideoView, NDArray[np.float64], NDArray[np.bool_]] | None = None

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.register_buffer("weights", torch.zeros(1 + params.moments, dtype=torch.float64))
        self.register_buffer("bias", torch.tensor(-1.0, dtype=torch.float64))

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The pixels of the regions of each frame."""
        return {CHAIN: Chain(CHAIN, (self.params.face(), Picture(), RegionPixels(self.params.region)))}

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """The hyperplane between beginnings of expressions in regions that show them, and other frames of these
        regions.
        """
        p, samples, labels = self.params, [], []
        for video in train:
            found, fps = list(self._windows(video)), video.timing.fps
            lead = max(1, round(p.lead * p.frames(p.reach, fps)))
            for e in (one for one in video.expressions if one.kind == "micro"):
                start, rows = [one for one in found if one[0] <= e.onset][-1]
                if e.onset - start >= rows.shape[1]:
                    continue
                frames, begins = learnt_frames(rows.shape[1], e.onset - start, lead, p.sample)
                for region in typical(rows, e.onset - start, regions_of(e.action_units), p.intensity):
                    samples.append(self._at_moments(rows[region, frames]))
                    labels.append(begins)
        y = np.concatenate([np.empty(0, np.int64), *labels])
        if len(np.unique(y)) == 2:
            svm = SVC(kernel="linear", C=p.c, class_weight={1: p.weight}).fit(np.concatenate(samples), y)
            self.weights, self.bias = torch.from_numpy(svm.coef_[0].copy()), torch.from_numpy(svm.intercept_)[0]
        self.notes["patterns"] = float(y.sum())

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The largest distance of a region to the hyperplane, (n_frames, 1), `lead` frames later: at the onset; NaN
        before.
        """
        return self._looked_at(video)[0][:, None]

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Intervals of detected frames; in videos with one expression the surest, or one around the highest frame."""
        p, fps, own = self.params, video.timing.fps, np.nan_to_num(scores[:, 0], nan=-np.inf)
        spans = intervals(self._looked_at(video)[1], p.frames(p.span, fps), p.frames(p.least, fps))
        found = []
        for onset, offset in spans:
            apex = onset + int(own[onset : offset + 1].argmax())
            found.append(Prediction(video.key, "micro", onset, apex, offset, float(own[apex])))
        if not self.task.one_per_video:
            return found
        if not found and np.isfinite(own).any():
            apex = int(own.argmax())
            return [Prediction(video.key, "micro", *interval(apex, video.timing.k_prime["micro"], float(own[apex])))]
        return [max(found, key=lambda one: one.confidence)] if found else []

    def _windows(self, video: VideoView) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """First frame and patterns of each window, (regions, n, 1 + reach)."""
        p, fps = self.params, video.timing.fps
        pixels, reach = video.features(CHAIN), p.frames(p.reach, fps)
        for start, stop in windows(len(pixels), max(p.frames(p.window, fps), reach + 1), reach):
            own = np.asarray(pixels[start:stop, ..., 0], np.float64)
            yield start, np.stack([patterns(one, reach, p.cn_limit) for one in own.swapaxes(0, 1)])

    def _looked_at(self, video: VideoView) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores and detected frames of a video, (n,) each, both `lead` frames later than the patterns begin; computed
        once.
        """
        if self._seen is None or self._seen[0] is not video:
            p, fps, n = self.params, video.timing.fps, video.n_frames
            reach = p.frames(p.reach, fps)
            lead = max(1, round(p.lead * reach))
            scores, hits = np.full(n, np.nan), np.zeros(n, bool)
            spans = ceil(round(p.region_span * reach, 6)), int(round(p.frame_span * reach, 6))
            for start, rows in self._windows(video):
                heights = np.asarray(
                    self._at_moments(rows) @ self.weights.numpy() + float(self.bias)
                )  # of (regions, n) over the hyperplane
                own = fused(heights > 0, rows, p.intensity, spans, reach)[0]
                first, last = min(start + lead, n), min(start + lead + len(own), n)
                hits[first:last] |= own[: last - first]
                scores[first:last] = np.fmax(scores[first:last], heights.max(0)[: last - first])
            self._seen = video, scores, hits
        return self._seen[1:]

    def _at_moments(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Patterns (..., 1 + reach) read at some moments, evenly spread over the reach, (..., 1 + moments)."""
        places = np.linspace(1, rows.shape[-1] - 1, self.params.moments)
        return rows[..., np.r_[0, np.round(places).astype(int)]]


Plugin = Ltp
