"""ELAN's export as text: a line for each mark, with its tier, its times in several forms and its file.

ELAN writes it as *tab-delimited text*. The columns `Begin Time - ss.msec`, `End Time - ss.msec`, `Tier` and `File` say what an `.eaf`
file says, so the marks are read as those of one (`mebench.exchange.eaf`). An export without a line of names is known by its times.
"""

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import PureWindowsPath
from typing import NamedTuple

from mebench.annotations import Sheet
from mebench.annotations.names import plain_name
from mebench.errors import DataError
from mebench.exchange.eaf import Document, Mark, Tier, sheet_of_documents
from mebench.exchange.text_table import File, Remarks
from mebench.grouping import group_by

_TIME = re.compile(r"(begin|end) time - (hh:mm:ss\.ms|ss\.msec|msec)", re.IGNORECASE)
_FORMS = {"msec": r"\d{1,10}", "ss.msec": r"\d{1,8}([.,]\d+)?", "hh:mm:ss.ms": r"\d{1,3}:\d\d:\d\d([.,]\d+)?"}
"""The forms of times, the exact one first, with their patterns."""
_NOT_VALUES = frozenset({"tier", "participant", "annotator", "file", "filepath", "filename"})
"""Columns that hold no text of a mark, without blanks and signs; times are none either."""


_CLOCK = re.compile(r"\d{1,3}:\d\d:\d\d[.,]\d{1,3}")
"""A time with hours, minutes, seconds and their fractions, as no other list of intervals writes it."""


def is_elan_export(sheet: Sheet) -> bool:
    r"""Whether the first line of a text names or holds times of ELAN's export.

    >>> from mebench.annotations.sheets import sheet_from_text
    >>> is_elan_export(sheet_from_text("Tier\tBegin Time - msec\tEnd Time - msec\tFile\n", "", "it"))
    True
    >>> is_elan_export(sheet_from_text("micro\t\t00:00:04.000\t00:00:05.640\tx\ta.eaf\n", "", "it"))
    True
    """
    first = next((line for _, line in sheet.read_lines() if line.strip()), "")
    return len(_TIME.findall(first)) > 1 or _names_by_cells(first.rstrip("\r\n").split("\t")) is not None


def _names_by_cells(cells: Sequence[str]) -> list[str] | None:
    """The names that ELAN gives the columns of a line without names; None for a line of another program.

    >>> _names_by_cells(["micro", "", "00:00:04.000", "00:00:05.640", "x", "a.eaf"])
    ['Tier', '', 'Begin Time - hh:mm:ss.ms', 'End Time - hh:mm:ss.ms', 'Value', 'File']
    """
    clocks = [position for position, cell in enumerate(cells) if _CLOCK.fullmatch(cell.strip())]
    if len(clocks) < 2 or clocks[0] == 0:
        return None
    names = ["" for _ in cells]
    names[0] = "Tier"
    names[clocks[0]] = "Begin Time - hh:mm:ss.ms"
    names[clocks[1]] = "End Time - hh:mm:ss.ms"
    # Behind the times of a mark stand its text and its file.
    for position in range(clocks[-1] + 1, len(cells)):
        text = cells[position].strip()
        if not _SECONDS.fullmatch(text):
            names[position] = "File" if text.casefold().endswith(".eaf") else "Value"
    return names


_SECONDS = re.compile(r"\d+([.,]\d+)?")
"""A time in seconds or milliseconds."""


def sheet_of_export(sheet: Sheet, path: File, fps: float | None, role: str, remarks: Remarks) -> Sheet:
    """The intervals of an export as a sheet, with frames by the frame rate.

    Args:
        sheet: lines of the export.
        path: the file, for sentences.
        fps: frames per second.
        role: content of the file.
        remarks: list that gets the marks and tiers that are left out.

    Raises:
        DataError: a column or the frame rate lacks, or a time is none.
    """
    lines = [(number, line.rstrip("\r\n").split("\t")) for number, line in sheet.read_lines() if line.strip()]
    (_, header), *rows = lines
    names = [name.strip() for name in header]
    names_of_elan = _names_by_cells(header)
    if names_of_elan is not None:  # the first line is a mark, too
        names = names_of_elan
        rows = lines
        remarks.repair(f"{role}: no line names the columns: the times are read as those of ELAN's export")
    positions = {plain_name(name): position for position, name in reversed(list(enumerate(names)))}
    for column in ("tier", "file"):
        if column not in positions and not (column == "file" and "filepath" in positions):
            raise DataError(
                f"{path}, line 1: ELAN's export lacks the column {column!r}: tick it in the export, or name the .eaf files"
            )
    if fps is None:
        raise DataError(f"{path} counts time and states no frame rate: give it with --fps N")
    marks = []
    for number, cells in rows:
        filled = [*cells, *[""] * (len(names) - len(cells))]
        marks.append(_mark_of_line(filled, names, positions, f"{path}, line {number}"))
    documents = []
    for video, of_video in group_by(marks, key=attrgetter("video")).items():
        documents.append(Document(str(path), video, fps, _tiers_of_marks(of_video)))
    return sheet_of_documents(documents, str(path), None, fps, role, remarks)


class _ExportedMark(NamedTuple):
    """A mark with the names of its video and tier."""

    video: str
    tier: str
    mark: Mark


def _tiers_of_marks(exported: Sequence[_ExportedMark]) -> tuple[Tier, ...]:
    """The tiers of a video, their marks by time."""
    tiers = []
    for name, of_tier in group_by(exported, key=attrgetter("tier")).items():
        marks = [one.mark for one in of_tier]
        marks.sort(key=attrgetter("begin", "end"))
        tiers.append(Tier(name, tuple(marks)))
    return tuple(tiers)


def _mark_of_line(
    cells: Sequence[str], names: Sequence[str], positions: Mapping[str, int], where: str
) -> _ExportedMark:
    """The mark of a line."""
    times: dict[str, int] = {}
    for end in ("begin", "end"):
        form, position = _form_and_position(end, names)
        times[end] = _milliseconds(cells[position], form, where)
    if times["end"] <= times["begin"]:
        raise DataError(f"{where}: the mark ends at {times['end']} ms, not after its begin at {times['begin']} ms")
    file = cells[positions.get("file", positions.get("filepath", 0))].strip()
    video = PureWindowsPath(file).stem
    if not video:
        raise DataError(f"{where}: the mark names no file")
    values = [cell.strip() for cell, name in zip(cells, names) if _may_hold_value(name)]
    value = next(filter(None, values), "")
    return _ExportedMark(video, cells[positions["tier"]].strip(), Mark(times["begin"], times["end"], value))


def _form_and_position(end: str, names: Sequence[str]) -> tuple[str, int]:
    """The form of a column with the begin or end of marks, and its position."""
    plain_names = [name.casefold() for name in names]
    for form in _FORMS:
        name = f"{end} time - {form}"
        if name in plain_names:
            return form, len(names) - 1 - plain_names[::-1].index(name)
    raise AssertionError(f"no column gives the {end} of a mark")


def _may_hold_value(name: str) -> bool:
    """Whether the column of a name may hold the value of a mark."""
    is_time = re.match(r"(begin|end|duration)\b", name, re.IGNORECASE) is not None
    return name != "" and not is_time and plain_name(name) not in _NOT_VALUES


def _milliseconds(text: str, form: str, where: str) -> int:
    """A time in milliseconds.

    >>> _milliseconds("00:01:40.040", "hh:mm:ss.ms", "it"), _milliseconds("100.04", "ss.msec", "it"), _milliseconds("100040", "msec", "it")
    (100040, 100040, 100040)
    """
    plain = text.strip()
    if not re.fullmatch(_FORMS[form], plain):
        raise DataError(f"{where}: the time {plain[:40]!r} is not one of the form {form}")
    if form == "msec":
        return int(plain)
    *larger, seconds = plain.replace(",", ".").split(":")
    minutes: int = sum(int(part) * 60**power for power, part in enumerate(reversed(larger)))
    return round((minutes * 60 + float(seconds)) * 1000)
