"""Parameters of `softnet`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.core.options import MacroParams, TrainingParams, check_ranges
from mebench.features import Algorithm, FaceParams, Regions
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(MacroParams, TrainingParams, SpottingParams, FaceParams):
    """The paper's settings; where the paper gives none, those of its public code.

    Attributes:
        flow: algorithm of the optical flow; the paper's is `tvl1`.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        regions: layout of eyes and mouth, see MEAN: `paper`, `released_code` (one box across both eyes) or `box`, which needs no
            landmarks; then the motion of the nose is not removed and the eyes are not masked.
        nose_motion: the motion of the nose bridge is taken off u and v (`paper`), off all three channels and u and v lose
            their signs (`released_code`), or stays (`kept`).
        eye_mask: pixels within `eye_margin` of the eyes are 0 (`distance`), those in the public code's hexagon (`released_code`),
            or none (`none`).
        eye_margin: pixels around the eyes.
        labels: frame i is 1 if [i, i + k' - 1] overlaps an expression (`paper`), or an expression without its first frame
            (`released_code`).
        negatives: frames outside expressions to train on, as a part of the more frequent label's frames; at most all.
        augmentation: add each micro-expression's frame mirrored, blurred and with noise; macro-expressions never are.
        epochs: passes over the samples.
        batch_size: samples per step.
        lr: learning rate of plain gradient descent.
        weights: folder of the weights that the authors released, such as `SOFTNet_Weights/CASME_sq`, with a file for each tested subject
            in `micro-expression` and `macro-expression`; or one file. Then nothing is trained.
    """

    flow: Algorithm = "tvl1"
    stride: int = 1
    regions: Regions = "paper"
    nose_motion: Literal["paper", "released_code", "kept"] = "paper"
    eye_mask: Literal["distance", "released_code", "none"] = "distance"
    eye_margin: int = 15
    labels: Literal["paper", "released_code"] = "paper"
    negatives: float = 0.5
    augmentation: bool = True
    epochs: int = 10
    batch_size: int = 12
    lr: float = 5e-4
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        TrainingParams.__post_init__(self)
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        MacroParams.__post_init__(self)
        if self.rule == "released_code":
            self.only(("anchor", "p", "rule", "scales", "threshold"), "method.rule=released_code")
        check_ranges(
            self,
            at_least_one=("stride", "epochs", "batch_size"),
            positive=("lr", "negatives"),
            not_negative=("eye_margin",),
        )
