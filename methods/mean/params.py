"""Parameters of `mean`."""

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    """The paper's settings; where it is silent, those of its public code.

    Attributes:
        flow: algorithm of the optical flow; the paper's is `tvl1`.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        regions: layout of eyes and mouth: `paper`, `released_code` (one box across both eyes) or `box` (needs no landmarks).
        epochs_spot: passes over the spotting samples (200 in section 4.3; the public code has 10).
        epochs_recognition: passes over the clips (800 in section 4.3; the public code has 100).
        ratio: at most so many frames outside expressions for each one inside (8 in section 4.3; the public code has 5).
        batch_size: samples per step of both stages; the paper is silent.
        lr: learning rate of Adam in both stages (section 4.3).
        dropout: after each stream's pooling; the paper is silent.
        dropout_head: before each output; the paper is silent.
        l2: weight of the squared kernels of the streams in the loss; the paper is silent.
        l2_head: the same for the second convolution of each head; the paper is silent.
        p: place of the threshold between a video's mean and maximum score (equation 12).
        rule: smoothing and interval of the paper (equation 11, section 3.4) or of the released code.
    """

    flow: Literal["tvl1", "tvl1_eps05", "farneback", "dis"] = "tvl1"
    stride: int = 1
    regions: Literal["paper", "released_code", "box"] = "paper"
    epochs_spot: int = 200
    epochs_recognition: int = 800
    ratio: float = 8.0
    batch_size: int = 32
    lr: float = 5e-4
    dropout: float = 0.3
    dropout_head: float = 0.2
    l2: float = 0.001
    l2_head: float = 0.1
    p: float = 0.55
    rule: Literal["paper", "released_code"] = "paper"

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("stride", "epochs_spot", "epochs_recognition", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"method.{name} must be at least 1, not {getattr(self, name)}")
        for name in ("ratio", "lr"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"method.{name} must be positive, not {getattr(self, name)}")
        for name in ("l2", "l2_head"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"method.{name} must not be negative, not {getattr(self, name)}")
        for name in ("dropout", "dropout_head"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"method.{name} must be in [0, 1), not {getattr(self, name)}")
        if not 0 <= self.p <= 1:
            raise ConfigError(f"method.p must be in [0, 1], not {self.p}")
