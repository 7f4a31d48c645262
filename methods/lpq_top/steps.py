"""The phase of four low frequencies around each voxel, quantised, on three orthogonal planes."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError
from mebench.features.top import Codes, Top

T, Y, X = range(3)
PLANES = ((Y, X), (X, T), (Y, T))
ALMOST_ONE = 1 + 1e-6 * np.arange(7, -1, -1)
"""As in the authors' program: no two eigenvalues are equal."""
RHO = 0.1
"""Correlation of neighbours in space and in time that the decorrelation supposes."""


@dataclass(frozen=True)
class LpqTop(Top):
    """Local phase quantisation on three orthogonal planes, (rows, cols, slices * 3 * 256).

    Around each voxel, on each plane, the short-term Fourier transform at four frequencies of one period a window gives
    four real and four imaginary parts; after decorrelation, the signs of the eight are the bits of a code. On each
    plane, the voxels with a window inside the clip count.

    Attributes:
        window: width of the window in the image, odd, in pixels.
        window_t: its length in time, odd, in frames.
        decorrelate: turn the eight numbers to the axes on which they would not correlate if neighbours correlated by `RHO`.
    """

    portable: ClassVar[bool] = False  # it depends on eigenvectors
    least: ClassVar[Mapping[str, int]] = {**Top.least, "window": 3, "window_t": 3}

    window: int = 5
    window_t: int = 5
    decorrelate: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.window % 2 or not self.window_t % 2:
            raise ConfigError(f"method.window and method.window_t must be odd, not {self.window} and {self.window_t}")

    @property
    def margin(self) -> tuple[int, int, int]:
        """Half a window."""
        return self.window_t // 2, self.window // 2, self.window // 2

    def planes(self, volume: NDArray[np.float32]) -> Iterator[Codes]:
        """Codes of the voxels with a window inside the clip."""
        for first, second in PLANES:
            sizes = tuple(self.window_t if axis == T else self.window for axis in (first, second))
            parts = []
            for wave in waves(sizes):
                seen = volume.astype(np.complex128)
                for axis, weights in zip((first, second), wave):
                    seen = np.lib.stride_tricks.sliding_window_view(seen, len(weights), axis) @ weights
                parts += [seen.real, seen.imag]
            turned = np.tensordot(axes(sizes, second == T), parts, (0, 0)) if self.decorrelate else np.stack(parts)
            # Differences that cancel count as 0 despite rounding, as in still parts of the face; real ones are larger
            # for whole gray values.
            bits = (turned >= -1e-6).astype(np.intp)
            yield np.sum([bit << i for i, bit in enumerate(bits)], axis=0), 256, None


def waves(sizes: tuple[int, ...]) -> list[tuple[NDArray[np.complex128], NDArray[np.complex128]]]:
    """The four waves over a window of that size, each along both axes."""
    (a0, a1), (b0, b1) = ((np.ones(n, complex), np.exp(2j * np.pi * (np.arange(n) - n // 2) / n)) for n in sizes)
    return [(a0, b1), (a1, b0), (a1, b1), (a1, b1.conj())]


@functools.cache
def axes(sizes: tuple[int, ...], in_time: bool) -> NDArray[Any]:
    """Eigenvectors, the columns of (8, 8), of the covariance of the eight numbers; each has its largest part above 0."""
    i, j = (grid.ravel() for grid in np.mgrid[: sizes[0], : sizes[1]])
    across, along = np.subtract.outer(i, i), np.subtract.outer(j, j)
    far = np.abs(across) + np.abs(along) if in_time else np.hypot(across, along)
    whole = [np.outer(*wave).ravel() for wave in waves(sizes)]
    parts = np.array([part for wave in whole for part in (wave.real, wave.imag)])
    weighted = parts * ALMOST_ONE[:, None]
    vectors = np.linalg.eigh(weighted @ RHO**far @ weighted.T)[1][:, ::-1]
    return np.asarray(vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(8)]))
