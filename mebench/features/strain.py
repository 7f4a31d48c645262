"""From optical flow to optical strain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choice

Difference = Literal["backward", "forward", "central"]


@dataclass(frozen=True)
class Strain(MapStep):
    """Append the optical strain sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2) to u and v (MEAN, equation 3).

    Attributes:
        difference: how a derivative is taken. `backward` is f(x) - f(x - 1), and the strain is 0 in the first row and
            column, where it is undefined (the published program of MEAN). `forward` is f(x + 1) - f(x), and the strain
            repeats its neighbours in the last row and column (that of SOFTNet). `central` is (f(x + 1) - f(x - 1)) / 2,
            one-sided at the border.
    """

    difference: Difference = "backward"

    def __post_init__(self) -> None:
        check_choice(self, "difference", get_args(Difference))

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Append the strain to an (H, W, 2) map of u and v in pixels: (H, W, 3)."""
        u, v = x[..., 0], x[..., 1]
        if self.difference == "central":
            uy, ux, vy, vx = (np.gradient(f, axis=axis) for f in (u, v) for axis in (0, 1))
            strain = _magnitude(ux, uy, vx, vy)
        else:
            backward = self.difference == "backward"
            defined = slice(1, None) if backward else slice(None, -1)
            ux, vx = (np.diff(f, axis=1)[defined] for f in (u, v))
            uy, vy = (np.diff(f, axis=0)[:, defined] for f in (u, v))
            border = (1, 0) if backward else (0, 1)
            strain = np.pad(_magnitude(ux, uy, vx, vy), border, mode="constant" if backward else "edge")
        return np.concatenate([x, strain[..., None]], axis=-1)


def _magnitude(ux: FeatureMap, uy: FeatureMap, vx: FeatureMap, vy: FeatureMap) -> FeatureMap:
    magnitude: FeatureMap = np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2)
    return magnitude
