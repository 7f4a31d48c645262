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
        """The loss of the family; it includes the weights of regions only to unscale their gradients, and each of its
        steps moves them.
        """
        found, weights = super().configure_optimizers(), self.network.weights
        optimizer = found["optimizer"]
        for group in optimizer.param_groups:
            group["params"] = [w for w in group["params"] if w is not weights]
        optimizer.add_param_group({"params": [weights], "lr": 0.0, "weight_decay": 0.0})
        optimizer.register_step_post_hook(lambda *_: self._weigh_regions())
        return found

    @torch.no_grad()
    def _weigh_regions(self) -> None:
        """Gradient descent at the first rate, and the whole decay at each step, for the weights of regions."""
        weights, p = self.network.weights, self.params
        assert weights.grad is not None
        weights.sub_(p.lr * weights.grad + p.weight_decay * weights)


Plugin = ABPN
