"""Parameters of `of_fd`."""

import math
from dataclasses import dataclass, replace

from mebench.errors import ConfigError
from mebench.features import FaceCrop, FaceParams


@dataclass(frozen=True)
class Params(FaceParams):
    """The public code's settings for CAS(ME)².

    Pixels are those of a face of the size that `unit` says.

    Attributes:
        size: width and height of the face crops in pixels.
        unit: half the way between the inner corners of the eyes to which every face is enlarged, in pixels.
        fps: frames per second of the series, at most: a faster video is read at every n-th frame, and all times count as if it then
            had exactly so many.
        highest: frequency in Hz from which on a region's motion is taken for noise.
        base: how far a region must have moved, beyond where it moved least in its stretch, pixels.
        brows: how far a region of the brows must rise above the lowest of the second around, pixels.
        mouth: the same for a region of the mouth.
        nose: the same for a side of the nose.
        wave: how far it must rise so without its trend, pixels.
        overlap: part of the shorter of two intervals from which on they are one.
        shortest: seconds from onset to offset, at least.
        longest: and at most; null sets no limit.
        micro_longest: seconds from onset to offset of a micro-expression, at most; what lasts longer is macro.
    """

    size: int = 256
    unit: float = 32.0
    fps: float = 30.0
    highest: float = 5.0
    base: float = 1.4
    brows: float = 1.925
    mouth: float = 1.85
    nose: float = 2.1
    wave: float = 0.8
    overlap: float = 0.1
    shortest: float = 0.4
    longest: float | None = 200 / 30
    micro_longest: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        self.crop()
        for name in ("unit", "fps", "highest", "base", "brows", "mouth", "nose", "micro_longest"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"method.{name} must be positive, not {getattr(self, name)}")
        for name in ("wave", "shortest"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"method.{name} must not be negative, not {getattr(self, name)}")
        if not 0 <= self.overlap <= 1:
            raise ConfigError(f"method.overlap must be in [0, 1], not {self.overlap}")
        if not self.highest < self.fps / 2:
            raise ConfigError(
                f"method.highest must be below half of method.fps, {self.fps / 2:g}, not {self.highest:g}"
            )
        if self.longest is not None and self.longest < self.shortest:
            raise ConfigError(
                f"method.longest must not be below method.shortest, {self.shortest}, but is {self.longest}"
            )

    @property
    def needs_landmarks(self) -> bool:
        """The regions lie around landmarks, whatever the settings."""
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
        """Frames of the series in a second.

        >>> [Params().rate(fps) for fps in (25.0, 30.0, 200.0)]
        [25.0, 30.0, 30.0]
        """
        return min(fps, self.fps)

    def lengths(self, fps: float) -> tuple[float, float]:
        """Frames of the series from onset to offset, at least and at most.

        >>> Params().lengths(30.0), Params(longest=None).lengths(25.0)
        ((12, 200), (10, inf))
        """
        rate = self.rate(fps)
        return round(self.shortest * rate), math.inf if self.longest is None else round(self.longest * rate)
