"""Intervals that look at nothing."""

from __future__ import annotations

import numpy as np

from mebench.spotting.intervals import Spotted, interval


def place_randomly(rng: np.random.Generator, n_frames: int, count: int, k_prime: int) -> list[Spotted]:
    """`count` intervals of width 2k' at peaks drawn uniformly from those whose interval lies inside the video.

    They may overlap: chance does not look. The confidences are random too. A video shorter than 2k' takes its middle as peak.
    """
    low, high = k_prime, n_frames - k_prime
    peaks = rng.integers(low, high + 1, count) if high >= low else np.full(count, n_frames // 2)
    return [interval(int(peak), k_prime, float(c)) for peak, c in zip(np.sort(peaks), rng.random(count))]
