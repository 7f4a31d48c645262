"""Windows of a series of motion, their labels, and frames put together from windows again."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression

IGNORED = -100
"""Class of a frame whose emotion is not scored; PyTorch's cross-entropy leaves it out."""


def cut_motion(motion: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """How regions have moved since the first frame of each window, (windows, 2 regions, window).

    Windows begin at steps of half a window, from the first frame, until they cover all frames; beyond the series nothing moves.

    Args:
        motion: (n, regions, 2), from each frame of the series to the next.
        window: frames, even.
    """
    n_frames, half = len(motion) + 1, window // 2
    n_windows = count_windows(n_frames, window)
    since_start = np.zeros(((n_windows + 1) * half + 1, int(np.prod(motion.shape[1:]))), np.float64)
    since_start[1:n_frames] = np.cumsum(motion.reshape(len(motion), since_start.shape[1]), axis=0)
    since_start[n_frames:] = since_start[n_frames - 1]
    parts = [since_start[first : first + window] - since_start[first] for first in range(0, n_windows * half, half)]
    return np.stack(parts).transpose(0, 2, 1).astype(np.float32)


def count_windows(n_frames: int, window: int) -> int:
    """Windows that a series needs, one at least."""
    return max(1, -(-n_frames // (window // 2)) - 1)


def cut_labels(labels: NDArray[np.int64], window: int, beyond: int) -> NDArray[np.int64]:
    """Labels of frames, (n,), as those of windows, (windows, window); `beyond` is that of frames after the end."""
    half, n_windows = window // 2, count_windows(len(labels), window)
    padded = np.full((n_windows + 1) * half, beyond, np.int64)
    padded[: len(labels)] = labels[: len(padded)]
    return np.stack([padded[first : first + window] for first in range(0, n_windows * half, half)])


def join_windows(windows: NDArray[np.float64], n_frames: int) -> NDArray[np.float64]:
    """Frames from windows, (windows, window, ...) to (n, ...): the first whole, of the others the second half each."""
    half = windows.shape[1] // 2
    return np.concatenate([windows[0, :half], *windows[:, half:]])[:n_frames]


def label_frames(
    n_frames: int, expressions: Mapping[Expression, int | None], outside: int, step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whether an expression goes on in each frame of a series, and its class, (n,) each.

    The first and the last frame of an expression do not count.

    Args:
        n_frames: frames of the series.
        expressions: expressions in frames of the video, each with its class; None for one that is not scored.
        outside: class of all other frames.
        step: frames of the video from one of the series to the next.
    """
    inside, named = np.zeros(n_frames, np.int64), np.full(n_frames, outside, np.int64)
    for expression, label in expressions.items():
        frames = slice(expression.onset // step + 1, expression.offset // step)
        inside[frames] = 1
        named[frames] = IGNORED if label is None else label
    return inside, named
