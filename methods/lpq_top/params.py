"""Parameters of `lpq_top`."""

from dataclasses import dataclass

from mebench.features.top import TopParams

from .steps import LpqTop


@dataclass(frozen=True)
class Params(TopParams):
    """The preparation and the grid of `lbp_top`, with which it is compared; windows as in the authors' program.

    Attributes:
        planes: the planes whose histograms are used: `xy` (the image), `xt` and `yt` (movement along rows and columns).
        window: width of the window in the image, odd, in pixels.
        window_t: its length in time, odd, in frames; `length` must not be smaller.
        decorrelate: turn the eight numbers of a voxel to axes on which they correlate less.
    """

    window: int = 5
    window_t: int = 5
    decorrelate: bool = True

    def feature(self) -> LpqTop:
        """Histograms of a prepared clip."""
        windows = self.window, self.window_t, self.decorrelate
        return LpqTop(self.rows, self.cols, self.slices, self.overlap, *windows)
