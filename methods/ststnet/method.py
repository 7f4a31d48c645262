"""STSTNet behind the contract: recognition from onset-to-apex motion."""

from collections.abc import Sequence

import torch
from torch import nn

from mebench.core import LabelledVideo, Stage
from mebench.training.maps import MapNetwork
from mebench.training.released import load, released_file, torch_weights

from .network import STSTNet as Network, of_authors
from .params import Params as _Params


class STSTNet(MapNetwork):
    """A network on maps of strain, vertical and horizontal flow between onset and apex; values 0 to 255 as published."""

    Params = _Params
    several = True
    params: _Params

    def build(self, classes: int) -> nn.Module:
        """Figure 3 of the paper."""
        network: nn.Module = Network(classes, self.params.dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def stages(self) -> tuple[Stage, ...]:
        """One training; none with released weights."""
        return () if self.params.weights else super().stages()

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load the released weights of a subject outside the training set, if requested."""
        super().fit_closed_form(train, valid)
        if self.params.weights:
            file = released_file(self.params.weights, [*train, *valid], (".pth", ".pt"))
            load(self.network, of_authors(torch_weights(file)), file)


Plugin = STSTNet
