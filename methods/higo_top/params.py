"""Parameters of `higo_top`."""

from dataclasses import dataclass

from mebench.features import HigoTop
from mebench.features.top import Top, TopParams


@dataclass(frozen=True)
class Params(TopParams):
    """The published framework; the card names its variants.

    Attributes:
        bins: number of directions of the gradient.
    """

    bins: int = 8

    def feature(self) -> Top:
        """Histograms of a prepared clip."""
        return HigoTop(self.rows, self.cols, self.slices, self.overlap, self.bins)
