"""Parameters of `apex_frequency`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import FaceParams
from mebench.spotting import Smoothing, SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams, FaceParams):
    """The settings of the public program.

    Attributes:
        variant: `paper` sums over all blocks and centres the filter at frequency 0; `released_code` sums over the blocks that the
            program picks, with the centre of its filter, and never takes the last frame.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        window: length of the sliding window in seconds: N = 2k + 1 frames with k = window x frames per second / 2; 61
            frames at 200 frames per second.
        smoothing: the program smooths nothing.
    """

    variant: Literal["paper", "released_code"] = "paper"
    rows: int = 6
    cols: int = 6
    window: float = 0.3
    smoothing: Smoothing = "none"

    def __post_init__(self) -> None:
        """Check the ranges."""
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        self.without_windows()
        if self.scales != (1.0,):
            raise ConfigError(
                f"method.scales={list(self.scales)} does nothing here: this method has one window, method.window"
            )
        check_ranges(self, at_least_one=("rows", "cols"), positive=("window",))

    def half_window(self, fps: float) -> int:
        """k: half the sliding window in whole frames, at least 1.

        >>> [2 * Params().half_window(fps) + 1 for fps in (25, 30, 100, 200)]
        [9, 9, 31, 61]
        """
        return max(1, round(self.window * fps / 2))
