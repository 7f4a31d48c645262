"""Regions of the face, their mean motion, and maps scaled to a common range."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core.options import Still
from mebench.errors import DataError
from mebench.features.base import FeatureMap, Landmarks, MapStep, angle_of, resize_map
from mebench.features.texture import grid

Regions = Literal["paper", "released_code", "box"]
Edges = tuple[float, float, float, float]

# (x0, y0, x1, y1) in fractions of the crop: where dlib's box usually has the eyes with their brows, and the mouth.
LEFT_EYE: Edges = (0.03, 0.04, 0.50, 0.47)
RIGHT_EYE: Edges = (0.50, 0.04, 0.97, 0.47)
MOUTH: Edges = (0.24, 0.59, 0.76, 0.93)


@dataclass(frozen=True)
class EyesAndMouth(MapStep):
    """The eyes with their brows above the mouth, (42, 42, C), bilinear (MEAN, section 3.1).

    Left and right are those of the image. Regions are clamped to the crop and hold at least one pixel.

    Attributes:
        layout: `paper`: the two eye regions, 21x21 each, side by side, above the mouth, 21 rows and 42 columns.
            `released_code`: one region from the left end of the left brow to the right end of the right brow instead of
            two, 21 rows and 42 columns, as in the published program. `box`: as `paper`, with regions at fixed fractions
            of the crop (`LEFT_EYE`, `RIGHT_EYE`, `MOUTH`), which need no landmarks.
        margin: pixels of the crop added around the landmarks of a region; without meaning, and set to 0, for `box`.
    """

    version: ClassVar[int] = 2  # from 1: resized by mebench itself
    least: ClassVar[Mapping[str, int]] = {"margin": 0}

    layout: Regions = "paper"
    margin: int = 12

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layout == "box":  # equal numbers have an equal identity
            object.__setattr__(self, "margin", 0)

    @property
    def needs_landmarks(self) -> bool:
        """True for all layouts but `box`."""
        return self.layout != "box"

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Assemble the regions of an (H, W, C) map.

        Raises:
            DataError: the layout needs landmarks, and there are none or some of them are not numbers.
        """
        height, width = x.shape[:2]
        *eyes, mouth = (clamp_region(region, width, height) for region in self.regions(landmarks, width, height))
        eye_columns = 42 // len(eyes)
        eye_parts = [resize_map(x[y0:y1, x0:x1], 21, eye_columns) for x0, y0, x1, y1 in eyes]
        x0, y0, x1, y1 = mouth
        return np.concatenate([np.concatenate(eye_parts, axis=1), resize_map(x[y0:y1, x0:x1], 21, 42)])

    def map_back(
        self, heat: NDArray[np.float64], landmarks: Landmarks | None, height: int, width: int
    ) -> NDArray[np.float64]:
        """The heat of each region, laid back on its pixels of the crop; where two regions overlap, the larger value."""
        regions = [clamp_region(region, width, height) for region in self.regions(landmarks, width, height)]
        n_eyes = len(regions) - 1
        eye_rows = len(heat) // 2
        eye_columns = heat.shape[1] // n_eyes
        eye_parts = [heat[:eye_rows, i * eye_columns : (i + 1) * eye_columns] for i in range(n_eyes)]
        mouth_part = heat[eye_rows:]
        heat_on_crop = np.zeros((height, width))
        for (x0, y0, x1, y1), part in zip(regions, [*eye_parts, mouth_part]):
            pixels = heat_on_crop[y0:y1, x0:x1]
            np.maximum(pixels, resize_map(part[..., None], y1 - y0, x1 - x0)[..., 0], out=pixels)
        return heat_on_crop

    def regions(self, landmarks: Landmarks | None, width: int, height: int) -> list[Edges]:
        """The regions (x0, y0, x1, y1) in pixels before they are clamped to the crop: eyes, then mouth."""
        if self.layout == "box":
            return [(a * width, b * height, c * width, d * height) for a, b, c, d in (LEFT_EYE, RIGHT_EYE, MOUTH)]
        points = self.landmarks_from(landmarks, "choose method.regions=box, which needs no landmarks")
        x, y = points[:, 0], points[:, 1]
        # From the brow's ends and highest middle point to the lower lid; the mouth from the inner corners of the lips,
        # the upper lip and the lower lip.
        left = (x[17], y[19], x[21], y[41])
        right = (x[22], y[24], x[26], y[46])
        mouth = (x[60], y[50], x[64], y[57])
        if self.layout == "released_code":
            both_eyes = (left[0], min(left[1], right[1]), right[2], max(left[3], right[3]))
            regions = [both_eyes, mouth]
        else:
            regions = [left, right, mouth]
        margin = self.margin
        return [(x0 - margin, y0 - margin, x1 + margin, y1 + margin) for x0, y0, x1, y1 in regions]


def clamp_region(region: Edges, width: int, height: int) -> tuple[int, int, int, int]:
    """Whole pixels (x0, y0, x1, y1) inside the map, at least one each way. `x1` and `y1` are exclusive.

    >>> clamp_region((-3.2, 4.6, 500.0, 9.4), 128, 128)
    (0, 5, 128, 9)
    >>> clamp_region((200, 10, 100, 10), 128, 128)
    (127, 10, 128, 11)
    """
    x0, y0, x1, y1 = (round(float(edge)) for edge in region)
    x0 = min(max(x0, 0), width - 1)
    y0 = min(max(y0, 0), height - 1)
    return x0, y0, min(max(x1, x0 + 1), width), min(max(y1, y0 + 1), height)


@dataclass(frozen=True)
class BlockMeans(MapStep):
    """The mean of each block of a grid, (rows, cols, C).

    Block i of n along H pixels reaches from i H // n to (i + 1) H // n, exclusive, so that each pixel is in one block.
    """

    least: ClassVar[Mapping[str, int]] = {"rows": 1, "cols": 1}

    rows: int
    cols: int

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Average an (H, W, C) map over blocks.

        Raises:
            DataError: there are more blocks than pixels along one side.
        """
        (top, bottom), (left, right) = (zip(*spans) for spans in grid(x.shape[:2], (self.rows, self.cols)).spans)
        sums = np.add.reduceat(np.add.reduceat(x, top, axis=0), left, axis=1)
        sizes = np.outer(np.subtract(bottom, top), np.subtract(right, left))
        return np.asarray(sums / sizes[..., None], dtype=x.dtype)


@dataclass(frozen=True)
class Magnitudes(MapStep):
    """Absolute values, so that motion back and forth does not cancel in a mean."""

    output_unit: ClassVar[str] = "pixels of the crop"

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Take the sign off an (H, W, C) map."""
        return np.abs(x)


@dataclass(frozen=True)
class Resize(MapStep):
    """Resize a map, such as the whole face's, to (size, size, C).

    Bilinear or, when shrinking, the mean over the pixels that an output pixel covers.
    """

    version: ClassVar[int] = 2  # from 1: resized by mebench itself
    least: ClassVar[Mapping[str, int]] = {"size": 1}

    size: int

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Resize an (H, W, C) map."""
        return resize_map(x, self.size, self.size, smooth=True)

    def map_back(
        self, heat: NDArray[np.float64], landmarks: Landmarks | None, height: int, width: int
    ) -> NDArray[np.float64]:
        """The heat enlarged."""
        return np.asarray(resize_map(heat[..., None], height, width)[..., 0], dtype=np.float64)


@dataclass(frozen=True)
class MinMax(MapStep):
    """Bring each map to [0, 1] by its minimum and maximum; a constant one (0/0) becomes 0.

    Attributes:
        scope: `channel`: each channel by itself (the published programs of MEAN and SOFTNet). `map`: all channels together,
            which keeps their proportions.
        still: value of a constant channel: `lowest`, 0, or `middle`, .5 for u and v, the first two channels, whose 0 is the
            strongest motion to the left and up, and 0 for the others.
    """

    output_unit: ClassVar[str] = "0 to 1 in each channel"
    scope: Literal["channel", "map"] = "channel"
    still: Still = "lowest"

    @property
    def idle(self) -> Set[str]:
        """The value of constant channels, if it is the usual one."""
        return frozenset({"still"}) if self.still == "lowest" else frozenset()

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Bring an (H, W, C) map to [0, 1]; a constant u or v gets the value that `still` names."""
        scaled = np.empty_like(x)
        if self.scope == "map":
            scaled[:] = _unit_range(x)
        else:
            for channel in range(x.shape[-1]):
                # A contiguous channel: twenty times as fast as a minimum over two axes of three.
                scaled[..., channel] = _unit_range(np.ascontiguousarray(x[..., channel]))
        if self.still == "middle":
            scaled[..., self._still_channels(x)] = 0.5
        return scaled

    def _still_channels(self, x: FeatureMap) -> NDArray[np.intp]:
        """The motion channels that are constant; all or none where the map is scaled as a whole."""
        axes = None if self.scope == "map" else (0, 1)
        varies = np.broadcast_to(np.ptp(x, axis=axes) > 0, x.shape[-1:])
        return np.flatnonzero(~varies[:MOTION_CHANNELS])


MOTION_CHANNELS = 2
"""Channels of a map that hold motion with a sign, u and v, before strain and others."""


def _unit_range(x: FeatureMap) -> FeatureMap:
    """A map brought to [0, 1]; 0 where it is constant."""
    low = x.min()
    span = x.max() - low
    return np.asarray((x - low) / (span if span > 0 else 1))


POINTS = (18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57)
"""Landmarks, counted from 0, of brows, nose and mouth: the regions of ABPN and AUW-GCN."""
SIDES_OF_NOSE = (18, 19, 20, 23, 24, 25, 31, 35, 48, 51, 54, 57)
"""The same with both sides of the nose instead of its bridge, as in ME-TST."""
INNER_CORNERS = (39, 42)
"""The inner corners of the eyes, on the left and on the right of the image."""
NOSE = (29, 30)
"""The two lower points of the nose bridge."""
NOSE_REACH = 0.35
"""The head's rectangle reaches this far beyond `NOSE`, in parts of half the distance of the inner corners."""
HEAD_EDGE, HEAD_SHARE = 1 / 4, 0.88
"""Edge and share of `main_motion` for the motion of the head."""
REGION_EDGE, REGION_SHARE = 1 / 6, 0.6
"""Edge and share of `main_motion` for the motion of a region."""


@dataclass(frozen=True)
class RegionMotion(MapStep):
    """Motion of twelve small regions of the face relative to the head: (12, 1, 2), u and v in pixels (ABPN, AUW-GCN).

    In each region only the longer vectors of its main direction count: the motion has the direction of their sum and
    their mean length. Directions are four sectors; of equally full ones the first is taken. The motion of the head is that of a
    rectangle around the lower nose bridge. Numbers and sectors are those of the published programs.

    Attributes:
        radius: a region is a square of 2 radius + 1 pixels around its landmark, shifted into the map at its border.
        sides_of_nose: whether two regions lie beside the nose (ME-TST) instead of on its bridge: `SIDES_OF_NOSE`
            instead of `POINTS`.
    """

    needs_landmarks: ClassVar[bool] = True
    least: ClassVar[Mapping[str, int]] = {"radius": 0}

    radius: int = 5
    sides_of_nose: bool = False

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """The motion of the regions of a map (H, W, 2 or more). Its first channels are u and v.

        Raises:
            DataError: there are no landmarks, or the map is smaller than a region.
        """
        points = self.landmarks_from(landmarks, "choose a method without landmarks")
        height, width = x.shape[:2]
        side = 2 * self.radius + 1
        if min(height, width) < side:
            raise DataError(
                f"a map of {height} rows and {width} columns holds no square of {side} pixels: take a smaller method.radius"
            )
        flow = x[..., :2].astype(np.float64)
        pixels = points.astype(int)
        head = self._head_motion(flow, pixels)
        centres = pixels[list(SIDES_OF_NOSE if self.sides_of_nose else POINTS)]
        corners = (centres - self.radius).clip(0, (width - side, height - side))
        motions = []
        for left, top in corners.tolist():
            square = flow[top : top + side, left : left + side].reshape(-1, 2)
            motions.append(main_motion(square - head, REGION_EDGE, REGION_SHARE))
        return np.array(motions, np.float32)[:, None]

    @staticmethod
    def _head_motion(flow: NDArray[np.float64], pixels: NDArray[np.int_]) -> NDArray[np.float64]:
        """The main motion of the rectangle around the lower nose bridge."""
        height, width = flow.shape[:2]
        left_corner, right_corner = INNER_CORNERS
        reach = int((pixels[right_corner, 0] - pixels[left_corner, 0]) / 2 * NOSE_REACH)
        left, top = pixels[list(NOSE)].min(0) - reach
        right, bottom = pixels[list(NOSE)].max(0) + reach
        x0, y0, x1, y1 = clamp_region((left, top, right + 1, bottom + 1), width, height)
        return main_motion(flow[y0:y1, x0:x1].reshape(-1, 2), HEAD_EDGE, HEAD_SHARE)


RIGHTWARDS, DOWNWARDS, LEFTWARDS, UPWARDS = range(4)
PREFERRED_SECTORS = (DOWNWARDS, LEFTWARDS, UPWARDS, RIGHTWARDS)
"""The sectors of directions; of equally full ones the first is the main direction."""


def main_motion(flow: NDArray[np.float64], edge: float, share: float) -> NDArray[np.float64]:
    """The motion of many vectors, (2,): see `RegionMotion`.

    Args:
        flow: (n, 2), at least one.
        edge: angle from level to the sector downwards, in half turns; the sectors down and up are 1 - 2 edge wide, those
            to the right and left 2 edge.
        share: share of the vectors of the main direction, the longest, that count; at least one.
    """
    turned = angle_of(flow[:, 1], flow[:, 0]) / np.pi
    angle = np.where(turned < 0, turned + 2, turned)
    sector = np.digitize(angle, [edge, 1 - edge, 1 + edge, 2 - edge]) % 4  # the fifth is to the right, like the first
    counts = np.bincount(sector, minlength=4)
    main = max(PREFERRED_SECTORS, key=lambda direction: counts[direction])
    chosen = flow[sector == main]
    length = np.sqrt(chosen[:, 0] ** 2 + chosen[:, 1] ** 2)
    n_counted = max(int(len(chosen) * share), 1)
    longest = np.argsort(length, kind="stable")[len(chosen) - n_counted :]
    total = chosen[longest].sum(0)
    return np.asarray(total * (length[longest].mean() / (np.sqrt((total**2).sum()) + 1e-6)))
