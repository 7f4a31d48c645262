"""The torchmetrics face of the scores, for use inside a training loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from mebench.metrics.ratios import Floats

Task = Literal["multiclass", "multilabel", "samples"]


class PooledScore(Metric):  # type: ignore[misc]
    """Gathers what a score needs over batches and processes and scores it once: nothing is averaged over batches.

    Args:
        function: from what was gathered to a number.
        task: what is gathered, and so which functions fit.

            - `multiclass`: a confusion matrix (C, C + 1), for `mebench.metrics.classification`. `update` takes class
              numbers (n,) or class scores (n, C), and true class numbers (n,).
            - `multilabel`: counts (C, 3), for `mebench.metrics.action_units`. `update` takes truth values or scores
              (n, C), of which those above `threshold` are said, and true values (n, C).
            - `samples`: all of them, for `frame_level.frame_auc` and `calibration.expected_calibration_error`. `update`
              takes scores (n,) and true values (n,), which the function gets in that order.
        n_classes: number of classes or units C; all are scored. Not used for `samples`.
        threshold: of `multilabel` scores.
    """

    full_state_update = False
    counts: torch.Tensor
    scores: list[torch.Tensor]
    truths: list[torch.Tensor]

    def __init__(
        self,
        function: Callable[..., Floats | float],
        n_classes: int = 0,
        task: Task = "multiclass",
        threshold: float = 0.5,
    ) -> None:
        super().__init__()
        self.function = function
        self.n_classes = n_classes
        self.task = task
        self.threshold = threshold
        if task == "samples":
            self.add_state("scores", [], dist_reduce_fx="cat")
            self.add_state("truths", [], dist_reduce_fx="cat")
        else:
            columns = n_classes + 1 if task == "multiclass" else 3
            self.add_state("counts", torch.zeros(n_classes, columns, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Add a batch; shapes as told by `task`."""
        if self.task == "samples":
            self.scores.append(predicted.detach().double().reshape(-1))
            self.truths.append(truth.detach().reshape(-1) > 0)
        elif self.task == "multilabel":
            said, true = predicted > self.threshold if predicted.is_floating_point() else predicted > 0, truth > 0
            self.counts += torch.stack([(said & true).sum(0), (said & ~true).sum(0), (~said & true).sum(0)], dim=1)
        else:
            said = predicted.argmax(dim=1) if predicted.ndim == 2 else predicted
            cell = truth.long() * (self.n_classes + 1) + said.long()
            self.counts += torch.bincount(cell, minlength=self.counts.numel()).reshape(self.counts.shape)

    def compute(self) -> torch.Tensor:
        """The score of everything added so far."""
        if self.task == "samples":
            if not len(self.scores):
                return torch.tensor(float("nan"))
            scores, truths = dim_zero_cat(self.scores), dim_zero_cat(self.truths)
            value = float(self.function(scores.cpu().numpy(), truths.cpu().numpy()))
            return torch.tensor(value, device=scores.device)
        value = float(self.function(self.counts.cpu().numpy().astype(np.float64)))
        return torch.tensor(value, device=self.counts.device)


def as_torchmetric(
    function: Callable[..., Floats | float], n_classes: int = 0, task: Task = "multiclass", threshold: float = 0.5
) -> PooledScore:
    """A torchmetrics metric of any of the suite's scores; arguments as of `PooledScore`.

    >>> from mebench.metrics.classification import uf1
    >>> metric = as_torchmetric(uf1, n_classes=2)
    >>> metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]))
    >>> metric.compute()
    tensor(0.6667)
    >>> from mebench.metrics.curves import frame_auc
    >>> metric = as_torchmetric(frame_auc, task="samples")
    >>> metric.update(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> metric.compute()
    tensor(0.7500)
    """
    return PooledScore(function, n_classes, task, threshold)
