"""Write predictions in the formats of other programs.

A new format is one more entry in `FORMATS`: help, `export` and the documentation take it from there.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mebench.core.types import number_at
from mebench.errors import DataError, check_known, refused_by_system
from mebench.exchange.eaf import MS_PER_SECOND, Mark, Tier, write_eaf
from mebench.exchange.megc import Entry, log_lines
from mebench.exchange.text_table import Remarks
from mebench.exchange.tier_names import EMOTION
from mebench.exchange.values import IDS, NO_DATASET
from mebench.files import whole_file, write_text
from mebench.lazy_imports import lazy_imports, load_lazily

with lazy_imports():
    from mebench.metrics import conventions, matching, tables as metric_tables

if TYPE_CHECKING:
    import pandas as pd

    from mebench.metrics.tables import Tables
else:
    pd = load_lazily("pandas")

WrittenRow = Sequence[object]
NUMBERING = ["first", "numbers"]
"""Columns of the table of videos: how the dataset's files are numbered (`Video`)."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guard_formula(cell: object) -> object:
    """A cell that no spreadsheet runs as a formula: text that begins like one gets a leading `'`.

    Numbers stay unchanged, also negative ones. Reading removes one `'`, so the text survives a round trip.

    >>> guard_formula("=1+1"), guard_formula("EP02"), guard_formula(-5), guard_formula("'=x")
    ("'=1+1", 'EP02', -5, "''=x")
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def write_rows(path: Path, header: Sequence[str], rows: Iterator[WrittenRow]) -> None:
    """A comma-separated file in UTF-8.

    Raises:
        DataError: it cannot be written.
    """
    with (
        refused_by_system(f"{path} cannot be written"),
        whole_file(path) as writing,
        writing.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([guard_formula(cell) for cell in row] for row in rows)


@dataclass(frozen=True)
class Export:
    """Spotted intervals on their way into a file.

    Attributes:
        path: the file, or the folder of a format with a file for each video.
        intervals: the spotted ones of a single draw, in positions from 0.
        tables: those of the run, with the truth where it is known.
        kinds: the spotted kinds.
        remarks: list that gets what the format cannot hold.
    """

    path: Path
    intervals: pd.DataFrame
    tables: Tables
    kinds: Sequence[str]
    remarks: Remarks

    @property
    def numbered(self) -> pd.DataFrame:
        """The intervals with the frame numbers of the dataset's files, if the videos have them."""
        return _numbered(self.intervals, self.tables)


@dataclass(frozen=True)
class Format:
    """A format of predictions.

    Attributes:
        summary: contents of a file, for the documentation.
        write: function that writes the file.
        counts_time: True if it holds times, which count from the first frame of a video, whatever the number of its file.
        needs_truth: True if it pairs the intervals with true ones.
        writes_folder: True if it is a folder with a file for each video.
        read_as: kind of file as which `--format` reads it; empty where its files are known by themselves.
    """

    summary: str
    write: Callable[[Export], None]
    counts_time: bool = False
    needs_truth: bool = False
    writes_folder: bool = False
    read_as: Literal["", "table", "log"] = ""


def write_predictions(path: Path, form: str, tables: Tables, remarks: Remarks, kinds: Sequence[str] = ()) -> None:
    """Write spotted intervals.

    If the table of videos has the columns `first` and `numbers` (`Video`), frames get the numbers of the dataset's
    files, else the numbers in the tables.

    Args:
        path: the file or folder; an existing file is replaced.
        form: name of a format in `FORMATS`.
        tables: predictions, and the truth for a format that needs it. For a method that predicts by chance, the first
            draw is written.
        remarks: list that gets what the format cannot hold.
        kinds: the kinds that were spotted, in every video unless the table of videos says where (`processed`); in
            `csv`, a video without an interval of a kind has a row without an interval.

    Raises:
        ConfigError: there is no such format.
        DataError: there are no intervals; the file cannot be written, or gives one name to two videos of the run.
    """
    check_known("format", form, FORMATS)
    if tables.predictions is None:
        raise DataError("the run has no spotted intervals, and only intervals can be written")
    spotted = tables.predictions
    if (spotted["draw"] > 0).any():
        remarks.warn("the method predicts by chance: only its first draw is written")
        spotted = spotted[spotted["draw"] == 0]
    FORMATS[form].write(Export(path, spotted, tables, kinds, remarks))


def counts_time(form: str) -> bool:
    """Whether a format counts time; False for an unknown one.

    >>> counts_time("thumos"), counts_time("csv")
    (True, False)
    """
    return form in FORMATS and FORMATS[form].counts_time


def formats_without_truth() -> list[str]:
    """The formats of predictions in videos without annotations."""
    return [name for name, form in FORMATS.items() if not form.needs_truth]


def folder_formats() -> list[str]:
    """The formats that are a folder with a file for each video."""
    return [name for name, form in FORMATS.items() if form.writes_folder]


AUTO = "auto"
"""The name for a format that the file itself tells."""


def read_formats() -> list[str]:
    """The formats of predictions that may be named for reading."""
    return [AUTO, *(name for name, form in FORMATS.items() if form.read_as)]


def reads_log(form: str) -> bool | None:
    """Whether a named format is a log rather than a table; None if the file itself tells.

    >>> reads_log("csv"), reads_log("megc2020"), reads_log("auto")
    (False, True, None)
    """
    return None if form == AUTO else FORMATS[form].read_as == "log"


def write_truth(path: Path, tables: Tables, form: str = "csv") -> None:
    """Write the annotated intervals for `mebench score --truth`, with frames as in `write_predictions`.

    A video without any has a row without an interval. In the form `activitynet` the file is a ground truth of temporal
    action detection.

    Raises:
        DataError: the file cannot be written.
    """
    truths = _numbered(tables.truths, tables)
    if form == "activitynet":
        _write_activitynet_truth(path, truths, tables)
        return
    videos = tables.videos[["video", "fps", "n_frames"]]
    rows = _named(truths.merge(videos, on="video", how="right"), tables)
    _write_table(path, rows, [*IDS, "kind", "onset", "apex", "offset", "emotion", "fps", "n_frames"])


def _write_activitynet_truth(path: Path, truths: pd.DataFrame, tables: Tables) -> None:
    """Write a ground truth of temporal action detection."""
    by_video = _in_seconds(truths, tables, path, Remarks())
    rates = tables.videos["fps"].astype(float)
    lengths = tables.videos["n_frames"].astype(float)
    database: dict[str, dict[str, Any]] = {}
    for (vid, intervals), fps, n_frames in zip(by_video.items(), rates, lengths):
        known_length = {} if np.isnan(n_frames) else {"frame": int(n_frames), "duration": n_frames / fps}
        database[vid] = {"subset": "test", "fps": fps, **known_length, "annotations": intervals}
    _write_text(path, json.dumps({"version": "1.3", "database": database}, indent=1) + "\n")


_COLUMNS = ("kind", "onset", "apex", "offset", "confidence", "emotion")


def _numbered(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """The table with the frame numbers of the dataset's files, if the videos have them."""
    if "first" not in tables.videos:
        return table
    numbering = {
        video: (int(first), numbers)
        for video, first, numbers in tables.videos[["video", *NUMBERING]].itertuples(index=False)
    }
    columns = {}
    for name in ("onset", "apex", "offset"):
        cells: list[int | None] = []
        for video, frame in zip(table["video"], table[name]):
            cells.append(None if pd.isna(frame) else number_at(int(frame), *numbering[video]))
        columns[name] = pd.Series(cells, index=table.index, dtype="Int64")
    return table.assign(**columns)


def _write_table(path: Path, rows: pd.DataFrame, columns: Sequence[str]) -> None:
    """Write some columns, without an unnamed dataset and without empty columns."""
    kept = []
    for name in columns:
        may_be_left_out = name in ("confidence", "emotion", "fps", "n_frames")
        if name == "dataset" and _is_unnamed(rows["dataset"]):
            continue
        if may_be_left_out and (rows[name].isna().all() or (rows[name] == "").all()):
            continue
        kept.append(name)
    write_rows(path, kept, _rows(rows, kept))


def _is_unnamed(datasets: pd.Series[str]) -> bool:
    """Whether the files name no dataset."""
    return set(datasets) <= {NO_DATASET}


def _write_csv(export: Export) -> None:
    """Write all that is known; a video without an interval of a kind has a row without an interval."""
    rows = _numbered(_with_silent_videos(export), export.tables)
    _write_table(export.path, _named(rows, export.tables), [*IDS, *_COLUMNS])


def _with_silent_videos(export: Export) -> pd.DataFrame:
    """The intervals, and a row for each kind that a video lacks."""
    spotted = export.intervals
    videos = export.tables.videos
    keys = videos["video"]
    kinds_of_videos = videos["processed"] if "processed" in videos else [export.kinds] * len(keys)
    found = set(zip(spotted["video"], spotted["kind"]))
    silent = []
    for video, processed in zip(keys, kinds_of_videos):
        silent += [(video, kind) for kind in export.kinds if kind in processed and (video, kind) not in found]
    if not silent:
        return spotted
    return pd.concat([spotted, pd.DataFrame(silent, columns=["video", "kind"])], ignore_index=True)


def _write_strs(export: Export) -> None:
    """Write the micro-expressions, with the subject beside the video."""
    spotted = export.numbered
    micro = _named(spotted[spotted["kind"] == "micro"], export.tables)
    if len(micro) < len(spotted):
        n_macro = len(spotted) - len(micro)
        export.remarks.warn(f"the format has no kind: {n_macro} macro-expressions are left out")
    ids = _ids(export.tables)
    namings = {
        "": [f"{subject}/{video}" for _, subject, video in ids],
        "<dataset>_<subject>": [f"{dataset}_{subject}/{video}" for dataset, subject, video in ids],
    }
    pattern, _ = _distinct_names(namings, export.path, export.remarks, "people", "the column subject holds")
    if pattern:
        micro = micro.assign(subject=micro["dataset"] + "_" + micro["subject"])
    columns = ["subject", "video", "onset", "offset", "emotion"]
    write_rows(export.path, columns, _rows(micro, columns))


def _vids(tables: Tables, path: Path, remarks: Remarks) -> dict[str, str]:
    """The single name of each video, for a format without subjects, by its key."""
    ids = _ids(tables)
    namings = {
        "": [video for _, _, video in ids],
        "<subject>_<video>": [f"{subject}_{video}" for _, subject, video in ids],
        "<dataset>_<subject>_<video>": ["_".join(names) for names in ids],
    }
    _, vids = _distinct_names(namings, path, remarks, "videos", "the column vid holds")
    return dict(zip(tables.videos["video"], vids))


def _write_megc2023(export: Export) -> None:
    """Write the submission file of MEGC 2022 and 2023."""
    vids = _vids(export.tables, export.path, export.remarks)
    spotted = export.numbered
    rows = spotted.assign(vid=spotted["video"].map(vids), type=spotted["kind"].map({"micro": "me", "macro": "mae"}))
    header = ["vid", "pred_onset", "pred_offset", "type"]
    write_rows(export.path, header, _rows(rows, ["vid", "onset", "offset", "type"]))


def _in_seconds(rows: pd.DataFrame, tables: Tables, path: Path, remarks: Remarks) -> dict[str, list[dict[str, Any]]]:
    """The intervals of each video, by name, in seconds as in temporal action detection.

    Seconds are frame numbers divided by the frame rate. An interval ends with the time of its last
    frame, not of the frame after it as in `.eaf` files.
    """
    _refuse_unknown_rate(tables, "the format counts seconds: choose the format csv, or give --fps N")
    vids = _vids(tables, path, remarks)
    rate_of = dict(zip(vids, tables.videos["fps"].astype(float)))
    annotations: dict[str, list[dict[str, Any]]] = {vid: [] for vid in vids.values()}
    confidences = rows["confidence"] if "confidence" in rows else [np.nan] * len(rows)
    for video, kind, onset, offset, confidence in zip(
        rows["video"], rows["kind"], rows["onset"], rows["offset"], confidences
    ):
        segment = [int(frame) / rate_of[video] for frame in (onset, offset)]
        score = {} if pd.isna(confidence) else {"score": float(confidence)}
        annotations[vids[video]].append({"segment": segment, "label": kind, **score})
    return annotations


def _refuse_unknown_rate(tables: Tables, why: str) -> None:
    """Refuse videos without a frame rate."""
    unknown = tables.videos["video"][tables.videos["fps"].isna()]
    if len(unknown):
        raise DataError(f"the frame rate of {unknown.iloc[0]} is unknown, and {why}")


def _write_text(path: Path, text: str) -> None:
    """Write a text; a system's refusal becomes an error with the path."""
    with refused_by_system(f"{path} cannot be written"):
        write_text(path, text)


def _write_activitynet(export: Export) -> None:
    """Write results of temporal action detection."""
    results = _in_seconds(export.numbered, export.tables, export.path, export.remarks)
    _write_text(export.path, json.dumps({"version": "1.3", "results": results, "external_data": {}}, indent=1) + "\n")


def _write_thumos(export: Export) -> None:
    """Write a line for each interval, in seconds."""
    results = _in_seconds(export.numbered, export.tables, export.path, export.remarks)
    lines = ["video t-start t-end label score"]
    for vid, intervals in results.items():
        name = "_".join(vid.split())
        for interval in intervals:
            start, end = interval["segment"]
            lines.append(f"{name} {start:.6f} {end:.6f} {interval['label']} {interval.get('score', 'nan')}")
    _write_text(export.path, "\n".join(lines) + "\n")


def _write_jsonl(export: Export) -> None:
    """Write an object for each interval, without empty cells."""
    named = _named(export.numbered, export.tables)
    ids = [name for name in IDS if name != "dataset" or not _is_unnamed(named["dataset"])]
    columns = [*ids, *_COLUMNS]
    lines = []
    for row in _rows(named, columns):
        cells = {name: cell for name, cell in zip(columns, row) if cell != ""}
        lines.append(json.dumps(cells, default=lambda number: number.item()) + "\n")
    _write_text(export.path, "".join(lines))


def _write_megc2020(export: Export) -> None:
    """Write the log of MEGC 2020, videos in the order of the table of videos."""
    tables = export.tables
    ordered = metric_tables.of_first_draw(tables).put_in_order()
    truth_rows = matching.match_one_to_one(
        ordered.truths, ordered.spotted, conventions.find_convention("strict")
    ).tolist()
    truths = _frames_of_rows(_numbered(ordered.truths, tables))
    spotted = _frames_of_rows(_numbered(ordered.spotted, tables))
    pairs: dict[str, list[tuple[Frames | None, Frames | None]]] = {video: [] for video in tables.videos["video"]}
    for (video, frames), truth_row in zip(spotted, truth_rows):
        true_frames = truths[truth_row][1] if truth_row >= 0 else None
        pairs[video].append((true_frames, frames))
    missed = sorted(set(range(len(truths))) - set(truth_rows))
    for row in missed:
        video, frames = truths[row]
        pairs[video].append((frames, None))
    entries = []
    for (dataset, subject, video), pairs_of_video in zip(_ids(tables), pairs.values()):
        # The names of SAMM Long Videos already contain the subject.
        full = video if video.startswith(f"{subject}_") else f"{subject}_{video}"
        entries += [Entry(dataset, "_".join(full.split()), *pair) for pair in pairs_of_video]
    _write_text(export.path, "\n".join(log_lines(entries)) + "\n")


Frames = tuple[int, int]
"""Onset and offset."""


def _frames_of_rows(table: pd.DataFrame) -> list[tuple[str, Frames]]:
    """The video of each row, and its onset and offset."""
    cells = zip(table["video"], table["onset"], table["offset"])
    return [(str(video), (int(onset), int(offset))) for video, onset, offset in cells]


def _distinct_names(
    namings: Mapping[str, list[str]], path: Path, remarks: Remarks, what: str, where: str
) -> tuple[str, list[str]]:
    """The first pattern that gives each video a name of its own, and these names.

    Args:
        namings: names of the videos by their pattern, which is empty for the usual names; another one is remarked.
        path: the file, for sentences.
        remarks: list that gets the other pattern.
        what: those of whom several have one name: `people` or `videos`.
        where: place of the names, in words.

    Raises:
        DataError: there is none.
    """
    for pattern, names in namings.items():
        if len(set(names)) < len(names):
            continue
        if pattern:
            owners = "datasets" if "dataset" in pattern else "subjects"
            remarks.warn(f"{what} of different {owners} have one name: {where} {pattern}")
        return pattern, names
    twice = next(name for name in names if names.count(name) > 1)
    raise DataError(
        f"two videos of the run would both be called {twice} in {path}: choose the format csv, which distinguishes them"
    )


def _write_eaf(export: Export) -> None:
    """Write a file for each video, with tiers of kinds and emotions."""
    videos = export.tables.videos
    _refuse_unknown_rate(export.tables, "ELAN counts time: choose the format csv")
    files = names_of_files(export, ".eaf")
    with refused_by_system(f"{export.path} must be a folder to write .eaf files into"):
        export.path.mkdir(parents=True, exist_ok=True)
    by_video = dict(list(export.intervals.groupby("video", sort=False)))
    for video, file, fps in zip(videos["video"], files, videos["fps"].astype(float)):
        intervals = by_video.get(video, export.intervals[:0])
        tiers = _tiers_of(intervals, export.kinds or ("micro",), fps)
        write_eaf(export.path / f"{file}.eaf", None, fps, tiers)


def names_of_files(export: Export, ending: str) -> list[str]:
    """The name of each video's file in a format that writes a folder: `<subject>_<video>`, or `<video>` where that says the subject.

    Args:
        export: intervals to write.
        ending: the ending of the files, for a sentence; the names have none.
    """
    ids = _ids(export.tables)
    usual = []
    for _, subject, video in ids:
        says_subject = video == subject or video.startswith(f"{subject}_")
        usual.append(video if says_subject else f"{subject}_{video}")
    with_dataset = [f"{dataset}_{name}" for (dataset, _, _), name in zip(ids, usual)]
    namings = {"": usual, f"<dataset>_<subject>_<video>{ending}": with_dataset}
    safe = {pattern: [re.sub(r"[^\w.=+()@-]", "_", name) for name in names] for pattern, names in namings.items()}
    _, files = _distinct_names(safe, export.path, export.remarks, "videos", "the files are called")
    return files


def _tiers_of(intervals: pd.DataFrame, kinds: Sequence[str], fps: float) -> list[Tier]:
    """A tier for each kind, and one of emotions if there are any."""
    marks: dict[str, list[Mark]] = {kind: [] for kind in kinds}
    columns = ("kind", "onset", "offset", "confidence", "emotion")
    for kind, onset, offset, confidence, emotion in zip(*(intervals[name] for name in columns)):
        begin, end = (round(MS_PER_SECOND * max(frame, 0) / fps) for frame in (onset, offset + 1))
        text = "" if pd.isna(confidence) else f"{confidence:.6g}"
        marks.setdefault(kind, []).append(Mark(begin, end, text))
        if isinstance(emotion, str) and emotion:
            marks.setdefault(EMOTION, []).append(Mark(begin, end, emotion))
    return [Tier(name, tuple(marks_of_tier), "mebench") for name, marks_of_tier in marks.items()]


FORMATS = {
    "csv": Format("all that is known, one row for each interval", _write_csv, read_as="table"),
    "strs": Format("the files of the STRS metric and of MEGC 2024 and 2025", _write_strs, read_as="table"),
    "megc2020": Format(
        "the log of MEGC 2020: intervals beside true ones, matched under the convention `strict`",
        _write_megc2020,
        needs_truth=True,
        read_as="log",
    ),
    "megc2023": Format("the submission file of MEGC 2022 and 2023", _write_megc2023, read_as="table"),
    "activitynet": Format(
        "results of temporal action detection in seconds, as OpenTAD writes and reads them too; with `--truth` also the ground truth",
        _write_activitynet,
        counts_time=True,
    ),
    "thumos": Format("the same as text, one line for each interval", _write_thumos, counts_time=True),
    "jsonl": Format("an object for each interval, in frames", _write_jsonl),
    "eaf": Format("for ELAN: a folder with a file for each video", _write_eaf, counts_time=True, writes_folder=True),
}
"""The formats of predictions by name."""


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[WrittenRow]:
    """The cells of some columns, row by row: an empty one for a gap, and whole numbers without a point."""
    columns_of_cells: list[list[Any]] = []
    for name in columns:
        cells = table[name].astype(object).where(table[name].notna(), "").tolist()
        columns_of_cells.append(cells if name == "confidence" else [*map(_without_point, cells)])
    for row in zip(*columns_of_cells):
        yield list(row)


def _without_point(cell: Any) -> Any:
    """A whole number as an integer; other cells unchanged."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _named(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """The table with dataset, subject and video as the files name them."""
    ids_of_video = dict(zip(tables.videos["video"], _ids(tables)))
    ids = [ids_of_video[key] for key in table["video"]]
    return table.assign(**{column: [names[position] for names in ids] for position, column in enumerate(IDS)})


def _ids(tables: Tables) -> list[tuple[str, str, str]]:
    """Dataset, subject and video of each key, as the files name them.

    A key is `dataset/subject/video`; the names may hold any characters, such as `/`.
    """
    rows = zip(*(tables.videos[name].tolist() for name in ("video", "subject", "dataset")))
    return [(dataset, subject[len(dataset) + 1 :], key[len(subject) + 1 :]) for key, subject, dataset in rows]
