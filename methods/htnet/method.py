"""HTNet behind the contract: recognition from the flow of four blocks of the face."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench.features.maps import four_blocks
from mebench.training.layers import Hierarchy
from mebench.training.maps import MapNetwork

from .network import HTNet as Network
from .params import Params as _Params


class HTNet(MapNetwork):
    """A hierarchy on four blocks around eyes and corners of the mouth; values 0 to 255."""

    Params = _Params
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """Three levels."""
        p = self.params
        return Network(Hierarchy(p.dim, p.heads, p.blocks), classes)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The four blocks put together, (n, 3, 28, 28), channels strain, v, u."""
        return torch.from_numpy(four_blocks(maps[0], self.params.points)).permute(0, 3, 1, 2).contiguous()


Plugin = HTNet
