"""Windows of a series of motion, their labels, and frames put together from windows again."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression

GROUPS = ((0, 1, 2), (3, 4, 5), (8, 9, 10, 11), (6,), (7,))
"""Both brows, the mouth, both sides of the nose, by their places among `mebench.features.regions.SIDES_OF_NOSE`."""
IGNORED = -100
"""Class of a frame whose emotion is not scored; PyTorch's cross-entropy leaves it out."""


def window_motion(motion: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """How five regions have moved since the first frame of each window, (windows, 10, window): u and v of one region
    after the other.

    Windows begin at steps of half a window, from the first frame, until they cover all frames; beyond the series there
    is no motion.

    Args:
        motion: (n, 12, 2), of twelve regions from each frame of the series to the next.
        window: frames, even.
    """
    regions = np.stack([motion[:, list(group)].mean(1) for group in GROUPS], axis=1).reshape(len(motion), 10)
    half, count = window // 2, how_many(len(motion) + 1, window)
    since = np.zeros(((count + 1) * half + 1, 10), np.float64)  # since the first frame of the video
    since[1 : len(motion) + 1] = np.cumsum(regions, axis=0)
    since[len(motion) + 1 :] = since[len(motion)]
    parts = [since[first : first + window] - since[first] for first in range(0, count * half, half)]
    return np.stack(parts).transpose(0, 2, 1).astype(np.float32)


def how_many(n: int, window: int) -> int:
    """Windows that a series of n frames needs, one at least."""
    return max(1, -(-n // (window // 2)) - 1)


def in_windows(values: NDArray[np.int64], window: int, beyond: int) -> NDArray[np.int64]:
    """Labels of the frames of a series, (n,), as those of its windows, (windows, window); `beyond` is that of frames
    after the end.
    """
    half, count = window // 2, how_many(len(values), window)
    whole = np.full((count + 1) * half, beyond, np.int64)
    whole[: len(values)] = values[: len(whole)]
    return np.stack([whole[first : first + window] for first in range(0, count * half, half)])


def put_together(windows: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Frames of a series from windows, (windows, window, ...) to (n, ...): the first whole, of the others the second
    half each.
    """
    half = windows.shape[1] // 2
    return np.concatenate([windows[0, :half], *windows[:, half:]])[:n]


def frame_labels(
    n: int, expressions: Mapping[Expression, int | None], outside: int, step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each frame of a series whether an expression goes on, its first and last frame left out, and its class; each
    (n,).

    Args:
        n: frames of the series.
        expressions: in frames of the video, each with its class; None for one that is not scored.
        outside: the class of all other frames.
        step: frames of the video from one of the series to the next.
    """
    inside, named = np.zeros(n, np.int64), np.full(n, outside, np.int64)
    for e, label in expressions.items():
        frames = slice(e.onset // step + 1, e.offset // step)
        inside[frames] = 1
        named[frames] = IGNORED if label is None else label
    return inside, named
