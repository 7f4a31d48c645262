"""Cells of text as frames, numbers, kinds and emotions; the parsed content of a file of intervals."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.names import ALIASES, BLANK, DATABASES, KINDS, STARTS, STOPS, kind_of, plain_name
from mebench.annotations.sheets import Cells, number_of_date
from mebench.errors import DataError, unknown
from mebench.exchange.text_table import MOST_LINES, OtherColumns, Remarks, TextTable, at_lines, blank_cells, first_true
from mebench.exchange.time_codes import with_clock_times
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import pandas as pd

    from mebench.annotations import SheetDataset
else:
    pd = load_lazily("pandas")

Role = Literal["predictions", "truth", "frame scores"]
IDS = ("dataset", "subject", "video")
"""Columns that identify the video of a row."""
NO_DATASET = "data"
"""Name of the dataset if the files give none."""


@dataclass(frozen=True)
class IntervalFile:
    """The parsed content of a file of intervals.

    Attributes:
        place: the file, for sentences.
        role: content of the file.
        intervals: `line`, the columns of `IDS` that the file has (always `video`), `kind`, `onset`, `offset` (frames,
            both inclusive, as the file counts them), `apex` (NaN where unmarked), `emotion` (lower case, may be empty);
            for predictions `confidence` (NaN where not given). In the order of the file.
        videos: one row for each row of the file, with or without an interval, so that a video stands in it several
            times: `line` and those of `IDS` that the file has, and `fps` (NaN where not given). A truth also has `n_frames`.
            Predictions also have `kind`; it is empty, for all kinds, where a row without an interval names none.
        columns: the known columns that the file has.
        pooled: its intervals are of both kinds but not distinguished; all are stored as micro.
        fractional: how fractional onsets and offsets were read, `frames` or `seconds`; empty if there are none.
        others: the columns that are not read, to be judged by their values; None where the form of the file has no others.
        sheet: the dataset whose adapter read the file as its sheet; None for any other file.
    """

    place: str
    role: Role
    intervals: pd.DataFrame
    videos: pd.DataFrame
    columns: frozenset[str]
    pooled: bool = False
    fractional: str = ""
    others: OtherColumns | None = None
    sheet: SheetDataset | None = None

    @property
    def has_unread_columns(self) -> bool:
        """Whether there are columns that are not read."""
        return self.others is not None and bool(self.others.columns)

    @property
    def rate(self) -> float | None:
        """Frames per second of all its videos; None if they differ or are unknown."""
        known = set(self.videos["fps"].dropna()) if "fps" in self.videos else set()
        return float(known.pop()) if len(known) == 1 else None

    @property
    def rate_of_seconds(self) -> float | None:
        """Its rate if the file is in seconds; then fractional numbers of predictions are seconds, too."""
        return self.rate if self.fractional == "seconds" else None

    @property
    def ids(self) -> list[str]:
        """The columns that identify the video of a row."""
        return [name for name in IDS if name in self.columns]


_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+")
_DOTTED = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")
"""A number that may be a thousand, as Germans and Brazilians write it: three digits behind a dot, none of them a leading zero."""
_WITH_UNIT = re.compile(
    r"[-+]?[\d.,]+ ?(?:s|ms|secs?|seconds?|milliseconds?|f|frames?)|[^\W\d]+[ _-]?\d+(?:\.\w{3,4})?", re.IGNORECASE
)
"""A number with its unit, or the name of an image."""
_UNIT_OF_RATE = re.compile(r"(?<=\d) ?(?:fps|hz|hertz|frames?/s|f/s|frames? per second)\.?$", re.IGNORECASE)
_SMALL = re.compile(r"[-+]?\d{1,3}")
"""A number below the first thousand."""


def read_numbers(table: TextTable, name: str) -> NDArray[np.float64]:
    """A column of numbers, NaN where a cell is blank, (n,).

    Raises:
        DataError: a cell is not a finite number.
    """
    cells = table.cells[name]
    texts = pd.Series(cells.distinct, dtype="object")
    if name == "fps":
        texts = texts.str.replace(_UNIT_OF_RATE, "", regex=True)
    read = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)  # no blank is a number
    if np.isnan(read).any():
        are_shares = name in ("confidence", "score") or name not in ALIASES
        if table.may_have_decimal_comma or (are_shares and not any(map(_THOUSANDS.fullmatch, cells.distinct))):
            texts = texts.str.replace(",", ".", n=1)
        is_percent = texts.str.fullmatch(r"[-+]?[\d.]+ ?%")
        if is_percent.any() and not (np.isfinite(read) & (np.abs(read) > 1)).any():
            texts = texts.str.removesuffix("%")
        read = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64) / np.where(is_percent, 100, 1)
    values = read[cells.which]
    table.refuse(name, ~np.isfinite(values) & ~blank_cells(cells), "the {name} {cell!r} is not a number{more}")
    return values


def _digits(table: TextTable, name: str) -> NDArray[np.float64]:
    """Numbers, none of them ambiguous as `2,500` is: 2.5 or 2500."""
    table.refuse(
        name,
        table.cells[name].where(_THOUSANDS.fullmatch, never_of_numbers=True),
        "the {name} {cell!r} has a comma{more}: write a frame number in digits alone",
    )
    table.refuse(
        name,
        table.cells[name].where(_WITH_UNIT.fullmatch, never_of_numbers=True),
        "the {name} {cell!r} holds more than a number{more}: write a frame number in digits alone, or seconds in columns called "
        "onset_s and offset_s",
    )
    return read_numbers(table, name)


def refuse_dots_of_thousands(table: TextTable, names: Sequence[str], may_be_seconds: bool = False) -> None:
    """Refuse columns in which a dot may separate thousands: 1.234 would be read as 1.

    It may if all numbers with a dot have three digits behind it, not all of them zeros, and all others are below 1000. If all numbers
    are written so, they may be seconds.

    Args:
        table: the table.
        names: columns of one unit.
        may_be_seconds: whether seconds are expected.

    Raises:
        DataError: one may.
    """
    if table.typed:
        return
    columns = [table.cells[name].distinct for name in names]
    dotted = _filled_cells(cell for column in columns for cell in column if "." in cell)
    if not _may_be_thousands(dotted):
        return
    others = _filled_cells(cell for column in columns for cell in column) - dotted
    if not all(map(_SMALL.fullmatch, others)):
        return
    if may_be_seconds and not others:
        return
    remedy = "write a frame number in digits alone"
    if not others:
        remedy += "; if they are seconds, give the frame rate with --fps N"
    for name in names:
        has_dot = table.cells[name].where(lambda cell: "." in cell)
        sentence = "the {name} {cell} may stand for a thousand and more, as some countries write it{more}: "
        table.refuse(name, has_dot, sentence + remedy)


def _filled_cells(cells: Iterable[str]) -> set[str]:
    """The different cells among some, without blank ones."""
    return {cell for cell in cells if cell.casefold() not in BLANK}


def _may_be_thousands(dotted: Collection[str]) -> bool:
    """Whether numbers with a dot may all be thousands: three digits behind it, not zeros in all of them."""
    if not dotted:
        return False
    have_three_digits = all(map(_DOTTED.fullmatch, dotted))
    are_whole = all(cell.endswith(".000") for cell in dotted)
    return have_three_digits and not are_whole


def read_frames(table: TextTable, name: str) -> NDArray[np.float64]:
    """A column of whole frame numbers, NaN where a cell is blank, (n,).

    Raises:
        DataError: a cell is not a whole number, or is ambiguous, such as `2,500` (2.5 or 2500).
    """
    refuse_dots_of_thousands(table, [name])
    values = _digits(table, name)
    _refuse_fractions(table, name, values)
    return values


def _refuse_fractions(table: TextTable, name: str, values: NDArray[np.float64]) -> None:
    """Refuse numbers of a column that are not whole, or too large to be exact.

    Raises:
        DataError: there are some.
    """
    table.refuse(
        name,
        ~np.isnan(values) & ((values != np.round(values)) | (np.abs(values) > 2**52)),
        "the {name} {cell} is not a whole frame number{more}: multiply times in seconds by the frame rate, and round",
    )


def read_marked_frames(
    table: TextTable, fps: float | None, rate: float | None, remarks: Remarks
) -> tuple[dict[str, NDArray[np.float64]], str]:
    """Onsets, offsets and any apexes as frame numbers, by column.

    NaN where a cell is blank, (n,) each.

    The frame rate turns columns named after times (`t-start`, `start_time`, `start_ms`) into frames: the row's rate, else the
    user's, else the truth's. Numbers in other columns are frames; if some are fractional, all are seconds if the user
    gives a frame rate, else frames. Fractional results are rounded to the nearest frame, halves up, with a remark.

    Args:
        table: with the columns.
        fps: frames per second, as the user says it.
        rate: as the truth says it.
        remarks: list that gets what was rounded.

    Returns:
        The frames, and how fractional numbers were read: `frames`, `seconds`, or empty if none is fractional.

    Raises:
        DataError: a cell is not a number, or seconds have no known frame rate.
    """
    named = [name for name in ("onset", "apex", "offset") if name in table.cells]
    table = _without_dates(table, named, remarks)
    table = with_clock_times(table, named, _rates_of_rows(table, fps or rate), remarks)
    columns: dict[str, NDArray[np.float64]] = {}
    for name in named:
        columns[name] = _digits(table, name) * table.seconds.get(name, 1.0)
    if _names_times(table):
        return _frames_of_seconds(table, columns, fps or rate, remarks), "seconds"
    refuse_dots_of_thousands(table, named, may_be_seconds=fps is not None)
    fractional = [~np.isnan(values) & (values != np.round(values)) for values in columns.values()]
    fractional_lines = table.lines[np.any(fractional, axis=0)]
    if not len(fractional_lines):
        for name in named:
            refuse_dots_of_thousands(table, [name])
            _refuse_fractions(table, name, columns[name])
        return columns, ""
    if fps is not None:
        return _frames_of_seconds(table, columns, fps or rate, remarks), "seconds"
    remarks.repair(
        f"{table.role}: fractional frames ({at_lines(fractional_lines)}) are rounded to the nearest; if they are seconds, give the "
        "frame rate with --fps N"
    )
    return {name: np.floor(values + 0.5) for name, values in columns.items()}, "frames"


def _without_dates(table: TextTable, names: Sequence[str], remarks: Remarks) -> TextTable:
    """The table with the numbers behind cells that a spreadsheet shows as dates."""
    for name in names:
        dates = table.cells[name].where(lambda cell: number_of_date(cell) is not None, never_of_numbers=True)
        if dates.any():
            where = at_lines(table.lines[dates])
            remarks.repair(f"{table.role}: the {name} is shown as a date ({where}): its underlying number is read")
            table = replace(table, cells={**table.cells, name: table.cells[name].read(_number_behind_date)})
    return table


def _number_behind_date(cell: str) -> str:
    """The number of a cell that is shown as a date; any other cell as it is written."""
    number = number_of_date(cell)
    return cell if number is None else str(number)


def _names_times(table: TextTable) -> bool:
    """Whether a column that is read is named after times, such as `t-start`."""
    read = [header for header in table.headers if header not in table.others]
    return bool(table.seconds) or any(plain_name(header) in {*STARTS, *STOPS} for header in read)


def _frames_of_seconds(
    table: TextTable, columns: Mapping[str, NDArray[np.float64]], general_rate: float | None, remarks: Remarks
) -> dict[str, NDArray[np.float64]]:
    """Seconds as the nearest frames, halves up. The row's frame rate goes before the general one.

    Raises:
        DataError: an onset has neither.
    """
    rates = _rates_of_rows(table, general_rate)
    table.refuse(
        "onset",
        np.isnan(rates) & ~np.isnan(columns["onset"]),
        "the {name} {cell} is in seconds{more} and no frame rate is known: give it with --fps N (1, if they are frames), or "
        "write frames, if the videos have different rates",
    )
    remarks.repair(f"{table.role}: onsets and offsets are read as seconds and rounded to the nearest frame")
    return {name: np.floor(values * rates + 0.5) for name, values in columns.items()}


def _rates_of_rows(table: TextTable, general_rate: float | None) -> NDArray[np.float64]:
    """Frames per second of each row: its own, else the general one, else NaN, (n_rows,)."""
    general_rates = np.full(len(table.lines), np.nan if general_rate is None else general_rate)
    if "fps" not in table.cells:
        return general_rates
    stated_rates = read_numbers(table, "fps")
    return np.where(np.isnan(stated_rates), general_rates, stated_rates)


def required_frames(table: TextTable, name: str, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Frame numbers without blanks.

    Raises:
        DataError: one is.
    """
    refuse_gaps(
        table, name, np.isnan(values), "give both ends of an interval, or leave both empty if the video has none"
    )
    table.refuse(name, np.isnan(values), "the {name} is {cell!r}, not a frame number{more}")
    return values.astype(np.int64)


def read_names(table: TextTable, name: str) -> Cells:
    """A column of subjects or videos as text: `01` and `1` stay different.

    Raises:
        DataError: a cell is empty.
    """
    empty = table.cells[name].where(lambda cell: not cell)
    refuse_gaps(
        table,
        name,
        empty,
        "write it in each row; a sheet with merged cells loses it when saved as text, so name the workbook itself",
    )
    table.refuse(name, empty, "the {name} is empty{more}")
    return table.cells[name]


def frame_of_rows(table: TextTable, remarks: Remarks, **columns: Cells) -> pd.DataFrame:
    """A table of `line`, the columns that identify the video, and further ones.

    Numbers written as `1.0` or `1,0` lose the zero, but only if all numbers of the column have it, so that no real id
    or class changes.
    """
    names = {name: read_names(table, name) for name in IDS if name in table.cells}
    arrays: dict[str, Any] = {"line": table.lines}
    for name, column in (names | columns).items():
        cells = [cell for cell in column.distinct if cell]
        if cells and _are_whole_decimals(cells):
            without_zero = _without_decimal_zero(cells[0])
            remarks.repair(f"{table.role}: the column {name} holds numbers such as {cells[0]}, read as {without_zero}")
            column = column.read(_without_decimal_zero)
        arrays[name] = column.array()
    return pd.DataFrame(arrays)


def _are_whole_decimals(cells: Sequence[str]) -> bool:
    """Whether all cells are whole numbers with a decimal zero, `1.0` or `1,0`."""
    return all(cell.endswith((".0", ",0")) and _without_decimal_zero(cell).isdigit() for cell in cells)


def _without_decimal_zero(cell: str) -> str:
    """The text of a number without its decimal zero: `1` of `1.0`."""
    return cell[:-2]


def refuse_gaps(table: TextTable, name: str, empty: NDArray[np.bool_], remedy: str) -> None:
    """Refuse a column that lacks many cells as one defect.

    Raises:
        DataError: it does.
    """
    lacking = table.lines[empty]
    if len(lacking) >= MOST_LINES:
        raise DataError(
            f"{table.place}: {len(lacking)} of {len(table.lines)} rows have no {name} ({at_lines(lacking)}): {remedy}"
        )


def with_datasets(table: TextTable, remarks: Remarks) -> TextTable:
    """The table, with any column that names the field's databases read as the dataset."""
    if "dataset" in table.cells:
        return table
    for name, column in table.others.items():
        databases = {*map(plain_name, column.distinct)}
        if len(databases) > 1 and databases <= DATABASES:
            remarks.repair(f"{table.role}: the column {name!r} names databases and is read as the dataset")
            return table.with_column(name, "dataset", column.read(str.strip), "cells that name databases")
    return table


def read_kinds(table: TextTable, needed: NDArray[np.bool_] | None = None) -> Any:
    """The column `kind`, as `micro` or `macro`; without the column all are micro.

    Args:
        table: any.
        needed: (n,) rows that must have a kind; all by default. In other rows a blank means micro.

    Raises:
        DataError: a cell is not a known kind.
    """
    cells = table.cells.get("kind", Cells(["micro"], np.zeros(len(table.lines), np.intp)))
    wrong = cells.where(lambda cell: kind_of(cell) is None and cell.casefold() not in BLANK)
    missing = cells.where(lambda cell: kind_of(cell) is None) & (True if needed is None else needed)
    refuse_gaps(table, "kind", missing & ~wrong, "write micro or macro in each row")
    row = first_true(wrong | missing)
    if row is not None:
        raise table.error(row, f"{unknown('kind', cells[row], KINDS)} me and mae are accepted, too")
    return cells.read(lambda cell: kind_of(cell) or "micro").array()


def read_emotions(table: TextTable) -> Cells:
    """The column `emotion` in lower case, empty if blank or missing."""
    return table.cells.get("emotion", Cells([""], np.zeros(len(table.lines), np.intp))).read(emotion_of)


def emotion_of(cell: str) -> str:
    """A label in lower case without surplus blanks.

    >>> emotion_of("  Happiness "), emotion_of("N/A")
    ('happiness', '')
    """
    word = " ".join(cell.casefold().split())
    return "" if word in BLANK else word
