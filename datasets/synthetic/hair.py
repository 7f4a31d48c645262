"""Hair: a few styles, each in strands."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.lazy_imports import load_lazily

from .anatomy import Anatomy
from .drawing import Canvas, Floats, curve, ellipse, shifted, value_noise

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")


def behind(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    """Paint what hangs behind face and ears."""
    outline = _back_outline(anatomy)
    if outline is not None:
        curly = anatomy.looks.style == "curly"
        patch = canvas.fill(outline, 0.012 if curly else 0.006)
        canvas.paint(patch, _strands(canvas, anatomy, random) * 0.72)


def in_front(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    """Paint the hair over the forehead and the temples, with its shadow."""
    looks = anatomy.looks
    line = _hairline(anatomy)
    top = _skull(anatomy, *_volume(anatomy))
    if looks.style == "shaved":
        canvas.paint(canvas.fill(np.vstack([line, top[::-1]]), 0.025), looks.hair * 0.6 + looks.skin * 0.25, 0.50)
        return
    canvas.shade(canvas.stroke(shifted(line, 0, 0.014), 0.030, 0.014), (-0.22, -0.20, -0.15))
    patch = canvas.fill(np.vstack([line, top[::-1]]), 0.012 if looks.style == "curly" else 0.006)
    canvas.paint(patch, _strands(canvas, anatomy, random))
    _baby_hair(canvas, anatomy, line, random)
    if looks.style in {"long", "bob"}:
        _locks(canvas, anatomy, random)


def _baby_hair(canvas: Canvas, anatomy: Anatomy, line: NDArray[np.float64], random: np.random.RandomState) -> None:
    """Short hairs across the hairline, so that it is not an edge."""
    count = 260
    chosen = random.uniform(0.05, 0.95, count) * (len(line) - 1)
    starts = np.stack([np.interp(chosen, np.arange(len(line)), line[:, axis]) for axis in (0, 1)], axis=1)
    starts += random.normal(0, 0.004, (count, 2))
    away = starts - (anatomy.middle, anatomy.crown - 0.13)
    away *= (random.uniform(0.6, 1.4, count) * 0.028 / np.linalg.norm(away, axis=1))[:, None]
    canvas.paint(canvas.hairs(starts - away, starts + 0.6 * away), anatomy.looks.hair, 0.55)


def _volume(anatomy: Anatomy) -> tuple[float, float]:
    """Extent of the hair beyond the skull, at the sides and above, in face widths."""
    return {
        "short": (0.030, 0.075),
        "side": (0.040, 0.095),
        "long": (0.055, 0.070),
        "bob": (0.065, 0.080),
        "curly": (0.150, 0.130),
        "bun": (0.020, 0.045),
        "shaved": (0.0, 0.0),
    }[anatomy.looks.style]


def _skull(anatomy: Anatomy, beside: float, above: float) -> NDArray[np.float64]:
    """The upper outline of the head, from the left to the right temple, widened."""
    y = float(anatomy.points[[0, 16], 1].mean()) - 0.02
    return ellipse(anatomy.middle, y, anatomy.half_width + beside, y - anatomy.crown + above, 180, 360)


def _hairline(anatomy: Anatomy) -> NDArray[np.float64]:
    """Where hair meets forehead, from the left edge of the hair to the right one.

    It runs over the sideburns; in face widths, y grows downwards.
    """
    x, half, crown = anatomy.middle, anatomy.half_width, anatomy.crown
    brow, ear = float(anatomy.points[[19, 24], 1].mean()), float(anatomy.points[[0, 16], 1].mean())
    beside, _ = _volume(anatomy)
    shapes = {  # relative abscissa, and height from brows (0) to crown (1)
        "short": [(-0.93, 0.10), (-0.80, 0.42), (-0.45, 0.60), (0, 0.64), (0.45, 0.60), (0.80, 0.42), (0.93, 0.10)],
        "side": [
            (-0.93, 0.08),
            (-0.83, 0.40),
            (-0.60, 0.66),
            (-0.42, 0.74),
            (-0.10, 0.56),
            (0.45, 0.44),
            (0.85, 0.30),
            (0.93, 0.05),
        ],
        "long": [(-0.95, 0.02), (-0.84, 0.34), (-0.45, 0.66), (0, 0.82), (0.45, 0.66), (0.84, 0.34), (0.95, 0.02)],
        "bob": [(-0.93, 0.00), (-0.86, 0.20), (-0.50, 0.31), (0, 0.34), (0.50, 0.31), (0.86, 0.20), (0.93, 0.00)],
        "curly": [(-0.94, 0.06), (-0.82, 0.36), (-0.45, 0.54), (0, 0.58), (0.45, 0.54), (0.82, 0.36), (0.94, 0.06)],
        "bun": [(-0.95, 0.10), (-0.80, 0.46), (-0.42, 0.68), (0, 0.73), (0.42, 0.68), (0.80, 0.46), (0.95, 0.10)],
        "shaved": [(-0.95, 0.06), (-0.82, 0.46), (-0.50, 0.66), (0, 0.68), (0.50, 0.66), (0.82, 0.46), (0.95, 0.06)],
    }
    inner = [(x + u * half, brow + v * (crown - brow)) for u, v in shapes[anatomy.looks.style]]
    burn = ear + 0.05
    left, right = (x - half - beside, ear - 0.02), (x + half + beside, ear - 0.02)
    tips = [(x - half * 1.0, burn), (x + half * 1.0, burn)]
    return np.vstack([[left, tips[0]], curve(np.array(inner)), [tips[1], right]])


def _back_outline(anatomy: Anatomy) -> NDArray[np.float64] | None:
    x, half = anatomy.middle, anatomy.half_width
    beside, above = _volume(anatomy)
    chin, ear = float(anatomy.points[8, 1]), float(anatomy.points[[0, 16], 1].mean())
    skull = _skull(anatomy, beside, above)
    if anatomy.looks.style == "long":
        sides = [
            (x + half + 0.10, ear + 0.30),
            (x + half + 0.14, chin + 0.75),
            (x - half - 0.14, chin + 0.75),
            (x - half - 0.10, ear + 0.30),
        ]
        return curve(np.vstack([skull[::8], sides]), closed=True, n=160)
    if anatomy.looks.style == "bob":
        sides = [
            (x + half + 0.09, ear + 0.35),
            (x + half - 0.02, chin - 0.03),
            (x - half + 0.02, chin - 0.03),
            (x - half - 0.09, ear + 0.35),
        ]
        return curve(np.vstack([skull[::8], sides]), closed=True, n=160)
    if anatomy.looks.style == "curly":
        y = (anatomy.crown + ear) / 2 + 0.02
        angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
        bumps = 1 + 0.03 * np.sin(19 * angle) + 0.02 * np.sin(31 * angle + 1)
        return np.stack([x + (half + 0.17) * bumps * np.cos(angle), y + 0.42 * bumps * np.sin(angle)], axis=1)
    if anatomy.looks.style == "bun":
        return ellipse(x, anatomy.crown - 0.03, 0.17, 0.12)
    return None


def _strands(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> Floats:
    """A picture of hair, (size, size, 3): strands run away from the parting and catch the light halfway."""
    looks, size = anatomy.looks, canvas.size
    if looks.style == "curly":
        light = 1 + 0.22 * value_noise(random, size, 3, 26, 0.8)
    else:
        part = anatomy.middle - (0.20 if looks.style == "side" else 0.0)
        dx, dy = canvas.x[None, :] - np.float32(part), canvas.y[:, None] - np.float32(anatomy.crown - 0.13)
        angle, radius = np.arctan2(dy, dx), np.hypot(dx, dy)
        sheet = value_noise(random, size, 4, 24, 0.75)
        across = ((angle / (2 * np.pi) + 0.5) * (size - 1)).astype(np.float32)
        along = (radius * 0.06 * size + 4).astype(np.float32)
        strands = cv2.remap(sheet, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        light = 1 + 0.17 * strands + 0.40 * np.exp(-(((radius - 0.24) / 0.07) ** 2)) * (0.7 + 0.3 * strands)
    light = np.clip(light, 0.35, 2.0)[..., None]
    picture: Floats = (light * looks.hair + 0.05 * (light - 1)).astype(np.float32)
    return picture


def _locks(canvas: Canvas, anatomy: Anatomy, random: np.random.RandomState) -> None:
    """Hair that falls along the cheeks."""
    half, chin = anatomy.half_width, float(anatomy.points[8, 1])
    ear = float(anatomy.points[[0, 16], 1].mean())
    picture = _strands(canvas, anatomy, random)
    long = anatomy.looks.style == "long"
    end = chin + (0.70 if long else -0.05)
    for sign in (-1, 1):
        x = anatomy.middle
        outer = [
            (x + sign * (half + 0.05), ear - 0.10),
            (x + sign * (half + 0.10), ear + 0.25),
            (x + sign * (half + (0.13 if long else 0.0)), end),
        ]
        inner = [
            (x + sign * (half - (0.10 if long else 0.02)), end),
            (x + sign * (half - 0.035), ear + 0.28),
            (x + sign * (half - 0.03), ear - 0.08),
        ]
        canvas.paint(canvas.fill(np.vstack([curve(outer), curve(inner)]), 0.007), picture)
