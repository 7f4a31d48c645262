"""Scores of frames in a wide table: a column for each video or each frame."""

import re
from collections.abc import Sequence
from dataclasses import replace

from mebench.annotations.names import ALIASES, BLANK, KNOWN, plain_name
from mebench.annotations.sheets import Sheet, SheetGrid, sheet_from_rows
from mebench.annotations.text import SEPARATORS, first_filled_line
from mebench.core import Repair
from mebench.exchange.values import IDS

FEWEST_FRAMES = 8
"""Columns that are called after successive numbers, from which on they are frames."""
_NUMBERED = re.compile(r"(\D*?)[\s_-]*(\d{1,7})(?:\.0)?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BESIDE_FRAMES = (*IDS, "kind", "fps")
"""Columns that a table with a column for each frame may have, too."""


def tall_scores(sheet: Sheet) -> Sheet:
    r"""The sheet with a row for each score, if it is a wide table; else the sheet itself.

    Args:
        sheet: rows of a file of frame scores.

    >>> from mebench.annotations.sheets import sheet_from_text
    >>> [cells for _, cells in tall_scores(sheet_from_text("frame,a,b\n0,0.1,0.3\n1,0.2,\n", "", "it")).rows]
    [('video', 'frame', 'score'), ('a', '0', '0.1'), ('a', '1', '0.2'), ('b', '0', '0.3')]
    """
    split = _with_separator(sheet)
    if _has_row_for_each_frame(split):
        return sheet
    grid = split.read_grid()
    if len(grid.lines) < 2:
        return sheet
    headers = [column[0].strip() for column in grid.columns]
    below = grid.choose_rows(slice(1, None))
    found = _of_columns_by_frame(headers, below) or _of_columns_by_video(headers, below)
    if found is None:
        return sheet
    columns, rows, what = found
    tall = sheet_from_rows(str(sheet), columns, rows)
    remark = Repair(None, "all columns", "", None, what, sheet.file)
    remarks = (*sheet.remarks, remark)
    return replace(tall, remarks=remarks, held=sheet.held, left_out=sheet.left_out, is_typed=sheet.is_typed)


def _with_separator(sheet: Sheet) -> Sheet:
    """The sheet with the separator of its first line. No header says which one a wide table has."""
    if not sheet.text:
        return sheet
    return replace(sheet, separator=max(SEPARATORS, key=first_filled_line(sheet.text).count))


def _has_row_for_each_frame(sheet: Sheet) -> bool:
    """Whether the first line names video and frame, or the score. Long tables are not split for more."""
    if sheet.text:
        cells: Sequence[str] = first_filled_line(sheet.text).split(sheet.separator)
    else:
        cells = next((cells for _, cells in sheet.rows), ())
    plain = {plain_name(cell) for cell in cells}
    named = {content for content in ("video", "frame", "score") if not plain.isdisjoint(ALIASES[content])}
    return "score" in named or len(named) > 1


Tall = tuple[Sequence[str], list[list[str]], str]
"""Names of the columns, the rows, and what the wide table was."""


def _of_columns_by_frame(headers: Sequence[str], below: SheetGrid) -> Tall | None:
    """The scores of a table with a column for each frame: `video, 0, 1, 2`.

    A row may end early, where its video is shorter. None for another table.
    """
    plain = [plain_name(header) for header in headers]
    beside = {at: _content_of(name) for at, name in enumerate(plain) if name and _content_of(name)}
    numbered = {at: _NUMBERED.fullmatch(header) for at, header in enumerate(headers) if at not in beside}
    matches = [match for match in numbered.values() if match]
    if "video" not in beside.values() or len(matches) < FEWEST_FRAMES:
        return None
    numbers = [int(match[2]) for match in matches]
    are_successive = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    have_one_name = len({plain_name(match[1]) for match in matches}) == 1
    if not are_successive or not have_one_name:
        return None
    at_frames = [at for at, match in numbered.items() if match]
    rows = []
    for row in range(len(below.lines)):
        names = [below.columns[at][row].strip() for at in beside]
        scores = [below.columns[at][row].strip() for at in at_frames]
        rows += [[*names, str(number), score] for number, score in zip(numbers, _without_blank_end(scores))]
    what = f"a column for each frame, {headers[at_frames[0]]} to {headers[at_frames[-1]]}, is read as a row for each"
    return [*beside.values(), "frame", "score"], rows, what


def _content_of(plain: str) -> str:
    """What a column beside those of frames holds, by its plain name; empty for another name."""
    return next((content for content in _BESIDE_FRAMES if plain in ALIASES[content]), "")


def _of_columns_by_video(headers: Sequence[str], below: SheetGrid) -> Tall | None:
    """The scores of a table with a column for each video: `frame, EP01, EP02`.

    Without a column of frames these count from 0. A column may end early, where its video is shorter. None for another table.
    """
    counts_frames = plain_name(headers[0]) in (*ALIASES["frame"], "", "unnamed0", "index")
    videos = headers[1:] if counts_frames else headers
    has_known_name = any(plain_name(name) in KNOWN or not name for name in videos)
    columns = below.columns[1:] if counts_frames else below.columns
    if len(videos) < 2 or has_known_name or len(set(videos)) < len(videos):
        return None
    if not all(column.where(_is_number_or_blank).all() for column in columns):
        return None
    numbers = [str(row) for row in range(len(below.lines))]
    if counts_frames:
        numbers = [cell.strip() for cell in below.columns[0]]
    rows = []
    for video, column in zip(videos, columns):
        scores = _without_blank_end([cell.strip() for cell in column])
        rows += [[video, number, score] for number, score in zip(numbers, scores)]
    what = f"a column for each of {len(videos)} videos, {videos[0]} to {videos[-1]}, is read as a row for each frame"
    if not counts_frames:
        what += "; the first row is frame 0"
    return ["video", "frame", "score"], rows, what


def _is_number_or_blank(cell: str) -> bool:
    """Whether a cell may be the score of a frame."""
    return cell.strip().casefold() in BLANK or _NUMBER.fullmatch(cell.strip()) is not None


def _without_blank_end(cells: Sequence[str]) -> list[str]:
    """The cells up to the last one that is not blank."""
    n_filled = max((n for n, cell in enumerate(cells, 1) if cell.casefold() not in BLANK), default=0)
    return list(cells[:n_filled])
