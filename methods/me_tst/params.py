"""Parameters of `me_tst`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import SeriesParams
from mebench.spotting import SpottingParams


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
        weights: folder of the weights that the authors released, such as `weights/SAMMLV_4emo`. Then nothing is
            trained, and each tested person gets weights trained without that person.
    """

    window: int = 30
    ratio: float = 0.5
    epochs: int = 30
    batch_size: int = 32
    lr: float = 1e-4
    spotting: float = 0.9
    outside: float = 6.0
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        SpottingParams.__post_init__(self)
        SeriesParams.__post_init__(self)
        self.without_windows()
        if self.scales != (1.0,):
            raise ConfigError(
                f"method.scales={list(self.scales)} does nothing here: frames of the series have one distance, so leave it out"
            )
        if self.window < 2 or self.window % 2:
            raise ConfigError(f"method.window must be an even number of frames, 2 at least, not {self.window}")
        check_ranges(self, at_least_one=("epochs", "batch_size"), positive=("ratio", "lr"), not_negative=("outside",))
        if not 0 < self.spotting <= 1:
            raise ConfigError(f"method.spotting must be in (0, 1], not {self.spotting}")
