"""A recognizer with dropout that remembers its answers for the held-out samples."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mebench.core import LabelledVideo, Method, Stage, Task
from mebench.training import Classified, Samples

from .params import Params as _Params

N_TRAIN = 30
"""Number of samples to train on, of 45."""
TASK = Task(frozenset({"recognize"}), classes=("fear", "joy", "awe"))


class Dropper(Method):
    """Learns three classes, of which the third never occurs, though it may be said.

    Attributes:
        answers: truth and answer of each held-out sample, by epoch.
    """

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})

    def __init__(self, params: _Params, task: Task = TASK, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        torch.manual_seed(3)
        self.network = nn.Sequential(nn.Dropout(), nn.Linear(4, 3))
        self.answers: dict[int, list[tuple[int, int]]] = {}

    def stages(self) -> tuple[Stage, ...]:
        """One stage of four epochs."""
        return (Stage("naming", 4, 8),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[Samples, Samples | None]:
        """Drawn samples, whose first number tells the class."""
        x = torch.randn(45, 4, generator=torch.Generator().manual_seed(5))
        y = (x[:, 0] > 0).long()
        watched = Samples(x[N_TRAIN:], y[N_TRAIN:]) if self.params.watched else None
        return Samples(x[:N_TRAIN], y[:N_TRAIN]), watched

    def training_step(self, batch: Sequence[torch.Tensor], index: int) -> torch.Tensor:
        """The loss of a batch."""
        inputs, labels = batch
        return F.cross_entropy(self.network(inputs), labels)

    def validation_step(self, batch: Sequence[torch.Tensor], index: int) -> Any:
        """Remember the answers, and give them."""
        inputs, labels = batch
        scores = self.network(inputs)
        of_epoch = self.answers.setdefault(self.current_epoch, [])
        of_epoch.extend(zip(labels.tolist(), scores.argmax(1).tolist()))
        return self.answer(scores, labels)

    def answer(self, scores: torch.Tensor, truth: torch.Tensor) -> Any:
        """The result of a validation step."""
        return Classified(scores, truth)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Plain descent."""
        return torch.optim.SGD(self.parameters(), lr=1.0)


Plugin = Dropper
