"""Flow as an image, the input of the recognizers that read ready-made flow images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mebench.errors import ConfigError
from mebench.features.base import FeatureMap, Landmarks, MapStep, check_integer, resize


@dataclass(frozen=True)
class FlowImage(MapStep):
    """(u, v, strain) as an image (size, size, 3) with values 0 to 255 and the channels strain, v, u.

    That is the order in which OpenCV reads the images published with STSTNet (Liong et al. 2019). As in each of those, a
    channel goes from its minimum (0) to its maximum (255). A map without motion is 127.5 in both flow channels and 0 in the
    strain.

    Attributes:
        size: width and height of the image in pixels.
    """

    size: int = 28

    def __post_init__(self) -> None:
        check_integer(self, "size", 1)

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Encode an (H, W, 3) map of u, v and strain.

        Raises:
            ConfigError: the map has not three channels.
        """
        if x.shape[-1] != 3:
            raise ConfigError(f"FlowImage takes the channels u, v, strain, not {x.shape[-1]}: put Strain before it")
        u, v, strain = np.moveaxis(resize(x, self.size, self.size, smooth=True), -1, 0)
        return np.stack([_stretch(strain, 0), _stretch(v, 127.5), _stretch(u, 127.5)], axis=-1)


def _stretch(channel: FeatureMap, constant: float) -> FeatureMap:
    """From 0 at the minimum to 255 at the maximum; `constant` everywhere if they are equal."""
    low, high = channel.min(), channel.max()
    if low == high:
        return np.full_like(channel, constant)
    stretched: FeatureMap = 255 * ((channel - low) / (high - low))
    return stretched
