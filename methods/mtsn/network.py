"""The network of MTSN."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STREAMS = (3, 5, 8)
"""Filters of the streams for horizontal flow, vertical flow and strain."""
SIZE = 28
FLAT = sum(STREAMS) * 4 * 4


class TwoGaps(nn.Module):
    """SOFTNet's three streams, once for each gap with the same weights, and two dense layers.

    66,209 numbers: 416 of the convolutions, 65,664 and 129 of the dense layers.

    Args:
        outputs: numbers to answer; the weights are counted for one.

    Shape: (N, 6, 28, 28), u, v and strain over the longer gap and then over one frame, to (N, outputs), scores as logits.
    """

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.horizontal, self.vertical, self.strain = (nn.Conv2d(1, filters, 5, padding=2) for filters in STREAMS)
        self.dense, self.out = nn.Linear(2 * FLAT, 128), nn.Linear(128, outputs)
        for name, weights in self.named_parameters():
            nn.init.zeros_(weights) if name.endswith("bias") else nn.init.xavier_uniform_(weights)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        both = torch.cat([self._maps(x[:, :3]), self._maps(x[:, 3:])], dim=1)
        logits: Tensor = self.out(torch.relu(self.dense(both)))
        return logits

    def _maps(self, x: Tensor) -> Tensor:
        streams = (self.horizontal, self.vertical, self.strain)
        maps = [F.max_pool2d(torch.relu(stream(x[:, i : i + 1])), 3) for i, stream in enumerate(streams)]
        return F.max_pool2d(torch.cat(maps, dim=1), 2).flatten(1)


def of_authors(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the authors' program under the names of this network; other weights unchanged."""
    names = {
        "SOFTNet.conv1": "horizontal",
        "SOFTNet.conv2": "vertical",
        "SOFTNet.conv3": "strain",
        "fc1": "dense",
        "fc2": "out",
    }
    layers = [name.rpartition(".") for name in weights]
    return {f"{names.get(layer, layer)}.{kind}": weights[f"{layer}.{kind}"] for layer, _, kind in layers if layer}
