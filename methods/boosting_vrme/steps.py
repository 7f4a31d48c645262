"""The motion of eighteen regions of the face, as the program of BoostingVRME reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import FeatureMap, Landmarks, MapStep
from mebench.features.regions import INNER_CORNERS, Edges, clamp_region

PIXELS_A_UNIT = 320 / 9
"""Pixels of the program's crop for half the distance of the inner eye corners: its crop is nine such halves wide."""


@dataclass(frozen=True)
class Box:
    """A rectangle around some landmarks, and the share of its vectors that counts.

    Attributes:
        points: landmarks, counted from 0.
        left: pixels of the program's crop beyond them; negative inside them.
        top: the same.
        right: the same.
        bottom: the same.
        share: share of the vectors, the longest, whose mean is taken.
    """

    points: tuple[int, ...]
    left: float
    top: float
    right: float
    bottom: float
    share: float

    def place(self, points: NDArray[np.float64], pixel: float) -> Edges:
        """Its edges (x0, y0, x1, y1) among landmarks; `pixel` is the size of a pixel of the program's crop."""
        (x0, y0), (x1, y1) = points[list(self.points)].min(0), points[list(self.points)].max(0)
        return (
            x0 - self.left * pixel,
            y0 - self.top * pixel,
            x1 + self.right * pixel,
            y1 + self.bottom * pixel,
        )


def _square(point: int, share: float) -> Box:
    """A square of 20 pixels around a landmark."""
    return Box((point,), 10, 10, 10, 10, share)


LEFT_BROW, RIGHT_BROW = tuple(range(17, 22)), tuple(range(22, 27))
MOUTH = tuple(range(48, 67))
BOXES = (
    Box(LEFT_BROW, -5, 5, -10, -5, 0.3),  # ten pixels inside the rectangle whose flow is computed, on every side
    *(_square(point, 0.2) for point in (20, 19, 18)),
    Box(RIGHT_BROW, -10, 5, -10, -5, 0.3),
    *(_square(point, 0.3) for point in (23, 24, 25)),
    Box(MOUTH, 10, 5, 10, 0, 0.3),
    Box((48,), 10, 10, 20, 10, 0.2),
    Box((54,), 20, 10, 10, 10, 0.2),
    *(_square(point, 0.2) for point in (51, 57, 62)),
    Box((31,), 20, 20, 10, 5, 0.2),
    Box((35,), 10, 20, 20, 5, 0.2),
)
"""Both brows and three points of each, the mouth and five points of it, and both sides of the nose."""
EYES = (tuple(range(36, 42)), tuple(range(42, 48)))
"""The eyes, below which the last two regions lie."""
LID_EDGE, LID_SHARE = 5, 0.3
"""Pixels that the region below an eye leaves out on each side, and its share."""
HEAD = Box((29, 30), 8, -2, 8, 3, 0.7)
"""The nose bridge, whose motion is that of the head."""
N_REGIONS = len(BOXES) + len(EYES)


@dataclass(frozen=True)
class BoxMotion(MapStep):
    """Motion of eighteen regions of the face relative to the head: (18, 1, 2), u and v in pixels.

    The motion of a region is the mean of its longest vectors. The program's rectangles in a crop of 320 pixels are taken in
    parts of the distance of the inner eye corners, so that they fit any crop.
    """

    needs_landmarks: ClassVar[bool] = True
    least: ClassVar[Mapping[str, int]] = {}

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """The motion of the regions of a map (H, W, 2 or more). Its first channels are u and v.

        Raises:
            DataError: there are no landmarks.
        """
        points = self.landmarks_from(landmarks, "choose a method without landmarks")
        flow = x[..., :2].astype(np.float64)
        left_corner, right_corner = INNER_CORNERS
        pixel = abs(points[right_corner, 0] - points[left_corner, 0]) / 2 / PIXELS_A_UNIT
        places = [(box.place(points, pixel), box.share) for box in BOXES]
        places += [(_below_eye(points[list(eye)], pixel), LID_SHARE) for eye in EYES]
        head = _mean_motion(flow, HEAD.place(points, pixel), HEAD.share)
        motions = [_mean_motion(flow, place, share) - head for place, share in places]
        return np.array(motions, np.float32)[:, None]


def _below_eye(eye: NDArray[np.float64], pixel: float) -> Edges:
    """The rectangle below an eye: as wide as the eye, half as high, a quarter of its width below its middle."""
    (x0, y0), (x1, y1) = eye.min(0), eye.max(0)
    width, middle, edge = x1 - x0, (y0 + y1) / 2, LID_EDGE * pixel
    return x0 + edge, middle + width / 4 + edge, x1 - edge, middle + 3 * width / 4 - edge


def _mean_motion(flow: NDArray[np.float64], place: Edges, share: float) -> NDArray[np.float64]:
    """The mean of the longest vectors of a rectangle, (2,); at least one counts."""
    x0, y0, x1, y1 = clamp_region(place, flow.shape[1], flow.shape[0])
    vectors = flow[y0:y1, x0:x1].reshape(-1, 2)
    n_left_out = min(int(len(vectors) * (1 - share)), len(vectors) - 1)
    longest = np.argsort((vectors**2).sum(1), kind="stable")[n_left_out:]
    return np.asarray(vectors[longest].mean(0))
