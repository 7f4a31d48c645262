"""Parameters of `mdmd`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams
from mebench.features.orientation import Directions


@dataclass(frozen=True)
class Params(FaceParams):
    """The settings of the baseline of MEGC 2020, its numbers of frames in seconds.

    Attributes:
        flow: algorithm of the optical flow; the authors' is robust local optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        rows: blocks of the face from top to bottom.
        cols: blocks from left to right.
        directions: `quadrants`, the four of the flow; `released_code`, two, see `MainDirectionDifference`.
        micro_gap: seconds from a frame to those that it is compared with, for micro-expressions: k.
        macro_gap: the same for macro-expressions.
        p: place of the threshold between a video's mean and maximum.
        shortest: seconds that a micro-expression lasts at least.
        longest: and at most; a macro-expression lasts longer.
    """

    flow: Algorithm = "tvl1"
    stride: int = 1
    rows: int = 6
    cols: int = 6
    directions: Directions = "quadrants"
    micro_gap: float = 0.4
    macro_gap: float = 1.3
    p: float = 0.01
    shortest: float = 0.235
    longest: float = 0.526

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        check_ranges(self, at_least_one=("stride", "rows", "cols"), positive=("micro_gap", "macro_gap"), shares=("p",))
        if not 0 <= self.shortest <= self.longest:
            raise ConfigError(
                f"method.longest must not be below method.shortest, {self.shortest}, but is {self.longest}"
            )

    def k(self, kind: str, fps: float) -> int:
        """Frames from one to those it is compared with, at least 2.

        >>> [Params().k(kind, fps) for fps in (30.0, 200.0) for kind in ("micro", "macro")]
        [12, 39, 80, 260]
        """
        return max(2, round((self.micro_gap if kind == "micro" else self.macro_gap) * fps))

    def lengths(self, kind: str, fps: float, n_frames: int) -> range:
        """Numbers of frames that an interval may have.

        >>> Params().lengths("micro", 30.0, 900), Params().lengths("macro", 200.0, 900)
        (range(7, 17), range(106, 901))
        """
        shortest, longest = round(self.shortest * fps), round(self.longest * fps)
        return range(shortest, longest + 1) if kind == "micro" else range(longest + 1, n_frames + 1)
