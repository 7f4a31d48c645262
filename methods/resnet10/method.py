"""A plain ResNet-10 behind the contract."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench.training.maps import MapNetwork

from .network import ResNet10 as Network
from .params import Params as _Params


class ResNet10(MapNetwork):
    """The map as a picture, from scratch."""

    Params = _Params
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """Ten layers."""
        network: nn.Module = Network(classes).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The map, (n, 3, 28, 28), from -1 to 1."""
        return super().inputs([maps[0] / 127.5 - 1])

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Cross-entropy of a batch; one of a single clip, which has no variance, is normalised by those before it."""
        self.network.train(len(batch[0]) > 1)
        return super().training_step(batch, index)


Plugin = ResNet10
