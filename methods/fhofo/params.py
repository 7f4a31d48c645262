"""Parameters of `fhofo`."""

from dataclasses import dataclass

from mebench.core import Step
from mebench.errors import ConfigError
from mebench.features import Algorithm, Interpolate
from mebench.features.top import SvmParams

from .steps import Fhofo, OverTime


@dataclass(frozen=True)
class Params(SvmParams):
    """The settings of the public program.

    Attributes:
        flow: algorithm of the flow from each frame to the next.
        length: frames to which temporal interpolation brings each clip.
        rows: blocks from top to bottom.
        cols: blocks from left to right.
        bins: directions of a histogram.
        fine: bins of a full turn in which directions are counted first.
        sigma: width of the membership of a direction, in fine bins.
        weighted: a vector counts its length (FHOOF), else 1.
        frames: of the histograms of all frames: their `sum`, or all, one after another (`joined`).
    """

    flow: Algorithm = "farneback"
    length: int = 25
    rows: int = 3
    cols: int = 3
    bins: int = 18
    fine: int = 50
    sigma: float = 10.0
    weighted: bool = False
    frames: OverTime = "sum"

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.length < 2:
            raise ConfigError(f"method.length must be at least 2, since flow takes two frames, not {self.length}")

    def steps(self) -> tuple[Step, ...]:
        """From frames to one (rows, cols, numbers) histogram."""
        grid = (self.rows, self.cols, self.bins, self.fine)
        return (
            self.face(),
            Interpolate(self.length),
            Fhofo(*grid, self.sigma, self.weighted, self.frames, flow=self.flow),
        )
