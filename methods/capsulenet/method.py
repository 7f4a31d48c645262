"""CapsuleNet behind the contract: recognition from the flow between onset and apex."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.training.maps import MapNetwork

from .network import CapsuleNet as Network, margin_loss
from .params import Params as _Params


class CapsuleNet(MapNetwork):
    """Capsules that agree on a class, on the map as a picture."""

    Params = _Params
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """The two convolutions and the capsules."""
        return Network(classes, self.params.maps_per_layer, self.params.routings)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The map in the order u, v, strain, (n, 3, 28, 28), from 0 to 1."""
        return super().inputs([maps[0][..., ::-1] / np.float32(255)])

    def loss_of(self, scores: Tensor, y: Tensor) -> Tensor:
        """The margin loss of the lengths."""
        return margin_loss(scores.exp(), F.one_hot(y, scores.shape[1]).to(scores))

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam; its rate falls before each epoch, including the first."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.params.lr * self.params.decay, fused=True)
        return {
            "optimizer": optimizer,
            "lr_scheduler": torch.optim.lr_scheduler.ExponentialLR(optimizer, self.params.decay),
        }


Plugin = CapsuleNet
