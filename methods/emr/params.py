"""Parameters of `emr`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceCrop
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The settings of the public program; those of the magnification, which another program made, are not published.

    Attributes:
        start: of the ResNet-18: `weights` of your own, from a file; or `random` numbers, which is not the paper's method.
        weights: a PyTorch file with the weights of a ResNet-18, under torchvision's names or those of the program's file.
        pixels: width and height of the face crops, between which flow is computed.
        size: width and height of the picture that the network sees, in pixels, at least 64.
        alpha: strength of the magnification of micro-expressions, see `mebench.features.Magnify`; 0 leaves it out.
        low: lowest frequency that is magnified, in Hz.
        high: highest frequency that is magnified, in Hz; below half the frame rate.
        backbone_lr: learning rate of the ResNet-18; `lr` is that of all other layers in the first epochs.
        decay_every: epochs after which `lr` is halved, while above 1e-5.
        weight_decay: of Adam.
        clip_norm: to which the gradient of each part of the network is shortened.
    """

    epochs: int = 100
    batch_size: int = 32
    lr: float = 1e-3
    flow: Algorithm = "farneback_single"
    start: Literal["weights", "random"] = "weights"
    weights: Path | None = None
    pixels: int = 320
    size: int = 224
    alpha: float = 8.0
    low: float = 0.4
    high: float = 3.0
    backbone_lr: float = 1e-5
    decay_every: int = 10
    weight_decay: float = 1e-6
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(
            self,
            at_least_one=("decay_every",),
            positive=("backbone_lr", "clip_norm", "low", "high"),
            not_negative=("alpha", "weight_decay"),
        )
        for name in ("pixels", "size"):
            if getattr(self, name) < 64:
                raise ConfigError(f"method.{name} must be at least 64 pixels, not {getattr(self, name)}")
        if self.low >= self.high:
            raise ConfigError(f"method.low must be below method.high, {self.high:g} Hz, not {self.low:g} Hz")
        if self.start == "random" and self.weights is not None:
            raise ConfigError(
                f"method.weights={self.weights} is not read with method.start=random: add method.start=weights"
            )

    def face(self) -> FaceCrop:
        """The first step of a chain, at the size of this method."""
        return replace(super().face(), size=self.pixels)
