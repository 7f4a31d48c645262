"""Cuts of a film: neighbouring face crops that show different pictures."""

import math
from collections.abc import Container, Iterable

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import Image, release
from mebench.features.flow import Flow

LEAST_CORRELATION = 0.8
"""Neighbouring crops that correlate less have a cut between them."""
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
    """The frames at which another picture begins, and those by which it stands.

    A box that follows the face glides to its new position, so that several neighbouring crops in a row may differ: these are one cut.

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
