"""Parameters of `lbp_top`."""

from dataclasses import dataclass
from typing import Literal

from mebench.features import LbpTop
from mebench.features.texture import Patterns
from mebench.features.top import Top, TopParams


@dataclass(frozen=True)
class Params(TopParams):
    """The published framework; what it varies is named in the card.

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
        planes: those whose histograms are used, of `xy` (the image), `xt` and `yt` (movement along rows and columns).
        c: C of the linear SVM; null chooses it by five-fold cross-validation of the training clips.
        class_weight: `balanced` makes rare classes count as much as frequent ones; null weighs all clips alike.
        standardise: bring each number of the histograms to mean 0 and standard deviation 1 first.
        p: number of neighbours on each plane; 4 and 8 are usual.
        rx: radius along the rows in pixels.
        ry: radius along the columns in pixels.
        rt: radius in time in frames; `length` must be at least 2 rt + 1.
        patterns: `uniform` patterns each by itself and all others together, or the `full` 2 ** p.
        classifier: a linear `svm`; `logistic` regression or `ridge`, with `c` and `class_weight` as for it; the training clip
            that is the nearest `neighbour`, or the nearest class `template` (the mean of its clips), by the chi-square distance.
    """

    p: int = 8
    rx: int = 1
    ry: int = 1
    rt: int = 1
    patterns: Patterns = "uniform"
    classifier: Literal["svm", "logistic", "ridge", "neighbour", "template"] = "svm"

    def feature(self) -> Top:
        """Histograms of a prepared clip."""
        return LbpTop(self.rows, self.cols, self.slices, self.overlap, self.p, self.rx, self.ry, self.rt, self.patterns)
