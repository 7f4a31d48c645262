"""Parameters of `stlbp_ip`."""

from dataclasses import dataclass

from mebench.features.top import VolumeParams

from .steps import Average, StlbpIp


@dataclass(frozen=True)
class Params(VolumeParams):
    """The preparation and the grid of `lbp_top`, with which it is compared; patterns as in the public program.

    Attributes:
        window: points of a projection that make a pattern, odd, 15 at most.
        average: of the patterns of all frames: their `mean`, or a sum in which the last frame counts most (`released_code`).
    """

    window: int = 9
    average: Average = "mean"

    def feature(self) -> StlbpIp:
        """Histograms of a prepared clip."""
        return StlbpIp(self.rows, self.cols, self.slices, self.overlap, self.window, self.average)
