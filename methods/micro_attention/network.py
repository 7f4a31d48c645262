"""The network that the public program of Off-TANet (PRICAI 2021) calls Micro-Attention."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (32, 64, 128, 256)


def _normed(channels: int, filters: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU())


class AttentionBlock(nn.Module):
    """A residual block; an attention over all positions increases the weight of each position by its share.

    The program applies a convolution 1x1 of 3 x filters outputs to all three maps and takes the mean of its outputs. The mean of the
    filters first, one filter, is the same number and the same gradient of each filter, for a hundredth of the work.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.first, self.second = _normed(channels, filters), _normed(filters, filters)
        self.shortcut = nn.Conv2d(channels, filters, 1)
        self.attention = nn.Conv2d(3 * filters, 3 * filters, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, H, W)."""
        one = self.first(x)
        two, beside = self.second(one), self.shortcut(x)
        weight, bias = self.attention.weight.mean(0, keepdim=True), self.attention.bias
        assert bias is not None
        heights = F.conv2d(torch.cat([one, two, beside], dim=1), weight, bias.mean(0, keepdim=True))
        shares = heights.flatten(1).softmax(1).view_as(heights)
        raised: Tensor = (two + beside) * (1 + shares)
        return raised


class MicroAttention(nn.Module):
    """A stem, three blocks with attention, each halved by the maximum, and two linear layers.

    At the program's size, 224 pixels and 4,096 hidden numbers, it learns 53,384,195 numbers with three classes.

    Args:
        classes: how many.
        size: width and height of a map.
        hidden: width of the hidden layer.

    Shape: (N, 3, size, size) to (N, classes), raw class scores.
    """

    def __init__(self, classes: int, size: int, hidden: int) -> None:
        super().__init__()
        stem = (nn.Conv2d(3, WIDTHS[0], 7, 2, padding=3), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        blocks = [
            layer for pair in pairwise(WIDTHS) for layer in (AttentionBlock(*pair), nn.MaxPool2d(2))
        ]  # fmt: skip
        self.layers = nn.Sequential(*stem, *blocks)
        left = (size + 3) // 4 // 8
        self.head = nn.Sequential(
            *(nn.Linear(left**2 * WIDTHS[-1], hidden), nn.ReLU(), nn.Dropout()), nn.Linear(hidden, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        scores: Tensor = self.head(self.layers(x).flatten(1))
        return scores
