"""The torchmetrics face of the classification scores, for use inside a training loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torchmetrics import Metric

from mebench.metrics.ratios import Floats


class ConfusionScore(Metric):  # type: ignore[misc]
    """Gathers a confusion matrix over batches and processes and scores it once: nothing is averaged over batches.

    Args:
        function: one of `mebench.metrics.classification`, from a (C, C + 1) matrix to a number.
        n_classes: number of classes C; all are scored.
    """

    full_state_update = False
    matrix: torch.Tensor

    def __init__(self, function: Callable[[Floats], Floats], n_classes: int) -> None:
        super().__init__()
        self.function = function
        self.n_classes = n_classes
        self.add_state("matrix", torch.zeros(n_classes, n_classes + 1, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Add a batch: class numbers (n,) or class scores (n, C), and true class numbers (n,)."""
        said = predicted.argmax(dim=1) if predicted.ndim == 2 else predicted
        cell = truth.long() * (self.n_classes + 1) + said.long()
        self.matrix += torch.bincount(cell, minlength=self.matrix.numel()).reshape(self.matrix.shape)

    def compute(self) -> torch.Tensor:
        """The score of everything added so far."""
        return torch.tensor(
            float(self.function(self.matrix.cpu().numpy().astype(np.float64))), device=self.matrix.device
        )


def as_torchmetric(function: Callable[[Floats], Floats], n_classes: int) -> ConfusionScore:
    """A torchmetrics metric of a classification score.

    >>> from mebench.metrics.classification import uf1
    >>> metric = as_torchmetric(uf1, n_classes=2)
    >>> metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]))
    >>> metric.compute()
    tensor(0.6667)
    """
    return ConfusionScore(function, n_classes)
