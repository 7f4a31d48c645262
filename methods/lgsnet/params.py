"""Parameters of `lgsnet`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import DetectorParams


@dataclass(frozen=True)
class Params(DetectorParams):
    """The settings of the public code for CAS(ME)².

    Attributes:
        window: frames of the series that are read together; a multiple of 64.
        width: channels of the network, a multiple of 16; it has twice and half as many in places.
        background: windows without expressions to train on, for each with one, of the same video; each gets an interval that is none.
        micro_weight: weight of micro-expressions in the loss of anchor-free intervals.
        epochs: passes over the windows; the last epoch's weights are used.
        batch_size: windows per step.
        lr: highest learning rate of AdamW, which rises to it in the first sixth of the epochs and then falls as a cosine.
        nms: if the IoU of two proposals of any kinds exceeds this, only the more confident one stays.
        top: intervals of a video, at most.
    """

    window: int = 128
    width: int = 512
    background: float = 3.0
    micro_weight: float = 4.0
    epochs: int = 30
    batch_size: int = 64
    lr: float = 8e-4
    nms: float = 0.01
    top: int = 30

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(
            self,
            at_least_one=("epochs", "batch_size", "top"),
            positive=("lr", "micro_weight"),
            not_negative=("background",),
            shares=("nms",),
        )
        if self.window < 64 or self.window % 64:
            raise ConfigError(f"method.window must be a multiple of 64 frames, not {self.window}")
        if self.width < 16 or self.width % 16:
            raise ConfigError(f"method.width must be a multiple of 16 channels, not {self.width}")
