"""Parameters of `lpq_top`."""

from dataclasses import dataclass

from mebench.features.top import TopParams

from .steps import LpqTop


@dataclass(frozen=True)
class Params(TopParams):
    """The preparation and the grid of `lbp_top`, with which it is compared; windows as in the authors' program.

    Attributes:
        magnify: filter of the Eulerian motion magnification: `butterworth` works on clips of any length; `ideal` is sharper,
            and refuses clips that are too short to hold a frequency from `low` to `high`; `none` leaves magnification out.
        alpha: strength of the magnification: 8 adds eight times what moves.
        low: lowest frequency that is magnified, in Hz.
        high: highest frequency that is magnified, in Hz; below half the frame rate for `butterworth`.
        levels: how often the frames are halved for the magnification.
        length: frames to which temporal interpolation brings each clip.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        slices: number of blocks along time.
        overlap: part of a block that it shares with the next, from 0 to below 1.
        c: C of the linear SVM; null chooses it by five-fold cross-validation of the training clips.
        class_weight: `balanced` makes rare classes count as much as frequent ones; null weighs all clips alike.
        standardise: bring each number of the histograms to mean 0 and standard deviation 1 first.
        planes: those whose histograms are used, of `xy` (the image), `xt` and `yt` (movement along rows and columns).
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
