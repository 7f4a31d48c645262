"""The network of STSTNet (Liong et al., FG 2019, figure 3)."""

from __future__ import annotations

from torch import Tensor, nn

from mebench.training.layers import dropout
from mebench.training.pooled_norm import relu_norm_pool

STREAMS = (3, 5, 8)


class STSTNet(nn.Module):
    """Three parallel convolutions of 3, 5 and 8 filters on one input, pooled, concatenated and classified.

    All streams see the same input through the same layers, and convolution, normalisation, pooling and dropout treat each
    filter alone: so the three streams are computed as one of 3 + 5 + 8 = 16 filters, filter by filter the same numbers.

    1,683 numbers with three classes: 448 of the convolution, 32 of the normalisation, 1,203 of the last layer.

    Shape: (N, 3, 28, 28) to (N, classes), raw class scores.
    """

    def __init__(self, classes: int, p: float = 0.5) -> None:
        super().__init__()
        filters = sum(STREAMS)
        self.streams = nn.Conv2d(3, filters, 3, padding=2)
        self.norm = nn.BatchNorm2d(filters)
        self.dropout = dropout(p)
        self.mean = nn.AvgPool2d(2, 2)
        self.head = nn.Linear(filters * 5 * 5, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        x = self.dropout(relu_norm_pool(self.streams(x), self.norm, size=3, padding=1))
        scores: Tensor = self.head(self.mean(x).flatten(1))
        return scores
