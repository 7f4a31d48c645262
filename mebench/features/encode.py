"""Flow as an image, the input of the recognizers that read ready-made flow images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mebench.errors import ConfigError
from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choice, check_integer, resize

Scaling = Literal["symmetric", "channel"]


@dataclass(frozen=True)
class FlowImage(MapStep):
    """(u, v, strain) as an image (size, size, 3) with values 0 to 255 and the channels strain, v, u.

    That is the order in which OpenCV reads the images published with STSTNet (Liong et al. 2019).

    Attributes:
        size: width and height of the image in pixels.
        scaling: `symmetric`: flow is 127.5 + 127.5 f / max(|u|, |v|), so that no motion is always 127.5, and strain is
            255 s / max. `channel`: each channel from its minimum (0) to its maximum (255), as in each of the published
            images. With either, a map without motion is 127.5 in both flow channels and 0 in the strain.
    """

    size: int = 28
    scaling: Scaling = "symmetric"

    def __post_init__(self) -> None:
        check_integer(self, "size", 1)
        check_choice(self, "scaling", get_args(Scaling))

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Encode an (H, W, 3) map of u, v and strain.

        Raises:
            ConfigError: the map has not three channels.
        """
        if x.shape[-1] != 3:
            raise ConfigError(f"FlowImage takes the channels u, v, strain, not {x.shape[-1]}: put Strain before it")
        x = resize(x, self.size, self.size, smooth=True)
        u, v, strain = np.moveaxis(x, -1, 0)
        if self.scaling == "channel":
            return np.stack([_stretch(strain, 0), _stretch(v, 127.5), _stretch(u, 127.5)], axis=-1)
        most_flow = max(np.abs(u).max(), np.abs(v).max()) or 1
        most_strain = strain.max() or 1
        return np.stack([255 * strain / most_strain, *(127.5 + 127.5 * f / most_flow for f in (v, u))], axis=-1)


def _stretch(channel: FeatureMap, constant: float) -> FeatureMap:
    """From 0 at the minimum to 255 at the maximum; `constant` everywhere if they are equal."""
    low, high = channel.min(), channel.max()
    if low == high:
        return np.full_like(channel, constant)
    stretched: FeatureMap = 255 * ((channel - low) / (high - low))
    return stretched
