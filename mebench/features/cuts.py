"""Cuts of a film.

Neighbouring crops also differ where the box that follows the face jumps, and where the head moves far.
"""

import math
from collections.abc import Collection, Container, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames
from mebench.features.base import Image, release
from mebench.features.flow import Flow
from mebench.features.gray_frames import to_gray
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

LEAST_CORRELATION = 0.8
"""Neighbouring crops that correlate less differ; between neighbouring pictures that do there is a cut."""
REDUCED_SIDE = 64
"""Height and width, in pixels, of the reduced pictures that are compared."""
FARTHEST = 1 / 8
"""Share of a picture's side by which it may have moved from one frame to the next."""
GLIDING_SECONDS = 0.5
"""Cuts no further apart are one."""


def correlate_crops(a: Image, b: Image) -> float:
    """Correlation of the brightness of two crops, (H, W), over every second pixel; 1 if both are flat, 0 if only one is."""
    before, after = (crop[::2, ::2].astype(np.float64) for crop in (a, b))
    before -= before.mean()
    after -= after.mean()
    product = float((before**2).sum() * (after**2).sum())
    if product == 0:
        return float(not before.any() and not after.any())
    covariance = float((before * after).sum())
    return covariance / math.sqrt(product)


def find_cuts(crops: NDArray[np.uint8], fps: float, known: Container[int] = ()) -> list[tuple[int, int]]:
    """The frames at which crops begin to show another picture. With each comes the frame by which that picture stands.

    A box that follows the face glides to its new position, so that several neighbouring crops in a row may differ: these are one cut.
    Whether the film itself shows another picture there, `find_other_pictures` tells.

    Args:
        crops: (n_frames, size, size).
        fps: frames per second.
        known: frames that are known not to follow the one before, whatever they show.
    """
    cuts: list[tuple[int, int]] = []
    most_apart = max(1.0, GLIDING_SECONDS * fps)
    for frame in range(1, len(crops)):
        if frame in known or correlate_crops(crops[frame - 1], crops[frame]) < LEAST_CORRELATION:
            glides = bool(cuts) and frame - cuts[-1][1] <= most_apart
            first = cuts.pop()[0] if glides else frame
            cuts.append((first, frame))
        if frame % 1024 == 0:
            release(crops)
    return cuts


def find_other_pictures(frames: Frames, label: str, candidates: Collection[int]) -> set[int]:
    """Those of some frames that show another picture than the one before.

    Whole pictures are compared, since crops also differ where the box jumped or the head moved far from one frame to the next.

    Args:
        frames: frames of the film.
        label: name of the film in messages.
        candidates: frames to look at, from 1.
    """
    others = set()
    for frame in sorted(candidates):
        before, after = (_reduce(to_gray(frames[index], index, label)) for index in (frame - 1, frame))
        if correlate_pictures(before, after) < LEAST_CORRELATION:
            others.add(frame)
    return others


def correlate_pictures(before: Image, after: Image) -> float:
    """Correlation of one picture's middle with the most similar place of the other.

    Both are (side, side). That place may lie `FARTHEST` of the side away, as it does where the camera or all that is seen moves. 1 if both
    are flat, 0 if only one is.
    """
    margin = round(FARTHEST * len(before))
    middle = before[margin:-margin, margin:-margin]
    if middle.min() == middle.max() or after.min() == after.max():
        return correlate_crops(before, after)
    alike = cv2.matchTemplate(after.astype(np.float32), middle.astype(np.float32), cv2.TM_CCOEFF_NORMED)
    return float(alike.max())


def _reduce(picture: Image) -> Image:
    return np.asarray(cv2.resize(picture, (REDUCED_SIDE, REDUCED_SIDE), interpolation=cv2.INTER_AREA))


def frames_across_cuts(cuts: Iterable[tuple[int, int]], n_frames: int, flow: Flow | None) -> NDArray[np.bool_]:
    """Frames whose feature sees a cut, (n_frames,).

    A pair of frames does if a cut lies between them; so do flows that are interpolated from such a pair.

    Args:
        cuts: cuts, see `find_cuts`.
        n_frames: number of frames of the film.
        flow: step from crops to flow, if there is one.
    """
    across = np.zeros(n_frames, np.bool_)
    gap = (flow.gaps[-1].k or 0) if flow else 0
    between = flow.stride - 1 if flow else 0
    for first, last in cuts:
        across[max(first - gap - between, 0) : last + between] = True
    return across
