"""From frame scores to smoothed ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mebench.spotting.words import Rule, Smoothing

Scores = NDArray[np.float64]


def smooth(scores: Scores, k_prime: int, rule: Rule = "paper", smoothing: Smoothing = "average") -> tuple[int, Scores]:
    """Weighted moving average of frame scores.

    `paper`: over the 2k'+1 frames around each, only frames with a full window kept (MEAN, equation 11). `released_code`: over
    the 2k' frames [i - k', i + k' - 1], zero-padded, every frame kept.

    Args:
        scores: (n,), without NaN.
        k_prime: half window in frames, at least 1.
        rule: which of the two.
        smoothing: weights of the window: all equal (`average`), a Gaussian of standard deviation 1 or 3 frames, or
            exp(-|distance| / tau) with tau 1 or 3 frames (MEAN, section 5.4); or `none`: the scores as they are.

    Returns:
        Frame of the first average, and the averages: n - 2k' of them for `paper` (none if n < 2k' + 1), n otherwise.

    >>> smooth(np.array([0.0, 0.0, 3.0, 0.0, 0.0]), 1)
    (1, array([1., 1., 1.]))
    >>> smooth(np.ones(4), 2)
    (2, array([], dtype=float64))
    >>> smooth(np.array([0.0, 0.0, 2.0, 0.0, 0.0]), 1, "released_code")
    (0, array([0., 0., 1., 1., 0.]))
    """
    n = len(scores)
    if smoothing == "none":
        return 0, scores
    if rule == "released_code":
        # Entry j of the full convolution sums frames j - 2k' + 1 to j; frame i wants i - k' to i + k' - 1.
        full = np.convolve(scores, window(2 * k_prime, smoothing))
        return 0, full[k_prime - 1 : k_prime - 1 + n]
    length = 2 * k_prime + 1
    if n < length:
        return k_prime, np.empty(0)
    return k_prime, np.convolve(scores, window(length, smoothing), mode="valid")


def window(length: int, smoothing: Smoothing) -> Scores:
    """Symmetric weights of a moving average that sum to 1, (length,): those of `scipy.signal.windows`.

    >>> window(3, "exponential_1").round(3)
    array([0.212, 0.576, 0.212])
    """
    if smoothing == "average":
        return np.full(length, 1 / length)
    from scipy.signal import windows  # half a second to import: only where it is used

    shape, _, width = smoothing.partition("_")
    gaussian = shape == "gaussian"
    weights = windows.gaussian(length, float(width)) if gaussian else windows.exponential(length, tau=float(width))
    return np.asarray(weights / weights.sum(), dtype=np.float64)
