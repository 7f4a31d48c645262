"""The length of the motion as a picture."""

from dataclasses import dataclass

import numpy as np

from mebench.features import FeatureMap, Landmarks, MapStep


@dataclass(frozen=True)
class LengthPicture(MapStep):
    """The length of a flow (H, W, 2) as a gray picture (H, W, 1), whole numbers from 0 at its minimum to 255 at its maximum.

    The public program takes the direction as hue, the length as value, and the saturation from the frame at the apex. A
    gray frame, as those of SAMM and all that mebench reads, has none, so the length alone is left. A flow of the same
    length everywhere is 0.
    """

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Encode a flow."""
        length = np.sqrt((x[..., :2].astype(np.float32) ** 2).sum(-1, keepdims=True))
        least, most = length.min(), length.max()
        return np.asarray(np.floor((length - least) * (255 / (most - least if most > least else np.float32(np.inf)))))
