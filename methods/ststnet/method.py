"""STSTNet behind the contract: recognition from onset-to-apex motion."""

import torch
from torch import nn

from mebench.training.maps import MapNetwork

from .network import STSTNet as Network
from .params import Params as _Params


class STSTNet(MapNetwork):
    """A network on maps of strain, vertical and horizontal flow between onset and apex; values 0 to 255 as published."""

    Params = _Params
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """Figure 3 of the paper."""
        network: nn.Module = Network(classes, self.params.dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network


Plugin = STSTNet
