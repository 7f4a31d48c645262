"""Parameters of `ltp`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import FaceParams


@dataclass(frozen=True)
class Params(FaceParams):
    """The settings of the authors' program for CAS(ME)2, its numbers of frames in seconds.

    Attributes:
        region: width and height of a region around a landmark in pixels of the crop.
        window: seconds of a video that are analysed together; the next window begins `reach` before its end.
        reach: seconds over which the movement from a frame on makes its pattern.
        moments: of the reach, evenly spread, at which a pattern is read: the program takes each frame, 9 at 30 a second.
        lead: share of `reach` before an onset; frames there are learnt as beginnings of a pattern.
        cn_limit: upper limit for the inverse of a region's largest movement.
        intensity: part of a region's largest movement in the window that a pattern must reach.
        sample: of frames far from an onset only every n-th is learnt.
        c: weight of the training errors of the SVM.
        weight: of patterns of expressions, against 1 of others.
        region_span: part of `reach` within which the frames of a region support each other.
        frame_span: the same for all regions together.
        span: seconds within which detected frames form one interval.
        least: seconds of detected frames that an interval needs.
    """

    region: int = 10
    window: float = 1.0
    reach: float = 0.3
    moments: int = 9
    lead: float = 1 / 3
    cn_limit: float = 10.0
    intensity: float = 0.9
    sample: int = 8
    c: float = 5.0
    weight: float = 2.5
    region_span: float = 1 / 6
    frame_span: float = 1 / 3
    span: float = 0.5
    least: float = 0.2

    @property
    def needs_landmarks(self) -> bool:
        """The regions need landmarks under all settings."""
        return True

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(
            self,
            at_least_one=("region", "moments", "sample"),
            positive=("reach", "cn_limit", "c", "weight", "region_span", "frame_span", "span", "least"),
            shares=("lead", "intensity"),
        )
        if self.window <= self.reach:
            raise ConfigError(f"method.window must be longer than method.reach={self.reach:g}, not {self.window:g}")
        if self.least > self.span:
            raise ConfigError(f"method.least must not be above method.span={self.span:g}, but is {self.least:g}")

    def frames(self, seconds: float, fps: float) -> int:
        """Whole frames, at least 1.

        >>> [Params().frames(seconds, fps) for fps in (30.0, 200.0) for seconds in (1.0, 0.3, 0.5)]
        [30, 9, 15, 200, 60, 100]
        """
        return max(1, round(seconds * fps))
