"""Micro-Attention behind the contract: recognition from the flow between onset and apex."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.training.maps import MapNetwork

from .network import MicroAttention as Network
from .params import Params as _Params


class MicroAttention(MapNetwork):
    """Residual blocks with an attention over positions, on the map as a picture."""

    Params = _Params
    several = True
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """The network at the size of the maps."""
        return Network(classes, self.params.size, self.params.hidden)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The map in the order u, v, strain, (n, 3, size, size), from -1 to 1."""
        picture = super().inputs([maps[0][..., ::-1] / np.float32(127.5) - 1])
        return F.interpolate(picture, (self.params.size, self.params.size), mode="bilinear").contiguous()

    def configure_optimizers(self) -> dict[str, Any]:
        """Gradient descent; its rate falls in steps."""
        p = self.params
        optimizer = torch.optim.SGD(
            self.network.parameters(), lr=p.lr, momentum=p.momentum, weight_decay=p.weight_decay
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, p.decay_every, p.decay),
        }


Plugin = MicroAttention
