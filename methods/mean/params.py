"""Parameters of `mean`."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.core import Timing
from mebench.core.options import MacroParams, TrainingParams, check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(MacroParams, TrainingParams, SpottingParams, FaceParams):
    """The paper's settings; where the paper gives none, those of its public code.

    Attributes:
        flow: algorithm of the optical flow; the paper's is `tvl1`.
        k_seconds: time between the two frames of a flow pair, k frames, rounded up (section 4.3; Table 6 tries .05, .10
            and .15).
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        preprocessing: `mean`, that of MEAN's code: each channel of the crop is scaled to [0, 1] before the regions are
            cut. `softnet`, that of SOFTNet, which the paper claims to follow: the nose's motion is removed, the eyes
            are masked, each channel is scaled to [0, 1] after the regions are cut, and the strain uses forward
            differences.
        regions: layout of eyes and mouth: `paper`, `released_code` (one box across both eyes) or `box` (needs no
            landmarks); `whole_face` takes maps of the whole face, 28x28, ready-made ones if a dataset provides them.
        apex: of a clip to learn or name: `annotated` (the clip's middle if none is marked); `paper`, the frame that
            differs most from the onset (section 4.3, for SMIC); `released_code`, the frame whose map over k frames has
            the largest sum.
        epochs_spot: passes over the spotting samples (200 in section 4.3; the public code has 10).
        epochs_recognition: passes over the clips (800 in section 4.3; the public code has 100).
        transfer: learn emotions on the frozen shared layers of the spotting network; false learns them from scratch (Table 9).
        frozen: how the frozen shared layers see the clips that recognition is learnt from: `eval`, as they see tested
            ones, so that their maps are computed once; `train`, normalised by each batch and with dropout, as in the
            public code; their moving statistics stay. Without effect if nothing is transferred.
        ratio: most frames outside expressions for each frame inside (8 in section 4.3; the public code has 5).
        batch_size: samples per step of both stages; the paper is silent.
        lr: learning rate of Adam in both stages (section 4.3).
        dropout: after each stream's pooling; the paper is silent.
        dropout_head: before each output; the paper is silent.
        l2: weight of the squared kernels of the streams in the loss; the paper is silent.
        l2_head: the same for the second convolution of each head; the paper is silent.
        case: frames of a spotted interval that vote on its emotion (Table 8): 1 from onset to peak, [F_p - k', F_p - 1]; 2 the peak
            alone; 3 all, [F_p - k', F_p + k' - 1].
        recognition_gap: flow of those frames over `k` frames (section 4.3), or over `k_prime` (section 5.3).
        curves: `valid` holds the inner validation subjects out and records their loss and accuracy after each epoch
            (Figure 6), for recognition also UF1 and UAR; `train` notes loss and accuracy of the training samples only.
        weights: folder of weights that the authors released, such as `MEAN_Weights/CASME2`, with a file for each tested subject in
            `spot`, `recog` or `spot_recog`; or one file. Then nothing is trained.
    """

    flow: Algorithm = "tvl1"
    k_seconds: float = 0.1
    stride: int = 1
    preprocessing: Literal["mean", "softnet"] = "mean"
    regions: Literal["paper", "released_code", "box", "whole_face"] = "paper"
    apex: Literal["annotated", "paper", "released_code"] = "annotated"
    epochs_spot: int = 200
    epochs_recognition: int = 800
    transfer: bool = True
    frozen: Literal["eval", "train"] = "eval"
    ratio: float = 8.0
    batch_size: int = 32
    lr: float = 5e-4
    dropout: float = 0.3
    dropout_head: float = 0.2
    l2: float = 0.001
    l2_head: float = 0.1
    case: Literal[1, 2, 3] = 1
    recognition_gap: Literal["k", "k_prime"] = "k"
    curves: Literal["train", "valid"] = "train"
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        TrainingParams.__post_init__(self)
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        MacroParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("stride", "epochs_spot", "epochs_recognition", "batch_size"),
            positive=("k_seconds", "ratio", "lr"),
            not_negative=("l2", "l2_head"),
            below_one=("dropout", "dropout_head"),
        )
        if self.regions in ("box", "whole_face") and self.preprocessing == "softnet":
            raise ConfigError(
                f"method.preprocessing=softnet removes the nose's motion and masks the eyes by landmarks, which "
                f"method.regions={self.regions} does without: choose regions=paper, or preprocessing=mean"
            )

    def gap(self, timing: Timing) -> int:
        """k: frames in `k_seconds`, rounded up, at least 1.

        >>> [Params().gap(Timing(fps, 0)) for fps in (25.0, 30.0, 100.0, 200.0)]
        [3, 3, 10, 20]
        """
        return max(1, math.ceil(self.k_seconds * timing.fps - 1e-9))
