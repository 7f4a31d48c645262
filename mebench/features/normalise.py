"""Bringing maps to a common range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choice

Scope = Literal["channel"]


@dataclass(frozen=True)
class MinMax(MapStep):
    """Bring each channel to [0, 1] by its minimum and maximum over the map; a constant channel becomes 0.

    Attributes:
        scope: `channel`: each channel of each map by itself (the published programs of MEAN and SOFTNet).
    """

    scope: Scope = "channel"

    def __post_init__(self) -> None:
        check_choice(self, "scope", get_args(Scope))

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Normalise an (H, W, C) map."""
        # One channel after the other lies in memory: eight times as fast as a minimum over two axes of three.
        channels = np.ascontiguousarray(np.moveaxis(x, -1, 0)).reshape(x.shape[-1], -1)
        low = channels.min(axis=1)
        span = channels.max(axis=1) - low
        scaled: FeatureMap = (x - low) / np.where(span > 0, span, 1)
        return scaled
