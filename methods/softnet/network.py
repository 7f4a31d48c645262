"""The network of SOFTNet (Liong, See and Wong 2021)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.training.layers import as_one
from mebench.training.released import keras_layers, of_keras

STREAMS = (3, 5, 8)
"""Filters of the streams for horizontal flow, vertical flow and strain."""

FLAT = sum(STREAMS) * 7 * 7


class SOFTNet(nn.Module):
    """Three streams of one convolution 5x5, pooled 3x3, concatenated, pooled 2x2, and two dense layers.

    The three convolutions run as one with zero weights between different channels, and the two poolings as one of 6x6,
    before the rectifier: maxima of maxima, and of a non-decreasing function, are the same numbers.

    314,817 numbers: 78 + 130 + 208 of the convolutions, 314,000 and 401 of the dense layers.

    Args:
        outputs: numbers to answer; the weights are counted for one.

    Shape: (N, 3, 42, 42) to (N, outputs). Each channel of each sample is brought to [0, 1] first; a constant one (0/0) becomes 0.
    """

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.horizontal, self.vertical, self.strain = (nn.Conv2d(1, filters, 5, padding=2) for filters in STREAMS)
        self.dense = nn.Linear(FLAT, 400)
        self.out = nn.Linear(400, outputs)
        for name, weights in self.named_parameters():  # as the authors' framework draws them
            nn.init.zeros_(weights) if name.endswith("bias") else nn.init.xavier_uniform_(weights)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a batch."""
        weight, bias = as_one((self.horizontal, self.vertical, self.strain))  # (16, 3, 5, 5) and (16,)
        maps = F.conv2d(unit_range(x), weight.contiguous(memory_format=torch.channels_last), bias, padding=2)
        pooled = torch.relu(F.max_pool2d(maps, 6))
        scores: Tensor = self.out(torch.relu(self.dense(pooled.flatten(1))))
        return scores


def unit_range(x: Tensor) -> Tensor:
    """Each channel of each sample by its own minimum and maximum, (N, C, H, W) of any precision to float32."""
    x = x.float()
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    span = high - low
    return (x - low) / torch.where(span > 0, span, 1)


def of_authors(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of the authors' program, from a Keras file, under the names of this network; missing ones are left
    out.
    """
    found: dict[str, Tensor] = {}
    layers = zip(("horizontal", "vertical", "strain"), keras_layers(weights, "conv2d"))
    dense = zip(("dense", "out"), ((sum(STREAMS), 7, 7), None), keras_layers(weights, "dense"))
    for name, shape, layer in (*((name, None, layer) for name, layer in layers), *dense):
        found[f"{name}.weight"], found[f"{name}.bias"] = of_keras(layer["kernel"], layer["bias"], shape)
    return found
