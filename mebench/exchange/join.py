"""Predictions and truth from two files, as the tables that scoring reads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mebench.annotations.names import KINDS
from mebench.annotations.sheets import DATE
from mebench.errors import ConfigError, DataError, list_first, nearest_name
from mebench.exchange.choices import NO_CHOICES, Choices
from mebench.exchange.text_table import Remarks, at_lines
from mebench.exchange.values import NO_DATASET, IntervalFile, emotion_of
from mebench.grouping import group_by
from mebench.metrics.ratios import Floats
from mebench.metrics.tables import RowGroups, Tables, group_rows
from mebench.output.terminal import format_count


def classes_of(requested: str | None, tables: Tables, remarks: Remarks) -> list[str]:
    """The classes to score.

    Args:
        requested: as the command line names them, separated by commas; None takes every emotion in the truth.
        tables: `truths` and `predictions` with `line` and `emotion` (lower case, may be empty).
        remarks: gets the labels outside the classes. A truth with such a label counts for spotting only; a prediction
            with one is wrong if its truth has a class.

    Raises:
        ConfigError: a class is named twice or not at all, or the truth has emotions and none of the classes.
    """
    classes = named_classes(requested, tables.truths["emotion"].unique(), remarks)
    if not classes:
        return classes
    for label, rows in _rows_of_other_labels(tables.truths, classes):
        what = f"labelled {label!r}, which is not among the classes" if label else "without an emotion"
        remarks.warn(
            f"truth: {format_count(len(rows), 'annotation')} {what} ({at_lines(rows['line'])}), scored in spotting, not in analysis"
        )
    names_emotions = (tables.spotted["emotion"] != "").any()
    for label, rows in _rows_of_other_labels(tables.spotted, classes) if names_emotions else ():
        other = f"of emotion {label!r}, which is not among the classes{suggest_name(str(label), classes)}"
        remarks.warn(
            f"predictions: {format_count(len(rows), 'interval')} {other if label else 'of no emotion'} "
            f"({at_lines(rows['line'])}), wrong in analysis if they find an expression of a class"
        )
    return classes


def _rows_of_other_labels(table: pd.DataFrame, classes: Sequence[str]) -> Iterable[tuple[Any, pd.DataFrame]]:
    """Each label outside the classes, sorted, and the rows that have it."""
    is_other = ~table["emotion"].isin(classes)
    return table[is_other].groupby("emotion") if is_other.any() else ()


def named_classes(requested: str | None, labels: Iterable[str], remarks: Remarks) -> list[str]:
    """The requested classes, else the classes of the truth.

    Args:
        requested: as the command line names them.
        labels: labels of the truth, may be empty.
        remarks: gets the classes that no truth has.

    Raises:
        ConfigError: a class is named twice or not at all, or the truth has emotions and none of the classes.
    """
    true = sorted(set(labels) - {""})
    classes = true if requested is None else [emotion_of(name) for name in requested.split(",")]
    if "" in classes or len(set(classes)) < len(classes):
        raise ConfigError(f"--classes must name different emotions, separated by commas, not {requested!r}")
    if requested is not None and true and not set(true) & set(classes):
        raise ConfigError(f"--classes names none of the emotions in the truth, which are {', '.join(true)}")
    for name in classes:
        if name not in true:
            remarks.warn(f"--classes: no truth is labelled {name!r}{suggest_name(name, true)}; the class is not scored")
    return classes


def suggest_name(name: str, known: Sequence[str]) -> str:
    """The most similar name, as a question in brackets; empty if no name is similar."""
    near = nearest_name(name, known)
    return "" if near is None else f" (is {near!r} meant?)"


_MEDIA = re.compile(r"\.(avi|mp4|mov|mkv|wmv|mpg|mpeg)$")
Id = tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Rules for reading two files and matching their rows.

    Attributes:
        fps: frames per second of every video; None takes the rate of the truth.
        strict_videos: whether predictions in a video that the truth does not name are refused.
        loose_ids: whether subjects and videos match that differ only in case, leading zeros or a prefix such as `sub`.
        choices: decisions of the user about columns and rows.
    """

    fps: float | None = None
    strict_videos: bool = False
    loose_ids: bool = False
    choices: Choices = NO_CHOICES


def join_with_truth(
    truth: IntervalFile, predictions: IntervalFile, rules: Rules, remarks: Remarks, frames: pd.DataFrame | None = None
) -> Tables:
    """Match the predictions to the videos of the truth.

    The truth's columns `dataset`, `subject` and `video` name a video. Predictions may lack the first two if the rest
    identifies the video; `<subject>_<video>`, with or without `<dataset>_` before it, also works, as do `/` and `-` in place of `_`.

    People, minutes and lengths come from the truth. A video that only the predictions name adds false positives and nothing
    else (`Tables.videos`, `in_truth`); a file that shares next to nothing with the truth is refused.

    Args:
        truth: annotations with at least one video.
        predictions: rows in the order of the file, which is kept.
        rules: rules for matching names.
        remarks: list that gets what was noticed.
        frames: frame scores from which the predictions were made (`read_frame_scores`); they tell the length of a video
            where the truth does not.

    Raises:
        DataError: the video of a prediction is ambiguous; a video has two lengths or frame rates; next to no video of the
            predictions is in the truth, or, with `strict_videos`, one is not.
    """
    videos = _videos(truth, predictions, rules, remarks)
    ids = [name for name in truth.ids if name in predictions.columns]
    key_of, alike = _keys_of_predicted_videos(truth, predictions, ids, rules, remarks)
    known = set(videos["video"])
    strangers = {full: key for full, key in key_of.items() if key not in known}
    videos["in_truth"] = True
    if strangers:
        _refuse_foreign_file(truth, predictions, [*strangers], alike, len(key_of))
        _warn_of_strangers(predictions, strangers, rules, remarks)
        more = _rows_of_strangers(truth, predictions, strangers, videos, rules)
        videos = pd.concat([videos, more], ignore_index=True)
    kinds = _processed_kinds(predictions, key_of)
    videos["processed"] = [tuple(sorted(kinds.get(key, ()))) for key in videos["video"]]
    if frames is not None:
        frames = frames.assign(video=_keys(frames, predictions.ids, key_of))[["video", "kind", "frame", "score"]]
        videos["n_frames"] = videos["n_frames"].fillna(videos["video"].map(_span_of_frames(frames)))
        _warn_of_videos_without_scores(truth, frames, remarks)
    truths = truth.intervals.assign(video=_keys(truth.intervals, truth.ids))
    intervals = predictions.intervals
    spotted = intervals.assign(video=_keys(intervals, predictions.ids, key_of), draw=0)
    if "fps" in predictions.columns:
        stated = predictions.videos.assign(video=_keys(predictions.videos, predictions.ids, key_of))
        spotted = _at_rate_of_truth(spotted, stated, truth, rules, remarks, has_scores=frames is not None)
    return Tables(videos, truths, spotted, frame_scores=frames)


SAME_RATE = 0.002
"""Relative difference of two frame rates that are one: 29.97 and 30."""


def _at_rate_of_truth(
    spotted: pd.DataFrame,
    stated: pd.DataFrame,
    truth: IntervalFile,
    rules: Rules,
    remarks: Remarks,
    has_scores: bool,
) -> pd.DataFrame:
    """The intervals in frames of the truth: those that are counted at another rate are carried over by time.

    Args:
        spotted: the intervals, with the `video` of the truth.
        stated: `video`, `line` and `fps` of each row of the predictions.
        truth: the truth, which states its own rates; where it does not, the user's rate holds.
        rules: rules with the user's rate.
        remarks: list that gets what was carried over.
        has_scores: whether the intervals follow from scores of frames.

    Raises:
        DataError: scores of frames are given at another rate.
    """
    own = truth.videos.assign(video=_keys(truth.videos, truth.ids)).dropna(subset="fps")
    rate_of_truth = own.groupby("video")["fps"].first()
    rows = stated if has_scores else spotted
    true_rate = rows["video"].map(rate_of_truth).fillna(np.nan if rules.fps is None else rules.fps)
    rate = rows["line"].map(stated.drop_duplicates("line").set_index("line")["fps"])
    differs = ((rate - true_rate).abs() > SAME_RATE * true_rate).to_numpy(np.bool_)
    if not differs.any():
        return spotted
    rates = sorted({(f"{own:g}", f"{true:g}") for own, true in zip(rate[differs], true_rate[differs])})
    told = list_first([f"{own} a second, those of the truth at {true}" for own, true in rates], MOST_NEAR)
    if has_scores:
        raise DataError(f"the frame scores are counted at {told}: give the scores of the frames that the truth counts")
    remarks.warn(
        f"predictions: frames are counted at {told}: {format_count(int(differs.sum()), 'interval')} "
        f"({at_lines(spotted['line'][differs])}) carried over by time"
    )
    ratio = np.where(differs, true_rate / rate, 1.0)
    onset, offset = (np.floor(spotted[name] * ratio + 0.5).astype(np.int64) for name in ("onset", "offset"))
    return spotted.assign(onset=onset, offset=offset, apex=spotted["apex"] * ratio)


def _span_of_frames(frames: pd.DataFrame) -> "pd.Series[int]":
    """The number of frames from the first scored one to the last, by video."""
    scored = frames.groupby("video")["frame"]
    return scored.max() - scored.min() + 1


def _warn_of_videos_without_scores(truth: IntervalFile, frames: pd.DataFrame, remarks: Remarks) -> None:
    """Warn of the truth's videos that have no frame score."""
    without = sorted(set(_keys(truth.videos, truth.ids)) - set(frames["video"]))
    if without:
        remarks.warn(
            f"{format_count(len(without), 'video')} of the truth without frame scores, such as "
            f"{without[0].partition('/')[2]}: their expressions count as missed"
        )


def _processed_kinds(predictions: IntervalFile, key_of: Mapping[Id, str]) -> dict[str, set[str]]:
    """The kinds that were looked for in each video of the predictions, by its key."""
    kinds: dict[str, set[str]] = {}
    for *ids, kind in group_rows(predictions.videos, [*predictions.ids, "kind"]).cells:
        full = tuple(ids)
        kinds.setdefault(key_of[full], set()).update([kind] if kind else KINDS)
    return kinds


LEAST_SHARED = 0.2
"""Share of the predicted videos below which a file is refused: so few are in the truth that it is another file, or names its videos
otherwise. A stray video among many is only reported."""
MOST_NEAR = 3
"""Unknown names for which the nearest known one is given."""


def _refuse_foreign_file(
    truth: IntervalFile, predictions: IntervalFile, strangers: Sequence[Id], alike: Mapping[Id, str], n_videos: int
) -> None:
    """Refuse predictions of which nothing, or nearly nothing, is in the truth.

    Args:
        truth: the truth.
        predictions: the file.
        strangers: videos that the truth lacks.
        alike: those of them that it may have under another spelling, with that.
        n_videos: number of videos of the predictions.

    Raises:
        DataError: so it is; the sentence gives the nearest names of the truth, and the remedy.
    """
    n_shared = n_videos - len(strangers)
    if n_shared >= LEAST_SHARED * n_videos:
        return
    count = "no video" if n_shared == 0 else f"only {n_shared} of {format_count(n_videos, 'video')}"
    raise DataError(
        f"{predictions.place}: {count} of the {predictions.role} is in the truth, so nothing can be scored: "
        f"{_why_foreign(truth, strangers, alike)}"
    )


def _why_foreign(truth: IntervalFile, strangers: Sequence[Id], alike: Mapping[Id, str]) -> str:
    """Why the truth may lack these videos, with the nearest names, and the remedy."""
    if len(alike) * 2 > len(strangers):
        pairs = [f"{'/'.join(full)} for {name}" for full, name in alike.items()]
        return f"it has {list_first(pairs, MOST_NEAR)}. If these are the same, add --loose-ids"
    n_dates = sum(DATE.match(full[-1]) is not None for full in strangers)
    if n_dates * 2 > len(strangers):
        return (
            f"names such as {strangers[0][-1]!r} are dates, which a spreadsheet program makes of names such as 1-6. "
            "Write the names as text"
        )
    known = ["/".join(full) for full in group_rows(truth.videos, truth.ids).cells]
    pairs = []
    for name in ["/".join(full) for full in strangers[:MOST_NEAR]]:
        near = nearest_name(name, known, 0.5)
        pairs.append(name if near is None else f"{name} (nearest: {near})")
    return f"it has {', '.join(pairs)}, the truth {list_first(known, MOST_NEAR)}. Write the names as the truth does"


def _warn_of_strangers(predictions: IntervalFile, strangers: Mapping[Id, str], rules: Rules, remarks: Remarks) -> None:
    """Warn of videos that the truth does not know.

    Raises:
        DataError: the rules refuse them.
    """
    named = zip(predictions.videos["line"].tolist(), _tuples(predictions.videos, predictions.ids))
    where = at_lines(line for line, full in named if full in strangers)
    example = "/".join(next(iter(strangers)))
    problem = f"{format_count(len(strangers), 'video')} of the {predictions.role} not in the truth, such as {example} ({where})"
    if rules.strict_videos:
        empty = " with empty onset and offset" if "offset" in predictions.columns else ""
        raise DataError(f"{predictions.place}: {problem}: leave them out, or add them to the truth{empty}")
    remarks.warn(f"{problem}: every interval there is wrong, and no person and no minute is added")


def _rows_of_strangers(
    truth: IntervalFile,
    predictions: IntervalFile,
    strangers: Mapping[Id, str],
    videos: pd.DataFrame,
    rules: Rules,
) -> pd.DataFrame:
    """A row for each video that the truth does not know.

    Its frame rate is that of all other videos, if these share one.
    """
    filled = _filled(truth, predictions)
    names = [{**filled, **dict(zip(predictions.ids, full))} for full in strangers]
    rates = videos["fps"].unique() if rules.fps is None else [rules.fps]
    fps = float(rates[0]) if len(rates) == 1 else np.nan
    n_frames, rate = (np.full(len(names), value) for value in (np.nan, fps))
    return _table(names, [*strangers.values()], n_frames, rate).drop_duplicates("video").assign(in_truth=False)


def _keys_of_predicted_videos(
    truth: IntervalFile,
    predictions: IntervalFile,
    ids: list[str],
    rules: Rules,
    remarks: Remarks,
) -> tuple[dict[Id, str], dict[Id, str]]:
    """The key of every predicted video, and names that the truth may have for strangers.

    A video that the truth lacks gets a key of its own.

    Raises:
        DataError: a name fits several videos, or the rules refuse another spelling.
    """
    known, loose = _names_of_truth(truth, ids)
    filled = _filled(truth, predictions)
    positions = [predictions.ids.index(name) for name in ids]
    keys_by_id: dict[Id, str] = {}
    alike: dict[Id, str] = {}
    videos = group_rows(predictions.videos, predictions.ids)
    first_lines = predictions.videos["line"].to_numpy()[videos.first].tolist()
    for line, full in zip(first_lines, videos.cells):
        form = tuple(full[position] for position in positions)
        near = _names_alike(form, loose) if form not in known else set()
        if near:
            names = ["/".join(other) for other in sorted(near)]
            _refuse_other_spelling(predictions, line, (full, form), names, rules)
            alike[full] = " or ".join(names)
            form = min(near) if rules.loose_ids else form
        keys = known.get(form, set())
        if len(keys) > 1:
            lacking = next(name for name in truth.ids if name not in ids)
            raise DataError(
                f"{predictions.place}, line {line}: the truth has several videos "
                f"{'/'.join(form)}, of different {lacking}s: add the column {lacking!r} to the {predictions.role}"
            )
        keys_by_id[full] = next(iter(keys), "") or video_key({**filled, **dict(zip(predictions.ids, full))})
    if not alike:
        return keys_by_id, {}
    first_full, names_of_first = next(iter(alike.items()))
    example = "/".join(first_full[position] for position in positions)
    many = f"{format_count(len(alike), 'video')} of the {predictions.role}"
    if rules.loose_ids:
        remarks.repair(f"{many} found under another spelling in the truth, such as {example} for {names_of_first}")
        return keys_by_id, {}
    remarks.warn(
        f"{many}, such as {example}, not in the truth, which has {names_of_first}. If that is the same one, write it alike in both "
        "files, or add --loose-ids"
    )
    return keys_by_id, alike


def _names_of_truth(truth: IntervalFile, ids: list[str]) -> tuple[dict[Id, set[str]], dict[Id, set[Id]]]:
    """The videos that each name may mean, and the names by their loose form."""
    known: dict[Id, set[str]] = {}
    loose: dict[Id, set[Id]] = {}
    for full in group_rows(truth.videos, truth.ids).cells:
        names = dict(zip(truth.ids, full))
        key = video_key(names)
        for sign in JOINTS:
            for form in _forms(names, ids, sign):
                known.setdefault(form, set()).add(key)
                if sign == "_":
                    loose.setdefault(_loosened(form), set()).add(form)
    return known, loose


def _forms(names: Mapping[str, str], ids: list[str], sign: str) -> set[Id]:
    """The ways to name a video: by some of its names alone, or with the others joined before them.

    >>> sorted(_forms({"subject": "1", "video": "EP02"}, ["video"], "/"))
    [('1/EP02',), ('EP02',)]
    """
    forms = {tuple(names[name] for name in ids)}
    # An absent name is joined to the first of the others but the dataset's.
    first = 1 if "dataset" in ids else 0
    for absent in ("subject", "dataset"):
        if absent in names and absent not in ids:
            forms |= {_with_absent_name(form, first, f"{names[absent]}{sign}") for form in forms}
    return forms


def _with_absent_name(form: Id, position: int, prefix: str) -> Id:
    """A name of a video, with an absent part before the one at a position."""
    return (*form[:position], f"{prefix}{form[position]}", *form[position + 1 :])


def _names_alike(form: Id, loose: Mapping[Id, set[Id]]) -> set[Id]:
    """The names of the truth that are one with a name in their loose form."""
    joined = tuple(re.sub(r"[/\\-]", "_", name) for name in form)
    return loose.get(_loosened(joined)) or loose.get(_loosened(form)) or set()


def _refuse_other_spelling(
    predictions: IntervalFile, line: int, video: tuple[Id, Id], names: Sequence[str], rules: Rules
) -> None:
    """Refuse a spelling that the rules do not allow, or that fits several videos.

    Args:
        predictions: the file.
        line: line of the video.
        video: all its names, and those that the truth has, too.
        names: names of the truth that may be meant.
        rules: the rules.
    """
    full, form = video
    if rules.loose_ids and len(names) > 1:
        raise DataError(
            f"--loose-ids cannot tell which video {'/'.join(full)} is: the truth has {' and '.join(names)}; write the "
            "ids in the same way in both files"
        )
    if rules.strict_videos and not rules.loose_ids:
        raise DataError(
            f"{predictions.place}, line {line}: the truth has no video {'/'.join(form)}, but "
            f"{' and '.join(names)}: if that is the same one, write it in the same way in both files, or add --loose-ids"
        )


JOINTS = ("_", "/", "-")
"""Signs between the names of a person and a video that are written as one."""


def video_key(names: Mapping[str, str]) -> str:
    """Key of a video: `dataset/subject/video`; a video without a named subject is a subject of its own.

    >>> video_key({"subject": "1", "video": "EP02_01f"}), video_key({"video": "sub01"})
    ('data/1/EP02_01f', 'data/sub01/sub01')
    """
    return f"{names.get('dataset', NO_DATASET)}/{names.get('subject', names['video'])}/{names['video']}"


def loosen_id(name: str) -> str:
    r"""An id without folders, case, file ending, leading zeros and prefix.

    >>> [loosen_id(name) for name in ("sub01", "s1", "001", "EP02_01f", r"C:\data\ep2_1f.avi")]
    ['1', '1', '1', 'ep2_1f', 'ep2_1f']
    """
    plain = _MEDIA.sub("", re.split(r"[/\\]", name.casefold().strip())[-1])
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"^(?:subject|subj|sub|s)[\s_-]*(?=\d+$)", "", plain))


def _loosened(form: Id) -> Id:
    """A name of a video with each part in its loose form."""
    return tuple(map(loosen_id, form))


def _videos(truth: IntervalFile, predictions: IntervalFile, rules: Rules, remarks: Remarks) -> pd.DataFrame:
    """One row for each video of the truth."""
    if truth.videos.empty:
        raise DataError(f"{truth.place} holds no row below its header, so nothing can be scored")
    if "subject" not in truth.ids:
        named = predictions.videos
        if "subject" in predictions.columns and (named["subject"] != named["video"]).any():
            raise DataError(
                f"{truth.place} lacks the column 'subject', which the {predictions.role} have: add it to the truth, "
                "since confidence intervals are computed over subjects"
            )
        remarks.warn("truth: no column subject: confidence intervals count every video as a subject of its own")
    keys = pd.DataFrame({"key": _keys(truth.videos, truth.ids)})
    videos = group_rows(keys, ["key"])
    names = _tuples(truth.videos.take(videos.first), truth.ids)
    rate = _stated_values(truth, "fps", videos)
    n_frames = _stated_values(truth, "n_frames", videos)
    if rules.fps is not None:
        if (rate[~np.isnan(rate)] != rules.fps).any():
            remarks.repair(f"truth: --fps {rules.fps:g} replaces the frame rates of the file")
        rate = np.full(len(rate), rules.fps, dtype=np.float64)
    if "subject" in truth.ids:
        _warn_of_similar_subjects(names, truth.ids, remarks)
    return _table([dict(zip(truth.ids, full)) for full in names], [key for (key,) in videos.cells], n_frames, rate)


def _stated_values(truth: IntervalFile, name: str, videos: RowGroups) -> Floats:
    """What the rows of each video state in a column, (n_videos,); NaN where none states it.

    Args:
        truth: the truth.
        name: name of the column.
        videos: the groups of its rows.

    Raises:
        DataError: the rows of a video state two values.
    """
    written = truth.videos[name].to_numpy(np.float64)
    rows = np.flatnonzero(~np.isnan(written))
    stated = np.full(len(videos.cells), np.nan)
    # Written from the last row to the first, so that the first stays.
    stated[videos.number[rows[::-1]]] = written[rows[::-1]]
    again = rows[written[rows] != stated[videos.number[rows]]]
    if len(again):
        row = again[0]
        raise DataError(
            f"{truth.place}, line {truth.videos['line'].iloc[row]}: {name} is {written[row]:g}, but "
            f"{stated[videos.number[row]]:g} on an earlier line of the same video"
        )
    return stated


def _warn_of_similar_subjects(videos: Sequence[Id], ids: Sequence[str], remarks: Remarks) -> None:
    """Warn of subjects whose ids differ in their spelling alone.

    Args:
        videos: ids of the videos of the truth.
        ids: the columns of these ids.
        remarks: receiver of the warning.
    """
    position = ids.index("video")
    subjects = dict.fromkeys(full[:position] + full[position + 1 :] for full in videos)
    spellings = group_by(subjects, key=_loosened)
    alike = [" and ".join("/".join(form) for form in sorted(forms)) for forms in spellings.values() if len(forms) > 1]
    if not alike:
        return
    what = f"the subjects {alike[0]}"
    if len(alike) > 1:
        what = f"{len(alike)} groups of subjects, such as {alike[0]},"
    advice = "if they are one, write them in the same way"
    if "dataset" not in ids:
        advice = (
            "a column dataset would distinguish people of several databases; the files do not say "
            "whether these are one person"
        )
    remarks.warn(f"truth: {what} count as different people; {advice}")


def _filled(truth: IntervalFile, predictions: IntervalFile) -> dict[str, str]:
    """The dataset, if the predictions name none and the truth has only one."""
    named = truth.videos["dataset"].unique().tolist() if "dataset" in truth.columns - predictions.columns else []
    return {"dataset": str(named[0])} if len(named) == 1 else {}


def _table(names: Sequence[Mapping[str, str]], keys: Sequence[str], n_frames: Floats, rate: Floats) -> pd.DataFrame:
    """The table of videos that scoring reads.

    Args:
        names: for each video its name in each column that identifies it.
        keys: key of each.
        n_frames: (n_videos,) number of frames of each, NaN where unknown.
        rate: (n_videos,) frames per second of each, NaN where unknown.
    """
    datasets = [of_video.get("dataset", NO_DATASET) for of_video in names]
    subjects = [of_video.get("subject", of_video["video"]) for of_video in names]
    return pd.DataFrame(
        {
            "video": keys,
            "subject": [f"{dataset}/{subject}" for dataset, subject in zip(datasets, subjects)],
            "dataset": datasets,
            "n_frames": n_frames,
            "fps": rate,
        }
    )


def _tuples(rows: pd.DataFrame, ids: Iterable[str]) -> list[Id]:
    """The ids of each row."""
    return list(zip(*(rows[name].tolist() for name in ids)))


def _keys(
    rows: pd.DataFrame, ids: list[str], known: Mapping[Id, str] | None = None
) -> pd.api.extensions.ExtensionArray:
    """Key of the video of each row; the known ones if they are given."""
    videos = group_rows(rows, ids)
    if known is None:
        known = {full: video_key(dict(zip(ids, full))) for full in videos.cells}
    return pd.array([known[full] for full in videos.cells], dtype="str").take(videos.number)
