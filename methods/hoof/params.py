"""Parameters of `hoof`."""

from dataclasses import dataclass

from mebench.core import Step
from mebench.features import Algorithm, Flow, Hoof, OrientedFlow
from mebench.features.top import SvmParams


@dataclass(frozen=True)
class Params(SvmParams):
    """The grid of `bi_woof`, with which it is compared; bins as in the paper.

    Attributes:
        flow: algorithm of the onset-to-apex flow.
        rows: blocks from top to bottom.
        cols: blocks from left to right.
        bins: directions of the flow.
        mirrored: motion to the left and to the right falls in one bin, as in the paper; else the bins go all around.
    """

    flow: Algorithm = "tvl1"
    rows: int = 5
    cols: int = 5
    bins: int = 8
    mirrored: bool = True

    def steps(self) -> tuple[Step, ...]:
        """From frames to one (rows, cols, bins) histogram."""
        histogram = Hoof if self.mirrored else OrientedFlow
        return self.face(), Flow(self.flow), histogram(self.rows, self.cols, self.bins)
