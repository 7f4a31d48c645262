"""The network of AUW-GCN, and the graph of regions that move together."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench.annotations.schemes import shown_units
from mebench.errors import ConfigError
from mebench.training.boundaries import head

REGIONS_OF_UNIT = {1: (0, 1, 4, 5), 2: (2, 3), 12: (8, 10), 14: (8, 10), 25: (9, 11), 26: (9, 11)}
"""Regions that an action unit moves, by their place among `mebench.features.regions.POINTS`."""
HIDDEN = 16


class UnitGraph(nn.Module):
    """One graph convolution over twelve regions in each frame, then the convolutions along time.

    39,248 numbers: 48 of the graph's layer, 38,784 of the convolutions, 416 of the normalisation; running statistics and the
    graph itself, which is not learnt, are not counted.

    Shape: (N, T, 12, 2) to (N, 10, T).
    """

    graph: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("graph", torch.eye(12))
        edge = HIDDEN**-0.5
        self.weight = nn.Parameter(torch.empty(2, HIDDEN).uniform_(-edge, edge))
        self.bias = nn.Parameter(torch.empty(HIDDEN).uniform_(-edge, edge))
        self.norm = nn.BatchNorm1d(HIDDEN)
        self.layers = nn.Sequential(*head(12 * HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        """Ten raw numbers of each frame.

        Graph and weights form one product for all twelve regions, and its rows are normalised together.
        """
        n, t = x.shape[:2]
        both = torch.einsum("ij,cd->jcid", self.graph, self.weight).reshape(12 * 2, 12 * HIDDEN)
        moved = (x.reshape(n * t, 12 * 2) @ both).view(-1, HIDDEN) + self.bias
        nodes = torch.relu(self.norm(moved))
        outputs: Tensor = self.layers(nodes.view(n, t, 12 * HIDDEN).transpose(1, 2))
        return outputs


def graph_of_units(annotated: Iterable[Sequence[str]]) -> NDArray[np.float32]:
    """How often regions move together in annotated expressions, (12, 12), each row divided by its sum.

    A single unit counts each of its regions with itself; with several units, every two count each region of the one
    with each of the other, both ways. A row of a region that nothing moves stays 0.

    Args:
        annotated: units of each expression, as coders write them (`4`, `L12`, `A12B`), of any side and intensity; units
            outside `REGIONS_OF_UNIT` are left out.

    Raises:
        ConfigError: if no expression shows one of them, since a graph of zeros would block all input.
    """
    counts = np.zeros((12, 12))
    for units in annotated:
        known = sorted(shown_units(units) & REGIONS_OF_UNIT.keys())
        if len(known) == 1:
            for region in REGIONS_OF_UNIT[known[0]]:
                counts[region, region] += 1
        for one, other in combinations(known, 2):
            for a in REGIONS_OF_UNIT[one]:
                for b in REGIONS_OF_UNIT[other]:
                    counts[a, b] += 1
                    counts[b, a] += 1
    if not counts.any():
        raise ConfigError(
            f"auw_gcn makes its graph from action units {', '.join(map(str, REGIONS_OF_UNIT))}, but no training "
            "expression is annotated with one: choose a method without units (abpn reads the same motion), or "
            "add units to the annotations"
        )
    return np.asarray(counts / (counts.sum(axis=1, keepdims=True) + 1e-6), np.float32)
