"""Parameters of `spotformer`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.features.maps import MotionParams

Motion = Literal["since_first", "steps"]


@dataclass(frozen=True)
class Params(MotionParams):
    """The settings of the public code.

    Attributes:
        motion: of a window's frames: `since_first`, how far the regions have moved since its first one, or `steps`, how far from
            each frame to the next.
        channels: width of the network.
        heads: of attention, 64 channels each.
        dropout: of the embedding, after attention and in layers of each place.
        contrast: weight of the contrastive loss.
    """

    batch_size: int = 32
    lr: float = 2e-4
    segment: int = 16
    motion: Motion = "since_first"
    channels: int = 256
    heads: int = 4
    dropout: float = 0.1
    contrast: float = 0.005

    def __post_init__(self) -> None:
        """Check the ranges."""
        MotionParams.__post_init__(self)
        check_ranges(self, at_least_one=("channels", "heads"), not_negative=("contrast",), shares=("dropout",))
