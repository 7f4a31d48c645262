"""Cuts of a film: neighbouring face crops that show different pictures."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import Image, release
from mebench.features.flow import Flow

LEAST_CORRELATION = 0.8
"""Neighbouring crops that correlate less have a cut between them."""


def correlate_crops(a: Image, b: Image) -> float:
    """Correlation of the brightness of two crops, (H, W), over every second pixel; 1 if both are flat, 0 if only one is."""
    before, after = (crop[::2, ::2].astype(np.float64) for crop in (a, b))
    before -= before.mean()
    after -= after.mean()
    product = float((before**2).sum() * (after**2).sum())
    if product == 0:
        return float(not before.any() and not after.any())
    return float((before * after).sum()) / product**0.5


def find_cuts(crops: NDArray[np.uint8]) -> list[int]:
    """The first frame after each cut.

    Args:
        crops: (n_frames, size, size).
    """
    cuts = []
    for frame in range(1, len(crops)):
        if correlate_crops(crops[frame - 1], crops[frame]) < LEAST_CORRELATION:
            cuts.append(frame)
        if frame % 1024 == 0:
            release(crops)
    return cuts


def frames_across_cuts(cuts: Iterable[int], n_frames: int, flow: Flow | None) -> NDArray[np.bool_]:
    """Frames whose feature sees both sides of a cut, (n_frames,).

    A pair of frames does if a cut lies between them; so do flows that are interpolated from such a pair.

    Args:
        cuts: first frames after the cuts.
        n_frames: number of frames of the film.
        flow: step from crops to flow, if there is one.
    """
    across = np.zeros(n_frames, np.bool_)
    if flow is None:
        return across
    gap = flow.gaps[-1].k or 0
    between = flow.stride - 1
    for cut in cuts:
        across[max(cut - gap - between, 0) : cut + between] = True
    return across
