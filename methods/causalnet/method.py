"""CausalNet behind the contract: recognition from both phases of the motion and its direction."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench.features.maps import APEX_OFFSET, DIRECTIONS, ONSET_APEX, four_blocks
from mebench.training.layers import Hierarchy
from mebench.training.maps import MapNetwork

from .network import CausalNet as Network
from .params import Params as _Params


class CausalNet(MapNetwork):
    """Hierarchies on four blocks around eyes and corners of the mouth; values 0 to 255."""

    Params = _Params
    names = (ONSET_APEX, APEX_OFFSET, *DIRECTIONS)
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """Two hierarchies and the layers above them."""
        p = self.params
        flow, direction = (Hierarchy(p.dim, p.heads, p.blocks) for _ in range(2))
        return Network((flow, direction), p.blocks[-1], p.gamma, classes)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """Four maps of a clip, each as four blocks put together, (n, 4, 3, 28, 28)."""
        blocks = np.stack([four_blocks(some, self.params.points) for some in maps], axis=1)
        return torch.from_numpy(blocks).permute(0, 1, 4, 2, 3).contiguous()


Plugin = CausalNet
