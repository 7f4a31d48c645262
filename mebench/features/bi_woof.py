"""Directions of motion, weighted by how far each pixel moves and by how much each block is strained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mebench.errors import ConfigError
from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choice, check_integer
from mebench.features.blocks import Grid, Spans, grid, unit_sum
from mebench.features.orientation import flow_of, oriented_histograms

Strains = Literal["mean", "sum"]
Blocks = Literal["apart", "released_code"]


@dataclass(frozen=True)
class BiWoof(MapStep):
    """Bi-weighted oriented optical flow (Liong, See, Wong and Phan 2018, "Less is more"), (rows, cols, bins).

    In each block, the directions of the flow are counted in bins from -180 to 180 degrees, each vector with its length
    (local weight), and divided by their sum. The histogram is then multiplied by the optical strain of the block (global
    weight). A block without motion (0/0) is all 0. The published program is `strain="sum"`, `blocks="released_code"` and
    `unit_length=True`.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        bins: number of directions; an angle between two bins belongs to the upper one, 180 degrees to the first.
        strain: the strain of a block is its `mean` (paper) or its `sum` (published program).
        blocks: `apart`: block i of n along H pixels reaches from i H // n to (i + 1) H // n, exclusive. `released_code`:
            from i (H // n) - 1 to (i + 1) (H // n) + 1, so that neighbours share two pixels, and the last to the end.
        unit_length: divide all histograms together by the length (L2) of the whole vector, unless it is 0.
    """

    rows: int = 5
    cols: int = 5
    bins: int = 8
    strain: Strains = "mean"
    blocks: Blocks = "apart"
    unit_length: bool = False

    def __post_init__(self) -> None:
        for field in ("rows", "cols", "bins"):
            check_integer(self, field, 1)
        check_choice(self, "strain", get_args(Strains))
        check_choice(self, "blocks", get_args(Blocks))

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of an (H, W, 3) map of u, v and strain.

        Raises:
            ConfigError: the map has not three channels.
            DataError: there are more blocks than pixels along one side.
        """
        if x.shape[-1] != 3:
            raise ConfigError(f"BiWoof takes the channels u, v, strain, not {x.shape[-1]}: put Strain before it")
        u, v = flow_of(self, x)
        blocks = self._grid(*u.shape)
        local = unit_sum(oriented_histograms(u, v, self.bins, blocks))
        nowhere = np.zeros(u.shape, np.intp)
        strain = blocks.histograms(nowhere, 1, x[..., 2])
        if self.strain == "mean":
            strain /= blocks.histograms(nowhere, 1)
        weighted = local * strain
        length = np.linalg.norm(weighted)
        return (weighted / length if self.unit_length and length > 0 else weighted).astype(np.float32)

    def _grid(self, height: int, width: int) -> Grid:
        apart = grid((height, width), (self.rows, self.cols))
        if self.blocks == "apart":
            return apart
        return Grid(apart.shape, (_overlapping(height, self.rows), _overlapping(width, self.cols)))


def _overlapping(length: int, n: int) -> Spans:
    size = length // n
    stops = [*(min((i + 1) * size + 1, length) for i in range(n - 1)), length]
    return tuple((max(i * size - 1, 0), stop) for i, stop in enumerate(stops))
