"""SpotFormer behind the contract."""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from mebench.training.boundaries import BoundaryNetwork

from .network import WINDOW, MultiScaleTransformer, contrastive_loss
from .params import Params as _Params


class SpotFormer(BoundaryNetwork):
    """A transformer on the window around each frame; frames of one kind are drawn together."""

    Params = _Params
    params: _Params
    network: MultiScaleTransformer
    context: ClassVar[int] = WINDOW // 2

    def build(self) -> MultiScaleTransformer:
        """The network of the public code."""
        p = self.params
        return MultiScaleTransformer(p.channels, p.heads, p.dropout, p.motion == "since_first")

    def loss(self, x: Tensor, bounds: Tensor, apexes: Tensor, actions: Tensor) -> Tensor:
        """The loss of the family, and the contrast between frames without expression and frames of each kind."""
        features = self.network.features(x)
        micro, macro = actions.unbind(2)
        classes = micro.masked_fill(macro > 0, 2)  # a frame of both counts as macro
        contrast = contrastive_loss(features.flatten(0, 1), classes.flatten())
        outputs = self.network.head(features).transpose(1, 2)
        return self.loss_of(outputs, bounds, apexes, actions) + self.params.contrast * contrast

    @staticmethod
    def edges(outputs: Tensor, classes: Tensor) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(outputs, classes)

    def normalised(self, x: Tensor) -> Tensor:
        """Unchanged: the embedding is normalised."""
        return x


Plugin = SpotFormer
