"""Parameters of `boosting_vrme`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import SeriesParams
from mebench.spotting import SpottingParams

OF_EXTENDED = ("p", "threshold", "smoothing")
"""Options of spotting that act on extended intervals."""


@dataclass(frozen=True)
class Params(SpottingParams, SeriesParams):
    """The settings of the public code for SAMM Long Videos.

    Attributes:
        window: frames of the series that the network reads together; the next window begins half of it later.
        ratio: windows without expression to train on for each one with, at most.
        epochs: passes over the windows; the last epoch's weights are used, without selection.
        batch_size: windows per step.
        lr: highest learning rate of Adam, which rises to it in the first third of the steps and then falls.
        spotting: weight of the score's error; 1 - spotting is that of the classes'.
        outside: weight of frames outside expressions, in addition to the balancing of classes.
        intervals: `extended`, ends where the scores stay below their mean, of half the median length of training expressions; `fixed`,
            as in other spotters, by the options from `rule` to `nms`.
        paths: `shared`, one pair of paths for both tasks; `separate`, a pair for each (ME-TST+).
        synergy: `recognition` drops intervals most of whose frames have no emotion; `spotting` keeps them all.
        weights: folder of the weights that the authors released, such as `weights/SAMMLV_4emo`. Then nothing is
            trained, and each tested person gets weights trained without that person.
    """

    window: int = 30
    ratio: float = 0.5
    epochs: int = 50
    batch_size: int = 32
    lr: float = 3e-4
    spotting: float = 0.9
    outside: float = 6.0
    intervals: Literal["extended", "fixed"] = "extended"
    paths: Literal["shared", "separate"] = "shared"
    synergy: Literal["recognition", "spotting"] = "recognition"
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges, and refuse options of spotting without effect."""
        SpottingParams.__post_init__(self)
        SeriesParams.__post_init__(self)
        self.without_windows()
        if self.scales != (1.0,):
            raise ConfigError(
                f"method.scales={list(self.scales)} does nothing here: frames of the series have one distance, so leave it out"
            )
        if self.radius != SeriesParams.radius:
            raise ConfigError(
                f"method.radius={self.radius} does nothing here: the regions are the program's rectangles, so leave it out"
            )
        if self.intervals == "extended":
            self.only(OF_EXTENDED, "method.intervals=extended")
        if self.window < 2 or self.window % 2:
            raise ConfigError(f"method.window must be an even number of frames, 2 at least, not {self.window}")
        check_ranges(self, at_least_one=("epochs", "batch_size"), positive=("ratio", "lr"), not_negative=("outside",))
        if not 0 < self.spotting <= 1:
            raise ConfigError(f"method.spotting must be in (0, 1], not {self.spotting}")

    @property
    def needs_landmarks(self) -> bool:
        """The regions lie around landmarks, whatever the settings."""
        return True
