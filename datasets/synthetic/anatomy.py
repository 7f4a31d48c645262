"""One person: the shape of the face, its depth, and its appearance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.features.action_units import EYES, MIRROR
from mebench.lazy_imports import load_lazily

from .drawing import Canvas, Floats
from .streams import Purpose, stream

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Hair = Literal["short", "side", "long", "curly", "bob", "bun", "shaved"]

_LEFT_HALF = {
    0: (0.000, 0.20), 1: (0.008, 0.33), 2: (0.028, 0.46), 3: (0.062, 0.59), 4: (0.120, 0.71),
    5: (0.200, 0.81), 6: (0.295, 0.895), 7: (0.395, 0.95), 8: (0.50, 0.97),
    17: (0.085, 0.085), 18: (0.145, 0.035), 19: (0.235, 0.018), 20: (0.325, 0.035), 21: (0.405, 0.07),
    27: (0.50, 0.17), 28: (0.50, 0.27), 29: (0.50, 0.36), 30: (0.50, 0.455),
    31: (0.405, 0.53), 32: (0.45, 0.548), 33: (0.50, 0.56),
    36: (0.178, 0.209), 37: (0.240, 0.171), 38: (0.320, 0.170),
    39: (0.388, 0.217), 40: (0.318, 0.240), 41: (0.240, 0.238),
    48: (0.325, 0.712), 49: (0.39, 0.687), 50: (0.455, 0.670), 51: (0.50, 0.680),
    57: (0.50, 0.805), 58: (0.445, 0.798), 59: (0.385, 0.768),
    60: (0.345, 0.714), 61: (0.45, 0.719), 62: (0.50, 0.724), 66: (0.50, 0.728), 67: (0.45, 0.724),
}  # fmt: skip
"""Landmarks of the left half of the face in the picture, x and y in the box around face and brows."""

BROWS = (slice(17, 22), slice(22, 27))
MOUTH = slice(48, 68)

_SKIN = np.array([[0.70, 0.80, 0.95], [0.58, 0.71, 0.90], [0.44, 0.58, 0.80], [0.31, 0.43, 0.66], [0.20, 0.29, 0.48]])
_HAIR = np.array(
    [
        [0.05, 0.05, 0.06],
        [0.08, 0.12, 0.19],
        [0.13, 0.22, 0.36],
        [0.35, 0.57, 0.74],
        [0.14, 0.28, 0.56],
        [0.55, 0.57, 0.58],
    ]
)
_IRIS = np.array([[0.10, 0.19, 0.33], [0.55, 0.45, 0.28], [0.24, 0.42, 0.36], [0.07, 0.12, 0.22]])
_CLOTH = np.array(
    [
        [0.52, 0.36, 0.20],
        [0.30, 0.42, 0.32],
        [0.28, 0.26, 0.58],
        [0.45, 0.30, 0.42],
        [0.32, 0.32, 0.34],
        [0.30, 0.58, 0.76],
    ]
)


@dataclass(frozen=True)
class Looks:
    """Colours (B, G, R, 0 to 1) and other differences between people."""

    skin: NDArray[np.float64]
    hair: NDArray[np.float64]
    iris: NDArray[np.float64]
    cloth: NDArray[np.float64]
    backdrop: NDArray[np.float64]
    style: Hair
    stubble: float
    lips: float
    brows: float
    light: NDArray[np.float64]


@dataclass(frozen=True)
class Anatomy:
    """The shape and the appearance of one subject.

    Attributes:
        points: the 68 landmarks of the neutral face, (68, 2), in face widths from the middle of the frame.
        looks: colours and style.
    """

    points: NDArray[np.float64]
    looks: Looks

    @property
    def middle(self) -> float:
        """Abscissa of the face's axis."""
        return float(self.points[[0, 16], 0].mean())

    @property
    def half_width(self) -> float:
        """Half the distance between the temples."""
        return float(self.points[16, 0] - self.points[0, 0]) / 2

    @property
    def crown(self) -> float:
        """Ordinate of the top of the skull."""
        return float(self.points[[19, 24], 1].mean()) - 0.36


def mean_points() -> NDArray[np.float64]:
    """The 68 landmarks of the average face, (68, 2), in face widths from the middle of the frame."""
    points = np.zeros((68, 2))
    for index, (x, y) in _LEFT_HALF.items():
        points[MIRROR[index]] = (1 - x, y)
        points[index] = (x, y)
    return points - (0.5, 0.44)


def make_anatomy(seed: int, subject: int) -> Anatomy:
    """Draw one person."""
    random = stream(Purpose.LOOKS, seed, subject)
    return Anatomy(_individual_points(random), _individual_looks(random, seed, subject))


def _individual_points(random: np.random.RandomState) -> NDArray[np.float64]:
    points = mean_points()

    def vary(part: slice, dx: float, dy: float, sx: float, sy: float) -> None:
        centre = points[part].mean(0)
        points[part] = (points[part] - centre) * (sx, sy) + centre + (dx, dy)

    def spread(scale: float) -> float:
        return scale * float(np.clip(random.standard_normal(), -2, 2))

    points *= (1 + spread(0.04), 1.0 + spread(0.035))
    points[3:14, 0] *= 1 + spread(0.04) * np.sin(np.linspace(0.3, np.pi - 0.3, 11))
    apart, eye_y, eye_w, eye_h = spread(0.010), spread(0.008), 1 + spread(0.06), 1 + spread(0.12)
    brow_y, brow_w, arch = spread(0.010), 1 + spread(0.06), 1 + spread(0.2)
    for side, sign in ((0, -1), (1, 1)):
        vary(EYES[side], sign * apart, eye_y, eye_w, eye_h)
        vary(BROWS[side], sign * apart, eye_y + brow_y, brow_w, arch)
    vary(MOUTH, 0, spread(0.010), 1 + spread(0.08), 1 + spread(0.12))
    vary(slice(31, 36), 0, spread(0.010), 1 + spread(0.10), 1)
    smile = spread(0.006)
    points[[48, 54, 60, 64], 1] -= smile
    points += 0.0025 * np.clip(random.standard_normal((68, 2)), -2, 2)
    return points


def _individual_looks(random: np.random.RandomState, seed: int, subject: int) -> Looks:
    # The golden ratio spreads the tones evenly over the subjects, however many there are.
    start = stream(Purpose.LOOKS, seed).rand(2)
    tone = (start[0] + subject * 0.6180339887) % 1 * (len(_SKIN) - 1)
    low = int(tone)
    skin = _SKIN[low] + (tone - low) * (_SKIN[low + 1] - _SKIN[low])
    skin = skin * (1 + 0.03 * random.uniform(-1, 1, 3))
    dark = tone > 1.8
    styles: tuple[Hair, ...] = ("side", "long", "short", "bob", "curly", "bun", "shaved")
    style = styles[(int(start[1] * len(styles)) + subject) % len(styles)]
    hair = _HAIR[random.randint(2 if dark else len(_HAIR))] * random.uniform(0.8, 1.2)
    light = np.array([random.uniform(-0.45, 0.45), random.uniform(-0.55, -0.3), 0.85])
    hue = random.uniform(-1, 1, 3)
    return Looks(
        skin=skin,
        hair=hair,
        iris=_IRIS[(0, 3)[random.randint(2)] if dark else random.randint(len(_IRIS))] * random.uniform(0.8, 1.15),
        cloth=_CLOTH[random.randint(len(_CLOTH))] * random.uniform(0.7, 1.1),
        backdrop=random.uniform(0.42, 0.72) * (1 + 0.10 * hue),
        style=style,
        stubble=float(style in {"short", "shaved", "side"}) * max(0.0, random.uniform(-0.5, 0.5)),
        lips=random.uniform(0.0, 1.0),
        brows=random.uniform(0.75, 1.2),
        light=light / np.linalg.norm(light),
    )


def depth_map(anatomy: Anatomy, size: int, unit: float) -> Floats:
    """Height of the face above its rim in face widths, (size, size); `unit` is pixels per face width."""
    canvas = Canvas(size, unit)
    points, middle, crown = anatomy.points, anatomy.middle, anatomy.crown
    chin = points[8, 1]
    height, centre = (chin - crown) / 2, (chin + crown) / 2
    across = ((canvas.x - middle) / (anatomy.half_width * 1.14)) ** 2
    along = ((canvas.y - centre) / (height * 1.1)) ** 2
    depth = 0.52 * np.sqrt(np.clip(1 - across[None, :] - along[:, None], 0, 1)).astype(np.float32)

    def bump(x: float, y: float, rx: float, ry: float, amount: float) -> None:
        patch = canvas.blob(x, y, rx, ry)
        depth[patch.rows, patch.cols] += np.float32(amount) * patch.alpha

    tip, lip = points[30], points[57]
    bump(points[33, 0], tip[1] + 0.015, 0.052, 0.045, 0.12)
    bump(points[29, 0], points[28, 1] + 0.02, 0.042, 0.13, 0.085)
    for wing in (31, 35):
        bump(points[wing, 0], points[wing, 1] - 0.02, 0.024, 0.026, 0.03)
    for side, sign in ((0, -1), (1, 1)):
        eye, brow, corner = points[EYES[side]].mean(0), points[BROWS[side]].mean(0), points[(48, 54)[side]]
        bump(eye[0], eye[1] - 0.005, 0.095, 0.055, -0.050)
        bump(eye[0], eye[1], 0.055, 0.032, 0.028)
        bump(brow[0], brow[1] - 0.01, 0.12, 0.035, 0.022)
        bump(corner[0] + sign * 0.06, corner[1] - 0.18, 0.10, 0.085, 0.035)
    bump(points[51, 0], points[51, 1] + 0.012, 0.085, 0.020, 0.022)
    bump(lip[0], lip[1] - 0.035, 0.085, 0.024, 0.030)
    bump(lip[0], lip[1] + 0.035, 0.085, 0.020, -0.022)
    bump(points[8, 0], points[8, 1] - 0.075, 0.10, 0.055, 0.035)
    smooth: Floats = cv2.GaussianBlur(depth, (0, 0), 0.014 * unit)
    return smooth
