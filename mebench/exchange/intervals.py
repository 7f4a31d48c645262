"""Read predicted and true intervals, and check them line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.annotations.names import ALIASES, BLANK, CODES, INDEX, KINDS, KNOWN, header_words, kind_of
from mebench.annotations.sheets import Cells
from mebench.errors import DataError
from mebench.exchange.choices import NO_CHOICES, Choices
from mebench.exchange.eaf import find_eaf, sheet_of_marks
from mebench.exchange.elan_export import is_elan_export, sheet_of_export
from mebench.exchange.further_intervals import with_further_intervals
from mebench.exchange.megc import is_log, read_log
from mebench.exchange.text_table import File, Remarks, TextTable, at_lines, blank_cells, parse_columns, read_sheet
from mebench.exchange.values import (
    IDS,
    IntervalFile,
    Role,
    emotion_of,
    frame_of_rows,
    read_emotions,
    read_frames,
    read_kinds,
    read_marked_frames,
    read_numbers,
    required_frames,
    with_datasets,
)
from mebench.metrics.ratios import largest_before
from mebench.metrics.tables import number_groups
from mebench.output.terminal import format_count

_INTERVAL = ("onset", "apex", "offset", "kind", "emotion")
_WANTED: dict[Role, tuple[str, ...]] = {
    "predictions": (*IDS, *_INTERVAL, "confidence", "fps"),
    "truth": (*IDS, *_INTERVAL, "fps", "n_frames"),
}


def read_intervals(
    path: File,
    role: Role,
    remarks: Remarks,
    log: bool | None = None,
    fps: float | None = None,
    rate: float | None = None,
    choices: Choices = NO_CHOICES,
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
        choices: decisions of the user about columns and rows.

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
    table = with_datasets(parse_columns(sheet, path, role, _WANTED[role], remarks, choices=choices), remarks)
    table.require("video", "onset", "offset")
    table = with_further_intervals(_with_kinds(_with_emotions(table, remarks), remarks), remarks)
    if timed is not None or is_export:
        return check_intervals(_intervals_of_table(table, str(path), (fps, rate), role, remarks), remarks)
    table.note_unread(remarks)
    read = _intervals_of_table(table, str(path), (fps, rate), role, remarks)
    return check_intervals(replace(read, others=table.other_columns()), remarks)


def _intervals_of_table(
    table: TextTable, source: str, rates: tuple[float | None, float | None], role: Role, remarks: Remarks
) -> IntervalFile:
    """The intervals and videos of a table.

    Args:
        table: the table, with its kinds.
        source: name of the file.
        rates: frames per second by the user, and by the truth, see `read_intervals`.
        role: content of the file.
        remarks: gets what was noticed and repaired.
    """
    # A row without onset and offset is a video without expressions, or without spotted intervals.
    known = ~(blank_cells(table.cells["onset"]) & blank_cells(table.cells["offset"]))
    known &= ~_are_signs_of_none(table, remarks)
    marked_frames, fractional = read_marked_frames(table, *rates, remarks)
    if role == "predictions" and not known.all():
        remarks.repair(
            f"predictions: no onset and no offset ({at_lines(table.lines[~known])}), read as nothing spotted"
        )
    onset = required_frames(table, "onset", np.where(known, marked_frames["onset"], 0))
    offset = required_frames(table, "offset", np.where(known, marked_frames["offset"], 0))
    _warn_of_zeros(table.lines[known & (onset == 0) & (offset == 0)], role, remarks)
    _note_substitutes(table, role, remarks)
    named = frame_of_rows(table, remarks)
    videos = _with_rates_and_lengths(named, table, role)
    apexes = _marked_apexes(table, marked_frames, onset, remarks)
    if role == "predictions":  # their middle replaces an unmarked apex
        apexes = np.where(np.isnan(apexes), (onset + offset) // 2, apexes)
    columns = {
        "kind": read_kinds(table, known),
        "onset": onset,
        "offset": offset,
        "apex": apexes,
        "emotion": read_emotions(table).array(),
    }
    if role == "predictions":
        columns["confidence"] = _read_confidences(table, known, remarks)
        names_no_kind = blank_cells(table.cells["kind"]) if "kind" in table.cells else np.zeros_like(known)
        videos = videos.drop(columns="n_frames").assign(
            kind=pd.Series(columns["kind"]).mask(~known & names_no_kind, "")
        )
    rows = named.assign(**columns)
    intervals = rows if known.all() else rows[known].reset_index(drop=True)
    return IntervalFile(source, role, intervals, videos, frozenset(table.cells), fractional=fractional)


_SAY_NONE = frozenset(
    ("no", "non", "no expression", "noexpression", "neutral", "no emotion", "nothing", "no me", "none", "无表情")
)
"""Labels, in small letters, of a video without expressions."""


def _are_signs_of_none(table: TextTable, remarks: Remarks) -> NDArray[np.bool_]:
    """The rows whose ends are -1, or 0, because the video has no expression, (n_rows,).

    No frame is below zero: two ends of -1 are no interval. Two zeros are none where the row names no emotion though others do, and
    where it is the only row of its video.
    """
    onset, offset = (table.cells[name] for name in ("onset", "offset"))
    are_minus = onset.where(_is_minus_one) & offset.where(_is_minus_one)
    are_zeros = onset.where(_is_zero) & offset.where(_is_zero)
    if are_zeros.any():
        says_none = np.zeros(len(table.lines), np.bool_)
        if "emotion" in table.cells:
            emotions = table.cells["emotion"].read(emotion_of)
            says_none = emotions.where(lambda word: word in ("", *_SAY_NONE))
        names_emotions = "emotion" in table.cells and not says_none.all()
        are_zeros &= says_none if names_emotions else _are_alone(table)
    for rows, sign in ((are_minus, "-1"), (are_zeros, "0")):
        if rows.any():
            remarks.repair(
                f"{table.role}: onset and offset of {sign} ({at_lines(table.lines[rows])}) are read as a video without an interval"
            )
    return are_minus | are_zeros


def _is_minus_one(cell: str) -> bool:
    """Whether a cell is -1."""
    return cell.strip() in ("-1", "-1.0")


def _is_zero(cell: str) -> bool:
    """Whether a cell is 0."""
    return cell.strip() in ("0", "0.0")


def _are_alone(table: TextTable) -> NDArray[np.bool_]:
    """The rows that are the only ones of their video, (n_rows,)."""
    names = pd.DataFrame({name: table.cells[name].which for name in IDS if name in table.cells})
    alone: NDArray[np.bool_] = ~names.duplicated(keep=False).to_numpy(np.bool_)
    return alone


def _warn_of_zeros(lines: NDArray[np.int64], role: Role, remarks: Remarks) -> None:
    """Warn of intervals of frame 0 alone, which may have been meant for nothing."""
    if len(lines):
        remarks.warn(
            f"{role}: onset 0 and offset 0 ({at_lines(lines)}) are read as an interval of one frame; where a video has none, "
            "leave both empty"
        )


def _note_substitutes(table: TextTable, role: Role, remarks: Remarks) -> None:
    """Note what replaces the columns of kinds and apexes where the file lacks them."""
    if "kind" not in table.cells:
        remarks.repair(f"{table.role}: no column kind: all are micro")
    if "apex" not in table.cells:
        apex = "no apex is known" if role == "truth" else "the middle of each interval is taken"
        remarks.repair(f"{table.role}: no column apex: {apex}")


def _marked_apexes(
    table: TextTable, marked: Mapping[str, NDArray[np.float64]], onset: NDArray[np.int64], remarks: Remarks
) -> NDArray[np.float64]:
    """The apexes, NaN where none is marked, (n_rows,). Below its onset, 0 and -1 say that none is."""
    apexes = marked.get("apex", np.full(len(onset), np.nan))
    says_none = (apexes <= 0) & (apexes < onset)
    if says_none.any():
        remarks.repair(f"{table.role}: an apex of 0 or less ({at_lines(table.lines[says_none])}) is read as not marked")
    return np.where(says_none, np.nan, apexes)


def _with_rates_and_lengths(videos: pd.DataFrame, table: TextTable, role: Role) -> pd.DataFrame:
    """The videos with the frame rates that a file states. Those of a truth get the numbers of frames, too; NaN elsewhere.

    Raises:
        DataError: one is not above 0.
    """
    stated: dict[str, NDArray[np.float64] | float] = {"fps": np.nan, "n_frames": np.nan}
    for name, read in (("fps", read_numbers), ("n_frames", read_frames)):
        if name in table.cells:
            values = read(table, name)
            table.refuse(name, values <= 0, "{name} must be above 0, not {cell}")
            stated[name] = values
    return videos.assign(**stated)


def _read_confidences(table: TextTable, is_interval: NDArray[np.bool_], remarks: Remarks) -> NDArray[np.float64]:
    """The confidence of each row, NaN where none is given; warns of intervals without one."""
    if "confidence" not in table.cells:
        return np.full(len(table.lines), np.nan)
    confidences = read_numbers(table, "confidence")
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
    _refuse_reversed_intervals(given)
    given = _without_repeated_truths(given, remarks)
    _warn_of_odd_frames(given, remarks)
    if given.role == "truth":
        _warn_of_overlaps(given, remarks)
        _warn_of_ends_beyond_videos(given, remarks)
    return given


def _refuse_reversed_intervals(given: IntervalFile) -> None:
    """Refuse intervals that end before they begin.

    Raises:
        DataError: there are some.
    """
    is_reversed = given.intervals["offset"].to_numpy() < given.intervals["onset"].to_numpy()
    if not is_reversed.any():
        return
    wrong = given.intervals[is_reversed]
    first = wrong.iloc[0]
    more = f" (and {format_count(len(wrong) - 1, 'more such line')})" if len(wrong) > 1 else ""
    hint = ""
    if first["offset"] == 0:
        hint = ": was the offset not marked? Then write the apex there, or leave the row out"
    raise DataError(
        f"{given.place}, line {first['line']}: the offset {first['offset']} is before the onset {first['onset']}"
        f"{more}{hint}"
    )


def _without_repeated_truths(given: IntervalFile, remarks: Remarks) -> IntervalFile:
    """The file without repeated annotations; repeated predictions stay, with a warning."""
    rows = given.intervals
    role = given.role
    is_repeated = _repeat_earlier_rows(rows.drop(columns="line"))
    n_repeated = int(is_repeated.sum())
    if not n_repeated:
        return given
    where = at_lines(rows["line"][is_repeated])
    repeat, are = ("repeat", "are") if n_repeated > 1 else ("repeats", "is")
    if role == "predictions":  # counted each by itself, as the authors' programs do
        remarks.warn(
            f"{role}: {where} {repeat} an earlier prediction in every column that is read, and {are} counted again"
        )
        return given
    remarks.repair(f"truth: {where} {repeat} an earlier annotation in every column that is read and {are} left out")
    remarks.account_of(role).leave_out("row", n_repeated, "a repeated annotation", where)
    return replace(given, intervals=rows[~is_repeated].reset_index(drop=True))


def _repeat_earlier_rows(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """(n_rows,) whether each row equals an earlier one."""
    # Few rows share both ends: words are compared in these alone, half of the time.
    share_ends = rows.duplicated(["onset", "offset"], keep=False).to_numpy()
    is_repeated = np.zeros(len(rows), np.bool_)
    is_repeated[share_ends] = rows[share_ends].duplicated()
    return is_repeated


def _warn_of_odd_frames(given: IntervalFile, remarks: Remarks) -> None:
    """Warn of onsets below zero, and of apexes outside their interval."""
    line, onset, apex, offset = (given.intervals[name].to_numpy() for name in ("line", "onset", "apex", "offset"))
    for mask, single, many, problem in (
        (onset < 0, "onset", "onsets", "below zero"),
        ((apex < onset) | (apex > offset), "apex", "apexes", "outside the interval"),
    ):
        if mask.any():
            n_odd = format_count(int(mask.sum()), single, many)
            remarks.warn(f"{given.role}: {n_odd} {problem} ({at_lines(line[mask])}), kept as written")


def _warn_of_overlaps(given: IntervalFile, remarks: Remarks) -> None:
    """Warn of annotations that overlap an earlier one of the same video and kind."""
    (group,) = number_groups([*given.ids, "kind"], given.intervals)
    line, onset, offset = (given.intervals[name].to_numpy() for name in ("line", "onset", "offset"))
    order = np.lexsort((offset, onset, group))
    overlaps = onset[order] <= largest_before(group[order], offset[order])
    if overlaps.any():
        where = at_lines(line[order][overlaps])
        remarks.warn(
            f"truth: {format_count(int(overlaps.sum()), 'annotation')} ({where}) overlapping an earlier one of "
            "the same video and kind, all kept: each must be found by an interval of its own"
        )


def _warn_of_ends_beyond_videos(given: IntervalFile, remarks: Remarks) -> None:
    """Warn of offsets beyond the number of frames. A file may give this number in seconds, or for the clip alone.

    False positives a minute need this number.
    """
    if given.videos["n_frames"].isna().all():
        return
    length = given.videos.groupby(given.ids)["n_frames"].first().rename("length")
    rows = given.intervals.join(length, on=given.ids)
    beyond = rows[rows["length"] < rows["offset"]]
    if beyond.empty:
        return
    _, first = next(beyond.iterrows())
    remarks.warn(
        f"truth: {format_count(len(beyond), 'offset')} ({at_lines(beyond['line'])}) beyond the video's "
        f"{first['length']:g} frames, such as {first['offset']}: this is right only if the numbers of the image "
        "files begin above 1"
    )


_YES = ("1", "true", "yes", "y")
_NO = ("0", "false", "no", "n")


def _with_emotions(table: TextTable, remarks: Remarks) -> TextTable:
    """The table whose column of kinds is read as the emotion. It is so read if it holds words for something else than kinds."""
    if "kind" not in table.cells or "emotion" in table.cells or "kind" in table.decided:
        return table
    words = [cell for cell in table.cells["kind"].distinct if cell.casefold() not in BLANK]
    are_other_words = len(words) > 1 and all(
        len(word) > 2 and word[0].isalpha() and not kind_of(word) for word in words
    )
    if not are_other_words:
        return table
    header = table.header_of("kind")
    remarks.repair(
        f"{table.role}: the column {header!r} holds no kinds, such as {words[0]!r}, and is read as the emotion"
    )
    rest = replace(table, cells={name: cells for name, cells in table.cells.items() if name != "kind"})
    rest = replace(rest, taken={name: other for name, other in table.taken.items() if name != "kind"})
    return rest.with_column(header, "emotion", table.cells["kind"])


def _with_kinds(table: TextTable, remarks: Remarks) -> TextTable:
    """A column such as `label` or `category` may hold kinds; read as emotions, they would pool macro- and
    micro-expressions.
    """
    if "kind" in table.cells:
        return table
    columns = {"emotion": table.cells.get("emotion", Cells.from_list([]))}
    columns |= {name: column.read(str.strip) for name, column in table.others.items()}
    for name, column in columns.items():
        kinds = _kinds_in_column(table, name, column, remarks)
        if kinds is not None:
            rest = {other: cells for other, cells in table.cells.items() if other != name}
            return replace(table, cells=rest).with_column(name, "kind", kinds)
    return _with_codes(table, remarks)


def _kinds_in_column(table: TextTable, name: str, column: Cells, remarks: Remarks) -> Cells | None:
    """The kinds in a column; None if it holds something else. Yes or no to one kind count as kinds, too.

    Raises:
        DataError: it names kinds in some rows and gives numbers in others.
    """
    cells = [cell for cell in column.distinct if cell.casefold() not in BLANK]
    if not cells:
        return None
    _refuse_mixed_kinds(table, name, cells)
    if all(map(kind_of, cells)):
        what = "the emotions are" if name == "emotion" else f"the column {name!r} holds"
        remarks.repair(f"{table.role}: {what} kinds, such as {cells[0]!r}, read as the kind")
        return column
    tokens = [word for word in header_words(name) if word not in ("is", "flag", "label", "expression")]
    answers_yes_or_no = {cell.casefold() for cell in cells} <= {*_YES, *_NO}
    if tokens not in (["micro"], ["macro"]) or not answers_yes_or_no:
        return None
    yes, no = KINDS if tokens == ["micro"] else KINDS[::-1]
    kinds = {**dict.fromkeys(_YES, yes), **dict.fromkeys(_NO, no)}
    remarks.repair(f"{table.role}: the column {name!r} says yes or no and is read as the kind")
    return replace(column, distinct=[kinds.get(cell.casefold(), cell) for cell in column.distinct])


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
    name = next(filter(_may_hold_codes, table.others), None)
    if name is None:
        return table
    column = table.others[name].read(str.strip)
    codes = sorted({cell for cell in column.distinct if cell.casefold() not in BLANK})
    lengths = pd.Series(read_numbers(table, "offset") - read_numbers(table, "onset"))
    medians = lengths.groupby([*column]).median()
    macro_is_longer = codes == [*CODES] and medians["1"] >= medians["2"]
    is_part_of_codes = bool(codes) and {*codes} < {*CODES}
    names_index = header_words(name)[-1] == "idx"
    if macro_is_longer or (is_part_of_codes and names_index):
        meaning = ", ".join(f"{cell} is {CODES[cell]}" for cell in codes)
        remarks.repair(f"{table.role}: the column {name!r} is read as the kind: {meaning}")
        return table.with_column(name, "kind", column.read(lambda cell: dict[str, str](CODES).get(cell, cell)))
    are_two_numbers = len(codes) == 2 and "".join(codes).isdigit()
    if are_two_numbers:
        raise DataError(
            f"{table.place}: the column {name!r} holds {codes[0]} and {codes[1]}, and it is unclear which means "
            "micro: write micro and macro in a column kind, or remove this column"
        )
    remarks.warn(f"{table.role}: the column {name!r} is not read; if it holds the kind, write micro and macro there")
    return table


def _may_hold_codes(header: str) -> bool:
    """Whether a column may hold numbers for kinds: no other column is named so."""
    words = {*header_words(header)}
    names_kind = bool(words & {*ALIASES["kind"]})
    other_words = words - {*ALIASES["kind"], *INDEX}
    return names_kind and not other_words & KNOWN
