"""ABPN behind the contract."""

from typing import Any

import torch

from mebench.training.boundaries import BoundaryNetwork

from .network import BoundaryProposals
from .params import Params as _Params


class ABPN(BoundaryNetwork):
    """Convolutions along the series of twelve regions."""

    Params = _Params
    network: BoundaryProposals

    def build(self) -> BoundaryProposals:
        """The network of the public code."""
        return BoundaryProposals()

    def configure_optimizers(self) -> dict[str, Any]:
        """That of the family, for all but the weights of regions, which `on_train_batch_end` moves."""
        self.network.weights.requires_grad_(False)
        found = super().configure_optimizers()
        self.network.weights.requires_grad_(True)
        for group in found["optimizer"].param_groups:
            group["params"] = [w for w in group["params"] if w is not self.network.weights]
        return found

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Gradient descent at the first rate, and the whole decay at each step, for the weights of regions."""
        weights, p = self.network.weights, self.params
        if weights.grad is not None:
            with torch.no_grad():
                weights.sub_(p.lr * weights.grad + p.weight_decay * weights)
            weights.grad = None


Plugin = ABPN
