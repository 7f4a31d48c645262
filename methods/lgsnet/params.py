"""Parameters of `lgsnet`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import SeriesParams


@dataclass(frozen=True)
class Params(SeriesParams):
    """The settings of the public code for CAS(ME)².

    Attributes:
        features: `i3d` features of frames and flow, which a dataset brings; or the `motion` of twelve regions of the face, which mebench
            computes, in their place.
        window: frames of the series that are read together; a multiple of 64.
        width: channels of the network, a multiple of 16; it has twice and half as many in places.
        background: windows without expressions to train on, for each with one, of the same video; each gets an interval that is none.
        micro_weight: weight of micro-expressions in the loss of anchor-free intervals.
        epochs: passes over the windows; the last epoch's weights are used.
        batch_size: windows per step.
        lr: highest learning rate of AdamW, which rises to it in the first sixth of the epochs and then falls as a cosine.
        threshold: confidence that an interval needs; null takes that of the best F1 on training subjects that are held out.
        nms: of two proposals whose IoU is above this only the surer stays, whatever their kinds.
        top: intervals of a video, at most.
    """

    features: Literal["i3d", "motion"] = "i3d"
    window: int = 128
    width: int = 512
    background: float = 3.0
    micro_weight: float = 4.0
    epochs: int = 30
    batch_size: int = 64
    lr: float = 8e-4
    threshold: float | None = None
    nms: float = 0.01
    top: int = 30

    @property
    def needs_landmarks(self) -> bool:
        """Only regions lie around landmarks."""
        return self.features == "motion"

    @property
    def without_landmarks(self) -> str:
        """I3D features need none."""
        return "features=i3d" if self.features == "motion" else ""

    def __post_init__(self) -> None:
        """Check the ranges."""
        SeriesParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("epochs", "batch_size", "top"),
            positive=("lr", "micro_weight"),
            not_negative=("background",),
            shares=("threshold", "nms"),
        )
        if self.window < 64 or self.window % 64:
            raise ConfigError(f"method.window must be a multiple of 64 frames, not {self.window}")
        if self.width < 16 or self.width % 16:
            raise ConfigError(f"method.width must be a multiple of 16 channels, not {self.width}")
