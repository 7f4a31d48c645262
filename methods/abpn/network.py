"""The network of ABPN."""

import torch
from torch import Tensor, nn

from mebench.training.boundaries import head


class BoundaryProposals(nn.Module):
    """Weighed regions, and four convolutions along time.

    28,428 numbers: 12 weights of regions, 28,032 of the convolutions, 384 of the normalisation; its running statistics are not
    counted.

    Shape: (N, T, 12, 2) to (N, 10, T).
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(12))
        self.layers = nn.Sequential(*head(24))

    def forward(self, x: Tensor) -> Tensor:
        """Ten raw numbers of each frame."""
        n, t = x.shape[:2]
        weighed = x.reshape(n, t, 24).transpose(1, 2).reshape(n, 12, -1) * self.weights.softmax(0)[:, None]
        outputs: Tensor = self.layers(weighed.reshape(n, 24, t))
        return outputs
