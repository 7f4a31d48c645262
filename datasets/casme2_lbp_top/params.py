"""Parameters of `casme2_lbp_top`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_choices


@dataclass(frozen=True)
class Params:
    """The place of the histograms and their labels.

    Attributes:
        root: folder that contains `LBP_Magnified` and `LBP_Magnified_denoised`.
        annotations: sheet of CASME II, such as CASME2-coding-20140508.xlsx; without it, the one in the root.
        clips: the histograms of the `magnified` clips, or of those that were `denoised` after that.
    """

    root: str | None = None
    annotations: str | None = None
    clips: Literal["magnified", "denoised"] = "magnified"

    def __post_init__(self) -> None:
        """Check the names."""
        check_choices(self)
