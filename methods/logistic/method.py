"""Logistic regression on motion maps behind the contract."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from mebench.core import LabelledVideo, all_clips
from mebench.training.maps import MapNetwork

from .params import Params as _Params

NUMBERS = 28 * 28 * 3


class Standardised(nn.Module):
    """Each number by its mean and deviation over the training clips, and one linear layer; a constant one is only
    centred.

    Shape: (N, 3, 28, 28) to (N, classes), raw class scores.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(NUMBERS))
        self.register_buffer("scale", torch.ones(NUMBERS))
        self.linear = nn.Linear(NUMBERS, classes)

    def fit(self, x: Tensor) -> None:
        """Take mean and deviation from (N, 3, 28, 28)."""
        rows = x.flatten(1).double()
        deviation = rows.std(0, correction=0)
        self.mean.copy_(rows.mean(0))
        self.scale.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        scores: Tensor = self.linear((x.flatten(1) - self.mean) / self.scale)
        return scores


class Logistic(MapNetwork):
    """Multinomial logistic regression by gradient descent, so that its epochs can be examined like those of a network."""

    Params = _Params
    several = True
    params: _Params
    network: Standardised

    def build(self, classes: int) -> nn.Module:
        """One layer."""
        return Standardised(classes)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """The clips of the training subjects, from which the standardisation is learnt."""
        samples = super().samples(stage, train, valid)
        if clips := all_clips(train):
            self.network.fit(self._read(clips))
        return samples

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with decay."""
        return torch.optim.AdamW(self.network.parameters(), self.params.lr, weight_decay=self.params.weight_decay)


Plugin = Logistic
