"""The neutral portrait of a subject: the skin, with closed lids, and below it eyeballs and teeth."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.features.action_units import EYES
from mebench.lazy_imports import load_lazily

from . import hair
from .anatomy import BROWS, Anatomy, depth_map
from .drawing import Canvas, curve, ellipse, shifted, value_noise
from .streams import Purpose, stream

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")


def draw_skin(anatomy: Anatomy, size: int, unit: float, texture: float, seed: int, subject: int) -> NDArray[np.uint8]:
    """Everything but eyeballs and teeth, (size, size, 3) uint8.

    Args:
        anatomy: of the person.
        size: height and width in pixels.
        unit: pixels per face width.
        texture: contrast of the skin's texture; 1 is smooth.
        seed: of the dataset.
        subject: number of the subject.
    """
    random = stream(Purpose.TEXTURE, seed, subject)
    canvas = Canvas(size, unit)
    _backdrop(canvas, anatomy, random)
    hair.behind(canvas, anatomy, random)
    _body(canvas, anatomy)
    _ears(canvas, anatomy)
    _face(canvas, anatomy, texture, random)
    _nose(canvas, anatomy, random)
    _lips(canvas, anatomy, random)
    _lids(canvas, anatomy)
    _brows(canvas, anatomy, random)
    hair.in_front(canvas, anatomy, random)
    return _as_bytes(canvas)


def draw_beneath(anatomy: Anatomy, size: int, unit: float) -> NDArray[np.uint8]:
    """Eyeballs and the inside of the mouth, (size, size, 3) uint8; the rest is dark."""
    canvas = Canvas(size, unit)
    for side in (0, 1):
        _eyeball(canvas, anatomy, side)
    _inside_of_mouth(canvas, anatomy)
    return _as_bytes(canvas)


def lips_line(anatomy: Anatomy) -> NDArray[np.float64]:
    """The line between the lips, (n, 2), from the left to the right corner of the mouth."""
    points = anatomy.points
    between = (points[[60, 61, 62, 63, 64]] + points[[60, 67, 66, 65, 64]]) / 2
    return curve(np.vstack([points[48], between[1:4], points[54]]))


def lid_lines(anatomy: Anatomy, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the upper and the lower lid of the open eye, each (n, 2), from left to right."""
    eye = anatomy.points[EYES[side]]
    return curve(eye[[0, 1, 2, 3]]), curve(eye[[0, 5, 4, 3]])


def _as_bytes(canvas: Canvas) -> NDArray[np.uint8]:
    return (np.clip(canvas.image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _backdrop(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    canvas.image[:] = anatomy.looks.backdrop
    canvas.image *= (1.06 - 0.18 * (canvas.y + 0.5))[:, None, None]
    canvas.shade(canvas.blob(0.35, -0.35, 0.5, 0.5), 0.14)
    canvas.image *= (1 + 0.012 * value_noise(random, canvas.size, 4, 3))[..., None]


def _body(canvas: Canvas, anatomy: Anatomy) -> None:
    looks, x, chin = anatomy.looks, anatomy.middle, anatomy.points[8, 1]
    slope = [(1.1, 0.95), (0.85, chin + 0.30), (0.30, chin + 0.10)]
    shoulders = curve([(x - u, y) for u, y in slope] + [(x + u, y) for u, y in slope[::-1]])
    canvas.paint(canvas.fill(np.vstack([shoulders, [(1.2, 1.2), (-1.2, 1.2)]]), 0.006), looks.cloth)
    half = [(0.30, -0.30), (0.275, 0.02), (0.31, 0.15)]
    neck = [(x - u, chin + v) for u, v in half] + [(x, chin + 0.27)] + [(x + u, chin + v) for u, v in half[::-1]]
    shadow = np.outer(
        np.exp(-(((canvas.y - chin - 0.01) / 0.075) ** 2) / 2), np.exp(-(((canvas.x - x) / 0.28) ** 2) / 2)
    )
    canvas.paint(
        canvas.fill(curve(neck, closed=True), 0.006), (1 - 0.45 * shadow[..., None]) * looks.skin * (0.68, 0.70, 0.76)
    )
    collar = curve(
        [
            (x - 0.33, chin + 0.13),
            (x - 0.18, chin + 0.22),
            (x, chin + 0.27),
            (x + 0.18, chin + 0.22),
            (x + 0.33, chin + 0.13),
        ]
    )
    canvas.shade(canvas.stroke(collar, 0.022, 0.006), -0.30)


def _ears(canvas: Canvas, anatomy: Anatomy) -> None:
    for corner, sign in ((1, -1), (15, 1)):
        x, y = anatomy.points[corner] + (sign * 0.012, -0.02)
        canvas.paint(canvas.fill(ellipse(x, y, 0.060, 0.125), 0.006), anatomy.looks.skin * (0.76, 0.78, 0.86))
        canvas.shade(canvas.fill(ellipse(x + sign * 0.012, y - 0.01, 0.028, 0.075), 0.012), -0.18)


def _face_outline(anatomy: Anatomy) -> NDArray[np.float64]:
    points, x, top = anatomy.points, anatomy.middle, anatomy.points[[0, 16], 1].mean()
    skull = ellipse(x, top, anatomy.half_width, top - anatomy.crown, 0, -180, 26)[1:-1]
    return curve(np.vstack([points[:17], skull]), closed=True, n=200)


def _face(canvas: Canvas, anatomy: Anatomy, texture: float, random: np.random.RandomState) -> None:
    looks, points = anatomy.looks, anatomy.points
    depth = depth_map(anatomy, canvas.size, canvas.unit) * canvas.unit
    slope_x, slope_y = (cv2.Sobel(depth, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1)))
    facing = (looks.light[2] - slope_x * looks.light[0] - slope_y * looks.light[1]) / np.sqrt(
        1 + slope_x**2 + slope_y**2
    )
    lit = (0.42 + 0.66 * np.clip(facing, 0, 1)).astype(np.float32)
    mottle, pores = value_noise(random, canvas.size, 3, 8), value_noise(random, canvas.size, 4, 48, 0.85)
    face = looks.skin.astype(np.float32) * lit[..., None] ** np.array([1.18, 1.06, 0.86], np.float32)
    face *= (1 + np.float32(texture) * (0.012 * mottle + 0.022 * pores))[..., None]
    skin = Canvas(canvas.size, canvas.unit)
    skin.image = face.astype(np.float32)
    blush = np.array([-0.13, -0.10, 0.03])
    for side, sign in ((0, -1), (1, 1)):
        eye, brow, corner = points[EYES[side]].mean(0), points[BROWS[side]].mean(0), points[(48, 54)[side]]
        skin.shade(skin.blob(corner[0] + sign * 0.085, corner[1] - 0.19, 0.085, 0.065), blush)
        skin.shade(skin.blob(corner[0] + sign * 0.09, corner[1] - 0.25, 0.055, 0.03), 0.07)
        skin.shade(skin.blob(eye[0] - sign * 0.03, (eye[1] + brow[1]) / 2, 0.085, 0.028), (-0.17, -0.15, -0.11))
        skin.shade(skin.blob(eye[0] - sign * 0.015, eye[1] + 0.062, 0.06, 0.016), (-0.07, -0.09, -0.07))
        skin.shade(skin.blob(points[27, 0] + sign * 0.055, points[27, 1] + 0.03, 0.022, 0.05), -0.10)
    skin.shade(skin.blob(points[33, 0], points[30, 1] + 0.005, 0.02, 0.02), 0.12)
    skin.shade(skin.blob(points[33, 0], points[30, 1] + 0.02, 0.05, 0.04), blush * 0.5)
    skin.shade(skin.blob(points[28, 0], points[28, 1], 0.016, 0.09), 0.08)
    skin.shade(skin.blob(anatomy.middle, points[19, 1] - 0.13, 0.17, 0.06), 0.05)
    skin.shade(skin.blob(points[57, 0], points[57, 1] + 0.030, 0.075, 0.018), -0.17)
    skin.shade(skin.blob(points[8, 0], points[8, 1] - 0.07, 0.05, 0.03), 0.06)
    for _ in range(random.randint(3, 12)):
        x = anatomy.middle + anatomy.half_width * 0.78 * random.uniform(-1, 1)
        y, radius = random.uniform(points[19, 1] - 0.15, points[8, 1] - 0.05), random.uniform(0.004, 0.008)
        skin.shade(skin.blob(x, y, radius, radius), random.uniform(0.15, 0.45) * np.array([-1, -0.85, -0.65]))
    _stubble(skin, anatomy, random)
    canvas.paint(canvas.fill(_face_outline(anatomy), 0.007), skin.image)


def _stubble(skin: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    if anatomy.looks.stubble == 0:
        return
    points = anatomy.points
    nose = points[33]
    inner = curve(
        [
            shifted(points[3], 0.07, -0.03),
            shifted(points[48], -0.07, -0.07),
            shifted(nose, -0.08, 0.045),
            shifted(nose, 0, 0.05),
            shifted(nose, 0.08, 0.045),
            shifted(points[54], 0.07, -0.07),
            shifted(points[13], -0.07, -0.03),
        ]
    )
    patch = skin.fill(np.vstack([points[2:15] * (1.05, 1.03), inner[::-1]]), 0.035)
    grain = np.clip(0.8 + 0.35 * value_noise(random, skin.size, 2, 120), 0, 1.6)[patch.rows, patch.cols]
    patch = patch._replace(alpha=(patch.alpha * grain).astype(np.float32))
    skin.shade(patch, -anatomy.looks.stubble * np.array([0.75, 0.85, 1.0]))


def _nose(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    points = anatomy.points
    canvas.shade(canvas.blob(points[33, 0], points[33, 1] + 0.018, 0.065, 0.013), (-0.22, -0.22, -0.18))
    folds = random.uniform(0.06, 0.18)
    for wing, nostril, corner, sign in ((31, 32, 48, -1), (35, 34, 54, 1)):
        hole = shifted(points[nostril], sign * 0.008, -0.004)
        canvas.shade(canvas.fill(ellipse(hole[0], hole[1], 0.024, 0.0105), 0.006), (-0.72, -0.70, -0.60))
        edge, mouth = shifted(points[wing], sign * 0.006, 0), points[corner]
        rim = curve(
            [
                shifted(edge, -sign * 0.004, -0.055),
                shifted(edge, sign * 0.012, -0.02),
                shifted(edge, -sign * 0.004, 0.008),
                shifted(hole, 0, 0.008),
            ]
        )
        canvas.shade(canvas.stroke(rim, 0.012, 0.007), (-0.30, -0.28, -0.20))
        halfway = shifted((edge + mouth) / 2, sign * 0.055, -0.01)
        fold = curve([shifted(edge, sign * 0.025, -0.02), halfway, shifted(mouth, sign * 0.06, 0)])
        canvas.shade(canvas.stroke(fold, 0.014, 0.014), -folds)
    groove = np.array([shifted(points[33], 0, 0.035), shifted(points[51], 0, -0.018)])
    canvas.shade(canvas.stroke(groove, 0.018, 0.010), -0.07)


def _lips(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    points, looks = anatomy.points, anatomy.looks
    seam = lips_line(anatomy)
    above, below = curve(points[48:55]), curve(points[[54, 55, 56, 57, 58, 59, 48]])
    colour = looks.skin * (0.72, 0.66, 0.92) * (1 - looks.lips) + looks.skin * (0.62, 0.50, 0.90) * looks.lips
    creases = 1 + 0.03 * value_noise(random, canvas.size, 2, 90)[..., None]
    canvas.paint(canvas.fill(np.vstack([above, seam[::-1]]), 0.006), creases * colour * 0.80, 0.92)
    canvas.paint(canvas.fill(np.vstack([seam, below]), 0.007), creases * colour, 0.92)
    for x, y, rx, ry, amount in ((0.0, -0.036, 0.055, 0.011, 0.20), (0.03, -0.034, 0.02, 0.006, 0.10)):
        canvas.shade(canvas.blob(points[57, 0] + x, points[57, 1] + y, rx, ry), amount)
    canvas.shade(canvas.stroke(curve(points[49:54]) - (0, 0.008), 0.008, 0.006), 0.08)
    canvas.shade(canvas.stroke(seam, 0.011, 0.005), (-0.66, -0.66, -0.52))
    for corner, sign in ((48, -1), (54, 1)):
        canvas.shade(canvas.blob(points[corner, 0] + sign * 0.008, points[corner, 1], 0.018, 0.015), -0.22)


def _lids(canvas: Canvas, anatomy: Anatomy) -> None:
    skin = anatomy.looks.skin
    for side in (0, 1):
        upper, lower = lid_lines(anatomy, side)
        canvas.paint(canvas.fill(np.vstack([upper, lower[::-1]]), 0.010), skin * (0.72, 0.76, 0.86), 0.8)
        middle = upper.mean(0)
        crease = (upper - middle) * (1.04, 1.10) + middle - (0, 0.034)
        canvas.shade(canvas.stroke(crease, 0.009, 0.006), (-0.42, -0.38, -0.30))
        canvas.shade(canvas.stroke(upper - (0, 0.018), 0.02, 0.010), 0.07)
        canvas.shade(canvas.stroke(shifted(lower, 0, 0.016), 0.018, 0.009), 0.05)
        canvas.shade(
            canvas.stroke((lower - lower.mean(0)) * (0.95, 1.2) + lower.mean(0) + (0, 0.035), 0.010, 0.010), -0.09
        )


def _brows(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    looks = anatomy.looks
    colour = np.minimum(looks.hair * 0.75, looks.skin * 0.55)
    for side, sign in ((0, -1), (1, 1)):
        ridge = curve(anatomy.points[BROWS[side]])[::sign]  # from the nose outward
        taper = (
            0.026
            * looks.brows
            * np.clip(np.interp(np.linspace(0, 1, len(ridge)), (0, 0.15, 0.55, 1), (0.75, 1.0, 0.8, 0.12)), 0, 1)
        )
        body = np.vstack(
            [ridge - np.stack([0 * taper, taper * 0.6], 1), (ridge + np.stack([0 * taper, taper * 0.8], 1))[::-1]]
        )
        canvas.paint(canvas.fill(body, 0.008), colour, 0.45)
        chosen = random.randint(len(ridge), size=220)
        starts = ridge[chosen] + np.stack(
            [0.004 * random.randn(220), taper[chosen] * random.uniform(-0.7, 1.0, 220)], 1
        )
        lean = np.interp(chosen, (0, len(ridge) - 1), (0.35, 1.0))
        length = 0.030 * random.uniform(0.6, 1.1, 220)
        ends = starts + np.stack([sign * length * lean, -length * (1.05 - lean)], 1)
        canvas.paint(canvas.hairs(starts, ends), colour * 0.8, 0.75)


def _eyeball(canvas: Canvas, anatomy: Anatomy, side: int) -> None:
    looks, eye, inward = anatomy.looks, anatomy.points[EYES[side]], (1, -1)[side]
    x, y = shifted(eye.mean(0), 0, -0.006)
    white = np.array([0.82, 0.84, 0.87]) * (0.76 + 0.16 * looks.skin.mean())
    canvas.paint(canvas.fill(ellipse(x, y, 0.15, 0.085), 0.006), white)
    for shift in (-0.11, 0.11):
        canvas.shade(canvas.blob(x + shift, y, 0.032, 0.06), (-0.30, -0.27, -0.20))
    inner = eye[(3, 0)[side]]
    canvas.paint(
        canvas.blob(inner[0] - inward * 0.008, inner[1] + 0.004, 0.010, 0.012), looks.skin * (0.72, 0.68, 1.0), 0.9
    )
    canvas.paint(canvas.fill(ellipse(x, y, 0.0465, 0.0465), 0.0035), looks.iris * 0.35)
    canvas.paint(canvas.fill(ellipse(x, y, 0.0405, 0.0405), 0.006), looks.iris)
    canvas.shade(canvas.blob(x, y + 0.018, 0.022, 0.013), 0.5)
    canvas.paint(canvas.fill(ellipse(x, y, 0.0185, 0.0185), 0.003), (0.02, 0.02, 0.02))
    canvas.paint(canvas.fill(ellipse(x + 0.015, y - 0.017, 0.010, 0.010), 0.003), (0.98, 0.98, 0.98), 0.95)
    canvas.paint(canvas.fill(ellipse(x - 0.016, y + 0.016, 0.0055, 0.0055), 0.003), (0.9, 0.9, 0.9), 0.35)


def _inside_of_mouth(canvas: Canvas, anatomy: Anatomy) -> None:
    seam = lips_line(anatomy)
    (left, _), (right, _) = seam[0], seam[-1]
    x, y, half = (left + right) / 2, float(seam[len(seam) // 2, 1]), (right - left) / 2
    canvas.paint(canvas.fill(ellipse(x, y + 0.06, half * 1.1, 0.16), 0.01), (0.07, 0.06, 0.16))
    canvas.paint(canvas.fill(ellipse(x, y + 0.135, half * 0.62, 0.06), 0.015), (0.28, 0.26, 0.58))
    canvas.paint(canvas.fill(ellipse(x, y - 0.025, half * 0.80, 0.058), 0.005), (0.80, 0.86, 0.90))
    for tooth in np.linspace(-0.8, 0.8, 9):
        line = np.array([(x + tooth * half * 0.75, y - 0.03), (x + tooth * half * 0.75, y + 0.04)])
        canvas.shade(canvas.stroke(line, 0.004, 0.003), -0.14)
    canvas.shade(canvas.stroke(shifted(seam[8:-8], 0, 0.004), 0.012, 0.008), -0.35)
