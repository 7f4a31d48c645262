"""Parameters of `lbp_sip`."""

from dataclasses import dataclass

from mebench.features.top import VolumeParams

from .steps import LbpSip


@dataclass(frozen=True)
class Params(VolumeParams):
    """The preparation and the grid of `lbp_top`, with which it is compared.

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
        r: radius of the four neighbours in the image, in pixels.
        rt: distance of the two neighbours in time, in frames; `length` must be at least 2 rt + 1.
    """

    r: int = 1
    rt: int = 1

    def feature(self) -> LbpSip:
        """Histograms of a prepared clip."""
        return LbpSip(self.rows, self.cols, self.slices, self.overlap, self.r, self.rt)
