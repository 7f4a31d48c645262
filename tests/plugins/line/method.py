"""Least squares by gradient descent, which notes everything that happens."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mebench.core import LabelledVideo, Method, Stage, Task
from mebench.training import Samples

from .params import Params as _Params

TASK = Task(frozenset({"recognize"}))


class Line(Method):
    """Fits y = w x to points of y = 3 x + 1.

    Attributes:
        plan: its stages.
        noted: what was called, in order: texts, the inputs of training steps by stage, the end.
    """

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})

    def __init__(self, params: _Params, task: Task = TASK, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.line = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.line.weight)
        self.plan: tuple[Stage, ...] = ()
        self.noted: list[Any] = []

    def stages(self) -> tuple[Stage, ...]:
        """Those of the plan."""
        return self.plan

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[Samples, Samples | None]:
        """Points at equal distances."""
        self.noted.append(f"samples {stage}")
        x = torch.linspace(-1, 1, self.params.n).view(-1, 1)
        samples = Samples(x, 3 * x + 1)
        return samples, samples if self.params.watched else None

    def training_step(self, batch: Sequence[torch.Tensor], index: int) -> torch.Tensor:
        """The mean square of the differences."""
        x, y = batch
        self.noted.append((self.stage, x[:, 0].tolist()))
        differences: torch.Tensor = self.line(x) - y
        return differences.square().mean()

    def validation_step(self, batch: Sequence[torch.Tensor], index: int) -> None:
        """Note that it was called."""
        self.noted.append(f"valid {self.stage}")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Plain descent."""
        return torch.optim.SGD(self.line.parameters(), lr=self.params.lr)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Note the stage and the mode at the end."""
        self.noted.append(("closed form", self.stage, self.training))


Plugin = Line
