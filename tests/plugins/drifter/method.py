"""A spotter whose intervals are others after each epoch, at random."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

from mebench.core import LabelledVideo, Method, Prediction, Stage, Task, VideoView

from .params import Params as _Params

INTERVALS = 12
"""Number of intervals in each video."""


class Drifter(Method):
    """Trains for four epochs, in which it learns nothing and counts them."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")

    passed: torch.Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.register_buffer("passed", torch.zeros(1))

    def stages(self) -> tuple[Stage, ...]:
        """Four epochs."""
        return (Stage("only", 4, 4),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TensorDataset, None]:
        """One batch of zeros."""
        return TensorDataset(torch.zeros(4, 1)), None

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        """A loss without a gradient."""
        return self.weight.sum() * 0.0

    def on_train_epoch_start(self) -> None:
        """Count the epochs."""
        self.passed += 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Any will do."""
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Zeros."""
        return np.zeros((video.n_frames, len(self.task.kinds)))

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Intervals that follow from the number of epochs and the name of the video."""
        draw = np.random.default_rng([int(self.passed), *map(ord, video.key)])
        onsets = draw.integers(0, video.n_frames - 12, INTERVALS).tolist()
        kinds = draw.choice(self.task.kinds, INTERVALS).tolist()
        return [
            Prediction(video.key, kind, onset, onset + 3, onset + 9, float(draw.random()))
            for onset, kind in zip(onsets, kinds)
        ]


Plugin = Drifter
