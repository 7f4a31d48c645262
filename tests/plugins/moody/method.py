"""Random scores from the fold's seed alone, and trouble on demand."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mebench import spotting
from mebench.core import ClipView, LabelledVideo, Method, Prediction, Task, VideoView

from .params import Params as _Params


class Moody(Method):
    """`trouble=[2=raise]` is trouble in the fold that tests subject 2."""

    Params = _Params
    params: _Params
    tasks = frozenset({"spot", "recognize"})
    kinds = ("micro", "macro")

    weights: torch.Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.register_buffer("weights", torch.rand(1000, dtype=torch.float64))

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Get into the trouble that the tested subject stands for."""
        trouble = self._trouble_without(train)
        gate = Path(self.params.gate)
        if trouble == "raise":
            raise ValueError("a matrix is singular")
        if trouble == "memory":
            raise MemoryError
        if trouble == "die" or (trouble == "die once" and _marks_first_time(gate)):
            os._exit(1)
        if trouble == "hang":
            Path(f"{gate}.hung.{os.getpid()}").touch()
            time.sleep(600)
        while trouble == "wait" and not gate.exists():
            time.sleep(0.05)

    def _trouble_without(self, train: Sequence[LabelledVideo]) -> str:
        """Trouble of the first subject whom the fold does not train on; empty if there is none.

        People bear drawn names in a fold: the length of their expressions tells them apart.
        """
        micro = [e for video in train for e in video.expressions if e.kind == "micro"]
        trained = {str(e.offset - e.onset - 8) for e in micro}
        troubles = dict(entry.split("=") for entry in self.params.trouble)
        return next((trouble for subject, trouble in troubles.items() if subject not in trained), "")

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The same random walk for each kind."""
        scores = (self.weights[: video.n_frames] - 0.5).cumsum(0).numpy()
        return np.repeat(scores[:, None], len(self.task.kinds), 1)

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Intervals around the peaks of each kind's walk."""
        return [
            Prediction(video.key, kind, *interval)
            for column, kind in enumerate(self.task.kinds)
            for interval in spotting.spot(scores[:, column], video.timing.k_prime[kind], 0.2)
        ]

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Random numbers that follow from the apex."""
        return np.stack([self.weights[clip.apex : clip.apex + len(self.task.classes)].numpy() for clip in clips])


def _marks_first_time(mark: Path) -> bool:
    new = not mark.exists()
    mark.touch()
    return new


Plugin = Moody
