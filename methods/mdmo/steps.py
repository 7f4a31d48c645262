"""The main motion of the regions of a face."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.features import FeatureMap, Flow, FlowVolume, Image, Landmarks, MapStep, angle_of
from mebench.features.orientation import EDGE
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

OUTLINES = """
17^ 19^ 19 17, 19^ 21^ 21 19, 21^ 27^^ 27 21, 27^^ 22^ 27 22, 22^ 24^ 24 22, 24^ 26^ 26 24,
1 17 36, 17 19 37 36, 19 38 39 21, 21 27 28 39, 22 27 28 42, 22 42 43 24, 24 44 45 26, 26 16 15 45,
2 2~41 3~29 3, 41 2~41 3~29 39, 39 3~29 29 28, 28 29 13~29 42, 42 46 14~46 13~29, 14~46 14 13 13~29,
3 3~29 4~33 4, 4~33 3~29 29 33, 33 29 13~29 12~33, 13~29 13 12 12~33,
4 4~33 5~59 5, 5~59 4~33 33 59, 33 55 11~55 12~33, 11~55 12~33 12 11,
59 58 6~58 5~59, 6~58 58 57 8~57, 57 8~57 10~56 56, 56 10~56 11~55 55,
5 5~59 6~58 6, 6 6~58 8~57 8, 8~57 10~56 10 8, 10~56 10 11 11~55
"""
"""The corners of the 36 regions of the public program: forehead, eyes, cheeks in two rows, mouth, lips, chin.

A number is one of the 68 landmarks, counted from 0; `2~41` lies halfway between two; `^` lifts one by `LIFT`, `^^` twice.
"""
REGIONS = [outline.split() for outline in OUTLINES.split(",")]
LIFT = 20 / 227
"""As part of the map's height: 20 pixels of the program's faces, which have 227."""
STILL = [*range(1, 16), 30]
"""Landmarks that move with the head: the outline of the face and the tip of the nose."""


@dataclass(frozen=True)
class FlowSinceOnset(FlowVolume):
    """Flow from the first frame of a clip to each later one, (H, W, 2 (n - 1)): u and v in pixels, frame after frame.

    A clip of one frame has a flow of 0, (H, W, 2).
    """

    def apply(self, crops: Image) -> FeatureMap:
        """The flows of (n, H, W) gray crops."""
        flow, later = Flow(self.flow), range(min(1, len(crops) - 1), len(crops))
        return np.concatenate([flow.between(crops, 0, frame) for frame in later], axis=-1)


@dataclass(frozen=True)
class Mdmo(MapStep):
    """Main directional mean optical flow of 36 regions of the face, (36, 1, 2): length and angle (Liu et al. 2016).

    In each region and flow, the directions of all vectors are counted in bins, and the mean length and the mean angle of
    those in the fullest bin, at ties the first, are its main motion. The main motions of all flows are averaged as vectors.
    Their lengths are then divided by the longest of the 36; if nothing moves (0/0) all are 0. Angles are in radians from -pi
    to pi, with v pointing downwards. A region without a pixel in the map does not move.

    Attributes:
        bins: directions of a full turn, the first from 0 (right) downwards; an angle between two belongs to the upper one,
            and a vector of length 0 has the angle 0.
        still_head: turn each flow back by the affine motion that fits the landmarks `STILL` best.
    """

    portable: ClassVar[bool] = False  # sines, and equations solved by a library
    needs_landmarks: ClassVar[bool] = True
    least: ClassVar[Mapping[str, int]] = {"bins": 1}

    bins: int = 8
    still_head: bool = True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """The motion in an (H, W, 2 m) map of m flows.

        Raises:
            DataError: there are no landmarks.
        """
        points = self.landmarks_from(landmarks, "choose a method without landmarks")
        flows = np.moveaxis(x.astype(np.float64).reshape(*x.shape[:2], -1, 2), 2, 0)
        region, n = regions(points, *x.shape[:2]), len(REGIONS)
        if self.still_head:
            flows = without_head(flows, points)
        vectors = flows[:, region >= 0]
        turns = angle_of(vectors[..., 1], vectors[..., 0]) / (2 * np.pi) * self.bins
        turns = np.where(turns < -EDGE, turns + self.bins, turns)
        main = np.minimum((turns + EDGE).astype(np.intp), self.bins - 1)
        cells = (np.arange(len(flows))[:, None] * n + region[region >= 0]) * self.bins + main
        lengths = np.sqrt((vectors**2).sum(-1))
        counts, *sums = (
            np.bincount(cells.ravel(), weights, len(flows) * n * self.bins).reshape(-1, n, self.bins)
            for weights in (None, lengths.ravel(), turns.ravel() * (2 * np.pi / self.bins))
        )
        fullest = counts.argmax(-1)[..., None]
        length, angle = (np.take_along_axis(total / np.maximum(counts, 1), fullest, -1)[..., 0] for total in sums)
        u, v = (length * np.cos(angle)).mean(0), (length * np.sin(angle)).mean(0)
        reach = np.sqrt(u * u + v * v)
        return np.stack([reach / (reach.max() or 1), angle_of(v, u)], -1)[:, None].astype(np.float32)


def regions(points: Landmarks, height: int, width: int) -> NDArray[np.intp]:
    """The region of each pixel, (height, width), from 0; -1 outside all. Where two overlap, the later one counts."""
    drawn = np.zeros((height, width), np.int32)
    for number, corners in enumerate(REGIONS, start=1):
        at = np.array([_corner(word, points, LIFT * height) for word in corners])
        x, y = (at - at.mean(0)).T
        cv2.fillConvexPoly(drawn, at[np.argsort(np.arctan2(y, x))].astype(np.int32), number)
    return drawn.astype(np.intp) - 1


def _corner(word: str, points: Landmarks, lift: float) -> NDArray[np.float64]:
    """The place (x, y) of a corner in the notation of `OUTLINES`."""
    middle = np.mean([points[int(number)] for number in word.rstrip("^").split("~")], axis=0)
    return np.asarray(middle - (0, lift * word.count("^")))


def without_head(flows: NDArray[np.float64], points: Landmarks) -> NDArray[np.float64]:
    """Flows (m, H, W, 2), each turned back by the affine map that takes the ends at `STILL` nearest to their starts."""
    height, width = flows.shape[1:3]
    starts = np.clip(points[STILL], 0, (width - 1, height - 1)).astype(np.intp)
    still = np.ones((len(starts), 1))
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    turned = np.empty_like(flows)
    for flow, without in zip(flows, turned, strict=True):
        ends = np.hstack([starts + flow[starts[:, 1], starts[:, 0]], still])
        back = np.linalg.lstsq(ends, starts, rcond=None)[0]
        without[:] = ((grid + flow) @ back[:2] + back[2] - grid).round(9)  # what the solver rounds off is no motion
    return turned
