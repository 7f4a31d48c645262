"""Dual-Inception behind the contract: recognition from the flow between onset and apex."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.training import Classified
from mebench.training.maps import MapNetwork

from .network import DualInception as Network
from .params import Params as _Params


class DualInception(MapNetwork):
    """A network on horizontal and vertical flow, its strain left aside."""

    Params = _Params
    params: _Params

    @classmethod
    def holds_out(cls, params: Any) -> bool:
        """Inner validation subjects choose the epoch, if the parameters ask for it."""
        return bool(params.keep == "best_validation")

    def build(self, classes: int) -> nn.Module:
        """Two streams."""
        return Network(classes)

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """Components u and v, (n, 2, 28, 28), from 0 to 1."""
        return torch.from_numpy(maps[0][..., [2, 1]] / 255).permute(0, 3, 1, 2).contiguous()

    def on_train_start(self) -> None:
        """No epoch is best yet."""
        self._lowest, self._kept = float("inf"), dict[str, Tensor]()

    def on_validation_epoch_start(self) -> None:
        """No loss is counted yet."""
        self._loss = 0.0

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Classified:
        """Count the loss of a batch."""
        answered = super().validation_step(batch, index)
        self._loss += float(F.cross_entropy(answered.scores, answered.truth, reduction="sum"))
        return answered

    def on_validation_epoch_end(self) -> None:
        """Remember the weights of the lowest loss, of equal ones the first."""
        if self.holds_out(self.params) and self._loss < self._lowest:
            self._lowest = self._loss
            self._kept = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            self.notes["best_epoch"] = float(self.current_epoch)

    def on_train_end(self) -> None:
        """Take them."""
        if self._kept:
            self.network.load_state_dict(self._kept)
            self._kept = {}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam at a fixed rate, with the authors' epsilon."""
        return torch.optim.Adam(self.network.parameters(), lr=self.params.lr, eps=1e-8, fused=True)


Plugin = DualInception
