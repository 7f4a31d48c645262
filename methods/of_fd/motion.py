"""How the regions of OF-FD move from the first frame of a stretch to each of its frames, the head's own motion taken off."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError
from mebench.features import Flow, MapStep, VolumeStep

UNIT = 32.0
"""Half the way between the inner corners of the eyes, in pixels, for which the numbers below are the public code's."""
MOVES = 3
"""How often the face is moved back to where it was, in one frame, at most."""
BEYOND = 64
"""Pixels around the face over which its edge is repeated, so that it can be moved."""


class Box(NamedTuple):
    """A part of an image: pixels from `left` and `top` up to `right` and `bottom`, exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class Part(NamedTuple):
    """A part of the face whose flow is computed by itself.

    Attributes:
        points: first and last landmark, exclusive, of those that it lies around.
        beyond: pixels beyond them on the left, at the top, on the right and at the bottom.
        whole: share of the longest vectors that make the motion of the whole part, less its edge; 0 where that is not asked.
        regions: landmark, pixels to the left, to the top, to the right and to the bottom of it, for each small region.
        share: of the longest vectors that make the motion of a small region.
    """

    points: tuple[int, int]
    beyond: tuple[int, int, int, int]
    whole: float
    regions: tuple[tuple[int, int, int, int, int], ...]
    share: float


PARTS = (
    Part((17, 22), (5, 15, 0, 5), 0.2, tuple((point, 10, 10, 10, 10) for point in (20, 19, 18)), 0.2),
    Part((22, 27), (0, 15, 0, 5), 0.3, tuple((point, 10, 10, 10, 10) for point in (23, 24, 25)), 0.3),
    Part(
        (48, 67),
        (20, 15, 20, 10),
        0.3,
        ((48, 10, 10, 20, 10), (54, 20, 10, 10, 10), *((point, 10, 10, 10, 10) for point in (51, 57, 62))),
        0.2,
    ),
    Part((30, 36), (30, 20, 30, 5), 0.0, ((31, 20, 20, 10, 5), (35, 10, 20, 20, 5)), 0.2),
)
"""Brows on the left and on the right of the image, mouth, and both sides of the nose."""
EDGE = 10
"""Pixels at the edge of a part that do not count in its own motion."""
TIP = Part((29, 31), (13, 13, 13, 13), 0.7, (), 0.0)
"""The tip of the nose, which moves with the head alone; 5 pixels at its sides do not count, 15 at the top, 10 at the bottom."""
N_REGIONS = sum(bool(part.whole) + len(part.regions) for part in PARTS)


@dataclass(frozen=True)
class Stacked(VolumeStep):
    """The crops of a clip as the channels of one map, (H, W, n): every n-th frame from the first on."""

    every: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every of Stacked must be at least 1, not {self.every}")

    def apply(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Stack (n, H, W) gray crops."""
        return np.moveaxis(crops[:: self.every], 0, -1).astype(np.float32)


@dataclass(frozen=True)
class MotionFromFirst(MapStep):
    """Motion of sixteen regions from the first frame to each, (n, 16, 2): u and v in pixels of a face of that `unit`.

    Regions: the left brow as a whole and at three landmarks, the right brow likewise, the mouth as a whole and at five, both sides
    of the nose. A region's motion is the mean of its longest vectors of Farneback's flow. Before that the face is moved back by whole
    pixels until the tip of the nose lies within a pixel of where it lay in the first frame, and what is left of that motion is taken off.

    Attributes:
        unit: half the way between the inner corners of the eyes to which the faces are enlarged, pixels.
    """

    unit: float = UNIT

    @property
    def needs_landmarks(self) -> bool:
        """The regions lie around landmarks."""
        return True

    @property
    def portable(self) -> bool:
        """Not: OpenCV's flow is not."""
        return False

    def apply(self, x: NDArray[np.float32], landmarks: NDArray[np.float64] | None) -> NDArray[np.float32]:
        """The motion in an (H, W, n) stack of gray images.

        Raises:
            DataError: there are no landmarks, or they do not span a face.
        """
        points = self.landmarks_from(landmarks, "choose a method whose regions need none")
        half = float(points[42, 0] - points[39, 0]) / 2
        if not half >= 1:
            raise DataError(
                f"the inner corners of the eyes are {2 * half:.3g} pixels apart, so their landmarks show no face: expected at least 2"
            )
        scale = self.unit / half
        whole = np.rint(points * scale).astype(int)
        images = [_enlarged(x[..., i], scale) for i in range(x.shape[-1])]
        height, width = (side - 2 * BEYOND for side in images[0].shape)
        tip, *boxes = (_around(part, whole, width, height) for part in (TIP, *PARTS))
        inner = _inside(tip, 5, 15, 5, 10)
        first = [_cut(images[0], box, 0, 0) for box in (tip, *boxes)]
        motions, right, down = np.zeros((len(images), N_REGIONS, 2), np.float32), 0, 0
        for motion, image in zip(motions[1:], images[1:]):
            for move in range(MOVES + 1):
                head = mean_of_longest(flow(first[0], _cut(image, tip, right, down)), inner, tip, TIP.whole)
                if move == MOVES or head @ head <= 1:
                    break
                right, down = _moved(right, head[0]), _moved(down, head[1])
            found = (
                each
                for part, box, before in zip(PARTS, boxes, first[1:])
                for each in _of_part(part, box, flow(before, _cut(image, box, right, down)), whole)
            )
            motion[:] = np.array(list(found)) - head
        return motions


def flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Farneback's flow at the public code's settings, (H, W, 2), also of images without a pixel."""
    return Flow("farneback").pair(before, after) if before.size else np.empty((*before.shape, 2), np.float32)


def mean_of_longest(flow: NDArray[Any], region: Box, box: Box, share: float) -> NDArray[np.float64]:
    """Sum of a share of the vectors in a region, the longest, divided by their number before it is rounded; (2,).

    Args:
        flow: (H, W, 2) of the box.
        region: in pixels of the image, like `box`; what lies outside of the box does not count.
        box: where the flow lies.
        share: above 0, at most 1.
    """
    inside = Box(
        max(region.left, box.left),
        max(region.top, box.top),
        min(region.right, box.right),
        min(region.bottom, box.bottom),
    )
    vectors = flow[inside.top - box.top : inside.bottom - box.top, inside.left - box.left : inside.right - box.left]
    vectors = vectors.reshape(-1, 2).astype(np.float64)
    if not len(vectors):
        return np.zeros(2)
    longest = np.argsort(np.hypot(vectors[:, 0], vectors[:, 1]), kind="stable")[int(len(vectors) * (1 - share)) :]
    return np.asarray(vectors[longest].sum(0) / (len(vectors) * share))


def _of_part(part: Part, box: Box, flow: NDArray[Any], points: NDArray[np.int_]) -> list[NDArray[np.float64]]:
    """Motion of the whole part, if it is asked for, and of its small regions."""
    found = [mean_of_longest(flow, _inside(box, EDGE, EDGE, EDGE, EDGE), box, part.whole)] if part.whole else []
    for point, left, top, right, bottom in part.regions:
        x, y = points[point].tolist()
        found.append(mean_of_longest(flow, Box(x - left, y - top, x + right, y + bottom), box, part.share))
    return found


def _around(part: Part, points: NDArray[np.int_], width: int, height: int) -> Box:
    """The part's box around its landmarks, as far as it lies in the crop; without a pixel where it lies outside."""
    own = points[slice(*part.points)]
    (left, top), (right, bottom) = (own.min(0) - part.beyond[:2]).tolist(), (own.max(0) + part.beyond[2:]).tolist()
    left, top = min(max(left, 0), width), min(max(top, 0), height)
    return Box(left, top, max(min(right, width), left), max(min(bottom, height), top))


def _inside(box: Box, left: int, top: int, right: int, bottom: int) -> Box:
    return Box(box.left + left, box.top + top, box.right - right, box.bottom - bottom)


def _enlarged(image: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """A gray image at another size, with `BEYOND` pixels of its edge repeated around it."""
    import cv2

    height, width = (max(1, round(side * scale)) for side in image.shape)
    made = cv2.resize(image.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.copyMakeBorder(made, BEYOND, BEYOND, BEYOND, BEYOND, cv2.BORDER_REPLICATE))


def _cut(image: NDArray[np.uint8], box: Box, right: int, down: int) -> NDArray[np.uint8]:
    """A box of an enlarged image, moved by so many pixels, as far as the repeated edge reaches."""
    height, width = image.shape
    left = min(max(box.left + right + BEYOND, 0), width - (box.right - box.left))
    top = min(max(box.top + down + BEYOND, 0), height - (box.bottom - box.top))
    return image[top : top + box.bottom - box.top, left : left + box.right - box.left]


def _moved(place: int, by: float) -> int:
    return min(max(place + round(float(by)), -BEYOND), BEYOND)
