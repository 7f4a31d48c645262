"""Parameters of `bi_woof`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, Difference, FaceParams
from mebench.features.orientation import Blocks, LastBin, Strains


@dataclass(frozen=True)
class Params(FaceParams):
    """The paper's settings; where it is silent, those of its public code.

    Attributes:
        flow: algorithm of the onset-to-apex flow.
        difference: how the derivatives of the flow are taken for the strain.
        rows: blocks from top to bottom.
        cols: blocks from left to right.
        bins: directions of the flow.
        strain: global weight of a block, the `mean` of its strain (paper) or its `sum` (released code).
        blocks: blocks lie `apart` (paper), or share two pixels with their neighbours (`released_code`).
        last_bin: of the directions: as wide as the others (`whole`), or almost empty (`released_code`).
        unit_length: divide the whole vector by its length (released code).
        standardise: centre each feature and divide it by its standard deviation over the training clips.
        c: weight of the training errors in the SVM, C.
        class_weight: `balanced` gives rare classes more weight; null weighs all clips alike.
    """

    flow: Algorithm = "tvl1"
    difference: Difference = "central"
    rows: int = 5
    cols: int = 5
    bins: int = 8
    strain: Strains = "mean"
    blocks: Blocks = "apart"
    last_bin: LastBin = "whole"
    unit_length: bool = False
    standardise: bool = False
    c: float = 10_000.0
    class_weight: Literal["balanced"] | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(self, at_least_one=("rows", "cols", "bins"))
        if not 0 < self.c < float("inf"):
            raise ConfigError(f"method.c must be a number above 0, not {self.c}")
