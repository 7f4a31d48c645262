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
        low = x.min(axis=(0, 1))
        span = x.max(axis=(0, 1)) - low
        scaled: FeatureMap = np.divide(x - low, span, out=np.zeros_like(x), where=span > 0)
        return scaled
