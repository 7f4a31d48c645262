"""The network of STSTNet (Liong et al., FG 2019, figure 3)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.training.layers import conv_relu_norm_pool, dropout

STREAMS = (3, 5, 8)


class STSTNet(nn.Module):
    """Three parallel convolutions of 3, 5 and 8 filters on one input, pooled, concatenated and classified.

    All streams have the same input and the same layers, and convolution, normalisation, pooling and dropout treat each
    filter separately. So the three streams are computed as one of 3 + 5 + 8 = 16 filters, with the same numbers for
    each filter.

    1,683 numbers with three classes: 448 of the convolution, 32 of the normalisation, 1,203 of the last layer.

    Shape: (N, 3, 28, 28) to (N, classes), raw class scores.
    """

    def __init__(self, classes: int, p: float = 0.5) -> None:
        super().__init__()
        filters = sum(STREAMS)
        self.streams = nn.Conv2d(3, filters, 3, padding=2)
        self.norm = nn.BatchNorm2d(filters)
        self.dropout = dropout(p)
        self.head = nn.Linear(filters * 5 * 5, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        weight, bias = self.streams.weight, self.streams.bias
        assert bias is not None
        x = self.dropout(conv_relu_norm_pool(x, weight, bias, self.norm, size=3, conv_padding=2, pool_padding=1))
        return self._head_of_means(x)

    def _head_of_means(self, x: Tensor) -> Tensor:
        """The head on the means of 2x2 windows: each mean's weight, spread over its four numbers, makes that one
        product.
        """
        _, c, h, w = x.shape
        weight = self.head.weight.view(-1, c, h // 2, w // 2) / 4
        spread = weight.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return F.linear(x.permute(0, 2, 3, 1).flatten(1), spread.permute(0, 2, 3, 1).flatten(1), self.head.bias)


def of_authors(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the authors' program, which has three separate modules for the streams, in the layout of this
    network.
    """
    streams = range(1, len(STREAMS) + 1)

    def joined(layer: str, name: str) -> Tensor:
        return torch.cat([weights[f"{layer}{n}.{name}"] for n in streams])

    if any(f"conv{n}.weight" not in weights for n in streams):
        return dict(weights)  # weights of another program, which are then refused by name
    of_norm = ("weight", "bias", "running_mean", "running_var")
    return {
        **{f"streams.{name}": joined("conv", name) for name in ("weight", "bias")},
        **{f"norm.{name}": joined("bn", name) for name in of_norm},
        **{f"head.{name}": weights[f"fc.{name}"] for name in ("weight", "bias") if f"fc.{name}" in weights},
    }
