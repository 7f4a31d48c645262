"""Parameters of `actionformer`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import DetectorParams


@dataclass(frozen=True)
class Params(DetectorParams):
    """The settings of the public code for THUMOS14.

    Attributes:
        segment: rows of features in a training sample, a multiple of 32; long videos are cut into such parts, which overlap by half.
        width: channels of the network, a multiple of 4.
        attention: rows that a row attends to, an odd number, at each level.
        epochs: passes over the samples, the first sixth of them at a rising rate; the last epoch's weights are used.
        batch_size: samples per step.
        lr: highest learning rate of AdamW.
        weight_decay: of AdamW, not for biases and normalisation.
        nms: if the IoU of two proposals of one kind exceeds this, only the more confident one stays.
        top: intervals of each kind in a video, at most.
    """

    segment: int = 2304
    width: int = 512
    attention: int = 19
    epochs: int = 35
    batch_size: int = 2
    lr: float = 1e-4
    weight_decay: float = 0.05
    nms: float = 0.1
    top: int = 200

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(
            self,
            at_least_one=("epochs", "batch_size", "top"),
            positive=("lr",),
            not_negative=("weight_decay",),
            shares=("nms",),
        )
        for name, value, by in (("segment", self.segment, 32), ("width", self.width, 4)):
            if value < by or value % by:
                raise ConfigError(f"method.{name} must be a multiple of {by}, not {value}")
        if self.attention < 3 or self.attention % 2 == 0:
            raise ConfigError(f"method.attention must be an odd number of rows, 3 at least, not {self.attention}")
