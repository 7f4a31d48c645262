"""From a subject and the state of its face to a frame."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.features.action_units import EYES, FURROWS, PARTS_LIPS, UNITS, Fields, make_fields
from mebench.lazy_imports import load_lazily

from .anatomy import Anatomy, depth_map, make_anatomy
from .drawing import Floats
from .lids import lids
from .portrait import draw_beneath, draw_skin, lid_lines, lips_line
from .streams import Purpose, stream

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

OVERSAMPLING = 2
"""Pixels of the portrait per pixel of a frame, each way."""
LOWER_LIP_AND_CHIN = [*range(6, 11), *range(55, 60), *range(65, 68)]
"""Landmarks that the jaw carries along."""


@dataclass(frozen=True)
class State:
    """The content of a frame.

    Attributes:
        strengths: of the action units, (17, 2), before the subject's gain.
        blink: how closed the eyes are, 0 to 1.
        pose: from the neutral pose to the frame, (2, 3).
        yaw: turn of the head, radians.
        pitch: nod of the head, radians.
        gain: brightness.
        tilt: relative slope of the brightness from left to right.
        camera: distance of the camera, pixels; 0 for one that is far away.
    """

    strengths: NDArray[np.float64]
    blink: float
    pose: NDArray[np.float64]
    yaw: float
    pitch: float
    gain: float
    tilt: float
    camera: float = 0.0


@dataclass(frozen=True)
class Subject:
    """A movable face; slow parts are drawn on first use (together a fifth of a second).

    Attributes:
        seed: of the dataset.
        number: of the subject.
        size: height and width of a frame, pixels.
        width: width of the face, pixels.
        texture: strength of the skin's texture.
    """

    seed: int
    number: int
    size: int
    width: float
    texture: float

    @cached_property
    def anatomy(self) -> Anatomy:
        """Shape and appearance."""
        return make_anatomy(self.seed, self.number)

    @cached_property
    def skin(self) -> NDArray[np.uint8]:
        """The portrait with closed lids, (2 H, 2 W, 3)."""
        fine, unit = self.size * OVERSAMPLING, self.width * OVERSAMPLING
        return draw_skin(self.anatomy, fine, unit, self.texture, self.seed, self.number)

    @cached_property
    def beneath(self) -> NDArray[np.uint8]:
        """Eyeballs and teeth, (2 H, 2 W, 3)."""
        return draw_beneath(self.anatomy, self.size * OVERSAMPLING, self.width * OVERSAMPLING)

    @cached_property
    def depth(self) -> Floats:
        """Height of the face, (H, W), pixels."""
        return depth_map(self.anatomy, self.size, self.width) * np.float32(self.width)

    @cached_property
    def fields(self) -> Fields:
        """The effect of the action units."""
        random = stream(Purpose.EXPRESSIVITY, self.seed, self.number)
        return make_fields(self.anatomy.points, lips_line(self.anatomy), random, self.size, self.width)

    @cached_property
    def lids(self) -> NDArray[np.float64]:
        """For each eye the edges of the open lids, (2 eyes, 2 lids, n, 2), pixels of the frame, left to right."""
        return np.array([lid_lines(self.anatomy, side) for side in (0, 1)]) * self.width + (self.size - 1) / 2

    @cached_property
    def seam(self) -> NDArray[np.float64]:
        """The line between the lips, (n, 2), pixels of the frame, left to right."""
        return lips_line(self.anatomy) * self.width + (self.size - 1) / 2

    def strengths(self, curves: NDArray[np.float64]) -> NDArray[np.float64]:
        """This person's strengths (17, 2) for the script's; a face at rest needs no fields."""
        return self.fields.strengths(curves) if curves.any() else curves

    @property
    def landmarks(self) -> NDArray[np.float64]:
        """The 68 points of the neutral face in the neutral pose, (68, 2), pixels of the frame."""
        return self.anatomy.points * self.width + (self.size - 1) / 2


@lru_cache(maxsize=4)
def make_subject(seed: int, subject: int, size: int, face: float, texture: float) -> Subject:
    """One subject; the last four are cached with their drawings."""
    return Subject(seed, subject, size, face * size, texture)


def draw(subject: Subject, state: State) -> Floats:
    """The picture before the sensor: (H, W, 3), B, G, R, float32 grey levels."""
    strengths = subject.strengths(state.strengths)
    x, y = _to_neutral(subject.size, state.pose)
    skull = cv2.remap(subject.depth, x, y, cv2.INTER_LINEAR)
    turned = _turned(state, skull, x, y)
    x_bone, y_bone = x - turned[0], y - turned[1]
    push, part, furrows = _summed(subject, strengths)
    x_skin, y_skin = x_bone, y_bone
    if push is not None:
        push = cv2.remap(push, x, y, cv2.INTER_LINEAR)
        x_skin, y_skin = x_bone - push[..., 0], y_bone - push[..., 1]
    picture = _sample(subject.skin, x_skin, y_skin)
    if part is not None:
        _open_mouth(subject, picture, cv2.remap(part, x, y, cv2.INTER_LINEAR), (x_skin, y_skin), (x_bone, y_bone))
    for eye, edges in enumerate(lids(strengths, state.blink)):
        _open_eye(subject, picture, eye, edges, state.pose, (x_skin, y_skin), (x_bone, y_bone))
    across = np.arange(subject.size, dtype=np.float32) / np.float32(subject.size) - np.float32(0.5)
    light = np.float32(state.gain) * (1 + np.float32(state.tilt) * across)[None, :]
    if furrows is not None:
        light = light * (1 + cv2.remap(furrows, x, y, cv2.INTER_LINEAR))
    picture *= light[..., None]
    return picture


def expose(picture: Floats, noise: float, random: np.random.RandomState) -> NDArray[np.uint8]:
    """The effect of the sensor on a picture: noise that grows with the light, and whole grey levels."""
    if noise:
        grain = random.standard_normal(picture.shape[:2]).astype(np.float32)
        growth = np.sqrt(0.4 + np.abs(picture[..., 1]) * np.float32(0.6 / 128))
        picture = picture + (np.float32(noise) * grain * growth)[..., None]
    grey: NDArray[np.uint8] = np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8)
    return grey


def landmarks(subject: Subject, state: State) -> NDArray[np.float64]:
    """The true 68 points of a frame, (68, 2), pixels."""
    strengths = subject.strengths(state.strengths)
    push, part, _ = _summed(subject, strengths)
    axis = np.arange(subject.size, dtype=np.float32)
    field = np.stack(_turned(state, subject.depth, axis[None, :], axis[:, None]), axis=-1)
    if push is not None:
        field = field + push
    neutral = subject.landmarks
    points = _carried(neutral, field)
    if part is not None:
        field[..., 1] += part
        points[LOWER_LIP_AND_CHIN] = _carried(neutral[LOWER_LIP_AND_CHIN], field)
    for eye, (upper, lowered) in enumerate(lids(strengths, state.blink)):
        first = EYES[eye].start
        for top, bottom in ((1, 5), (2, 4)):
            opening = neutral[first + bottom, 1] - neutral[first + top, 1]
            points[first + top, 1] += upper * opening
            points[first + bottom, 1] += (lowered - 1) * opening
    return np.asarray(points @ state.pose[:, :2].T + state.pose[:, 2])


def _turned(state: State, depth: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Displacement by turning and nodding at x, y and a depth; close to the camera, approaching parts grow and move
    further.
    """
    across, down = np.float32(state.yaw), np.float32(state.pitch)
    if not state.camera:
        return depth * across, depth * down
    middle = np.float32((len(depth) - 1) / 2)
    shift = (state.pose[:, :2] @ (middle, middle) + state.pose[:, 2] - middle).astype(np.float32)
    x, y, depth = x - middle, y - middle, depth / (1 - depth / np.float32(state.camera))
    back = (x * across + y * down) / np.float32(state.camera)  # what turns away shrinks
    return (
        depth * (across + shift[0] / np.float32(state.camera)) - x * back,
        depth * (down + shift[1] / np.float32(state.camera)) - y * back,
    )


def _carried(points: NDArray[np.float64], field: Floats) -> NDArray[np.float64]:
    """New places of points, (n, 2): m = p + field(m), since a frame shows at m the point from m - field(m)."""
    moved = points
    for _ in range(12):
        x, y = moved.astype(np.float32).T.copy()
        moved = points + cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 2)
    return moved


def _to_neutral(size: int, pose: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """For each pixel of the frame its place in the neutral pose, x and y, (H, W)."""
    back = cv2.invertAffineTransform(pose).astype(np.float32)
    axis = np.arange(size, dtype=np.float32)
    x, y = (row[0] * axis[None, :] + (row[1] * axis[:, None] + row[2]) for row in back)
    return x, y


def _summed(subject: Subject, strengths: NDArray[np.float64]) -> tuple[Floats | None, Floats | None, Floats | None]:
    """Push, part and furrows of all active units together; None without an effect."""
    push = part = furrows = None
    for place in map(tuple, np.argwhere(strengths != 0)):
        unit, strength = UNITS[place[0]], float(strengths[place])
        push = _add(push, subject.fields.push[place], strength)
        if unit in PARTS_LIPS:
            part = _add(part, subject.fields.part[place], strength)
        if unit in FURROWS:
            furrows = _add(furrows, subject.fields.furrows[place], strength)
    return push, part, furrows


def _add(total: Floats | None, field: Floats, strength: float) -> Floats:
    return field * np.float32(strength) if total is None else cv2.scaleAdd(field, strength, total)


def _sample(texture: NDArray[np.uint8], x: Floats, y: Floats) -> Floats:
    """The portrait at places given in pixels of a frame."""
    shift = np.float32((OVERSAMPLING - 1) / 2)
    fine = (x * np.float32(OVERSAMPLING) + shift, y * np.float32(OVERSAMPLING) + shift)
    sampled: Floats = cv2.remap(texture, *fine, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    return sampled


def _step(distance: Floats, soft: float) -> Floats:
    """A smooth step from 0 to 1 around distance 0, over `soft` pixels; steps of d and -d add up to 1."""
    t = np.clip(distance / np.float32(soft) + np.float32(0.5), 0, 1)
    stepped: Floats = t * t * (3 - 2 * t)
    return stepped


def _open_mouth(
    subject: Subject, picture: Floats, part: Floats, skin: tuple[Floats, Floats], bone: tuple[Floats, Floats]
) -> None:
    """Draw the lower lip, moved with the jaw, and the inside of the mouth between the lips. Changes `picture`."""
    seam, soft = subject.seam, max(1.0, 0.010 * subject.width)
    moved = np.flatnonzero(part.max(axis=1) > 1e-3)
    if len(moved) == 0:
        return
    rows = slice(int(moved[0]), int(moved[-1]) + 1)
    x, y, drop = skin[0][rows], skin[1][rows], part[rows]
    line = np.interp(x, seam[:, 0], seam[:, 1]).astype(np.float32)
    above, below = _step(line - y, soft)[..., None], _step(y - drop - line, soft)[..., None]
    lower = _sample(subject.skin, x, y - drop)
    gap = 1 - above - below
    inside = _sample(subject.beneath, bone[0][rows], bone[1][rows]) if gap.max() > 1e-3 else lower
    picture[rows] = above * picture[rows] + below * lower + gap * inside


def _open_eye(
    subject: Subject,
    picture: Floats,
    eye: int,
    edges: NDArray[np.float64],
    pose: NDArray[np.float64],
    skin: tuple[Floats, Floats],
    bone: tuple[Floats, Floats],
) -> None:
    """Draw the eyeball between the lids, and the lashes along the upper one. Changes `picture`."""
    upper, lower = subject.lids[eye]
    unit = subject.width
    centre = pose[:, :2] @ ((upper[0] + upper[-1]) / 2) + pose[:, 2]
    half = np.array([0.17, 0.13]) * unit
    (left, top), (right, bottom) = (
        np.clip(np.round(centre + sign * half), 0, subject.size).astype(int) for sign in (-1, 1)
    )
    window = (slice(top, bottom), slice(left, right))
    x, y = skin[0][window], skin[1][window]
    rim = np.interp(x, upper[:, 0], upper[:, 1]).astype(np.float32)
    opening = np.interp(x, lower[:, 0], lower[:, 1]).astype(np.float32) - rim
    to_upper = y - rim - np.float32(edges[0]) * opening
    to_lower = rim + np.float32(edges[1]) * opening - y
    soft = max(0.8, 0.009 * unit)
    inside = (x > upper[0, 0]) & (x < upper[-1, 0])
    visible = _step(to_upper, soft) * _step(to_lower, soft) * inside
    shadow = 1 - 0.45 * np.exp(-np.maximum(to_upper, 0) / np.float32(0.022 * unit))
    ball = _sample(subject.beneath, bone[0][window], bone[1][window]) * shadow[..., None]
    # Lashes thin out towards the inner corner.
    along = np.clip((x - upper[0, 0]) / (upper[-1, 0] - upper[0, 0]), 0, 1)
    outward = 1 - along if eye == 0 else along
    fade = _step(x - upper[0, 0] + np.float32(0.012 * unit), 0.02 * unit) * _step(
        upper[-1, 0] + np.float32(0.006 * unit) - x, 0.02 * unit
    )
    thick = np.float32(0.0075 * unit) * (0.75 + 0.5 * outward)
    lash = 0.82 * fade * np.exp(-(((to_upper + thick * 0.4) / thick) ** 2) / 2)
    rimmed = 0.28 * fade * np.exp(-((to_lower / np.float32(0.006 * unit)) ** 2) / 2)
    target = picture[window]
    target += visible[..., None] * (ball - target)
    target *= ((1 - lash) * (1 - rimmed))[..., None]
