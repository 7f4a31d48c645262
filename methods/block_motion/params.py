"""Parameters of `block_motion`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import Interval, Smoothing, Threshold, check_ranges
from mebench.errors import ConfigError, refuse_if
from mebench.features import Algorithm, FaceParams
from mebench.spotting import SpottingParams

Head = Literal["median", "affine"]
"""What is taken off the motion of blocks as that of the head."""
Network = Literal["joined", "shared"]
"""Whether a network reads all blocks at once, or each block with the same filters."""


@dataclass(frozen=True)
class Params(SpottingParams, FaceParams):
    """The motion, the network, its training, and how scores become intervals.

    Attributes:
        smoothing: weights of the moving average: equal, a Gaussian of standard deviation 1 or 3 frames, an exponential of decay
            1 or 3 frames; or none.
        threshold: `absolute`, one level for all videos, learnt on the fold's training subjects; `relative` to each video's scores
            by `p`.
        interval: `score_curve`, where the smoothed scores cross `curve_height`; `fixed`, k' frames on both sides of a peak.
        flow: algorithm of the optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        blocks: number of blocks along each side of the face crop.
        head: how the motion of the head is taken off the blocks': `median`, that of the median block; `affine`, the affine motion nearest
            to all, which a head that turns or comes nearer has, too.
        network: `joined`, whose filters read all blocks at once, over 2^layers frames; `shared`, whose filters are the same at each
            block and look for movements of the length of a micro-expression there.
        against_usual: whether a joined network also reads the motion of each block against how much it moves in 1.5 s to both sides;
            a shared one always does.
        rate: frames a second at which the network reads motion, whatever the rate of the video.
        width: filters of each layer.
        layers: number of layers over time of a joined network; the reach to both sides of a frame is 2^layers frames at `rate`.
        members: networks learnt from different beginnings, whose scores are averaged.
        window: frames of a training sample, at `rate`.
        epochs: passes over the training videos, each as many random windows as cover them once.
        batch_size: windows of a step.
        lr: highest learning rate of AdamW, to which it rises in the first tenth of the steps and from which it then falls.
        weight_decay: decay of the weights at each step, relative to the learning rate.
        dropout: share of channels that a sample misses in training.
        inside: weight in the loss of a frame inside a micro-expression, against one outside.
        macro_weight: weight in the loss of macro-expressions, which are learnt beside micro-expressions, whichever are spotted.
        mixed: share of training windows to which the motion of another person is added.
        added: micro-expressions that are added to a training window on average, cut out of the training videos that have a copy without
            them (`dataset=injected`), at any place and tempo. Windows are then also made calmer, up to sixteen times, so that people who
            hardly move are learnt from, too.
    """

    smoothing: Smoothing = "gaussian_3"
    threshold: Threshold = "absolute"
    interval: Interval = "score_curve"
    flow: Algorithm = "tvl1"
    stride: int = 1
    blocks: int = 6
    head: Head = "median"
    network: Network = "joined"
    against_usual: bool = False
    rate: float = 25.0
    width: int = 32
    layers: int = 5
    members: int = 1
    window: int = 256
    epochs: int = 45
    batch_size: int = 16
    lr: float = 4e-3
    weight_decay: float = 1e-2
    dropout: float = 0.2
    inside: float = 4.0
    macro_weight: float = 0.3
    mixed: float = 0.5
    added: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        self.without_windows()
        refuse_if(
            (
                self.scales != (1.0,),
                f"method.scales={list(self.scales)} does nothing here: the network sees many frames, so leave it out",
            ),
            (not 1 <= self.blocks <= 64, f"method.blocks must be from 1 to 64, not {self.blocks}"),
            (
                self.head == "affine" and self.blocks < 4,
                f"method.head=affine needs method.blocks of 4 or more, not {self.blocks}: those at the edge have no say",
            ),
            (
                self.network == "shared" and self.blocks < 4,
                f"method.network=shared needs method.blocks of 4 or more, not {self.blocks}: those at the edge are left out of the face",
            ),
            (
                self.network == "shared" and self.against_usual,
                "method.against_usual=true does nothing with method.network=shared, which always reads that: leave it out",
            ),
            (not 1 <= self.layers <= 10, f"method.layers must be from 1 to 10, not {self.layers}"),
            error=ConfigError,
        )
        check_ranges(
            self,
            at_least_one=("stride", "width", "members", "window", "epochs", "batch_size"),
            positive=("rate", "lr", "inside"),
            not_negative=("weight_decay", "macro_weight", "added"),
            below_one=("dropout",),
            shares=("mixed",),
        )
