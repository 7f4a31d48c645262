"""Clips of a least length."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mebench.features import Interpolate, SequenceStep
from mebench.features.base import Image


@dataclass(frozen=True)
class AtLeast(SequenceStep):
    """Interpolate shorter clips to a number of frames, and keep others as they are."""

    keeps_length: ClassVar[bool] = False
    portable: ClassVar[bool] = False  # it rests on sines and a product of matrices
    least: ClassVar[Mapping[str, int]] = {"frames": 1}

    frames: int

    def apply(self, crops: Image, fps: float | None) -> Image:
        """(n, H, W) crops to at least `frames` of them."""
        return crops if len(crops) >= self.frames else Interpolate(self.frames).apply(crops, fps)
