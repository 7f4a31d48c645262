"""What a person does in a film, measured in the face crops: speaking, turning the head, or neither.

Motion is that of a few blocks between neighbouring frames, by least squares (Lucas and Kanade 1981). It is coarse, takes half a millisecond
a frame, needs no landmarks, and is no feature of any method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core.peaks import stretches
from mebench.features.base import release
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Activity = Literal["still", "speech", "turning"]
ACTIVITIES: tuple[Activity, ...] = ("still", "speech", "turning")

SIDE = 64
"""Width in pixels of the crops in which motion is measured."""
BLOCKS = 8
"""Blocks along each side of a crop."""
MOUTH = (slice(5, 8), slice(2, 6))
"""Rows and columns of the blocks with mouth and chin."""
UPPER = (slice(1, 5), slice(1, 7))
"""Rows and columns of the blocks from brows to nose, which move with the head."""
FLAT = 30.0
"""Squared slope of the brightness, summed over a block, below which it says little about motion."""
SPEAKS = 0.10
"""Motion of the mouth against the head, face widths a second, mean over a window, from which a person speaks."""
SPEAKS_MORE = 2.0
"""Times the motion of the head that the mouth moves at least while a person speaks: a turning head moves it, too."""
TURNS = 0.10
"""Motion of the head in its crop, face widths a second, mean over a window, from which a person turns."""
WINDOW = 1.0
"""Seconds over which motion is averaged."""
SHORTEST = 0.4
"""Seconds that an activity lasts at least; a shorter one belongs to what is around it."""


@dataclass(frozen=True)
class FaceMotion:
    """The motion in the crops of a film.

    Attributes:
        mouth: motion of the mouth against the head, face widths a second, mean over `WINDOW`, (n_frames,).
        head: motion of the head in its crop, the same.
    """

    mouth: NDArray[np.float64]
    head: NDArray[np.float64]

    def activities(self) -> NDArray[np.str_]:
        """What the person does in each frame, (n_frames,). Chewing and grimaces move the mouth as speech does."""
        speaks = (self.mouth >= SPEAKS) & (self.mouth >= SPEAKS_MORE * self.head)
        return np.where(speaks, "speech", np.where(self.head >= TURNS, "turning", "still"))


def measure_face_motion(crops: NDArray[np.uint8], fps: float) -> FaceMotion:
    """The motion of mouth and head.

    Args:
        crops: (n_frames, size, size) gray face crops.
        fps: frames per second.
    """
    mouth = np.zeros(len(crops))
    head = np.zeros(len(crops))
    before: NDArray[np.float32] | None = None
    for index in range(len(crops)):
        picture = _small(crops[index])
        if before is not None:
            motion = _block_motion(before, picture) * (fps / SIDE)
            own_head = np.median(motion[UPPER].reshape(-1, 2), axis=0)
            head[index] = float(np.hypot(*own_head))
            mouth[index] = float(np.hypot(*(motion[MOUTH] - own_head).reshape(-1, 2).T).mean())
        before = picture
        if index % 1024 == 0:
            release(crops)
    return FaceMotion(_windowed(mouth, fps), _windowed(head, fps))


def find_activities(motion: FaceMotion, fps: float) -> tuple[tuple[int, int, Activity], ...]:
    """Stretches in which a person speaks or turns the head. Each has its first and last frame, both inclusive."""
    done = motion.activities()
    shortest = max(1, round(SHORTEST * fps))
    found: list[tuple[int, int, Activity]] = []
    for activity in ("speech", "turning"):
        for first, last in stretches(done == activity, bridge=shortest):
            if last - first + 1 >= shortest:
                found.append((first, last, activity))  # type: ignore[arg-type]
    return tuple(sorted(found))


def activity_at(found: Sequence[tuple[int, int, Activity]], frame: int) -> Activity:
    """What a person does in a frame; where stretches overlap, the person speaks."""
    here = {activity for first, last, activity in found if first <= frame <= last}
    if "speech" in here:
        return "speech"
    return "turning" if "turning" in here else "still"


def _small(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A crop in few pixels of mean 128, without fine noise."""
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), 1.0)
    return np.asarray(blurred * (128 / max(float(blurred.mean()), 1.0)), np.float32)


def _block_motion(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float64]:
    """Motion of each block in pixels, (BLOCKS, BLOCKS, 2): x and y; smaller where a block is flat."""
    mean = (before + after) / 2
    across = cv2.Scharr(mean, cv2.CV_32F, 1, 0) / 32
    down = cv2.Scharr(mean, cv2.CV_32F, 0, 1) / 32
    change = after - before
    products = [across * across, across * down, down * down, across * change, down * change]
    xx, xy, yy, xt, yt = (_block_sums(product) for product in products)
    xx, yy = xx + FLAT, yy + FLAT
    determinant = xx * yy - xy * xy
    return np.stack([-(yy * xt - xy * yt) / determinant, -(xx * yt - xy * xt) / determinant], axis=-1)


def _block_sums(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums over the blocks of a picture, (BLOCKS, BLOCKS)."""
    wide = SIDE // BLOCKS
    return np.asarray(values.reshape(BLOCKS, wide, BLOCKS, wide).sum((1, 3)), np.float64)


def _windowed(values: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """The running mean over `WINDOW`, shorter at both ends."""
    reach = max(1, round(WINDOW * fps / 2))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - reach, 0)
    last = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first))
