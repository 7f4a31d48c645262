"""Parameters of `sfamnet`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams, Regions


@dataclass(frozen=True)
class Params(FaceParams):
    """The settings of the public code for CAS(ME)³, its frames at 30 a second made seconds.

    Attributes:
        features: `scene_flow`, maps (42, 42, 3) of the motion in space from each frame on, which a dataset brings; or `flow`, MEAN's
            maps of u, v and strain, in their place.
        flow: algorithm of the optical flow.
        k_seconds: time between the two frames of a flow pair.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        regions: layout of eyes and mouth, see MEAN.
        fps: frames per second of the series, at most: a faster video is read at every n-th frame.
        epochs: rounds of ten steps each.
        batch_size: samples per step.
        lr: learning rate of Adam.
        spotting: weight of the squared error of scores; 1 - spotting is that of the cross-entropy of emotions.
        level: lowest smoothed score of a peak, and that onset and offset stay above.
        most: mean smoothed score of an interval from which on it is dropped.
        fall: the peak exceeds onset and offset by more than this.
        busy: mean smoothed score of a video from which on it gets no intervals.
        smoothing: seconds over which scores are averaged.
        before: largest time from onset to peak, seconds.
        after: largest time from peak to offset, seconds.
        shortest: seconds from onset to offset, at least ...
        longest: ... and at most.
        weights: folder of the weights that the authors released, such as `pretrained_weights/4emo`, with a file for each tested subject of
            CAS(ME)^3; or one file. Then nothing is trained. Of four emotions or of seven, as the scheme has them.
    """

    features: Literal["scene_flow", "flow"] = "scene_flow"
    flow: Algorithm = "tvl1"
    k_seconds: float = 0.1
    stride: int = 1
    regions: Regions = "paper"
    fps: float = 15.0
    epochs: int = 100
    batch_size: int = 1024
    lr: float = 1e-4
    spotting: float = 0.9
    level: float = 0.576
    most: float = 0.725
    fall: float = 0.017
    busy: float = 0.41
    smoothing: float = 0.934
    before: float = 0.467
    after: float = 1.067
    shortest: float = 0.467
    longest: float = 1.067
    weights: Path | None = None

    @property
    def needs_landmarks(self) -> bool:
        """Only regions of the face need landmarks."""
        return self.features == "flow" and super().needs_landmarks

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("stride", "epochs", "batch_size"),
            positive=("k_seconds", "fps", "lr", "smoothing", "before", "after", "longest"),
            not_negative=("fall", "shortest"),
            shares=("spotting", "level", "most", "busy"),
        )
        if self.shortest > self.longest:
            raise ConfigError(f"method.shortest={self.shortest} must not be above method.longest={self.longest}")

    def step(self, fps: float) -> int:
        """Frames of a video from one of the series to the next.

        >>> [Params().step(fps) for fps in (25.0, 30.0, 200.0)]
        [2, 2, 13]
        """
        return max(1, round(fps / self.fps))
