"""Parameters of `tsmsnet`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.core.options import Anchor, MacroParams, Threshold, check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams, Regions


@dataclass(frozen=True)
class Params(MacroParams, FaceParams):
    """The settings of the public code for micro-expressions of SAMM Long Videos.

    Attributes:
        flow: algorithm of the optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        regions: layout of eyes and mouth, see MEAN; with `box`, which needs no landmarks, the motion of the nose is not removed and the
            eyes are not masked.
        eye_margin: pixels around the eyes whose motion is ignored.
        width: K in k': the gap of the flow, and how far an interval reaches to both sides of its peak.
        p: place of the threshold between mean and maximum of the video's scores.
        threshold: `relative` to the video's own scores by `p`; `absolute`: one for all videos, learnt on the fold's training subjects
            (those held out for validation), so that a video without expressions can stay empty.
        normalise: each channel of a frame's maps is brought to [0, 1] before it is scored.
        segment: number of maps of an interval, evenly over its 2K frames, for the decision to join it with the next.
        join: whether to join neighbouring intervals that are classified as parts of expressions; false leaves out the
            second network.
        negatives: frames without expression to learn scores from for each one with, at most; null takes all.
        epochs: passes over the samples of both networks.
        batch_size: samples per step of scores.
        batch_size_join: samples per step of segments.
        lr: learning rate of Adamax.
        weight_decay: of Adamax.
        anchor: `paper`, around the peak; `middle`, half of K later, at the place of the expression with these labels.
        weights: folder of the weights that the authors released, `weights` of their repository. Then nothing is trained, `segment` is
            that of theirs (SAMM: micro 21, macro 114; CAS: micro 6, macro 16) and each tested person gets the weights without that person.
        weights_of: training set of the weights: SAMM Long Videos (`samm`) or CAS(ME)^2 (`cas`).
    """

    flow: Algorithm = "tvl1"
    stride: int = 1
    regions: Regions = "released_code"
    eye_margin: int = 15
    width: float = 1.14
    p: float = 0.5
    threshold: Threshold = "relative"
    normalise: bool = False
    segment: int = 21
    join: bool = True
    negatives: float | None = None
    epochs: int = 60
    batch_size: int = 512
    batch_size_join: int = 128
    lr: float = 1e-3
    weight_decay: float = 5e-5
    anchor: Anchor = "paper"
    weights: Path | None = None
    weights_of: Literal["samm", "cas"] = "samm"

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        MacroParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("stride", "epochs", "batch_size", "batch_size_join"),
            positive=("lr", "negatives", "width"),
            not_negative=("eye_margin", "weight_decay"),
            shares=("p",),
        )
        if self.segment < 3:
            raise ConfigError(
                f"method.segment must be at least 3 frames, which the convolutions along time need, not {self.segment}"
            )
