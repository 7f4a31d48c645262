"""The most frequent class: what recognition without looking scores."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mebench.core import ClipView, LabelledVideo, Method, Task, all_clips

from .params import Params as _Params


class Majority(Method):
    """Answers every clip with the class shares of the training clips."""

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})
    several = True

    shares: torch.Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.register_buffer("shares", torch.zeros(len(task.classes), dtype=torch.float64))

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Count the classes; of equally frequent ones the first of the scheme wins."""
        labels = torch.tensor([clip.label for clip in all_clips(train)])
        if not self.task.several:
            self.shares.copy_(torch.bincount(labels, minlength=len(self.shares)) / len(labels))
        elif self.params.sets == "every":
            self.shares.fill_(1)
        else:  # a bit for each class
            self.shares.copy_((labels[:, None] >> torch.arange(len(self.shares)) & 1).double().mean(0))

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """The same row for every clip, (n_clips, n_classes)."""
        return np.tile(self.shares.numpy(), (len(clips), 1))


Plugin = Majority
