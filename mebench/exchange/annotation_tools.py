"""Exports of annotation tools other than ELAN: BORIS, Label Studio, VIA, Praat and Anvil.

Each becomes a table with the columns `video`, `start_s` and `end_s` (or frames) and what else it holds; the frame rate is that of the
export, else the user's. An export that cannot be read names the tool and the export that can.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
        return _sheet(name, tool, _rows_of_textgrid(_text_of_textgrid(raw, name), name))
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
            read = _rows_of_textgrid(_text_of_textgrid(raw, file.name), file.name) if tool_of(raw) == "Praat" else None
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
    if head.startswith((b'File type = "ooTextFile', b'"ooTextFile', b"ooBinaryFile")):
        return "Praat"
    if head.startswith((b"<?xml", b"<annotation")) and b"<annotation>" in head and b"<body" in raw:
        return "Anvil"
    if head.startswith(_BEGINNINGS_OF_VIA) or b"# CSV_HEADER" in head:
        return "VIA"
    if head.startswith(b"{") and b'"fid_list"' in raw and b'"project"' in raw:
        return "VIA"
    if head.startswith((b"Observation id", b'"Observation id"', b"Observations,", b"Observations\t")):
        return "BORIS"
    if head.startswith(b"{") and b'"behaviors_conf"' in raw:
        return "BORIS"
    has_results = (b'"annotations"' in raw or b'"predictions"' in raw) and b'"result"' in raw
    is_json = head.startswith((b"[", b"{")) and b'"data"' in raw and has_results
    is_other_export = b'timelinelabels"' in raw and head.startswith((b"[", b"annotation_id,"))
    return "Label Studio" if is_json or is_other_export else None


_BEGINNINGS_OF_VIA = (
    b"# Exported using VGG Image Annotator",
    b"filename,file_size,file_attributes,region_count",
    b"metadata_id,file_list,",
)


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
    if text.lstrip().startswith("{"):
        raise DataError(f"a project of BORIS: {_BORIS_EXPORTS}")
    header = re.search(r"^Time[,;\t]", text, re.MULTILINE)
    if header:  # facts of the observation stand above the events
        text = text[header.start() :]
    first_line = text.partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    rows = [{str(name).strip(): (cell or "") for name, cell in row.items() if name} for row in reader]
    names = {name.strip() for name in reader.fieldnames or ()}
    return _rows_of_events(rows, names)


def is_header_of_boris(names: Collection[str]) -> bool:
    """Whether the first row of a workbook is that of events of BORIS."""
    return {"Observation id", "Behavior"} <= {*names}


def sheet_of_boris(sheet: Sheet) -> Sheet:
    """A sheet of a workbook that BORIS wrote, as the marks in it. Errors as in `_rows_of_events`."""
    (_, header), *below = sheet.rows
    names = [name.strip() for name in header]
    rows = [dict(zip(names, cells)) for _, cells in below]
    read = _sheet(sheet.file, "BORIS", _rows_of_events(rows, {*names}))
    return replace(read, remarks=(*sheet.remarks, *read.remarks), held=sheet.held, left_out=sheet.left_out)


def _rows_of_events(rows: Sequence[Mapping[str, str]], names: Collection[str]) -> Iterator[Cells]:
    """The state events among rows of BORIS.

    Raises:
        DataError: there are point events alone, or the columns are those of another export.
    """
    names = {*names}
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


_HEADER_OF_VIA = re.compile(r"^(?:# CSV_HEADER = )?(metadata_id,.+)$", re.MULTILINE)
_ENDS_OF_VIA = ("temporal_segment_start", "temporal_segment_end")
"""Columns of an export of temporal segments alone."""


def _rows_of_via(text: str) -> Iterator[Cells]:
    """The temporal segments of VIA.

    Raises:
        DataError: the export has no temporal segments, or a cell is damaged.
    """
    named = _HEADER_OF_VIA.search(text)
    names = [name.strip() for name in named[1].split(",")] if named else []
    has_segments = "temporal_coordinates" in names or {*_ENDS_OF_VIA} <= {*names}
    if not has_segments:
        raise DataError(
            "a file of VIA without temporal segments, or a project: export the annotations of VIA's video annotator as CSV"
        )
    options = _options_of_via(text)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "metadata_id,"))]
    for number, cells in enumerate(csv.reader(lines), 1):
        row = dict(zip(names, cells))
        try:
            files, times, facts = (json.loads(cell) for cell in (row["file_list"], _times_of_via(row), row["metadata"]))
        except (KeyError, ValueError):
            raise DataError(f"segment {number} of VIA's export is damaged: export it again") from None
        if not isinstance(times, list) or len(times) != 2 or not isinstance(files, list) or not files:
            continue  # a region of one image
        marked = facts if isinstance(facts, dict) else {}
        words = [options.get((attribute, str(value)), str(value)) for attribute, value in marked.items()]
        yield {
            "video": _stem(str(files[0])),
            "start_s": times[0],
            "end_s": times[1],
            "emotion": next(iter(words), ""),
        }


def _times_of_via(row: Mapping[str, str]) -> str:
    """Start and end of a segment, as a list in JSON."""
    if "temporal_coordinates" in row:
        return row["temporal_coordinates"]
    return f"[{row[_ENDS_OF_VIA[0]]}, {row[_ENDS_OF_VIA[1]]}]"


def _options_of_via(text: str) -> dict[tuple[str, str], str]:
    """The word of each option of an attribute, by the numbers of both: a segment marks the number."""
    line = re.search(r"^# ATTRIBUTES? = (.+)$", text, re.MULTILINE)
    try:
        attributes = json.loads(line[1]) if line else {}
    except ValueError:
        return {}
    words: dict[tuple[str, str], str] = {}
    for number, attribute in attributes.items() if isinstance(attributes, dict) else ():
        options = attribute.get("options") if isinstance(attribute, dict) else None
        if isinstance(options, dict) and attribute.get("type") != _TEXT_OF_VIA:
            words |= {(number, option): str(word) for option, word in options.items()}
    return words


_TEXT_OF_VIA = 1
"""The type of an attribute whose values are free text."""


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
    if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
        return False
    return any(isinstance(task.get(name), list) for name in ("annotations", "predictions"))


def _rows_of_task(task: Cells) -> Iterator[Cells]:
    """The ranges of a task, those of each coder; a row without an interval if there are none."""
    media = [
        str(cell) for cell in task["data"].values() if isinstance(cell, str) and re.search(r"\.\w{2,4}(?:\?|$)", cell)
    ]
    video = _stem(media[0].partition("?")[0]) if media else str(task.get("id", ""))
    done = [one for one in task.get("annotations") or () if isinstance(one, Mapping) and not one.get("was_cancelled")]
    predicted = [one for one in task.get("predictions") or () if isinstance(one, Mapping)]
    found = False
    # Of several coders, or of coders beside a model, the user decides who counts.
    are_several = len(done) > 1 or (bool(done) and bool(predicted))
    for one in (*done, *predicted):
        of_coder = {"coder": _coder_of(one)} if are_several else {}
        for result in one.get("result") or ():
            for interval in _intervals_of_result(result):
                found = True
                yield {"video": video, **interval, **of_coder}
    if not found:
        yield {"video": video}


def _coder_of(annotation: Cells) -> str:
    """Who made an annotation: the number of a coder, or the version of a model."""
    coder = annotation.get("completed_by")
    if isinstance(coder, Mapping):
        coder = coder.get("email") or coder.get("id")
    return str(coder or annotation.get("model_version") or "model")


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


def _text_of_textgrid(raw: bytes, name: str) -> str:
    """The text of a TextGrid.

    Raises:
        DataError: it is saved as a binary file.
    """
    if raw.startswith(b"ooBinaryFile"):
        raise DataError("a binary file of Praat: save the TextGrid as a text file (Save as text file…)")
    return _text_of(raw, name)


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
