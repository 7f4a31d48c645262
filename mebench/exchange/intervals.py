"""Read predicted and true intervals, and check them line by line."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.annotations.names import ALIASES, BLANK, CODES, INDEX, KINDS, KNOWN, header_words, kind_of
from mebench.annotations.sheets import Cells
from mebench.errors import DataError
from mebench.exchange import values
from mebench.exchange.eaf import find_eaf, sheet_of_marks
from mebench.exchange.elan_export import is_elan_export, sheet_of_export
from mebench.exchange.megc import is_log, read_log
from mebench.exchange.text_table import File, Remarks, TextTable, at_lines, parse_columns, read_sheet
from mebench.exchange.values import IDS, IntervalFile, Role
from mebench.terminal import format_count

_INTERVAL = ("onset", "apex", "offset", "kind", "emotion")
_WANTED: dict[Role, tuple[str, ...]] = {
    "predictions": (*IDS, *_INTERVAL, "confidence"),
    "truth": (*IDS, *_INTERVAL, "fps", "n_frames"),
}


def read_intervals(
    path: File,
    role: Role,
    remarks: Remarks,
    log: bool | None = None,
    fps: float | None = None,
    rate: float | None = None,
) -> IntervalFile:
    """Read and check a file of intervals.

    Args:
        path: a table of text with the columns `video`, `onset`, `offset` and, as available, `dataset`, `subject`, `kind`,
            `apex`, `emotion`, `confidence`, `fps`, `n_frames`, under these names or those of `names.ALIASES`; or a log
            of MEGC 2020 (`megc.read_log`); or an `.eaf` file of ELAN, a folder of them, or ELAN's export as text.
        role: content of the file.
        remarks: gets what was noticed and repaired.
        log: whether the file is a log of MEGC 2020; None detects it.
        fps: frames per second that turn the times of an `.eaf` file (`eaf.common_rate`) and seconds (`values.read_marked_frames`)
            into frames.
        rate: the frame rate of the truth, used for seconds if no other rate is known.

    Raises:
        DataError: the file cannot be understood; the sentence names the line.
    """
    timed = find_eaf(path) if isinstance(path, Path) else None
    sheet = read_sheet(path, remarks, role) if timed is None else sheet_of_marks(*timed, fps, role, remarks)
    is_export = timed is None and is_elan_export(sheet)
    if is_export:
        sheet = sheet_of_export(sheet, path, fps or rate, role, remarks)
    if log is None:
        log = is_log(sheet)
    elif timed is not None:
        log = False
    if log:
        return check_intervals(read_log(sheet, path, role, remarks), remarks)
    table = values.with_datasets(parse_columns(sheet, path, role, _WANTED[role], remarks), remarks)
    table.require("video", "onset", "offset")
    table = _with_kinds(table, remarks)
    if timed is None and not is_export:
        table.note_unread(remarks)
    # A row without onset and offset is a video without expressions, or without spotted intervals.
    known = ~(values.blank_cells(table.cells["onset"]) & values.blank_cells(table.cells["offset"]))
    marked_frames, fractional = values.read_marked_frames(table, fps, rate, remarks)
    ends = {name: np.where(known, marked_frames[name], 0) for name in ("onset", "offset")}
    if role == "predictions" and not known.all():
        remarks.repair(
            f"predictions: no onset and no offset ({at_lines(table.lines[~known])}), read as nothing spotted"
        )
    onset, offset = (values.required_frames(table, name, marked) for name, marked in ends.items())
    # Substitutes for columns that the file lacks.
    apex = "no apex is known" if role == "truth" else "the middle of each interval is taken"
    for name, filled in (("kind", "all are micro"), ("apex", apex)):
        if name not in table.cells:
            remarks.repair(f"{table.role}: no column {name}: {filled}")
    named = values.named_rows(table, remarks)
    videos = named.copy()
    for name, read in (("fps", values.read_numbers), ("n_frames", values.read_frames)):
        videos[name] = read(table, name) if role == "truth" and name in table.cells else np.nan
        table.refuse(name, videos[name].to_numpy(np.float64) <= 0, "{name} must be above 0, not {cell}")
    apexes = marked_frames.get("apex", np.full(len(known), np.nan))
    if role == "predictions":  # their middle replaces an unmarked apex
        apexes = np.where(np.isnan(apexes), (onset + offset) // 2, apexes)
    rows = named.assign(
        kind=values.read_kinds(table, known),
        onset=onset,
        offset=offset,
        apex=apexes,
        emotion=values.read_emotions(table).array(),
    )
    if role == "predictions":
        rows["confidence"] = _read_confidences(table, known, remarks)
        names_no_kind = values.blank_cells(table.cells["kind"]) if "kind" in table.cells else np.zeros_like(known)
        videos = named.assign(kind=rows["kind"].mask(~known & names_no_kind, ""))
    intervals = rows[known].reset_index(drop=True)
    return check_intervals(
        IntervalFile(str(path), role, intervals, videos, frozenset(table.cells), fractional=fractional), remarks
    )


def _read_confidences(table: TextTable, is_interval: NDArray[np.bool_], remarks: Remarks) -> NDArray[np.float64]:
    """The confidence of each row, NaN where none is given; warns of intervals without one."""
    if "confidence" not in table.cells:
        return np.full(len(table.lines), np.nan)
    confidences = values.read_numbers(table, "confidence")
    lacking = np.isnan(confidences) & is_interval
    if lacking.any():
        remarks.warn(
            f"predictions: no confidence on {at_lines(table.lines[lacking])}: a ranking needs a confidence for every interval"
        )
    return confidences


def check_intervals(given: IntervalFile, remarks: Remarks) -> IntervalFile:
    """Refuse impossible intervals, drop repeated truths, and report suspicious rows.

    Raises:
        DataError: an interval ends before it begins.
    """
    rows, role = given.intervals, given.role
    wrong = rows[rows["offset"] < rows["onset"]]
    if len(wrong):
        first = wrong.iloc[0]
        hint = (
            ": was the offset not marked? Then write the apex there, or leave the row out"
            if first["offset"] == 0
            else ""
        )
        more = f" (and {format_count(len(wrong) - 1, 'more such line')})" if len(wrong) > 1 else ""
        raise DataError(
            f"{given.place}, line {first['line']}: the offset {first['offset']} is before the onset {first['onset']}"
            f"{more}{hint}"
        )
    again = rows.duplicated([name for name in rows.columns if name != "line"])
    if again.any():
        repeat = "repeat" if again.sum() > 1 else "repeats"
        where = at_lines(rows["line"][again])
        if role == "truth":
            remarks.repair(
                f"truth: {where} {repeat} an earlier annotation in every column that is read and {_are(again)} left out"
            )
            remarks.account_of(role).leave_out("row", int(again.sum()), "a repeated annotation", where)
            rows = rows[~again].reset_index(drop=True)
        else:  # as the authors' programs count them, each by itself
            remarks.warn(
                f"{role}: {where} {repeat} an earlier prediction in every column that is read, and {_are(again)} counted again"
            )
    odd = {
        ("onset", "onsets", "below zero"): rows["onset"] < 0,
        ("apex", "apexes", "outside the interval"): (rows["apex"] < rows["onset"]) | (rows["apex"] > rows["offset"]),
    }
    for (single, many, problem), mask in odd.items():
        if mask.any():
            remarks.warn(
                f"{role}: {format_count(int(mask.sum()), single, many)} {problem} ({at_lines(rows['line'][mask])}), kept as written"
            )
    if role == "truth":
        ordered = rows.sort_values([*given.ids, "kind", "onset", "offset"], kind="stable")
        group = ordered.groupby([*given.ids, "kind"], sort=False)
        video_and_kind = [ordered[name] for name in (*given.ids, "kind")]
        latest_earlier_offset = group["offset"].cummax().groupby(video_and_kind, sort=False).shift()
        overlaps = ordered["onset"] <= latest_earlier_offset
        if overlaps.any():
            where = at_lines(ordered["line"][overlaps])
            remarks.warn(
                f"truth: {format_count(int(overlaps.sum()), 'annotation')} ({where}) overlapping an earlier one of "
                "the same video and kind, all kept: each must be found by an interval of its own"
            )
        # False positives a minute need `n_frames`, which a file may give in seconds, or for the clip alone.
        length = given.videos.groupby(given.ids)["n_frames"].first().rename("length")
        short = rows.join(length, on=given.ids).loc[lambda table: table["length"] < table["offset"]]
        for _, row in short[:1].iterrows():
            remarks.warn(
                f"truth: {format_count(len(short), 'offset')} ({at_lines(short['line'])}) beyond the video's "
                f"{row['length']:g} frames, such as {row['offset']}: this is right only if the numbers of the image "
                "files begin above 1"
            )
    return replace(given, intervals=rows)


def _are(rows: pd.Series) -> str:
    """The verb for some marked rows."""
    return "are" if rows.sum() > 1 else "is"


_YES, _NO = ("1", "true", "yes", "y"), ("0", "false", "no", "n")


def _with_kinds(table: TextTable, remarks: Remarks) -> TextTable:
    """A column such as `label` or `category` may hold kinds; read as emotions, they would pool macro- and
    micro-expressions.
    """
    if "kind" in table.cells:
        return table
    given = {name: column.read(str.strip) for name, column in table.others.items()}
    for name, column in {"emotion": table.cells.get("emotion", Cells.of([])), **given}.items():
        cells = [cell for cell in column.different if cell.casefold() not in BLANK]
        tokens = [word for word in header_words(name) if word not in ("is", "flag", "label", "expression")]
        if not cells:
            continue
        _refuse_mixed_kinds(table, name, cells)
        if all(map(kind_of, cells)):
            what = "the emotions are" if name == "emotion" else f"the column {name!r} holds"
            remarks.repair(f"{table.role}: {what} kinds, such as {cells[0]!r}, read as the kind")
        elif tokens in (["micro"], ["macro"]) and {cell.casefold() for cell in cells} <= {*_YES, *_NO}:
            yes, no = KINDS if tokens == ["micro"] else KINDS[::-1]
            kinds = {**dict.fromkeys(_YES, yes), **dict.fromkeys(_NO, no)}
            column = replace(column, different=[kinds.get(cell.casefold(), cell) for cell in column.different])
            remarks.repair(f"{table.role}: the column {name!r} says yes or no and is read as the kind")
        else:
            continue
        rest = {other: cells for other, cells in table.cells.items() if other != name}
        return replace(table, cells=rest).taken(name, "kind", column)
    return _with_codes(table, remarks)


def _refuse_mixed_kinds(table: TextTable, name: str, cells: Sequence[str]) -> None:
    """Refuse a column that names kinds in some rows and gives numbers in others.

    Raises:
        DataError: it does, so that the numbers would be dropped.
    """
    named = [cell for cell in cells if kind_of(cell)]
    numbers = [cell for cell in cells if cell.isdigit()]
    if named and numbers and len(named) + len(numbers) == len(cells):
        raise DataError(
            f"{table.place}: the column {name!r} holds {named[0]!r} in some rows and {numbers[0]!r} in others, and it is unclear "
            "which kind a number means: write micro or macro in each row"
        )


def _with_codes(table: TextTable, remarks: Remarks) -> TextTable:
    """A column such as `type_idx` or `me_type` may hold numbers for the kinds.

    Raises:
        DataError: it holds two numbers whose meaning is unclear.
    """
    of_kinds = {*ALIASES["kind"], *INDEX}
    words = {name: {*header_words(name)} for name in table.others}
    about_kind = [name for name, tokens in words.items() if tokens & {*ALIASES["kind"]}]
    names = [name for name in about_kind if not (words[name] - of_kinds) & KNOWN]
    if not names:
        return table
    name = names[0]
    column = table.others[name].read(str.strip)
    codes = sorted({cell for cell in column.different if cell.casefold() not in BLANK})
    lengths = pd.Series(values.read_numbers(table, "offset") - values.read_numbers(table, "onset"))
    medians = lengths.groupby([*column]).median()
    macro_is_longer = codes == [*CODES] and medians["1"] >= medians["2"]
    is_part_of_codes = bool(codes) and {*codes} < {*CODES}
    if not macro_is_longer and not (is_part_of_codes and header_words(name)[-1] == "idx"):
        if len(codes) != 2 or not "".join(codes).isdigit():
            remarks.warn(
                f"{table.role}: the column {name!r} is not read; if it holds the kind, write micro and macro there"
            )
            return table
        raise DataError(
            f"{table.place}: the column {name!r} holds {codes[0]} and {codes[1]}, and it is unclear which means "
            "micro: write micro and macro in a column kind, or remove this column"
        )
    meaning = ", ".join(f"{cell} is {CODES[cell]}" for cell in codes)
    remarks.repair(f"{table.role}: the column {name!r} is read as the kind: {meaning}")
    return table.taken(name, "kind", column.read(lambda cell: dict[str, str](CODES).get(cell, cell)))
