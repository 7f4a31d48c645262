"""Parameters of `lbp_top`."""

from dataclasses import dataclass
from typing import Literal

from mebench.features import LbpTop
from mebench.features.texture import Patterns
from mebench.features.top import Top, TopParams


@dataclass(frozen=True)
class Params(TopParams):
    """The published framework; the card names its variants.

    Attributes:
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
