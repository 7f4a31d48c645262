"""The length of the motion."""

from dataclasses import dataclass

import numpy as np

from mebench.features import FeatureMap, Landmarks, MapStep


@dataclass(frozen=True)
class Length(MapStep):
    """The length of a flow (H, W, 2) in pixels, (H, W, 1).

    The public program takes the direction as hue, the length as value, and the saturation from the frame at the apex. A
    gray frame, as those of SAMM and all that mebench reads, has none, so the length alone is left.
    """

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Drop the direction."""
        return np.asarray(np.linalg.norm(x[..., :2], axis=-1, keepdims=True))
