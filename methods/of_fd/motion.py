"""How the regions of OF-FD move from the first frame of a stretch to each of its frames, the head's own motion taken
off.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError
from mebench.features import Flow, MapStep, VolumeStep

MOVES = 3
"""Largest number of corrections of the face's place in one frame."""
BEYOND = 64
"""Pixels around the face to which its edge is extended, and largest shift of the face."""


class Box(NamedTuple):
    """A part of an image: pixels from `left` and `top` up to `right` and `bottom`, exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class Part(NamedTuple):
    """A part of the face with separately computed flow.

    Attributes:
        points: first and last landmark, exclusive, of the landmarks around which it lies.
        beyond: pixels beyond them on the left, at the top, on the right and at the bottom.
        whole: which of the shares makes the motion of the whole part, less its edge; None where that is not asked.
        regions: landmark, pixels to the left, to the top, to the right and to the bottom of it, for each small region.
        share: which of the shares makes the motion of a small region.
        threshold: the parameter with its least rise.
    """

    points: tuple[int, int]
    beyond: tuple[int, int, int, int]
    whole: int | None
    regions: tuple[tuple[int, int, int, int, int], ...]
    share: int
    threshold: str


def _squares(*points: int) -> tuple[tuple[int, int, int, int, int], ...]:
    return tuple((point, 10, 10, 10, 10) for point in points)


TIP, BEYOND_TIP = (29, 31), (13, 13, 13, 13)
"""Landmarks of the nose's tip, which moves only with the head, and the pixels around them."""
TIP_EDGE = (5, 15, 5, 10)
"""Pixels on the left, at the top, on the right and at the bottom of it that do not count."""
PARTS = (
    Part((17, 22), (5, 15, 0, 5), 1, _squares(20, 19, 18), 1, "brows"),
    Part((22, 27), (0, 15, 0, 5), 2, _squares(23, 24, 25), 2, "brows"),
    Part(
        (48, 67), (20, 15, 20, 10), 3, ((48, 10, 10, 20, 10), (54, 20, 10, 10, 10), *_squares(51, 57, 62)), 4, "mouth"
    ),
    Part((30, 36), (30, 20, 30, 5), None, ((31, 20, 20, 10, 5), (35, 10, 20, 20, 5)), 5, "nose"),
)
"""Brows on the left and on the right of the image, mouth, and both sides of the nose."""
EDGE = (10, 10, 10, 10)
"""Pixels at the edge of a part that do not count in its own motion."""
THRESHOLDS = tuple(part.threshold for part in PARTS for _ in range((part.whole is not None) + len(part.regions)))
"""For each region, in order, the parameter with its least rise."""


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

    Regions: the left brow as a whole and at three landmarks, the right brow likewise, the mouth as a whole and at five,
    both sides of the nose. A region's motion is the mean of its longest vectors of Farneback's flow. Before that the
    face is shifted by whole pixels until the tip of the nose is within a pixel of its place in the first frame, and the
    rest of that motion is subtracted.

    Attributes:
        unit: half the way between the inner corners of the eyes to which the faces are enlarged, pixels.
        shares: of the longest vectors that count, of the nose's tip, the left brow, the right brow, the mouth, its parts, and the
            sides of the nose.
    """

    unit: float
    shares: tuple[float, ...]

    @property
    def needs_landmarks(self) -> bool:
        """The regions need landmarks."""
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
        if not half >= 2:
            raise DataError(
                f"the inner corners of the eyes are {2 * half:.3g} pixels apart in the crop, expected at least 4: "
                "check the landmarks of the dataset, or choose another method.align"
            )
        scale = self.unit / half
        whole = np.rint(points * scale).astype(int)
        image = _enlarged(x[..., 0], scale)
        height, width = (side - 2 * BEYOND for side in image.shape)
        tip = _around(TIP, BEYOND_TIP, whole, width, height)
        boxes = [_around(part.points, part.beyond, whole, width, height) for part in PARTS]
        first = [_cut(image, box, 0, 0) for box in (tip, *boxes)]
        motions, right, down = np.zeros((x.shape[-1], len(THRESHOLDS), 2), np.float32), 0, 0
        for i in range(1, len(motions)):
            image = _enlarged(x[..., i], scale)
            for move in range(MOVES + 1):
                seen = flow(first[0], _cut(image, tip, right, down))
                head = mean_of_longest(seen, _inside(tip, TIP_EDGE), tip, self.shares[0])
                if move == MOVES or head @ head <= 1:
                    break
                right, down = _moved(right, head[0]), _moved(down, head[1])
            found = [
                each
                for part, box, before in zip(PARTS, boxes, first[1:], strict=True)
                for each in self._of_part(part, box, flow(before, _cut(image, box, right, down)), whole)
            ]
            motions[i] = np.array(found) - head
        return motions

    def _of_part(
        self, part: Part, box: Box, vectors: NDArray[Any], points: NDArray[np.int_]
    ) -> list[NDArray[np.float64]]:
        """Motion of the whole part, if it is asked for, and of its small regions."""
        found = []
        if part.whole is not None:
            found.append(mean_of_longest(vectors, _inside(box, EDGE), box, self.shares[part.whole]))
        for point, left, top, right, bottom in part.regions:
            x, y = points[point].tolist()
            region = Box(x - left, y - top, x + right, y + bottom)
            found.append(mean_of_longest(vectors, region, box, self.shares[part.share]))
        return found


def flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Farneback's flow at the public code's settings, (H, W, 2), also of images without a pixel."""
    return Flow("farneback").pair(before, after) if before.size else np.empty((*before.shape, 2), np.float32)


def mean_of_longest(vectors: NDArray[Any], region: Box, box: Box, share: float) -> NDArray[np.float64]:
    """Sum of a share of the vectors in a region, the longest, divided by their number before it is rounded; (2,).

    Args:
        vectors: (H, W, 2), the flow in the box.
        region: in pixels of the image, like `box`; its part outside the box does not count, and a region without any
            part inside gives 0.
        box: box of the flow.
        share: above 0, at most 1.
    """
    left, top = max(region.left, box.left) - box.left, max(region.top, box.top) - box.top
    right, bottom = max(min(region.right, box.right) - box.left, 0), max(min(region.bottom, box.bottom) - box.top, 0)
    own = vectors[top:bottom, left:right].reshape(-1, 2).astype(np.float64)
    if not len(own):
        return np.zeros(2)
    longest = np.argsort(np.hypot(own[:, 0], own[:, 1]), kind="stable")[int(len(own) * (1 - share)) :]
    return np.asarray(own[longest].sum(0) / (len(own) * share))


def _around(
    points: tuple[int, int], beyond: tuple[int, int, int, int], landmarks: NDArray[np.int_], width: int, height: int
) -> Box:
    """A box around some landmarks, clipped to the crop; empty if it is outside."""
    own = landmarks[slice(*points)]
    (left, top), (right, bottom) = (own.min(0) - beyond[:2]).tolist(), (own.max(0) + beyond[2:]).tolist()
    left, top = min(max(left, 0), width), min(max(top, 0), height)
    return Box(left, top, max(min(right, width), left), max(min(bottom, height), top))


def _inside(box: Box, edge: tuple[int, int, int, int]) -> Box:
    return Box(box.left + edge[0], box.top + edge[1], box.right - edge[2], box.bottom - edge[3])


def _enlarged(image: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """A gray image at another size, with `BEYOND` pixels of its edge repeated around it."""
    import cv2

    height, width = (max(1, round(side * scale)) for side in image.shape)
    made = cv2.resize(image.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.copyMakeBorder(made, BEYOND, BEYOND, BEYOND, BEYOND, cv2.BORDER_REPLICATE))


def _cut(image: NDArray[np.uint8], box: Box, right: int, down: int) -> NDArray[np.uint8]:
    """A box of an enlarged image, shifted by some pixels, at most `BEYOND`."""
    left, top = box.left + right + BEYOND, box.top + down + BEYOND
    return image[top : top + box.bottom - box.top, left : left + box.right - box.left]


def _moved(place: int, by: float) -> int:
    return min(max(place + round(float(by)), -BEYOND), BEYOND)
