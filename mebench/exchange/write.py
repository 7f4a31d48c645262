"""Write predictions in the formats of other programs."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.core.types import number_at
from mebench.errors import DataError, check_known, refused_by_system
from mebench.exchange.eaf import EMOTION, Mark, Tier, write_eaf
from mebench.exchange.join import NO_DATASET
from mebench.exchange.megc import Entry, log_lines
from mebench.exchange.text_table import Remarks
from mebench.exchange.values import IDS
from mebench.metrics import Tables, match, named, of_first_draw

Row = Sequence[object]
EAF = "eaf"
TIMED = (EAF, "activitynet", "thumos")
"""Formats with times, which count from the first frame of a video, whatever the number of its file."""
NUMBERING = ["first", "numbers"]
"""Columns of the table of videos: how the dataset's files are numbered (`Video`)."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(cell: object) -> object:
    """A cell that no spreadsheet runs as a formula: text that begins like one gets a leading `'`.

    Numbers stay unchanged, also negative ones. Reading removes one `'`, so the text survives a round trip.

    >>> guarded("=1+1"), guarded("EP02"), guarded(-5), guarded("'=x")
    ("'=1+1", 'EP02', -5, "''=x")
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def write_rows(path: Path, header: Sequence[str], rows: Iterator[Row]) -> None:
    """A comma-separated file in UTF-8.

    Raises:
        DataError: it cannot be written.
    """
    with refused_by_system(f"{path} cannot be written"), path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([guarded(cell) for cell in row] for row in rows)


def write_predictions(path: Path, form: str, tables: Tables, remarks: Remarks, kinds: Sequence[str] = ()) -> None:
    """Write spotted intervals.

    If the table of videos has the columns `first` and `numbers` (`Video`), frames get the numbers of the dataset's
    files, else the numbers in the tables.

    Args:
        path: the file; an existing one is replaced.
        form: `csv` (everything that is known), `strs` (the files of the STRS metric and of MEGC 2024 and 2025),
            `megc2023` (the submission file of MEGC 2022 and 2023), `activitynet` (the results of temporal action
            detection, as OpenTAD writes and reads them too, in seconds), `thumos` (the same as text, one line for each
            interval), `jsonl` (one line for each interval, in frames), `megc2020` (its log, matched under the
            convention `strict`), `eaf` (for ELAN: a file for each video, in the folder `path`).
        tables: predictions, and the truth for `megc2020`. For a method that predicts by chance, the first draw is
            written.
        remarks: gets what the format cannot hold.
        kinds: the kinds that were spotted, in every video unless the table of videos says where (`processed`); in
            `csv`, a video without an interval of a kind has a row without an interval.

    Raises:
        ConfigError: there is no such format.
        DataError: there are no intervals; the file cannot be written, or gives one name to two videos of the run.
    """
    check_known("format", form, [*FORMATS, EAF])
    if tables.predictions is None:
        raise DataError("the run has no spotted intervals, and only intervals can be written")
    spotted = tables.predictions
    if (spotted["draw"] > 0).any():
        remarks.warn("the method predicts by chance: only its first draw is written")
        spotted = spotted[spotted["draw"] == 0]
    if form == "csv":
        spotted_pairs, videos = set(zip(spotted["video"], spotted["kind"])), tables.videos["video"]
        looked_at = tables.videos["processed"] if "processed" in tables.videos else [kinds] * len(videos)
        pairs = [(video, kind) for video, some in zip(videos, looked_at) for kind in kinds if kind in some]
        silent = pd.DataFrame([pair for pair in pairs if pair not in spotted_pairs], columns=["video", "kind"])
        spotted = pd.concat([spotted, silent], ignore_index=True) if len(silent) else spotted
    if form == EAF:
        _write_eaf(path, spotted, tables, remarks, kinds)
    else:
        FORMATS[form](path, _numbered(spotted, tables), tables, remarks)


def write_truth(path: Path, tables: Tables, form: str = "csv") -> None:
    """Write the annotated intervals for `mebench score --truth`, with frames as in `write_predictions`.

    A video without any has a row without an interval. In the form `activitynet` the file is a ground truth of temporal
    action detection.

    Raises:
        DataError: the file cannot be written.
    """
    videos = tables.videos[["video", "fps", "n_frames"]]
    if form == "activitynet":
        by_video = _in_seconds(_numbered(tables.truths, tables), tables, path, Remarks())
        lengths = zip(by_video.items(), tables.videos["fps"].astype(float), tables.videos["n_frames"].astype(float))
        database = {
            vid: {
                "subset": "test",
                "fps": fps,
                **({} if np.isnan(frames) else {"frame": int(frames), "duration": frames / fps}),
                "annotations": annotations,
            }
            for (vid, annotations), fps, frames in lengths
        }
        _write_text(path, json.dumps({"version": "1.3", "database": database}, indent=1) + "\n")
        return
    rows = _named(_numbered(tables.truths, tables).merge(videos, on="video", how="right"), tables)
    _write_table(path, rows, [*IDS, "kind", "onset", "apex", "offset", "emotion", "fps", "n_frames"])


_ENDS = ("video", "onset", "offset")
_CSV = ("kind", "onset", "apex", "offset", "confidence", "emotion")


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
        frames = zip(table["video"], table[name])
        cells = [None if pd.isna(frame) else number_at(int(frame), *numbering[video]) for video, frame in frames]
        columns[name] = pd.Series(cells, index=table.index, dtype="Int64")
    return table.assign(**columns)


def _write_table(path: Path, rows: pd.DataFrame, columns: list[str]) -> None:
    """Write some columns, without an unnamed dataset and without empty columns."""
    if set(rows["dataset"]) <= {NO_DATASET}:
        columns.remove("dataset")
    for name in {"confidence", "emotion", "fps", "n_frames"} & set(columns):
        if rows[name].isna().all() or (rows[name] == "").all():
            columns.remove(name)
    write_rows(path, columns, _rows(rows, columns))


def _write_strs(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks) -> None:
    micro = _named(spotted[spotted["kind"] == "micro"], tables)
    if len(micro) < len(spotted):
        remarks.warn(f"the format has no kind: {len(spotted) - len(micro)} macro-expressions are left out")
    columns = ["subject", "video", "onset", "offset", "emotion"]
    parts = _parts(tables)
    ways = {
        "": [f"{subject}/{video}" for _, subject, video in parts],
        "<dataset>_<subject>": [f"{dataset}_{subject}/{video}" for dataset, subject, video in parts],
    }
    way, _ = _distinct_names(ways, path, remarks, "people", "the column subject holds")
    if way:
        micro = micro.assign(subject=micro["dataset"] + "_" + micro["subject"])
    write_rows(path, columns, _rows(micro, columns))


def _vids(tables: Tables, path: Path, remarks: Remarks) -> dict[str, str]:
    """The single name of each video, for a format without subjects, by its key."""
    parts = _parts(tables)
    ways = {
        "": [video for _, _, video in parts],
        "<subject>_<video>": [f"{subject}_{video}" for _, subject, video in parts],
        "<dataset>_<subject>_<video>": ["_".join(part) for part in parts],
    }
    _, vids = _distinct_names(ways, path, remarks, "videos", "the column vid holds")
    return dict(zip(tables.videos["video"], vids))


def _write_megc2023(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks) -> None:
    vids, kinds = _vids(tables, path, remarks), {"micro": "me", "macro": "mae"}
    short = spotted.assign(vid=spotted["video"].map(vids), type=spotted["kind"].map(kinds))
    write_rows(path, ["vid", "pred_onset", "pred_offset", "type"], _rows(short, ["vid", "onset", "offset", "type"]))


def _in_seconds(rows: pd.DataFrame, tables: Tables, path: Path, remarks: Remarks) -> dict[str, list[dict[str, Any]]]:
    """The intervals of each video, by name, in seconds as in temporal action detection: frame number divided by frame
    rate.
    """
    unknown_rate = tables.videos["video"][tables.videos["fps"].isna()]
    if len(unknown_rate):
        raise DataError(
            f"the frame rate of {unknown_rate.iloc[0]} is unknown, and the format counts seconds: choose the format csv, or give --fps N"
        )
    vids = _vids(tables, path, remarks)
    rate_of = dict(zip(vids, tables.videos["fps"].astype(float)))
    annotations: dict[str, list[dict[str, Any]]] = {vid: [] for vid in vids.values()}
    sure = rows["confidence"] if "confidence" in rows else [np.nan] * len(rows)
    for key, kind, *ends, score in zip(*(rows[name] for name in ("video", "kind", "onset", "offset")), sure):
        about = {} if pd.isna(score) else {"score": float(score)}
        annotations[vids[key]].append({"segment": [int(end) / rate_of[key] for end in ends], "label": kind, **about})
    return annotations


def _write_text(path: Path, text: str) -> None:
    with refused_by_system(f"{path} cannot be written"):
        path.write_text(text, encoding="utf-8")


def _write_activitynet(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks) -> None:
    results = _in_seconds(spotted, tables, path, remarks)
    _write_text(path, json.dumps({"version": "1.3", "results": results, "external_data": {}}, indent=1) + "\n")


def _write_thumos(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks) -> None:
    results = _in_seconds(spotted, tables, path, remarks)
    lines = (
        f"{'_'.join(vid.split())} {item['segment'][0]:.6f} {item['segment'][1]:.6f} {item['label']} {item.get('score', 'nan')}\n"
        for vid, intervals in results.items()
        for item in intervals
    )
    _write_text(path, "video t-start t-end label score\n" + "".join(lines))


def _write_jsonl(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks) -> None:
    every = _named(spotted, tables)
    columns = [*IDS[set(every["dataset"]) <= {NO_DATASET} :], *_CSV]
    rows = ({name: cell for name, cell in zip(columns, row) if cell != ""} for row in _rows(every, columns))
    _write_text(path, "".join(json.dumps(row, default=lambda number: number.item()) + "\n" for row in rows))


def _write_megc2020(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks) -> None:
    """The log, videos in the order of the table of videos."""
    ordered = of_first_draw(tables).ordered()
    spotted = ordered.spotted
    matched = match(ordered.truths, spotted, named("strict")).tolist()
    true, predicted = (
        [(str(video), (int(onset), int(offset))) for video, onset, offset in zip(*(rows[name] for name in _ENDS))]
        for rows in (_numbered(ordered.truths, tables), _numbered(spotted, tables))
    )
    pairs: dict[str, list[tuple[tuple[int, int] | None, tuple[int, int] | None]]] = {
        key: [] for key in tables.videos["video"]
    }
    for (key, ends), row in zip(predicted, matched):
        pairs[key].append((true[row][1] if row >= 0 else None, ends))
    for row in sorted({*range(len(true))} - {*matched}):
        pairs[true[row][0]].append((true[row][1], None))
    entries = []
    for (dataset, subject, video), matches in zip(_parts(tables), pairs.values()):
        # The names of SAMM Long Videos already contain the subject.
        full = "_".join((video if video.startswith(f"{subject}_") else f"{subject}_{video}").split())
        entries += [Entry(dataset, full, *pair) for pair in matches]
    _write_text(path, "\n".join(log_lines(entries)) + "\n")


def _distinct_names(
    ways: Mapping[str, list[str]], path: Path, remarks: Remarks, what: str, where: str
) -> tuple[str, list[str]]:
    """The first way of naming the videos that gives no two of them one name, and their names.

    Args:
        ways: the names by the pattern that they follow, empty for the usual one; another one is remarked.
        path: the file, for sentences.
        remarks: gets the other pattern.
        what: has one name several times: `people` or `videos`.
        where: the names stand, in words.

    Raises:
        DataError: there is none.
    """
    for way, names in ways.items():
        if len(set(names)) == len(names):
            if way:
                whose = "datasets" if "dataset" in way else "subjects"
                remarks.warn(f"{what} of different {whose} have one name: {where} {way}")
            return way, names
    twice = next(name for name in names if names.count(name) > 1)
    raise DataError(
        f"two videos of the run would both be called {twice} in {path}: choose the format csv, which distinguishes them"
    )


def _write_eaf(path: Path, spotted: pd.DataFrame, tables: Tables, remarks: Remarks, kinds: Sequence[str]) -> None:
    """A file `<subject>_<video>.eaf` for each video, with a tier for each spotted kind and a tier of emotions."""
    if (silent := tables.videos["fps"].isna()).any():
        raise DataError(
            f"the frame rate of {tables.videos['video'][silent].iloc[0]} is unknown, and ELAN counts time: choose the format csv"
        )
    parts = _parts(tables)
    names = [v if v.startswith(f"{s}_") or v == s else f"{s}_{v}" for _, s, v in parts]
    ways = {"": names, "<dataset>_<subject>_<video>.eaf": [f"{part[0]}_{name}" for part, name in zip(parts, names)]}
    plain = {way: [re.sub(r"[^\w.=+()@-]", "_", name) for name in every] for way, every in ways.items()}
    _, files = _distinct_names(plain, path, remarks, "videos", "the files are called")
    with refused_by_system(f"{path} must be a folder to write .eaf files into"):
        path.mkdir(parents=True, exist_ok=True)
    by_video = dict(list(spotted.groupby("video", sort=False)))
    for key, file, rate in zip(tables.videos["video"], files, tables.videos["fps"].astype(float)):
        intervals = by_video.get(key, spotted[:0])
        marks: dict[str, list[Mark]] = {kind: [] for kind in kinds or ("micro",)}
        for kind, onset, offset, sure, emotion in zip(
            *(intervals[name] for name in ("kind", "onset", "offset", "confidence", "emotion"))
        ):
            begin, end = (round(1000 * max(frame, 0) / rate) for frame in (onset, offset + 1))
            marks.setdefault(kind, []).append(Mark(begin, end, "" if pd.isna(sure) else f"{sure:.6g}"))
            if isinstance(emotion, str) and emotion:
                marks.setdefault(EMOTION, []).append(Mark(begin, end, emotion))
        tiers = [Tier(kind, tuple(some), "mebench") for kind, some in marks.items()]
        write_eaf(path / f"{file}.eaf", None, rate, tiers)


FORMATS: dict[str, Callable[[Path, pd.DataFrame, Tables, Remarks], None]] = {
    "csv": lambda path, rows, tables, remarks: _write_table(path, _named(rows, tables), [*IDS, *_CSV]),
    "strs": _write_strs,
    "megc2020": _write_megc2020,
    "megc2023": _write_megc2023,
    "activitynet": _write_activitynet,
    "thumos": _write_thumos,
    "jsonl": _write_jsonl,
}


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[Row]:
    text = [table[name].astype(object).where(table[name].notna(), "").tolist() for name in columns]
    for row in zip(*text):
        yield [
            int(cell) if isinstance(cell, float) and cell.is_integer() and name != "confidence" else cell
            for name, cell in zip(columns, row)
        ]


def _named(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """The table with dataset, subject and video as the files name them."""
    names = dict(zip(tables.videos["video"], _parts(tables)))
    parts = [names[key] for key in table["video"]]
    return table.assign(**{name: [part[place] for part in parts] for place, name in enumerate(IDS)})


def _parts(tables: Tables) -> list[tuple[str, str, str]]:
    """Dataset, subject and video of each key `dataset/subject/video`, as the files name them, with any characters."""
    rows = zip(*(tables.videos[name].tolist() for name in ("video", "subject", "dataset")))
    return [(dataset, subject[len(dataset) + 1 :], key[len(subject) + 1 :]) for key, subject, dataset in rows]
