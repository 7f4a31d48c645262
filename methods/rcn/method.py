"""RCN behind the contract: recognition from the flow between onset and apex."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench.training.maps import MapNetwork

from .network import Rcn as Network
from .params import Params as _Params


class Rcn(MapNetwork):
    """A shallow recurrent convolution on the map as a picture."""

    Params = _Params
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """The variant."""
        return Network(self.params.variant, classes, self.params.maps_per_layer, self.params.pool)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The map in the order u, v, strain, (n, 3, 28, 28), from 0 to 1."""
        return torch.from_numpy(maps[0][..., ::-1] / 255).permute(0, 3, 1, 2).contiguous()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Gradient descent at a fixed rate: the program makes a schedule and never steps it."""
        return torch.optim.SGD(self.network.parameters(), lr=self.params.lr, momentum=self.params.momentum)


Plugin = Rcn
