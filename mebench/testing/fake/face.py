"""A plain drawn face, upright and frontal, that lifts its brows and pulls its mouth: enough for a face detector."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

SIZE = 160
"""Height and width of a picture, pixels."""
_SCALE = 4
_SKIN, _DARK = 190.0, 45.0


def draw_face(strength: float = 0.0, person: int = 0, seed: int = 0) -> NDArray[np.uint8]:
    """A picture of a face, (160, 160, 3) uint8, B, G, R.

    Args:
        strength: of the expression, 0 to 1: brows rise by 3 pixels and the corners of the mouth by 2 at 1.
        person: whose face; shifts its parts a little.
        seed: of the noise of the camera, which has a standard deviation of one grey level.
    """
    grey = _without_noise(round(strength, 2), person)
    noise = np.random.default_rng((person, seed)).normal(0, 1, grey.shape)
    noisy = np.clip(grey + noise, 0, 255).astype(np.uint8)
    return np.stack([(noisy * 0.85).astype(np.uint8), noisy, noisy], axis=-1)


@functools.lru_cache(maxsize=256)
def _without_noise(strength: float, person: int) -> NDArray[np.float32]:
    import cv2

    features = np.random.default_rng(person + 1000)
    broad, eyes, mouth = features.uniform(-1.5, 1.5, 3)
    n = SIZE * _SCALE
    picture = np.full((n, n), 120.0, np.float32) + np.linspace(-25, 25, n, dtype=np.float32)

    def ellipse(
        x: float, y: float, rx: float, ry: float, value: float, start: int = 0, end: int = 360, width: float = 0
    ) -> None:
        thickness = -1 if width == 0 else max(1, round(width * _SCALE))
        place = (round(x * _SCALE), round(y * _SCALE)), (round(rx * _SCALE), round(ry * _SCALE))
        cv2.ellipse(picture, *place, 0, start, end, value, thickness, cv2.LINE_AA)

    ellipse(80, 68, 50 + broad, 56, 55)  # hair
    ellipse(80, 88, 42 + broad, 54, _SKIN)
    for side in (-1, 1):
        x = 80 + side * (19 + eyes)
        ellipse(x, 79, 12, 7, 150)  # eye socket
        ellipse(x, 79, 9, 4, 235)
        ellipse(x, 79, 4, 4, _DARK)
        ellipse(x, 70 - 3 * strength, 12, 5, 60, 190, 350, 3.5)  # brow
        ellipse(80 + side * 6, 102, 3, 2, 90)  # nostril
        ellipse(80 + side * 7, 92, 4, 16, 170, 300 if side > 0 else 180, 420 if side > 0 else 240, 2)
    corner = 2 * strength
    ellipse(80, 116 - corner, 16 + mouth + corner, 4 + corner, 95, 0, 180, 3.5)
    ellipse(80, 118 + mouth, 14, 5, 150, 20, 160, 2)  # lower lip
    shaded = cv2.GaussianBlur(picture, (0, 0), float(_SCALE))
    small: NDArray[np.float32] = cv2.resize(shaded, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return small
