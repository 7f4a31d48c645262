"""Parameters of `bi_woof`."""

from dataclasses import dataclass

from mebench.core import Step
from mebench.core.options import check_ranges
from mebench.features import Algorithm, BiWoof, Difference, Flow, Strain
from mebench.features.orientation import Blocks, LastBin, Strains
from mebench.features.top import SvmParams


@dataclass(frozen=True)
class Params(SvmParams):
    """The paper's settings; where the paper gives none, those of its public code.

    Attributes:
        flow: algorithm of the onset-to-apex flow.
        difference: how the derivatives of the flow are taken for the strain.
        rows: blocks from top to bottom.
        cols: blocks from left to right.
        bins: directions of the flow.
        strain: global weight of a block, the `mean` of its strain (paper) or its `sum` (released code).
        blocks: blocks are disjoint (`apart`, paper), or share two pixels with their neighbours (`released_code`).
        last_bin: of the directions: as wide as the others (`whole`), or almost empty (`released_code`).
        unit_length: divide the whole vector by its length (released code).
    """

    c: float | None = 10_000.0
    flow: Algorithm = "tvl1"
    difference: Difference = "central"
    rows: int = 5
    cols: int = 5
    bins: int = 8
    strain: Strains = "mean"
    blocks: Blocks = "apart"
    last_bin: LastBin = "whole"
    unit_length: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_ranges(self, at_least_one=("rows", "cols", "bins"))
        super().__post_init__()

    def steps(self) -> tuple[Step, ...]:
        """From frames to one (rows, cols, bins) histogram."""
        weights = (self.strain, self.blocks, self.last_bin, self.unit_length)
        histogram = BiWoof(self.rows, self.cols, self.bins, *weights)
        return self.face(), Flow(self.flow), Strain(self.difference), histogram
