"""The texture of a video, and the amount of its fast changes, on plain arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

from mebench.errors import DataError
from mebench.features import VolumeStep

Floats = NDArray[np.float64]

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Rows and columns from a pixel to its eight neighbours, in the order of their bits."""
PICKED = 9
"""Number of the first blocks, column after column, whose places the program picks among the blocks by amount."""
CHUNK = 64
"""Number of windows at once, so that their spectra need not be in memory together."""


@dataclass(frozen=True)
class FastChanges(VolumeStep):
    """The amount of fast change around each frame, (n, 1, 1), relative to the mean.

    The texture of each block in a window of 2k + 1 frames is transformed in space and time; the amounts of all frequencies far
    from 0 are added up. The first and the last frame are repeated where a window reaches beyond them. 0 is the mean over all
    frames, .1 a tenth more.

    Attributes:
        k: half the window in frames.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        variant: `paper` or `released_code`, see `amounts` and `total`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("scipy",)
    portable: ClassVar[bool] = False  # it rests on SciPy's transform
    least: ClassVar[Mapping[str, int]] = {"k": 1, "rows": 1, "cols": 1}

    k: int
    rows: int = 6
    cols: int = 6
    variant: Literal["paper", "released_code"] = "paper"

    def apply(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The changes in (n, H, W) gray crops.

        Raises:
            DataError: the crops are too small for the blocks.
        """
        if min((crops.shape[1] - 3) // self.rows, (crops.shape[2] - 3) // self.cols) < 1:
            raise DataError(
                f"crops of {crops.shape[1]} rows and {crops.shape[2]} columns have no {self.rows}x{self.cols} blocks of "
                "texture: choose fewer blocks with method.rows and method.cols, or larger crops"
            )
        released = self.variant == "released_code"
        found = total(amounts(square_patterns(crops), self.k, self.rows, self.cols, released), released)
        mean = found.mean()
        relative = found / mean - 1 if mean > 0 else np.zeros(len(found))
        return relative.astype(np.float32)[:, None, None]


def square_patterns(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The binary pattern of each inner pixel, (n, H - 2, W - 2).

    One of its eight neighbours that is not darker sets its bit.
    """
    height, width = crops.shape[1:]
    centre = crops[:, 1:-1, 1:-1]
    patterns = np.zeros(centre.shape, np.uint8)
    for bit, (down, right) in enumerate(NEIGHBOURS):
        neighbour = crops[:, 1 + down : height - 1 + down, 1 + right : width - 1 + right]
        patterns |= (neighbour >= centre).astype(np.uint8) << bit
    return patterns


def amounts(patterns: NDArray[np.uint8], k: int, rows: int, cols: int, released: bool = False) -> Floats:
    """The amplitudes of high frequencies around each frame, summed, (n, rows, cols).

    Args:
        patterns: (n, H, W); the pixels beyond the last whole block, one row and column at least, are left out.
        k: half the window in frames.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        released: whether the filter has the centre of the program's.
    """
    n, height, width = patterns.shape
    high, wide = (height - 1) // rows, (width - 1) // cols
    kept = high_frequencies(high, wide, k, released)
    found = np.zeros((n, rows, cols))
    for row in range(rows):
        for col in range(cols):
            block = patterns[:, row * high : (row + 1) * high, col * wide : (col + 1) * wide].astype(np.float32)
            # The transform in space is that of each frame alone, so that all windows with the frame share it.
            spectra = np.pad(fft.fft2(block), ((k, k), (0, 0), (0, 0)), mode="edge")
            windows = sliding_window_view(spectra, 2 * k + 1, axis=0)
            for start in range(0, n, CHUNK):
                amplitudes = np.abs(fft.fft(windows[start : start + CHUNK], axis=-1))
                found[start : start + CHUNK, row, col] = amplitudes[:, kept].sum(axis=1, dtype=np.float64)
    return found


def high_frequencies(rows: int, cols: int, k: int, released: bool = False) -> NDArray[np.bool_]:
    """Which frequencies are at least k + 1 steps from 0, (rows, cols, 2k + 1).

    They stand in the order of the transform. The program takes the distance along rows and columns from the frequency
    before 0.
    """
    shift = 1 if released else 0
    along = [
        fft.fftfreq(rows, 1 / rows) + shift,
        fft.fftfreq(cols, 1 / cols) + shift,
        fft.fftfreq(2 * k + 1, 1 / (2 * k + 1)),
    ]
    down, across, in_time = np.meshgrid(*(np.rint(steps) for steps in along), indexing="ij")
    return np.asarray(down**2 + across**2 + in_time**2 >= (k + 1) ** 2)


def total(of_blocks: Floats, released: bool = False) -> Floats:
    """The amount of each frame over its blocks, (n, rows, cols) to (n,).

    The program means the nine largest blocks. It sorts the blocks, the largest first, and takes the places at which the first
    nine blocks of the face stand, column after column; it then adds up the blocks with these places as their numbers.
    """
    if not released:
        return np.asarray(of_blocks.sum(axis=(1, 2)))
    by_column = of_blocks.transpose(0, 2, 1).reshape(len(of_blocks), -1)
    order = np.argsort(-by_column, axis=1, kind="stable")
    return np.array([values[np.flatnonzero(first < PICKED)].sum() for values, first in zip(by_column, order)])
