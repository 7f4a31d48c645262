"""Bringing maps to a common range, each map by itself: never by numbers of other frames, videos or subjects.

Where the step stands in a chain says what is normalised: before `EyesAndMouth` the whole crop (the published program of
MEAN), after it the assembled sample (that of SOFTNet). A chain without it keeps the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choice

Scope = Literal["channel", "map"]


@dataclass(frozen=True)
class MinMax(MapStep):
    """Bring each map to [0, 1] by its minimum and maximum; a constant one (0/0) becomes 0.

    Attributes:
        scope: `channel`: each channel by itself (the published programs of MEAN and SOFTNet). `map`: all channels together,
            which keeps their proportions.
    """

    scope: Scope = "channel"

    def __post_init__(self) -> None:
        check_choice(self, "scope", get_args(Scope))

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Normalise an (H, W, C) map."""
        if self.scope == "map":
            return _unit_range(x)
        scaled = np.empty_like(x)
        for channel in range(x.shape[-1]):
            # A channel that lies in memory as a whole: twenty times as fast as a minimum over two axes of three.
            scaled[..., channel] = _unit_range(np.ascontiguousarray(x[..., channel]))
        return scaled


def _unit_range(x: FeatureMap) -> FeatureMap:
    low = x.min()
    span = x.max() - low
    scaled: FeatureMap = (x - low) / (span if span > 0 else 1)
    return scaled
