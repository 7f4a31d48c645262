"""Intervals at random places: what spotting without looking scores."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mebench import spotting
from mebench.core import Expression, LabelledVideo, Method, Prediction, Task, VideoView, stable_seed

from .params import Params as _Params


class Random(Method):
    """Knows only how many intervals per frame to place, learnt from the training subjects."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")

    rates: torch.Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.register_buffer("rates", torch.zeros(len(task.kinds), dtype=torch.float64))

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Intervals per frame of each kind."""
        for column, kind in enumerate(self.task.kinds):
            frames = sum(video.n_frames for video in train)
            truths = sum(e.kind == kind for video in train for e in video.expressions)
            rate = truths / frames
            self.rates[column] = rate if self.params.rate == "truths" else best_rate(train, kind, rate)

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """No score for any frame."""
        return np.full((video.n_frames, len(self.task.kinds)), np.nan)

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """All draws of a video. The number of intervals is the rate times the frames, rounded up or down at random."""
        rng = np.random.default_rng(stable_seed(self.seed, video.seed))
        found = []
        for draw in range(self.params.draws):
            for rate, kind in zip(self.rates.tolist(), self.task.kinds):
                count = 1 if self.task.one_per_video else int(rate * video.n_frames + rng.random())
                placed = spotting.place_randomly(rng, video.n_frames, count, video.timing.k_prime[kind])
                found += [Prediction(video.key, kind, *interval, draw=draw) for interval in placed]
        return found


def best_rate(videos: Sequence[LabelledVideo], kind: str, truth_rate: float) -> float:
    """Intervals per frame with the best expected F1 on some videos, searched from a tenth to twenty times the truths'
    rate.

    One random interval finds a truth with probability q, so n find it with 1 - (1 - q)^n; the expected F1 is taken as
    2 E[TP] / (E[intervals] + truths). No truths: 0.
    """
    rates = truth_rate * np.geomspace(0.1, 20, 60)
    hits, truths, frames = np.zeros(len(rates)), 0, 0
    for video in videos:
        frames += video.n_frames
        counts = rates * video.n_frames
        for e in video.expressions:
            if e.kind == kind:
                truths += 1
                hits += 1 - (1 - chance_of_hit(e, video.n_frames, video.timing.k_prime[e.kind])) ** counts
    if not truths:
        return 0.0
    return float(rates[np.argmax(2 * hits / (rates * frames + truths))])


def chance_of_hit(truth: Expression, n_frames: int, k_prime: int) -> float:
    """Share of the possible peaks whose interval [F_p - k', F_p + k' - 1] has IoU at least .5 with the truth."""
    peaks = np.arange(k_prime, max(n_frames - k_prime, k_prime) + 1)
    return float(np.mean(spotting.hits((peaks - k_prime, peaks + k_prime - 1), (truth.onset, truth.offset))))


Plugin = Random
