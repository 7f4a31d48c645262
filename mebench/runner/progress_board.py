"""How far each video is, in a file that worker processes map."""

from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CELLS = 3
"""Numbers of a row: finished frames, share of the video's work from 0 to 1, and the number of the present stage."""


def new_board(file: Path, n_videos: int) -> NDArray[np.float64]:
    """A row of zeros for each video, (n_videos, CELLS), in a new file."""
    return np.memmap(file, np.float64, "w+", shape=(n_videos, CELLS))


def row_of_board(file: str | None, place: int) -> NDArray[np.float64]:
    """The row of one video, in a worker; without a file, or on another machine, a row that nobody reads.

    Args:
        file: file of the board.
        place: number of the video.
    """
    with suppress(OSError):
        if file is not None:
            offset = place * CELLS * np.dtype(np.float64).itemsize
            return np.memmap(file, np.float64, "r+", shape=(CELLS,), offset=offset)
    return np.zeros(CELLS)
