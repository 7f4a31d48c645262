"""Parameters of `macro_transform`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.chain import check_choices
from mebench.core.options import check_ranges
from mebench.features import FaceParams


@dataclass(frozen=True)
class Params(FaceParams):
    """The settings of the paper.

    Attributes:
        variant: `paper` maps by equation 12; `released_code` multiplies by a matrix whose inverse the equation has.
        gallery: macro-expressions that answers are taken from: all that make `pairs`, or every fourth of each class,
            `held_out` of the pairs.
        rank: number of singular values that are kept, the largest; null keeps all above 0.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        rt: radius of the patterns in time in frames; a shorter clip is interpolated to 2 rt + 1 frames.
    """

    variant: Literal["paper", "released_code"] = "paper"
    gallery: Literal["pairs", "held_out"] = "pairs"
    rank: int | None = None
    rows: int = 8
    cols: int = 8
    rt: int = 2

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_choices(self)
        check_ranges(self, at_least_one=("rank", "rows", "cols", "rt"))
