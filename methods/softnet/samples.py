"""Which frames SOFTNet trains on: its labels, its choice of negatives, its augmentation."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression
from mebench.training import window_labels


def hard_labels(
    n: int, expressions: Iterable[Expression], k: int, without_onset: bool = False, kinds: Sequence[str] = ()
) -> NDArray[np.float32]:
    """1 where the window [i, i + k - 1] overlaps an expression (IoU above 0), else 0.

    Args:
        n: number of frames to label.
        expressions: of the kind in question; with `kinds` all of a video.
        k: window length in frames.
        without_onset: the released code compares with [onset + 1, offset]; an expression of one frame then labels nothing.
        kinds: if given, each has a column of its own, (n, kinds).
    """
    if without_onset:
        expressions = [replace(e, onset=e.onset + 1, apex=None) for e in expressions if e.offset > e.onset]
    return window_labels(n, expressions, k, kinds)


def augmented(maps: NDArray[Any], signed: bool, rng: np.random.Generator) -> NDArray[np.float16]:
    """Each map mirrored, blurred and with noise: (n, H, W, 3) to (3n, H, W, 3), all mirrored ones first.

    The blur is Gaussian, 7x7; the noise is Gaussian of variance .01 (pixels), and a map with noise is clipped to [0, 1], or to
    [-1, 1] if it has negative numbers (the defaults that the authors use).

    Args:
        maps: u, v and strain.
        signed: whether u has its sign; a mirrored face then moves the other way.
        rng: draws the noise.
    """
    import cv2

    mirrored = maps[:, :, ::-1].copy()
    if signed:
        mirrored[..., 0] *= -1
    images = maps.astype(np.float32)
    blurred = [cv2.GaussianBlur(image, (7, 7), 0) for image in images]
    noisy = [np.clip(image + rng.normal(0, 0.1, image.shape), -1 if image.min() < 0 else 0, 1) for image in images]
    added = np.stack([*mirrored, *blurred, *noisy]) if len(maps) else maps
    return added.astype(np.float16)
