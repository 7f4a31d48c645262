"""Parameters of `concat_cnn`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import SeriesParams


@dataclass(frozen=True)
class Params(SeriesParams):
    """The settings of the public code for CAS(ME)².

    Attributes:
        features: `action_units` of each frame, which OpenFace finds and the dataset brings (`dataset.openface=FOLDER`); or the `motion`
            of twelve regions of the face, which mebench computes, in their place.
        length: frames of the series in a window.
        hop: frames of the series from one window to the next.
        kernels: lengths of the three convolutions.
        conv_stride: their stride in frames.
        short: an expression that is shorter than a window, and longer than half of it, gives the window that begins with it.
        negatives: windows outside expressions for each inside one, at most, of the same video.
        variant: `mended`, or `released_code` with two faults of the public code: windows "outside" may overlap with
            expressions, and an interval is lost unless `gap` + 1 windows below the level follow it.
        epochs: passes over the windows, at most.
        batch_size: windows per step.
        lr: learning rate of Adam in the first epoch.
        lr_decay: its factor when the validation loss has not fallen by 0.0001 for `lr_patience` epochs.
        lr_patience: see `lr_decay`.
        patience: epochs without a lower validation loss after which the training ends.
        level: probability above which a window belongs to an expression; null takes that of the largest F1 of windows on the validation
            subjects.
        smooth: a window without a neighbour of its kind belongs to none.
        gap: largest number of consecutive windows below the level inside an interval.
        micro_below: seconds; shorter intervals are micro-expressions, others macro-expressions.
    """

    features: Literal["action_units", "motion"] = "action_units"
    length: int = 8
    hop: int = 4
    kernels: tuple[int, int, int] = (3, 4, 5)
    conv_stride: int = 1
    short: bool = False
    negatives: float = 1.5
    variant: Literal["mended", "released_code"] = "mended"
    epochs: int = 300
    batch_size: int = 256
    lr: float = 1e-3
    lr_decay: float = 0.2
    lr_patience: int = 8
    patience: int = 36
    level: float | None = None
    smooth: bool = True
    gap: int = 1
    micro_below: float = 0.5

    @property
    def needs_landmarks(self) -> bool:
        """Only regions need landmarks."""
        return self.features == "motion"

    @property
    def without_landmarks(self) -> str:
        """Action units bring their own."""
        return "features=action_units" if self.features == "motion" else ""

    def __post_init__(self) -> None:
        """Check the ranges."""
        SeriesParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("hop", "conv_stride", "epochs", "batch_size", "lr_patience", "patience"),
            positive=("lr", "negatives", "micro_below"),
            not_negative=("gap",),
        )
        if not 0 < self.lr_decay <= 1:
            raise ConfigError(f"method.lr_decay must be in (0, 1], not {self.lr_decay}")
        if self.level is not None and not 0 <= self.level <= 1:
            raise ConfigError(f"method.level must be in [0, 1], or null to learn it, not {self.level}")
        if self.hop > self.length:
            raise ConfigError(
                f"method.hop={self.hop} leaves frames between windows of method.length={self.length}: choose one that is not longer"
            )
        if len(self.kernels) != 3 or min(self.kernels) < 1:
            raise ConfigError(f"method.kernels must be three lengths of at least 1, not {list(self.kernels)}")
        if -(-self.length // self.conv_stride) < 8:
            raise ConfigError(
                f"method.length={self.length} with method.conv_stride={self.conv_stride} leaves fewer than the 8 frames that are pooled: "
                f"choose method.length={7 * self.conv_stride + 1} or more"
            )
