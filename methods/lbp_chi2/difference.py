"""Feature difference analysis on plain arrays (Li et al. 2017, section 3)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHUNK = 256
"""Number of frames at once, so that a long video's histograms need not be in memory together."""


def half_window(seconds: float, fps: float) -> int:
    """k: half the sliding window in whole frames, at least 1; the window holds N = 2k + 1 frames.

    >>> [2 * half_window(0.32, fps) + 1 for fps in (25, 60, 100, 200)]
    [9, 21, 33, 65]
    """
    return max(1, round(seconds * fps / 2))


def chi_square(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """Sum over the last axis of (a - b)^2 / (a + b); a bin that is empty in both (0/0) counts 0."""
    total = a + b
    return np.asarray(np.divide((a - b) ** 2, total, out=np.zeros_like(total), where=total > 0).sum(axis=-1))


def mean_of_largest(distances: Floats, share: float) -> Floats:
    """Mean of the largest blocks of each frame.

    Args:
        distances: (n, n_blocks).
        share: of the blocks, above 0; rounded to whole blocks, at least one.

    Returns:
        (n,).
    """
    blocks = distances.shape[1]
    most = max(1, round(share * blocks))
    return np.asarray(np.partition(distances, blocks - most, axis=1)[:, blocks - most :].mean(axis=1))


def texture_differences(histograms: NDArray[Any], k: int, share: float) -> Floats:
    """F_i: how much frame i differs from the average of the frames i - k and i + k.

    Args:
        histograms: (n, rows, cols, bins), of each frame; may be memory-mapped.
        k: half window in frames.
        share: of the blocks that count.

    Returns:
        (n,); NaN for the first and the last k frames.
    """
    n = len(histograms)
    found = np.full(n, np.nan)
    for start in range(k, n - k, CHUNK):
        stop = min(start + CHUNK, n - k)
        frames, before, after = (_blocks(histograms[start + shift : stop + shift]) for shift in (0, -k, k))
        found[start:stop] = mean_of_largest(chi_square(frames, (before + after) / 2), share)
    return found


def flow_differences(to_centre: NDArray[Any], to_end: NDArray[Any], k: int, share: float, n: int) -> Floats:
    """F_i where features are flow from the first frame of the window, i - k, which itself then has no motion.

    Args:
        to_centre: (n - k, rows, cols, bins); row i is of the flow from frame i to i + k.
        to_end: (n - 2k, rows, cols, bins); row i is of the flow from frame i to i + 2k.
        k: half window in frames.
        share: of the blocks that count.
        n: number of frames.

    Returns:
        (n,); NaN for the first and the last k frames.
    """
    found = np.full(n, np.nan)
    for start in range(0, n - 2 * k, CHUNK):
        stop = min(start + CHUNK, n - 2 * k)
        average = _blocks(to_end[start:stop]) / 2  # with the first frame's, which is all 0
        found[start + k : stop + k] = mean_of_largest(chi_square(_blocks(to_centre[start:stop]), average), share)
    return found


def contrasted(differences: Floats, k: int) -> Floats:
    """C_i = F_i - (F_{i-k} + F_{i+k}) / 2; negative values become 0.

    Returns:
        (n,); NaN if one of the three is NaN.
    """
    found = np.full(len(differences), np.nan)
    if len(differences) > 2 * k:
        centre = differences[k:-k]
        found[k:-k] = np.maximum(centre - (differences[: -2 * k] + differences[2 * k :]) / 2, 0)
    return found


def _blocks(histograms: NDArray[Any]) -> Floats:
    """(m, rows, cols, bins) to (m, rows * cols, bins) in double precision."""
    return np.asarray(histograms, np.float64).reshape(len(histograms), -1, histograms.shape[-1])
