"""OFF-ApexNet behind the contract: recognition from the flow between onset and apex."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench.training.maps import MapNetwork

from .network import OffApexNet as Network
from .params import Params as _Params


class OffApexNet(MapNetwork):
    """A network on horizontal and vertical flow, its strain left aside."""

    Params = _Params
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """Two streams."""
        return Network(classes, self.params.dropout)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """Components u and v, (n, 2, 28, 28), brought from 0..255 to -1..1 by (value - 128) / 128."""
        return torch.from_numpy((maps[0][..., [2, 1]] - 128) / 128).permute(0, 3, 1, 2).contiguous()


Plugin = OffApexNet
