"""What the cells of a column hold, by their values alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.names import BLANK
from mebench.annotations.sheets import Cells
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")


def numbers_of_cells(cells: Cells) -> NDArray[np.float64] | None:
    """The numbers of a column, NaN where it is blank, (n_rows,); None for a column of something else, or of nothing.

    >>> numbers_of_cells(Cells.from_list(["1", "", "2.5"])).tolist(), numbers_of_cells(Cells.from_list(["a"])) is None
    ([1.0, nan, 2.5], True)
    """
    numbers = pd.to_numeric(pd.Series([*cells.distinct], dtype="object"), errors="coerce").to_numpy(np.float64)
    for place in np.flatnonzero(np.isnan(numbers)).tolist():
        if cells.distinct[place].strip().casefold() not in BLANK:
            return None
    read: NDArray[np.float64] = np.append(numbers, np.nan)[cells.which]
    return read if np.isfinite(read).any() else None


def kind_of_cells(cells: Cells) -> str:
    """What a column holds, in words.

    >>> [kind_of_cells(Cells.from_list(column)) for column in (["", "-"], ["a", "a"], ["3", "9"], ["0.5", "1"], ["-2.5", "1"], ["a", "b"])]
    ['nothing', 'one value', 'whole numbers', 'shares from 0 to 1', 'numbers', '2 different texts']
    """
    filled = {cell.strip() for cell in cells.distinct if cell.strip().casefold() not in BLANK}
    if not filled:
        return "nothing"
    if len(filled) == 1:
        return "one value"
    numbers = numbers_of_cells(cells)
    if numbers is None:
        return f"{len(filled)} different texts"
    known = numbers[~np.isnan(numbers)]
    if bool((known == np.round(known)).all()):
        return "whole numbers"
    return "shares from 0 to 1" if bool(((known >= 0) & (known <= 1)).all()) else "numbers"


LEAST_RATE, LARGEST_RATE = 5, 2000
"""Frames per second of films."""
MOST_RATES = 20
"""Most different frame rates in one file."""


def is_rate(cells: Cells) -> bool:
    """Whether the numbers of a column could be frame rates: few different ones, such as cameras have.

    >>> [is_rate(Cells.from_list(column)) for column in (["25", "25"], ["200", "29.97"], ["0.5", "0.9"], ["a"])]
    [True, True, False, False]
    """
    if len(cells.distinct) > MOST_RATES:
        return False
    numbers = numbers_of_cells(cells)
    if numbers is None:
        return False
    known = numbers[~np.isnan(numbers)]
    return bool(((known >= LEAST_RATE) & (known <= LARGEST_RATE)).all())
