"""Patterns of the six points at which the circles of three planes intersect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.features.top import Codes, Top

SPATIAL = ((0, 1, 0), (0, 0, 1), (0, -1, 0), (0, 0, -1))
TEMPORAL = ((-1, 0, 0), (1, 0, 0))
"""Frames, rows and columns to the neighbour of bit 0, 1 ..., in radii."""


@dataclass(frozen=True)
class LbpSip(Top):
    """Local binary patterns with six intersection points (Wang et al. 2014), (rows, cols, slices * 20).

    Four neighbours in the image make a pattern of 16, those in the frames before and after one of 4; a neighbour sets its bit if it
    is brighter than the centre. Voxels without all neighbours are not counted.

    Attributes:
        r: radius in the image in pixels.
        rt: radius in time in frames.
    """

    least: ClassVar[Mapping[str, int]] = {**Top.least, "r": 1, "rt": 1}

    r: int = 1
    rt: int = 1

    @property
    def margin(self) -> tuple[int, int, int]:
        """The radii."""
        return self.rt, self.r, self.r

    def planes(self, volume: NDArray[np.float32]) -> Iterator[Codes]:
        """The pattern in the image and that in time."""
        centre = self.shifted(volume, (0, 0, 0))
        for points in (SPATIAL, TEMPORAL):
            codes = np.zeros(centre.shape, np.intp)
            for bit, point in enumerate(points):
                neighbour = self.shifted(volume, np.multiply(point, self.margin))
                codes |= (neighbour > centre).astype(np.intp) << bit
            yield codes, 2 ** len(points), None
