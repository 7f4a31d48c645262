"""The network of OFF-ApexNet (Gan et al. 2019), as in the public program of Off-TANet's authors."""

import torch
from torch import Tensor, nn

from mebench.training.layers import dropout

FILTERS, HIDDEN = (6, 16), 1024


def stream() -> nn.Sequential:
    """One component of the flow, (N, 1, 28, 28), to 784 numbers; no activation follows the convolutions."""
    first, second = FILTERS
    return nn.Sequential(
        nn.Conv2d(1, first, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(first, second, 5, padding=2), nn.MaxPool2d(2), nn.Flatten()
    )  # fmt: skip


class OffApexNet(nn.Module):
    """Two streams, joined, and two hidden layers.

    2,664,475 numbers with three classes: 2,572 of each stream's convolutions, 1,606,656, 1,049,600 and 3,075 of the layers.

    Shape: (N, 2, 28, 28), u and v, to (N, classes), raw class scores.
    """

    def __init__(self, classes: int, p: float = 0.5) -> None:
        super().__init__()
        self.u, self.v = stream(), stream()
        self.head = nn.Sequential(
            nn.Linear(2 * FILTERS[1] * 49, HIDDEN), nn.ReLU(), dropout(p), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), dropout(p),
            nn.Linear(HIDDEN, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        scores: Tensor = self.head(torch.cat([self.u(x[:, :1]), self.v(x[:, 1:])], dim=1))
        return scores
