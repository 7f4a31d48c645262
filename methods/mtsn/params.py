"""Parameters of `mtsn`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.core.options import MacroParams, check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams, Regions


@dataclass(frozen=True)
class Params(MacroParams, FaceParams):
    """The settings of the public code; lengths, in frames of CAS(ME)2 there, in k'.

    Attributes:
        flow: algorithm of the optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        regions: layout of eyes and mouth, see MEAN; with `box`, which needs no landmarks, the motion of the nose is not removed and the
            eyes are not masked.
        eye_margin: pixels around the eyes whose motion is ignored.
        hard: weight of the error against hard labels, 1 from onset to offset; 1 - hard is that against soft ones, which rise to 1 at
            the apex.
        negatives: frames outside expressions to train on for each one inside, at most.
        epochs: passes over the samples.
        batch_size: samples per step.
        lr: learning rate of Adam.
        level: score above which a frame may be a peak, and its neighbours belong to its interval.
        difference: a micro-expression's score must exceed the score at its peak, smoothed for macro-expressions, by
            this amount.
        reach: largest extent of an interval on each side of its peak, in k'.
        shortest: it is longer than this, in k'.
        longest: and shorter than this, in k'.
        weights: a file that the authors released, such as `megc2022-pretrained-weights/cas_weights.pkl`. Then nothing is trained. It was
            trained on all people of CAS(ME)^2 or of SAMM Long Videos, so on those no score is one of people that it never saw.
    """

    flow: Algorithm = "tvl1"
    stride: int = 1
    regions: Regions = "paper"
    eye_margin: int = 15
    hard: float = 0.7
    negatives: float = 1.0
    epochs: int = 10
    batch_size: int = 128
    lr: float = 5e-5
    level: float = 0.7
    difference: float = 0.4
    reach: float = 2.5
    shortest: float = 5 / 6
    longest: float = 5.0
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        MacroParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("stride", "epochs", "batch_size"),
            positive=("lr", "negatives", "reach"),
            not_negative=("eye_margin",),
            shares=("hard", "level"),
        )
        if not 0 <= self.shortest <= self.longest:
            raise ConfigError(
                f"method.longest must not be below method.shortest, {self.shortest}, but is {self.longest}"
            )
