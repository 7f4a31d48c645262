"""Parameters of `of_fd`."""

import math
from dataclasses import dataclass, replace

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import FaceCrop, FaceParams

from .intervals import Rules

SHARES = ("nose tip", "left brow", "right brow", "mouth", "parts of the mouth", "sides of the nose")


@dataclass(frozen=True)
class Params(FaceParams):
    """The settings of the public code for CAS(ME)².

    Pixels refer to a face of the size in `unit`.

    Attributes:
        size: width and height of the face crops in pixels.
        unit: half the way between the inner corners of the eyes to which every face is enlarged, in pixels.
        shares: of the longest vectors that make the motion of the nose's tip, of the left brow, of the right one, of the whole mouth, of
            its parts, and of the sides of the nose.
        fps: frames per second of the series, at most: a faster video is read at every n-th frame.
        highest: frequency in Hz from which on a region's motion is taken for noise.
        base: least movement of a region beyond its smallest movement in the stretch, pixels.
        brows: how far a region of the brows must rise above the lowest of the second around, pixels.
        mouth: the same for a region of the mouth.
        nose: the same for a side of the nose.
        wave: how far it must rise so without its trend, pixels.
        slope: share of a peak's height over the adjacent valley at which an interval begins and ends.
        edge: least height of an end in a valley above the lowest frame near it for moving the end there, pixels.
        valley: least depth of a valley between two peaks, as a share of each peak, that splits an interval.
        depth: and by how much at least, pixels.
        overlap: part of the shorter of two intervals from which on they are one.
        shortest: least seconds from onset to offset, for intervals of one stretch.
        longest: and at most; null sets no limit. What stretches join may last longer.
        micro_longest: seconds from onset to offset of a micro-expression, at most; what lasts longer is macro.
    """

    size: int = 256
    unit: float = 32.0
    shares: tuple[float, ...] = (0.7, 0.2, 0.3, 0.3, 0.2, 0.2)
    fps: float = 30.0
    highest: float = 5.0
    base: float = 1.4
    brows: float = 1.925
    mouth: float = 1.85
    nose: float = 2.1
    wave: float = 0.8
    slope: float = 0.33
    edge: float = 0.3
    valley: float = 0.33
    depth: float = 0.7
    overlap: float = 0.1
    shortest: float = 0.4
    longest: float | None = 200 / 30
    micro_longest: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        if self.size < 32:
            raise ConfigError(f"method.size must be at least 32 pixels, not {self.size}")
        if len(self.shares) != len(SHARES) or not all(0 < share <= 1 for share in self.shares):
            raise ConfigError(
                f"method.shares must be {len(SHARES)} numbers above 0 and up to 1, of {', '.join(SHARES)}, not {list(self.shares)}"
            )
        check_ranges(
            self,
            positive=("unit", "fps", "highest", "base", "brows", "mouth", "nose", "micro_longest"),
            not_negative=("wave", "edge", "depth", "shortest"),
            shares=("slope", "valley", "overlap"),
        )
        if self.longest is not None and self.longest < self.shortest:
            raise ConfigError(
                f"method.longest must not be below method.shortest, {self.shortest}, but is {self.longest}"
            )

    @property
    def needs_landmarks(self) -> bool:
        """The regions need landmarks under all settings."""
        return True

    def crop(self) -> FaceCrop:
        """The first step of the chain.

        Raises:
            ConfigError: an option is unknown or out of range.
        """
        return replace(self.face(), size=self.size)

    def step(self, fps: float) -> int:
        """Frames of a video from one of the series to the next.

        >>> [Params().step(fps) for fps in (25.0, 30.0, 200.0)]
        [1, 1, 7]
        """
        return max(1, round(fps / self.fps))

    def rate(self, fps: float) -> float:
        """Frames of the series in a second; what comes near `fps` counts as that, as in the public code.

        >>> [round(Params().rate(fps), 1) for fps in (25.0, 29.97, 100.0, 200.0)]
        [25.0, 30.0, 33.3, 30.0]

        Raises:
            ConfigError: they contain no frequency up to `highest`.
        """
        own = fps / self.step(fps)
        rate = self.fps if abs(own - self.fps) < 0.1 * self.fps else own
        if not self.highest < rate / 2:
            raise ConfigError(
                f"videos of {fps:g} frames per second cannot show motion of method.highest={self.highest:g} Hz: choose less "
                f"than {rate / 2:g}"
            )
        return rate

    def rules(self, fps: float) -> Rules:
        """How intervals are found in a stretch."""
        return Rules.at(
            self.rate(fps), self.base, self.wave, self.slope, self.edge, self.valley, self.depth, self.overlap
        )

    def lengths(self, fps: float) -> tuple[float, float]:
        """Frames of the series from onset to offset, at least and at most.

        >>> Params().lengths(30.0), Params(longest=None).lengths(25.0)
        ((12, 200), (10, inf))
        """
        rate = self.rate(fps)
        return round(self.shortest * rate), math.inf if self.longest is None else round(self.longest * rate)

    def is_micro(self, frames: int, fps: float) -> bool:
        """Whether this number of frames from onset to offset is a micro-expression's length.

        >>> [Params().is_micro(*one) for one in ((15, 30.0), (15, 29.97), (16, 30.0), (100, 200.0), (101, 200.0))]
        [True, True, False, True, False]
        """
        return frames <= round(self.micro_longest * fps)
