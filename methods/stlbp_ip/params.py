"""Parameters of `stlbp_ip`."""

from dataclasses import dataclass

from mebench.features.top import VolumeParams

from .steps import Average, StlbpIp


@dataclass(frozen=True)
class Params(VolumeParams):
    """The preparation and the grid of `lbp_top`, with which it is compared; patterns as in the public program.

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
        window: points of a projection that make a pattern, odd, 15 at most.
        average: of the patterns of all frames: their `mean`, or a sum in which the last frame counts most (`released_code`).
    """

    window: int = 9
    average: Average = "mean"

    def feature(self) -> StlbpIp:
        """Histograms of a prepared clip."""
        return StlbpIp(self.rows, self.cols, self.slices, self.overlap, self.window, self.average)
