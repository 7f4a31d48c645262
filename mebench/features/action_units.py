"""The table of action units, and what each does to one person's face. This is a field of displacements and of shades.

Datasets that move faces read it: drawn ones, and films of people into which movements are put (`mebench.features.injection`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import Landmarks
from mebench.features.faces import LEFT_EYE, RIGHT_EYE

Floats = NDArray[np.float32]

MIRROR = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""The landmark on the other side of the face, for each of the 68 (iBUG 300-W numbering)."""
EYES = (LEFT_EYE, RIGHT_EYE)
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)
"""The action units that the face can do; the order of the rows of every array of strengths."""

STEEPEST = 0.72
"""Largest gradient of the summed displacement, pixels per pixel, that a face may show. At 1 the skin would fold."""


class Bump(NamedTuple):
    """A Gaussian push of the skin, for the left half of the picture; the other half mirrors it.

    Attributes:
        landmarks: the bump sits at their mean,
        offset: moved by this; x points to the midline, y down, in face widths.
        push: displacement at the centre when the unit is at full strength (FACS level E), same axes and units.
        sigma: standard deviation in face widths.
    """

    landmarks: tuple[int, ...]
    offset: tuple[float, float]
    push: tuple[float, float]
    sigma: float


class Furrow(NamedTuple):
    """A place that darkens (or brightens) with a unit: `shade` is relative, at full strength."""

    landmarks: tuple[int, ...]
    offset: tuple[float, float]
    shade: float
    sigma: float


BUMPS: Mapping[int, tuple[Bump, ...]] = {
    1: (Bump((20, 21), (0, -0.02), (0, -0.085), 0.080),),
    2: (Bump((17, 18), (0, -0.02), (0, -0.085), 0.085),),
    4: (Bump((20, 21), (0, -0.01), (0.035, 0.055), 0.085), Bump((21, 27), (0, 0), (0.020, 0.015), 0.055)),
    6: (Bump((41,), (-0.01, 0.10), (0.010, -0.060), 0.085), Bump((36,), (-0.05, 0.02), (0.020, 0), 0.055)),
    9: (Bump((31,), (-0.02, -0.05), (0.012, -0.070), 0.075), Bump((21,), (0, 0.03), (0.020, 0.030), 0.050)),
    10: (Bump((49, 50), (0, -0.03), (0, -0.050), 0.060), Bump((31,), (-0.05, 0.03), (0, -0.030), 0.060)),
    12: (Bump((48,), (0, 0), (-0.064, -0.064), 0.085), Bump((48,), (-0.06, -0.10), (-0.012, -0.038), 0.090)),
    14: (Bump((48,), (-0.01, 0), (-0.060, 0), 0.065),),
    15: (Bump((48,), (0, 0.01), (-0.010, 0.075), 0.070),),
    17: (Bump((57, 8), (-0.04, -0.02), (0, -0.042), 0.085), Bump((57,), (-0.04, 0), (0, -0.018), 0.060)),
    20: (Bump((48,), (0, 0), (-0.065, 0.012), 0.085),),
    23: (Bump((49, 59), (0, 0), (0.035, 0), 0.060), Bump((58, 59), (0, 0), (0, -0.025), 0.040)),
    24: (Bump((49, 50), (0, 0), (0, 0.022), 0.050), Bump((58, 59), (0, 0), (0, -0.030), 0.050)),
    25: (Bump((57, 58), (0, 0), (0, 0.028), 0.065),),
    26: (Bump((57, 8), (0, 0), (0, 0.085), 0.150),),
}
"""Strengths follow the animation units of Candide-3 (Ahlberg 2001, LiTH-ISY-R-2326): 4 to 15 % of the face's width at
full strength. The lids (5 and 7) are not movements of the skin.
"""

PARTS_LIPS = (25, 26)
"""Units that pull the lower lip from the upper one: the picture splits there instead of stretching."""

FURROWS: Mapping[int, tuple[Furrow, ...]] = {
    1: (Furrow((20,), (0.02, -0.08), -0.12, 0.028),),
    2: (Furrow((18,), (0.02, -0.09), -0.08, 0.028),),
    4: (Furrow((21, 27), (0.06, -0.03), -0.24, 0.026),),
    6: (Furrow((36,), (-0.05, 0.03), -0.14, 0.028), Furrow((41,), (-0.02, 0.10), 0.08, 0.050)),
    9: (Furrow((29,), (-0.05, -0.02), -0.18, 0.030),),
    10: (Furrow((31,), (-0.07, 0.05), -0.16, 0.030),),
    12: (Furrow((48,), (-0.07, -0.08), -0.18, 0.034), Furrow((48,), (-0.12, -0.17), 0.10, 0.060)),
    14: (Furrow((48,), (-0.035, 0), -0.26, 0.022),),
    15: (Furrow((48,), (-0.01, 0.05), -0.16, 0.025),),
    17: (Furrow((57, 8), (-0.03, 0), -0.16, 0.045),),
}


@dataclass(frozen=True)
class Fields:
    """The effect of the action units on one face, on the pixels of a frame.

    Strengths are (17, 2): unit, and half of the picture.

    Attributes:
        gain: how strongly this person shows each unit on each side, (17, 2).
        push: displacement of the skin in pixels, (17, 2, H, W, 2).
        part: how much further down the lower lip and the chin go when the mouth opens, in pixels, (17, 2, H, W).
        furrows: relative change of brightness, (17, 2, H, W).
        below: whether a row is below the seam of the lips, (H, 1).
    """

    gain: NDArray[np.float64]
    push: Floats
    part: Floats
    furrows: Floats
    below: NDArray[np.bool_]
    _slopes: dict[int, Floats] = field(default_factory=dict, repr=False)

    def strengths(self, curves: NDArray[np.float64]) -> NDArray[np.float64]:
        """This person's strengths (17, 2) for the script's: times the gain, and so that the skin never folds.

        All units weaken together where the largest gradient (Frobenius norm) of their sum would exceed `STEEPEST`.
        """
        strengths = curves * self.gain
        steepness = self.steepness(strengths)
        return strengths if steepness <= STEEPEST else strengths * (STEEPEST / steepness)

    def steepness(self, strengths: NDArray[np.float64]) -> float:
        """Largest gradient of the summed field, pixels per pixel."""
        flat = strengths.reshape(-1)
        moving = np.flatnonzero(flat)
        if len(moving) == 0:
            return 0.0
        # No BLAS: the order of its sums may depend on the number of threads, and with it the pixels.
        slopes = np.stack([self._slope(index) for index in moving.tolist()])
        summed = np.einsum("u,um->m", flat[moving].astype(np.float32), slopes).reshape(4, -1)
        return float(np.sqrt((summed**2).sum(0).max()))

    def _slope(self, index: int) -> Floats:
        """Gradients of one of the 34 fields on every pixel, (4 * H * W,): of `push` above the seam, of `push + part`
        below.
        """
        if index not in self._slopes:
            unit, side = divmod(index, 2)
            moved, parted = self.push[unit, side], self.part[unit, side]
            gradients = [*np.gradient(moved[..., 0]), *np.gradient(moved[..., 1])]
            if parted.any():
                gradients[2:] = [g + self.below * h for g, h in zip(gradients[2:], np.gradient(parted))]
            self._slopes[index] = np.stack(gradients).ravel()
        return self._slopes[index]


def make_fields(
    points: Landmarks,
    seam: NDArray[np.float64],
    random: np.random.RandomState,
    size: int,
    width: float,
    narrow: float = 1.0,
) -> Fields:
    """Draw one person's way of moving.

    Args:
        points: the 68 landmarks of the neutral face, (68, 2), in face widths from the middle of the canvas.
        seam: the line between the lips, (n, 2), from the left to the right corner of the mouth, in the same units.
        random: gives the person's strength, symmetry and directions.
        size: height and width of the canvas in pixels.
        width: width of the face in pixels.
        narrow: width of the bumps, as a share of that in `BUMPS`.
    """
    axis = ((np.arange(size) - (size - 1) / 2) / width).astype(np.float32)
    push = np.zeros((len(UNITS), 2, size, size, 2), np.float32)
    furrows = np.zeros((len(UNITS), 2, size, size), np.float32)
    for index, unit in enumerate(UNITS):
        for side in (0, 1):
            for bump in BUMPS.get(unit, ()):
                turn, wide = 0.12 * random.randn(), narrow * bump.sigma * np.exp(0.1 * random.randn())
                (x, y), inward = _place(points, bump.landmarks, bump.offset, side)
                dx = inward * (bump.push[0] * np.cos(turn) - bump.push[1] * np.sin(turn))
                dy = bump.push[0] * np.sin(turn) + bump.push[1] * np.cos(turn)
                push[index, side] += (
                    _gaussian(axis, x, y, wide)[..., None] * np.array([dx, dy], np.float32) * np.float32(width)
                )
            for furrow in FURROWS.get(unit, ()):
                (x, y), _ = _place(points, furrow.landmarks, furrow.offset, side)
                furrows[index, side] += np.float32(furrow.shade) * _gaussian(axis, x, y, furrow.sigma)
    push *= (1 - _eye_guard(points, axis))[..., None]
    part = _part_lips(seam, axis, push)
    gain = np.clip(np.exp(0.25 * random.randn(len(UNITS))), 0.6, 1.5)
    asymmetry = np.clip(0.15 * random.randn(len(UNITS)), -0.4, 0.4)
    gains = np.stack([gain * (1 - asymmetry), gain * (1 + asymmetry)], axis=1)
    below = (axis > float(seam[len(seam) // 2, 1]))[:, None]
    return Fields(gains, push, part, furrows, below)


def _place(
    points: Landmarks, landmarks: tuple[int, ...], offset: tuple[float, float], side: int
) -> tuple[tuple[float, float], int]:
    """The place of a bump, and the sign of the direction to the midline."""
    inward = (1, -1)[side]
    chosen = landmarks if side == 0 else tuple(MIRROR[i] for i in landmarks)
    x, y = points[list(chosen)].mean(0)
    return (x + inward * offset[0], y + offset[1]), inward


def _gaussian(axis: Floats, x: float, y: float, sigma: float) -> Floats:
    down, across = (np.exp(-((axis - at) ** 2) / (2 * sigma**2)) for at in (y, x))
    return np.outer(down, across).astype(np.float32)


def _eye_guard(points: Landmarks, axis: Floats) -> Floats:
    """1 on the lids, 0 away from them: brows and cheeks slide over the eye without dragging it along."""
    guard = np.zeros((len(axis), len(axis)), np.float32)
    for eye in EYES:
        x, y = points[eye].mean(0)
        distance = np.sqrt(((axis[None, :] - x) / 0.20) ** 2 + ((axis[:, None] - y) / 0.13) ** 2)
        t = np.clip((1 - distance) / 0.65, 0, 1)
        guard += t * t * (3 - 2 * t)
    return guard


def _part_lips(seam: NDArray[np.float64], axis: Floats, push: Floats) -> Floats:
    """Split the units that part the lips: `push` keeps the movement of the corners, the rest moves only the lower lip."""
    (left, _), (right, _) = seam[0], seam[-1]
    across = np.clip(2 * (axis - (left + right) / 2) / (right - left), -1, 1)
    middle = (1 - across**2).astype(np.float32)
    part = np.zeros(push.shape[:-1], np.float32)
    for unit in PARTS_LIPS:
        field = push[UNITS.index(unit)]
        part[UNITS.index(unit)] = field[..., 1] * middle
        field[..., 1] -= part[UNITS.index(unit)]
        field[..., 0] = 0
    return part
