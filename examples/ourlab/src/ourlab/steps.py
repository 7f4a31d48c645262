"""A step from frames to features."""

from dataclasses import dataclass

import numpy as np

from mebench.errors import ConfigError
from mebench.features import ImageStep


@dataclass(frozen=True)
class BlockBrightness(ImageStep):
    """The mean brightness of each block of a face; its name, version and fields are part of the key under which it is stored.

    Attributes:
        blocks: along each side of the face.
    """

    version = 1  # raise it whenever other numbers come out

    blocks: int = 6

    def __post_init__(self):
        if self.blocks < 1:
            raise ConfigError(f"BlockBrightness needs 1 block or more, not {self.blocks}")

    def apply(self, crop):
        """Turn an (H, W) gray crop into (blocks, blocks, 1), brightness from 0 to 255."""
        rows = np.array_split(crop.astype(np.float32), self.blocks, axis=0)
        means = [[part.mean() for part in np.array_split(row, self.blocks, axis=1)] for row in rows]
        return np.array(means, dtype=np.float32)[:, :, None]
