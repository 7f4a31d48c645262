"""Time codes in place of frames: hours, minutes and seconds, with a fraction or with frames behind them."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.sheets import Cells
from mebench.exchange.text_table import Remarks, TextTable, blank_cells

_CLOCK = re.compile(r"(?:(\d{1,4}) days?,? )?(?:(\d{1,3}):)?(\d{1,2}):(\d{2}(?:[.,]\d+)?)")
"""Days as Python and pandas write them, hours, minutes, seconds."""
_CLOCK_WITH_FRAMES = re.compile(r"(\d{1,3}):(\d{2}):(\d{2}):(\d{2,3})")
_DROP_FRAME = re.compile(r"\d{1,3}[:;]\d{2}[:;]\d{2}[;]\d{2,3}")
_TWO_DIGITS = re.compile(r".*:\d{2}[.,](\d{2})")
LIKELY_BY_CHANCE = 1e-4
"""Probability below which hundredths of seconds that all lie below the frame rate are no chance."""


def with_clock_times(table: TextTable, names: Sequence[str], rates: NDArray[np.float64], remarks: Remarks) -> TextTable:
    """The table with time codes, `00:01:02.400`, `1:02.400` or `00:01:02:10`, as seconds.

    Args:
        table: the table.
        names: columns that may hold time codes.
        rates: frames per second of each row, NaN where unknown, (n_rows,).
        remarks: list that gets that there are some.

    Raises:
        DataError: a time code counts frames, and no frame rate is known or it drops frames; or other cells are beside time codes.
    """
    for name in names:
        table.refuse(
            name,
            table.cells[name].where(_DROP_FRAME.fullmatch, never_of_numbers=True),
            "the {name} {cell} is a time code that drops frames{more}: export hours, minutes and seconds with a fraction, 00:00:01.240",
        )
    has_clock = [table.cells[name].where(_is_clock, never_of_numbers=True) for name in names]
    if not np.any([mask.any() for mask in has_clock]):
        return table
    for name, mask in zip(names, has_clock):
        others = ~mask & ~blank_cells(table.cells[name])
        table.refuse(
            name, others, "the {name} {cell!r} is no time code, unlike other cells{more}: write all in one way"
        )
    for name in names:
        counts_frames = table.cells[name].where(_CLOCK_WITH_FRAMES.fullmatch)
        table.refuse(
            name,
            counts_frames & np.isnan(rates),
            "the {name} {cell} counts frames behind its seconds{more}: give the frame rate with --fps N",
        )
    _refuse_frames_behind_dot(table, names, rates)
    remarks.repair(f"{table.role}: time codes are read as seconds")
    cells = {name: _in_seconds(table.cells[name], rates) for name in names}
    return replace(table, cells={**table.cells, **cells}, seconds={**table.seconds, **dict.fromkeys(names, 1.0)})


def _refuse_frames_behind_dot(table: TextTable, names: Sequence[str], rates: NDArray[np.float64]) -> None:
    """Refuse two digits behind a dot that seem to count frames: `00:00:01.24`.

    They never reach the frame rate.

    Raises:
        DataError: so it is.
    """
    known = set(rates[~np.isnan(rates)].tolist())
    matches = [
        _TWO_DIGITS.fullmatch(cell) for name in names for cell in set(table.cells[name].distinct) if _is_clock(cell)
    ]
    digits = [int(match[1]) for match in matches if match]
    if len(known) != 1 or len(digits) < len(matches):
        return
    (rate,) = known
    are_below = all(number < rate for number in digits)
    if rate < 100 and are_below and (rate / 100) ** len(digits) < LIKELY_BY_CHANCE:
        is_clock = table.cells[names[0]].where(_is_clock)
        table.refuse(
            names[0],
            is_clock,
            f"the two digits behind the dot of {{cell!r}} never reach the frame rate {rate:g}{{more}}, as if they counted frames: write "
            "00:00:01:06 for frames, or thousandths of a second, 00:00:01.240",
        )


def _is_clock(cell: str) -> bool:
    """Whether a cell is a time code."""
    return _CLOCK.fullmatch(cell) is not None or _CLOCK_WITH_FRAMES.fullmatch(cell) is not None


def _in_seconds(cells: Cells, rates: NDArray[np.float64]) -> Cells:
    """The seconds of time codes, by the frame rate of each row, (n_rows,)."""
    if not cells.where(_CLOCK_WITH_FRAMES.fullmatch).any():
        return cells.read(lambda cell: seconds_of_clock(cell, 1.0))
    return Cells.from_list([seconds_of_clock(cell, rate) for cell, rate in zip(cells, rates.tolist())])


def seconds_of_clock(cell: str, rate: float) -> str:
    """The seconds of a time code; any other cell as it is written.

    >>> [seconds_of_clock(cell, 25) for cell in ("00:00:00.400", "1:02,5", "01:00:00:10", "0 days 00:00:02.5", "")]
    ['0.4', '62.5', '3600.4', '2.5', '']
    """
    with_frames = _CLOCK_WITH_FRAMES.fullmatch(cell)
    if with_frames:
        hours, minutes, seconds, frames = map(int, with_frames.groups())
        return str(hours * 3600 + minutes * 60 + seconds + frames / rate)
    clock = _CLOCK.fullmatch(cell)
    if not clock:
        return cell
    days, hours, minutes = (int(part or 0) for part in clock.groups()[:3])
    seconds_of_minute = float(clock[4].replace(",", "."))
    return str((days * 24 + hours) * 3600 + minutes * 60 + seconds_of_minute)
