"""Exports of annotation tools other than ELAN: BORIS, Label Studio, VIA, Praat and Anvil.

Each becomes a table with the columns `video`, `start_s` and `end_s` (or frames) and what else it holds; the frame rate is that of the
export, else the user's. An export that cannot be read names the tool and the export that can.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from mebench.annotations.names import BLANK, kind_of
from mebench.annotations.sheets import Sheet, sheet_from_rows
from mebench.annotations.text import decode_text
from mebench.core import Repair
from mebench.errors import DataError
from mebench.exchange.bounded_xml import read_bounded_xml
from mebench.exchange.tier_names import EMOTION, what_tier_holds
from mebench.files import read_plain
from mebench.limits import TEXT_TABLE_BYTES, TOOL_FILES

Cells = Mapping[str, Any]
"""The cells of a row by their columns."""
_ALWAYS = ("video", "start_s", "end_s")
"""Columns that stay if they are empty."""


def sheet_of_tool(raw: bytes, name: str) -> Sheet | None:
    """The marks of an export of BORIS, VIA, Praat or Anvil; None for another file.

    Args:
        raw: its content.
        name: its name, which is the video's where the export names none.

    Raises:
        DataError: it is damaged, or another export of the tool than the one that is read.
    """
    tool = tool_of(raw)
    if tool == "Praat":
        return _sheet(name, tool, _rows_of_textgrid(_text_of(raw, name), name))
    if tool == "Anvil":
        return _sheet(name, tool, _rows_of_anvil(raw, name))
    if tool == "VIA":
        return _sheet(name, tool, _rows_of_via(_text_of(raw, name)))
    if tool == "BORIS":
        return _sheet(name, tool, _rows_of_boris(_text_of(raw, name)))
    if tool == "Label Studio" and b'"result"' not in raw:
        raise DataError("another export of Label Studio than JSON: export JSON (not JSON-MIN, not CSV)")
    return None


def sheet_of_folder(folder: Path) -> Sheet | None:
    """The marks of a folder of TextGrids or files of Anvil.

    Each file is a video, folders inside it are people; None for a folder without such files.

    Raises:
        DataError: a file is damaged, or there are too many.
    """
    files = sorted(path for path in folder.rglob("[!.]*") if path.suffix.lower() in FILES_OF_VIDEOS and path.is_file())
    if not files:
        return None
    if len(files) > TOOL_FILES:
        raise DataError(
            f"{folder} holds {len(files)} files of Praat and Anvil, more than the {TOOL_FILES} that are read"
        )
    names_people = all(file.parent != folder for file in files)
    rows: list[Cells] = []
    for file in files:
        raw = read_plain(file, TEXT_TABLE_BYTES)
        try:
            read = _rows_of_textgrid(_text_of(raw, file.name), file.name) if tool_of(raw) == "Praat" else None
            if read is None and tool_of(raw) == "Anvil":
                read = _rows_of_anvil(raw, file.name)
            if read is None:
                raise DataError("no file of Praat or Anvil, whatever its name says")
            of_video = [*read] or [{"video": _stem(file.name)}]
        except DataError as error:
            raise DataError(f"{file}: {error}") from error
        person = {"subject": file.parent.name} if names_people else {}
        rows += [{**person, **row} for row in of_video]
    return _sheet(str(folder), "Praat or Anvil, a file for each video", rows)


FILES_OF_VIDEOS = (".textgrid", ".anvil")
"""Endings of files that hold the marks of one video."""


def tool_of(raw: bytes) -> str | None:
    """The tool that wrote a file, by its beginning; None for another file.

    >>> tool_of(b'# Exported using VGG Image Annotator'), tool_of(b'[{"id": 1, "data": {}, "annotations": [{"result": []}]}]')
    ('VIA', 'Label Studio')
    """
    head = raw[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").lstrip()
    if head.startswith((b'File type = "ooTextFile', b'"ooTextFile')):
        return "Praat"
    if head.startswith((b"<?xml", b"<annotation")) and b"<annotation>" in head and b"<body" in raw:
        return "Anvil"
    is_via = head.startswith(
        (b"# Exported using VGG Image Annotator", b"filename,file_size,file_attributes,region_count")
    )
    if is_via or b"# CSV_HEADER" in head or (head.startswith(b'{"project"') and b'"fid_list"' in raw):
        return "VIA"
    if head.startswith((b"Observation id", b'"Observation id"')):
        return "BORIS"
    is_json = head.startswith((b"[", b"{")) and b'"annotations"' in raw and b'"result"' in raw
    is_other_export = b'timelinelabels"' in raw and head.startswith((b"[", b"annotation_id,"))
    return "Label Studio" if is_json or is_other_export else None


def _text_of(raw: bytes, name: str) -> str:
    """The text of an export."""
    text, _ = decode_text(raw, PurePath(name))
    return text


def _sheet(name: str, tool: str, rows: Iterable[Cells]) -> Sheet:
    """Rows of a tool as a sheet, with the columns that some row fills."""
    listed = [*rows]
    columns = list(dict.fromkeys(column for row in listed for column in row))
    filled = [
        column for column in columns if column in _ALWAYS or any(row.get(column) not in (None, "") for row in listed)
    ]
    sheet = sheet_from_rows(name, filled, ([row.get(column) for column in filled] for row in listed))
    return replace(sheet, remarks=(Repair(None, "all columns", "", None, f"read as an export of {tool}", name),))


def _stem(path: str) -> str:
    """The name of a video file without folders and ending. What Label Studio puts before it is left out, too."""
    return re.sub(r"^[0-9a-f]{8}-", "", PureWindowsPath(path.strip()).stem)


# BORIS -------------------------------------------------------------------------------------------------------------

_BORIS_EXPORTS = "export aggregated events, or tabular events, as .csv or .tsv"


def _rows_of_boris(text: str) -> Iterator[Cells]:
    """The state events of BORIS: aggregated, with start and stop in a row, or tabular, with a row for each."""
    header = re.search(r"^Time[,;\t]", text, re.MULTILINE)
    if header:  # facts of the observation stand above the events
        text = text[header.start() :]
    first_line = text.partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    rows = [{str(name).strip(): (cell or "") for name, cell in row.items() if name} for row in reader]
    names = {name.strip() for name in reader.fieldnames or ()}
    if rows and all("POINT" in (row.get("Behavior type"), row.get("Status")) for row in rows):
        raise DataError(
            "an export of BORIS with point events alone, which have no end: code expressions as state events"
        )
    if {"Start (s)", "Stop (s)", "Behavior"} <= names:
        return (
            _row_of_boris(row, row["Start (s)"], row["Stop (s)"]) for row in rows if row.get("Behavior type") != "POINT"
        )
    if {"Time", "Behavior"} <= names and names & {"Status", "Behavior type"}:
        return _pairs_of_boris(rows)
    raise DataError(f"an export of BORIS with other columns than start and stop: {_BORIS_EXPORTS}")


def _row_of_boris(row: Mapping[str, str], start: str, stop: str) -> Cells:
    """The cells of an event."""
    media = row.get("Source") or row.get("Media file name") or row.get("Media file path") or row.get("Media file") or ""
    subject = row.get("Subject", "")
    return {
        "video": _stem(media.rpartition(":")[2]) or row.get("Observation id", ""),
        "subject": "" if subject == "No focal subject" else subject,
        "start_s": start,
        "end_s": stop,
        "emotion": row["Behavior"],
        "fps": row.get("FPS (frame/s)") or row.get("FPS") or "",
    }


def _pairs_of_boris(rows: Sequence[Mapping[str, str]]) -> Iterator[Cells]:
    """The events whose start and stop stand in two rows.

    Raises:
        DataError: a start has no stop, or the other way round.
    """
    started: dict[tuple[str, ...], Mapping[str, str]] = {}
    for line, row in enumerate(rows, 2):
        status = (row.get("Status") or row.get("Behavior type") or "").upper()
        event = tuple(row.get(name, "") for name in ("Observation id", "Subject", "Behavior"))
        if status == "START" and event not in started:
            started[event] = row
        elif status == "STOP" and event in started:
            begin = started.pop(event)
            yield _row_of_boris(begin, begin["Time"], row["Time"])
        elif status in ("START", "STOP"):
            raise DataError(f"line {line}: {status} of {row['Behavior']!r} has no partner: close the event in BORIS")
    if started:
        event = next(iter(started))
        raise DataError(f"{event[2]!r} in {event[0] or 'the file'!r} starts and never stops: close the event in BORIS")


# VIA ---------------------------------------------------------------------------------------------------------------


def _rows_of_via(text: str) -> Iterator[Cells]:
    """The temporal segments of VIA.

    Raises:
        DataError: the export has no temporal segments, or a cell is damaged.
    """
    named = re.search(r"^# CSV_HEADER = (.+)$", text, re.MULTILINE)
    names = named[1].strip().split(",") if named else []
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if "temporal_coordinates" not in names:
        raise DataError(
            "an export of VIA without temporal segments: export the annotations of VIA's video annotator as CSV"
        )
    for number, cells in enumerate(csv.reader(lines), 1):
        row = dict(zip(names, cells))
        try:
            files, times, facts = (json.loads(row[name]) for name in ("file_list", "temporal_coordinates", "metadata"))
        except (KeyError, ValueError):
            raise DataError(f"segment {number} of VIA's export is damaged: export it again") from None
        if not isinstance(times, list) or len(times) != 2 or not isinstance(files, list) or not files:
            continue  # a region of one image
        words = [str(value) for value in facts.values()] if isinstance(facts, dict) else []
        yield {
            "video": _stem(str(files[0])),
            "start_s": times[0],
            "end_s": times[1],
            "emotion": next(iter(words), ""),
        }


# Label Studio ------------------------------------------------------------------------------------------------------


def sheet_of_label_studio(value: Any, name: str) -> Sheet | None:
    """The ranges of Label Studio's JSON as a sheet; None for another value. Errors as in `rows_of_label_studio`."""
    rows = rows_of_label_studio(value)
    return None if rows is None else _sheet(name, "Label Studio, whose frames begin at 1", rows)


def rows_of_label_studio(value: Any) -> list[Cells] | None:
    """The ranges of Label Studio's JSON; None for another value.

    Frames stay as Label Studio counts them, from 1.

    Raises:
        DataError: an export of Label Studio without ranges.

    >>> ranges = {"ranges": [{"start": 11, "end": 25}], "timelinelabels": ["joy"]}
    >>> rows_of_label_studio([{"data": {"video": "/up/1_a.mp4"}, "annotations": [{"result": [{"value": ranges}]}]}])
    [{'video': '1_a', 'onset': 11, 'offset': 25, 'emotion': 'joy'}]
    """
    tasks = [value] if _is_task(value) else value
    if not isinstance(tasks, list) or not tasks or not all(_is_task(task) for task in tasks):
        return None
    rows: list[Cells] = []
    for task in tasks:
        rows += _rows_of_task(task)
    if not any("onset" in row or "start_s" in row for row in rows):
        raise DataError(
            "an export of Label Studio without ranges: annotate with TimelineLabels, and export JSON (not JSON-MIN)"
        )
    return rows


def _is_task(task: Any) -> bool:
    """Whether an item is a task of Label Studio."""
    return (
        isinstance(task, Mapping)
        and isinstance(task.get("data"), Mapping)
        and isinstance(task.get("annotations"), list)
    )


def _rows_of_task(task: Cells) -> Iterator[Cells]:
    """The ranges of a task, those of each coder; a row without an interval if there are none."""
    media = [
        str(cell) for cell in task["data"].values() if isinstance(cell, str) and re.search(r"\.\w{2,4}(?:\?|$)", cell)
    ]
    video = _stem(media[0].partition("?")[0]) if media else str(task.get("id", ""))
    done = [one for one in task["annotations"] if isinstance(one, Mapping) and not one.get("was_cancelled")]
    found = False
    for one in done:
        coder = {"coder": str(one["completed_by"])} if len(done) > 1 and "completed_by" in one else {}
        for result in one.get("result") or ():
            for interval in _intervals_of_result(result):
                found = True
                yield {"video": video, **interval, **coder}
    if not found:
        yield {"video": video}


def _intervals_of_result(result: Any) -> Iterator[Cells]:
    """The intervals of one result: ranges of frames, or seconds of a sound track."""
    value = result.get("value") if isinstance(result, Mapping) else None
    if not isinstance(value, Mapping):
        return
    labels = value.get("timelinelabels") or value.get("labels") or [""]
    label = str(labels[0]) if isinstance(labels, list) else str(labels)
    for part in value.get("ranges") or ():
        yield {"onset": part.get("start"), "offset": part.get("end"), "emotion": label}
    if "ranges" not in value and {"start", "end"} <= value.keys():
        yield {"start_s": value["start"], "end_s": value["end"], "emotion": label}


# Praat -------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'"((?:[^"]|"")*)"|\[[^\]"]*\]|(?<![\w.])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)')


def _rows_of_textgrid(text: str, name: str) -> Iterator[Cells]:
    """The labelled intervals of a TextGrid, long or short.

    Raises:
        DataError: it is cut off, or has no tier of intervals.
    """
    tokens = [match for match in _TOKEN.finditer(text) if match[1] is not None or match[2] is not None]
    values = iter([match[1].replace('""', '"') if match[1] is not None else float(match[2]) for match in tokens])
    try:
        header = [next(values) for _ in range(5)]
        if header[1] != "TextGrid":
            raise DataError(f"a file of Praat that holds a {header[1]}: save the TextGrid as a text file")
        tiers = [_tier_of_textgrid(values) for _ in range(int(float(header[4])))]
    except (StopIteration, ValueError, RuntimeError):
        raise DataError("a TextGrid that is cut off or damaged: save it again in Praat as a text file") from None
    return _rows_of_tiers([tier for tier in tiers if tier[1]], _stem(name), "a TextGrid")


Interval = tuple[float, float, str]
"""Start and end in seconds, and the label."""


def _tier_of_textgrid(values: Iterator[str | float]) -> tuple[str, list[Interval]]:
    """Name and labelled intervals of a tier; a tier of points has none."""
    kind, name, _, _, count = (next(values) for _ in range(5))
    intervals: list[Interval] = []
    for _ in range(int(float(count))):
        start = float(next(values))
        end = float(next(values)) if kind == "IntervalTier" else start
        label = str(next(values)).strip()
        if kind == "IntervalTier" and label.casefold() not in BLANK:
            intervals.append((start, end, label))
    return str(name), intervals


def _rows_of_tiers(tiers: Sequence[tuple[str, Sequence[Interval]]], video: str, what: str) -> Iterator[Cells]:
    """The intervals of the tiers of kinds; or of the only tier, whatever it is called.

    Raises:
        DataError: several tiers, and none of a kind.
    """
    of_kinds = [(name, intervals) for name, intervals in tiers if what_tier_holds(name) not in (None, EMOTION)]
    if not of_kinds and len(tiers) > 1:
        names = ", ".join(name for name, _ in tiers)
        raise DataError(f"{what} with the tiers {names}: name those of expressions micro and macro")
    if not tiers:
        yield {"video": video, "start_s": "", "end_s": ""}
    for name, intervals in of_kinds or tiers:
        held = what_tier_holds(name)
        kind = "" if held in (None, EMOTION) else held
        for start, end, label in intervals:
            emotion = "" if kind_of(label) or len(label) < 2 else label
            yield {"video": video, "start_s": start, "end_s": end, "kind": kind, "emotion": emotion}


# Anvil -------------------------------------------------------------------------------------------------------------


def _rows_of_anvil(raw: bytes, name: str) -> Iterator[Cells]:
    """The elements of the tracks of an Anvil file.

    Raises:
        DataError: it is damaged.
    """
    tree = read_bounded_xml(raw, PurePath(name), "annotation", "Anvil")
    medium = tree.find("head/video")
    source = "" if medium is None else medium.get("src", "")
    tiers = []
    for track in tree.iter("track"):
        intervals: list[Interval] = []
        for element in track.iter("el"):
            words = [(attribute.text or "").strip() for attribute in element.iter("attribute")]
            try:
                times = (float(element.attrib["start"]), float(element.attrib["end"]))
            except (KeyError, ValueError):
                where = f"an element of track {track.get('name')!r}"
                raise DataError(f"{where} has no start and end in seconds: save it again in Anvil") from None
            intervals.append((*times, next(filter(None, words), "")))
        tiers.append((track.get("name", "").rpartition(".")[2], intervals))
    return _rows_of_tiers([tier for tier in tiers if tier[1]], _stem(source or name), "a file of Anvil")
