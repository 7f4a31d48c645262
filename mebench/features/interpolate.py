"""Clips of one length: the temporal interpolation model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.features.base import Image, SequenceStep, check_integer


@dataclass(frozen=True)
class Interpolate(SequenceStep):
    """Bring a clip to a fixed number of frames by the temporal interpolation model (Zhou, Zhao and Pietikäinen 2011).

    The n frames are the vertices of a path graph. The eigenvectors of its Laplacian are samples, at t = 1/n, 2/n ... 1, of the
    curve with the components f_k(t) = sin(pi k t + pi (n - k) / (2 n)), k = 1 to n - 1. A linear map takes the curve to the
    frames; the new frames are taken from it at equal steps from t = 1/n, the first frame, to t = 1, the last.

    The published derivation first reduces the frames, less their mean, to the coordinates of a singular value decomposition,
    and solves for the map there. As the eigenvectors span all that is orthogonal to a constant, that is the projection onto
    them: each frame of the result is a weighted sum of the frames of the clip, also where these are not linearly
    independent. The curve passes through all frames: a clip that has the length already stays as it is.

    Attributes:
        length: number of frames of the result; 1 takes the first frame alone.
    """

    keeps_length: ClassVar[bool] = False

    length: int = 10

    def __post_init__(self) -> None:
        check_integer(self, "length", 1)

    def apply(self, crops: Image, fps: float | None) -> Image:
        """Turn (n, H, W) crops into (length, H, W), rounded and clipped to 0 to 255. One frame is repeated.

        Raises:
            DataError: there is no frame.
        """
        n = len(crops)
        if n == 0:
            raise DataError("Interpolate needs at least one frame and the clip has none: check its onset and offset")
        weights = curve_weights(n, self.length)
        frames = weights @ crops.reshape(n, -1).astype(np.float64)
        # Halves are frequent: without the last digits of the sum they are rounded alike everywhere.
        return np.rint(frames.round(6)).clip(0, 255).astype(np.uint8).reshape(self.length, *crops.shape[1:])


def curve_weights(n: int, length: int) -> NDArray[np.float64]:
    """How much of each of n frames each of `length` points of the curve holds, (length, n); rows sum to 1.

    >>> curve_weights(2, 3).round(3).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    k = np.arange(1, n)

    def curve(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sin(np.pi * k * t[:, None] + np.pi * (n - k) / (2 * n))

    samples = curve(np.arange(1, n + 1) / n)  # (n, n - 1), orthogonal columns of squared length n / 2
    weights: NDArray[np.float64] = 1 / n + curve(np.linspace(1 / n, 1, length)) @ samples.T * (2 / n)
    return weights
