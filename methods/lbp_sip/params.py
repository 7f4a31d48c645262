"""Parameters of `lbp_sip`."""

from dataclasses import dataclass

from mebench.features.top import VolumeParams

from .steps import LbpSip


@dataclass(frozen=True)
class Params(VolumeParams):
    """The preparation and the grid of `lbp_top`, with which it is compared.

    Attributes:
        r: radius of the four neighbours in the image, in pixels.
        rt: distance of the two neighbours in time, in frames; `length` must be at least 2 rt + 1.
    """

    r: int = 1
    rt: int = 1

    def feature(self) -> LbpSip:
        """Histograms of a prepared clip."""
        return LbpSip(self.rows, self.cols, self.slices, self.overlap, self.r, self.rt)
