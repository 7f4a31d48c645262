"""Named maps of a clip's motion, 28x28 pixels, ready-made or computed from frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import KINDS, Chain, ClipView, Step, stack
from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.faces import FaceParams
from mebench.features.flow import Algorithm, Flow, FlowDirection, FlowImage, Strain
from mebench.features.regions import RegionMotion

SIZE = 28
ONSET_APEX = "onset_apex_flow_28"
APEX_OFFSET = "apex_offset_flow_28"
DIRECTIONS = ("onset_apex_direction_28", "apex_offset_direction_28")

POINTS = (
    (9.528073, 11.062551),
    (21.396168, 10.919773),
    (15.380184, 17.380562),
    (10.255435, 22.121233),
    (20.583706, 22.25584),
)
"""Eyes, nose and corners of the mouth of an average face, (x, y) in pixels of a map: the programs of HTNet and
CausalNet use them if they find no face, and CausalNet for every clip.
"""  # fmt: skip
HALF = SIZE // 4
"""Half the width of a block around a point, pixels."""

Points = tuple[tuple[float, float], ...]
Order = Literal["by_subject", "by_class"]


@dataclass(frozen=True)
class MapParams(FaceParams):
    """How the maps are computed on datasets with frames.

    Attributes:
        flow: algorithm of the flow.
    """

    flow: Algorithm = "tvl1"

    def maps(self, *names: str) -> dict[str, Chain]:
        """A chain of scope `clips` for each name.

        The second phase has the same steps; its flow is read from apex to offset, see `read_maps`.
        """
        flow: tuple[Step, ...] = (self.face(), Flow(algorithm=self.flow), Strain(), FlowImage(size=SIZE))
        chains: dict[str, Chain] = {}
        for name in names:
            steps = (*flow, FlowDirection()) if name in DIRECTIONS else flow
            chains[name] = Chain(name, steps, scope="clips")
        return chains


@dataclass(frozen=True)
class TrainedMapParams(MapParams):
    """The maps, and the training of a network on them: by default with Adam at a fixed rate, to the last epoch.

    Attributes:
        epochs: passes over the training clips; the last epoch's weights are used, nothing is chosen.
        batch_size: clips per step.
        lr: learning rate.
        shuffle: a new order of the clips each epoch.
        order: order of the clips if not shuffled: `by_subject`, as the dataset lists them, or `by_class`, the first class
            first, as in programs with a folder for each class.
    """

    epochs: int = 100
    batch_size: int = 64
    lr: float = 1e-4
    shuffle: bool = True
    order: Order = "by_subject"

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(self, at_least_one=("epochs", "batch_size"), positive=("lr",))
        if self.shuffle and self.order != "by_subject":
            raise ConfigError(
                f"method.order={self.order} is the order of clips that are not shuffled: add method.shuffle=false, or leave it out"
            )


def read_maps(clips: Sequence[ClipView], name: str) -> NDArray[np.float32]:
    """The maps of that name, (n_clips, 28, 28, 3), 0 to 255, in OpenCV's order: strain, v, u.

    If computed, the maps of the second phase are the flow from apex to offset.
    """
    if name.startswith("apex_offset"):
        clips = [clip.video.clip(clip.apex, clip.offset, clip.offset) for clip in clips]
    return stack(clips, name)


def check_points(points: Points) -> None:
    """Refuse other than five points (x, y) inside a map.

    Raises:
        ConfigError: a point lies outside, or there are more or fewer.
    """
    if len(points) != 5:
        raise ConfigError(
            f"method.points must be five points (x, y), eyes, nose and corners of the mouth, not {len(points)}"
        )
    for number, (x, y) in enumerate(points):
        if not (0 <= x < SIZE and 0 <= y < SIZE):
            raise ConfigError(
                f"method.points: point {number}, ({x:g}, {y:g}), is outside the map of {SIZE}x{SIZE} pixels: "
                f"expected 0 <= x, y < {SIZE}"
            )


def four_blocks(maps: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    """Blocks of 14x14 pixels around four of five points. They are arranged as in the programs of HTNet and CausalNet.

    A point is clamped to 7..21, so that its block lies inside, and rounded down. Its x counts rows there, and its y
    columns. The block of the nose, the third point, is left out; the first two stand above the last two.

    Args:
        maps: (n, 28, 28, channels).
        points: five, (x, y) in pixels.

    Returns:
        (n, 28, 28, channels).
    """
    corners = [[int(min(max(value, HALF), SIZE - HALF)) - HALF for value in point] for point in points]
    blocks = [maps[:, row : row + 2 * HALF, column : column + 2 * HALF] for row, column in corners]
    return np.concatenate(
        [np.concatenate(pair, axis=2) for pair in (blocks[:2], blocks[3:])],
        axis=1,
    )


MOTION = "motion_of_regions"
MOTION_18 = "motion_of_18_regions"
"""Names of the series of twelve regions, and of BoostingVRME's eighteen."""


@dataclass(frozen=True)
class SeriesParams(FaceParams):
    """How the motion of regions becomes a series.

    Attributes:
        flow: algorithm of the flow between successive frames of the series.
        fps: frames per second of the series, at most: a faster video is read at every n-th frame.
        radius: radius of a region in pixels of the crop, see `RegionMotion`.
    """

    flow: Algorithm = "tvl1"
    fps: float = 30.0
    radius: int = 5

    @property
    def needs_landmarks(self) -> bool:
        """The regions lie around landmarks, whatever the settings."""
        return True

    def __post_init__(self) -> None:
        """Check the ranges."""
        FaceParams.__post_init__(self)
        check_ranges(self, positive=("fps",), not_negative=("radius",))

    def step(self, fps: float) -> int:
        """Frames of a video from one of the series to the next.

        >>> [SeriesParams().step(fps) for fps in (25.0, 30.0, 100.0, 200.0)]
        [1, 1, 3, 7]
        """
        return max(1, round(fps / self.fps))

    def series(self, fps: float, sides_of_nose: bool = False) -> dict[str, Chain]:
        """The chain of a dataset with that frame rate, see `RegionMotion`."""
        gap = self.step(fps)
        steps = (self.face(), Flow(self.flow, k=gap, stride=gap), RegionMotion(self.radius, sides_of_nose))
        return {MOTION: Chain(MOTION, steps)}


@dataclass(frozen=True)
class MotionParams(SeriesParams):
    """Training of a network that finds expressions' ends from the motion of regions.

    Attributes:
        epochs: passes over the training segments; the last epoch's weights are used, nothing is chosen.
        batch_size: segments per step.
        lr: learning rate of AdamW in the first epoch.
        lr_decay: factor of the learning rate after each epoch.
        weight_decay: weight decay of AdamW; biases and normalisation are left alone.
        segment: frames of the series that a sample holds; only segments with an expression are learnt from.
        macro_weight: weight of macro-expressions in the loss.
        apex_threshold: probability of an apex above which a frame proposes an interval.
        nearest: least distance of onset and offset from an apex, in multiples of k'.
        farthest: greatest distance of onset and offset from an apex, in multiples of k'.
        longest_frames: frames of the series of the longest proposal of a micro- and of a macro-expression; onset and offset then lie at
            most half as far from an apex, whatever `farthest`. Null sets none.
        shortest: least length of an interval, in multiples of the mean length 2k'.
        longest: greatest length of an interval, in multiples of the mean length 2k'; null sets no limit.
        nms: largest IoU of two proposals that both stay; of two with a larger one the more confident stays.
        top: intervals of each kind in a video, at most.
    """

    epochs: int = 100
    batch_size: int = 128
    lr: float = 0.01
    lr_decay: float = 0.96
    weight_decay: float = 0.1
    segment: int = 256
    macro_weight: float = 0.5
    apex_threshold: float = 0.5
    nearest: float = 0.25
    farthest: float = 1.0
    longest_frames: tuple[int, int] | None = None
    shortest: float = 0.0
    longest: float | None = None
    nms: float = 0.5
    top: int = 5

    def __post_init__(self) -> None:
        """Check the ranges."""
        SeriesParams.__post_init__(self)
        check_ranges(
            self,
            at_least_one=("epochs", "batch_size", "segment", "top"),
            positive=("lr", "farthest", "longest"),
            not_negative=("weight_decay", "macro_weight", "nearest", "shortest"),
            shares=("lr_decay", "apex_threshold", "nms"),
        )
        if self.longest_frames is not None and (len(self.longest_frames) != len(KINDS) or min(self.longest_frames) < 2):
            raise ConfigError(
                f"method.longest_frames must be two numbers of frames, of micro- and of macro-expressions, 2 or more each, such as "
                f"[14, 58], or null, not {list(self.longest_frames)}"
            )


@dataclass(frozen=True)
class DetectorParams(SeriesParams):
    """The input of a detector of intervals, and which of its intervals count.

    Attributes:
        features: `i3d` features of frames and flow, which a dataset brings; or the `motion` of twelve regions of the face, which mebench
            computes, in their place.
        threshold: confidence that an interval needs; null takes that of the best F1 on training subjects that are held out.
    """

    features: Literal["i3d", "motion"] = "i3d"
    threshold: float | None = None

    @property
    def needs_landmarks(self) -> bool:
        """Only regions lie around landmarks."""
        return self.features == "motion"

    @property
    def without_landmarks(self) -> str:
        """I3D features need none."""
        return "features=i3d" if self.features == "motion" else ""

    def __post_init__(self) -> None:
        """Check the ranges."""
        SeriesParams.__post_init__(self)
        check_ranges(self, shares=("threshold",))
