"""Cuts of a film, told from jumps of the box that follows the face: in both, neighbouring crops show different pictures."""

import math
from collections.abc import Collection, Container, Iterable

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames
from mebench.features.base import Image, Landmarks, release
from mebench.features.faces import FaceCrop, warp_to_crop
from mebench.features.flow import Flow
from mebench.features.gray_frames import to_gray

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
    """The frames at which crops begin to show another picture. With each comes the frame by which that picture stands.

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


def find_other_pictures(
    frames: Frames, crop: FaceCrop, landmarks: Landmarks | None, label: str, candidates: Collection[int]
) -> set[int]:
    """Those of some frames that show another picture than the one before.

    Both are looked at through one box that stays: the one of the frame before, and that of the frame itself. If they are alike in
    either, the film goes on and only the box moved. The face is followed once more for it.

    Args:
        frames: frames of the film.
        crop: step that made the crops.
        landmarks: landmarks of the dataset, see `FaceCrop.locate`.
        label: name of the film in messages.
        candidates: frames to look at, from 1.
    """
    if not candidates:
        return set()
    reference = crop.locate(frames, landmarks, label)
    n_read = max(candidates) + 1 + crop.lookahead
    grays = (to_gray(frames[index], index, label) for index in range(min(n_read, len(frames))))
    others = set()
    before = None
    for index, (picture, matrix) in enumerate(crop.map_to_crops(grays, reference, label)):
        if before is not None and index in candidates:
            picture_before, matrix_before = before
            likeness = [
                correlate_crops(warp_to_crop(picture_before, place, crop.size), warp_to_crop(picture, place, crop.size))
                for place in (matrix_before, matrix)
            ]
            if max(likeness) < LEAST_CORRELATION:
                others.add(index)
        before = picture, matrix
    return others


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
