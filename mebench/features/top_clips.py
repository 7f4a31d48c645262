"""What recognizers by texture on three orthogonal planes share: how a clip is prepared, and how its features are classified.

The framework of Li et al. 2017, "Towards Reading Hidden Emotions": motion magnified, clips brought to one length, features of
blocks on three planes, a linear support vector machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mebench.core.chain import Step
from mebench.errors import ConfigError
from mebench.features import FaceParams, Interpolate, Magnify
from mebench.features.top import Top

Plane = Literal["xy", "xt", "yt"]
PLANES: tuple[Plane, ...] = ("xy", "xt", "yt")
"""The planes in the order in which a feature holds them: the image, and what a row and a column see over time."""


@dataclass(frozen=True)
class TopParams(FaceParams):
    """Parameters of the preparation, of the grid of blocks and of the classifier; a subclass adds those of its feature.

    Its docstring says what each means. The ranges are those of the steps, which are built, and so checked, at once.
    """

    magnify: Literal["none", "butterworth", "ideal"] = "butterworth"
    alpha: float = 8.0
    low: float = 0.4
    high: float = 3.0
    levels: int = 4
    length: int = 10
    rows: int = 5
    cols: int = 5
    slices: int = 1
    overlap: float = 0.0
    planes: tuple[Plane, ...] = PLANES
    c: float | None = None
    class_weight: Literal["balanced"] | None = None
    standardise: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.c is not None and not self.c > 0:
            raise ConfigError(
                f"method.c must be a number above 0, or null to choose it by cross-validation, not {self.c}"
            )
        if not self.alpha >= 0:
            raise ConfigError(f"method.alpha must not be negative, not {self.alpha}")
        if not self.planes or list(self.planes) != [plane for plane in PLANES if plane in self.planes]:
            raise ConfigError(
                f"method.planes must be some of {list(PLANES)}, each once and in that order, not {list(self.planes)}"
            )
        self.steps()
        needed = max(2 * self.feature().margin[0] + 1, self.slices)
        if self.length < needed:
            raise ConfigError(
                f"method.length must be at least {needed} frames for this feature and its blocks, not {self.length}"
            )

    def feature(self) -> Top:
        """The step that turns the prepared crops into histograms.

        Raises:
            ConfigError: one of its parameters is out of range.
        """
        raise NotImplementedError(f"{type(self).__name__} must define feature()")

    def steps(self) -> tuple[Step, ...]:
        """From frames to histograms."""
        if self.magnify == "none":
            magnified: tuple[Step, ...] = ()
        else:
            magnified = (Magnify(self.alpha, self.low, self.high, self.levels, filter=self.magnify),)
        return (self.face(), *magnified, Interpolate(self.length), self.feature())
