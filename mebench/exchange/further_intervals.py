"""A second and a third interval in one row, as for SMIC-E. Its sheets hold them: `Onset2F`, `Offset2F`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.names import ALIASES, BLANK, plain_name
from mebench.annotations.sheets import Cells
from mebench.errors import DataError
from mebench.exchange.cell_kinds import numbers_of_cells
from mebench.exchange.text_table import Remarks, TextTable, at_lines
from mebench.output.terminal import format_count

_NUMBERED = re.compile(r"(\D+)([2-9])(\D*)")
_IN_WORDS = {"second": "2", "third": "3", "fourth": "4"}
_NONE = frozenset((*BLANK, "0", "-1", "0.0", "-1.0"))
"""Cells that hold no end of a further interval."""


def further_ends(headers: Sequence[str]) -> dict[str, dict[str, str]]:
    """The headers of further onsets, apexes and offsets, by their number.

    >>> further_ends(["OnsetF", "Onset2F", "OffsetF", "Offset2F", "au2", "onset 3"])
    {'2': {'onset': 'Onset2F', 'offset': 'Offset2F'}}
    >>> further_ends(["Second onset", "second_offset"])
    {'2': {'onset': 'Second onset', 'offset': 'second_offset'}}
    """
    found: dict[str, dict[str, str]] = {}
    for header in headers:
        name, number = _without_number(plain_name(header))
        for what in ("onset", "apex", "offset"):
            if number and name in ALIASES[what]:
                found.setdefault(number, {}).setdefault(what, header)
    return {number: ends for number, ends in sorted(found.items()) if {"onset", "offset"} <= ends.keys()}


def _without_number(plain: str) -> tuple[str, str]:
    """A plain name without its number, and that number; empty if it has none."""
    for word, number in _IN_WORDS.items():
        if plain.startswith(word):
            return plain.removeprefix(word), number
    numbered = _NUMBERED.fullmatch(plain)
    return (numbered[1] + numbered[3], numbered[2]) if numbered else (plain, "")


def with_further_intervals(table: TextTable, remarks: Remarks) -> TextTable:
    """The table with a row for each further interval, behind the row that holds it.

    Args:
        table: table of intervals.
        remarks: list that gets their number.

    Raises:
        DataError: in many rows they overlap the first interval, so that they are other answers to the same moment.
    """
    further = further_ends([*table.others])
    is_decided = {"onset", "offset"} <= table.decided
    if not further or is_decided or not {"onset", "offset"} <= table.cells.keys():
        return table
    _refuse_overlaps(table, further)
    rows = [np.arange(len(table.lines))]
    ends: list[Mapping[str, Cells]] = [{name: table.cells[name] for name in _ENDS if name in table.cells}]
    for columns in further.values():
        own = {name: table.others[header].read(str.strip) for name, header in columns.items()}
        held = np.flatnonzero(~(_is_none(own["onset"]) | _is_none(own["offset"])))
        rows.append(held)
        ends.append({name: column.choose_rows(held) for name, column in own.items()})
    n_further = sum(map(len, rows[1:]))
    headers = [header for columns in further.values() for header in columns.values()]
    if n_further:
        where = at_lines(table.lines[np.unique(np.concatenate(rows[1:]))])
        remarks.repair(
            f"{table.role}: {format_count(n_further, 'further interval')} ({where}), in the columns "
            f"{', '.join(headers)}, read as intervals of the same video"
        )
    return _interleaved(table, rows, ends, further)


_ENDS = ("onset", "apex", "offset")
OVERLAPPING = 0.1
"""Share of the rows in which a further interval overlaps the first, so that it is none."""


def _refuse_overlaps(table: TextTable, further: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse columns of further intervals that overlap the first ones.

    Raises:
        DataError: they do, in many rows.
    """
    first = [numbers_of_cells(table.cells[name]) for name in ("onset", "offset")]
    for columns in further.values():
        own = [numbers_of_cells(table.others[columns[name]]) for name in ("onset", "offset")]
        onset, offset, other_onset, other_offset = (np.nan if values is None else values for values in (*first, *own))
        overlap = np.atleast_1d((onset <= other_offset) & (other_onset <= offset) & (np.asarray(other_offset) > 0))
        if overlap.mean() >= OVERLAPPING:
            names = [columns[name] for name in ("onset", "offset")]
            side = "truth." if table.role == "truth" else ""
            taken = [table.header_of(name) for name in ("onset", "offset")]
            raise DataError(
                f"{table.place}: the intervals of {names[0]!r} and {names[1]!r} overlap those of {taken[0]!r} and {taken[1]!r} in "
                f"{int(overlap.sum())} of {len(table.lines)} rows, so they are no further ones: which are to be scored? Name "
                f"them with --column {side}onset={names[0]} --column {side}offset={names[1]}, or with "
                f"--column {side}onset={taken[0]} --column {side}offset={taken[1]}"
            )


def _is_none(column: Cells) -> NDArray[np.bool_]:
    """Whether the cells hold no frame, (n,)."""
    return column.where(lambda cell: cell.casefold() in _NONE)


def _interleaved(
    table: TextTable,
    rows: Sequence[NDArray[np.intp]],
    ends: Sequence[Mapping[str, Cells]],
    further: Mapping[str, Mapping[str, str]],
) -> TextTable:
    """The table with its further rows in their places.

    Args:
        table: the table.
        rows: rows of the table that hold the first, the second … interval.
        ends: ends of each.
        further: headers of further ends.
    """
    every_row = np.concatenate(rows)
    order = np.argsort(every_row, kind="stable")
    in_order = every_row[order]
    cells = {name: column.choose_rows(in_order) for name, column in table.cells.items()}
    for name in ends[0]:
        parts = [own.get(name, Cells([""], np.zeros(len(held), np.intp))) for own, held in zip(ends, rows)]
        cells[name] = _columns_in_one(parts).choose_rows(order)
    used = {header for columns in further.values() for header in columns.values()}
    others = {name: column.choose_rows(in_order) for name, column in table.others.items() if name not in used}
    return replace(table, cells=cells, others=others, lines=table.lines[in_order])


def _columns_in_one(columns: Sequence[Cells]) -> Cells:
    """The cells of several columns, one after the other."""
    distinct: list[str] = []
    which = []
    for column in columns:
        which.append(column.which + len(distinct))
        distinct += column.distinct
    return Cells(distinct, np.concatenate(which))
