"""A recognizer whose weights count the epochs of each stage."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import TensorDataset

from mebench.core import LabelledVideo, Method, Stage, Task

from .params import Params as _Params

TASK = Task(frozenset({"recognize"}), classes=("a",))


class Counter(Method):
    """Trains for six epochs a stage, in which it learns nothing and counts them."""

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})

    epochs: torch.Tensor

    def __init__(self, params: _Params, task: Task = TASK, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.register_buffer("epochs", torch.zeros(params.stages))

    def stages(self) -> tuple[Stage, ...]:
        """Stages 0, 1, 2 …"""
        return tuple(Stage(str(number), 6, 4) for number in range(self.params.stages))

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TensorDataset, None]:
        """One batch of zeros."""
        return TensorDataset(torch.zeros(4, 1)), None

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        """A loss without a gradient."""
        return self.weight.sum() * 0.0

    def on_train_epoch_start(self) -> None:
        """Count the epochs of the stage."""
        self.epochs[int(self.stage)] += 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Any will do."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


Plugin = Counter
