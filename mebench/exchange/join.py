"""Predictions and truth from two files, as the tables that scoring reads."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mebench.annotations.names import KINDS
from mebench.errors import ConfigError, DataError
from mebench.exchange.text_table import Remarks, at_lines
from mebench.exchange.values import NO_DATASET, IntervalFile, emotion_of
from mebench.grouping import grouped
from mebench.metrics.tables import Tables
from mebench.terminal import format_count


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
    classes = named_classes(requested, tables.truths["emotion"], remarks)
    if not classes:
        return classes
    for label, rows in tables.truths[~tables.truths["emotion"].isin(classes)].groupby("emotion"):
        what = f"labelled {label!r}, which is not among the classes" if label else "without an emotion"
        remarks.warn(
            f"truth: {format_count(len(rows), 'annotation')} {what} ({at_lines(rows['line'])}), scored in spotting, not in analysis"
        )
    named = tables.spotted if (tables.spotted["emotion"] != "").any() else tables.spotted.iloc[:0]
    for label, rows in named[~named["emotion"].isin(classes)].groupby("emotion"):
        other = f"of emotion {label!r}, which is not among the classes{meant(str(label), classes)}"
        remarks.warn(
            f"predictions: {format_count(len(rows), 'interval')} {other if label else 'of no emotion'} "
            f"({at_lines(rows['line'])}), wrong in analysis if they find an expression of a class"
        )
    return classes


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
            remarks.warn(f"--classes: no truth is labelled {name!r}{meant(name, true)}; the class is not scored")
    return classes


def meant(name: str, known: Sequence[str]) -> str:
    """The most similar name, as a question in brackets; empty if no name is similar."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (is {near[0]!r} meant?)" if near else ""


_MEDIA = re.compile(r"\.(avi|mp4|mov|mkv|wmv|mpg|mpeg)$")
Id = tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Rules for matching the rows of two files.

    Attributes:
        fps: frames per second of every video; None takes the rate of the truth.
        strict_videos: refuse predictions in a video that the truth does not name.
        loose_ids: match subjects and videos that differ only in case, leading zeros or a prefix such as `sub`.
    """

    fps: float | None = None
    strict_videos: bool = False
    loose_ids: bool = False


def join(
    truth: IntervalFile, predictions: IntervalFile, rules: Rules, remarks: Remarks, frames: pd.DataFrame | None = None
) -> Tables:
    """Match the predictions to the videos of the truth.

    The truth's columns `dataset`, `subject` and `video` name a video. Predictions may lack the first two if the rest
    identifies the video; `<subject>_<video>`, with or without `<dataset>_` before it, also works. A video that only the
    predictions name counts as a video without expressions.

    Args:
        truth: with at least one video.
        predictions: in the order of the file, which is kept.
        rules: how strictly.
        remarks: list that gets what was noticed.
        frames: frame scores from which the predictions were made (`read_frame_scores`); they tell the length of a video
            where the truth does not.

    Raises:
        DataError: the video of a prediction is ambiguous; a video has two lengths or frame rates; with `strict_videos`,
            a video of the predictions is not in the truth.
    """
    videos = _videos(truth, predictions, rules, remarks)
    ids = [name for name in truth.ids if name in predictions.columns]
    key_of = _found(truth, predictions, ids, rules, remarks)
    known = set(videos["video"])
    if strangers := {full: key for full, key in key_of.items() if key not in known}:
        named = zip(predictions.videos["line"].tolist(), _tuples(predictions.videos, predictions.ids))
        where, example = at_lines(line for line, full in named if full in strangers), "/".join(next(iter(strangers)))
        problem = f"{format_count(len(strangers), 'video')} of the {predictions.role} not in the truth, such as {example} ({where})"
        if rules.strict_videos:
            empty = " with empty onset and offset" if "offset" in predictions.columns else ""
            raise DataError(f"{predictions.place}: {problem}: leave them out, or add them to the truth{empty}")
        remarks.warn(f"{problem}: they count as videos without expressions, so every interval there is wrong")
        filled = _filled(truth, predictions)
        rows = pd.DataFrame([{**filled, **dict(zip(predictions.ids, full))} for full in strangers])
        # They take the frame rate of all other videos, if these share one.
        rates = videos["fps"].unique() if rules.fps is None else [rules.fps]
        fps = float(rates[0]) if len(rates) == 1 else np.nan
        more = _table(rows.assign(key=list(strangers.values()), fps=fps, n_frames=np.nan), list(rows.columns))
        videos = pd.concat([videos, more.drop_duplicates("video")], ignore_index=True)
    processed: dict[str, set[str]] = {key: set() for key in videos["video"]}
    processed_videos = predictions.videos.drop_duplicates([*predictions.ids, "kind"])
    for full, kind in zip(_tuples(processed_videos, predictions.ids), processed_videos["kind"]):
        processed[key_of[full]] |= {kind} if kind else set(KINDS)
    videos["processed"] = [tuple(sorted(processed[key])) for key in videos["video"]]
    if frames is not None:
        frames = frames.assign(video=_keys(frames, predictions.ids, key_of))[["video", "kind", "frame", "score"]]
        seen = frames.groupby("video")["frame"]
        videos["n_frames"] = videos["n_frames"].fillna(videos["video"].map(seen.max() - seen.min() + 1))
        without = sorted(set(_keys(truth.videos, truth.ids)) - set(frames["video"]))
        if without:
            remarks.warn(
                f"{format_count(len(without), 'video')} of the truth without frame scores, such as "
                f"{without[0].partition('/')[2]}: their expressions count as missed"
            )
    truths = truth.intervals.assign(video=_keys(truth.intervals, truth.ids))
    intervals = predictions.intervals
    spotted = intervals.assign(video=_keys(intervals, predictions.ids, key_of), draw=0)
    return Tables(videos, truths, spotted, frame_scores=frames)


def _found(
    truth: IntervalFile,
    predictions: IntervalFile,
    ids: list[str],
    rules: Rules,
    remarks: Remarks,
) -> dict[Id, str]:
    """The key of every video in the predictions; a video that the truth lacks gets a key of its own."""
    known: dict[Id, set[str]] = {}
    loose: dict[Id, set[Id]] = {}
    for full in _different(truth.videos, truth.ids):
        names = dict(zip(truth.ids, full))
        forms = {tuple(names[name] for name in ids)}
        for absent in [name for name in ("subject", "dataset") if name in names and name not in ids]:
            forms |= {  # the absent name stands before the first of the others, or after the dataset's
                tuple(
                    f"{names[absent]}_{id_}" if name == ids["dataset" in ids] else id_ for name, id_ in zip(ids, form)
                )
                for form in forms
            }
        for form in forms:
            known.setdefault(form, set()).add(video_key(names))
            loose.setdefault(_loosened(form), set()).add(form)
    filled, places = _filled(truth, predictions), [predictions.ids.index(name) for name in ids]
    keys_by_id: dict[Id, str] = {}
    alike: list[str] = []
    first = predictions.videos.drop_duplicates(predictions.ids)
    for line, full in zip(first["line"].tolist(), _tuples(first, predictions.ids)):
        form = tuple(full[place] for place in places)
        if form not in known and (near := loose.get(_loosened(form))):
            listed = ["/".join(other) for other in sorted(near)]
            if rules.loose_ids and len(near) > 1:
                raise DataError(
                    f"--loose-ids cannot tell which video {'/'.join(full)} is: the truth has {' and '.join(listed)}; write the "
                    "ids alike in both files"
                )
            if rules.strict_videos and not rules.loose_ids:
                raise DataError(
                    f"{predictions.place}, line {line}: the truth has no video {'/'.join(form)}, but "
                    f"{' and '.join(listed)}: if that is the same one, write it alike in both files, or add --loose-ids"
                )
            alike += ["/".join(form), " or ".join(listed)]
            form = min(near) if rules.loose_ids else form
        keys = known.get(form, set())
        if len(keys) > 1:
            lacking = next(name for name in truth.ids if name not in ids)
            raise DataError(
                f"{predictions.place}, line {line}: the truth has several videos "
                f"{'/'.join(form)}, of different {lacking}s: add the column {lacking!r} to the {predictions.role}"
            )
        keys_by_id[full] = next(iter(keys), "") or video_key({**filled, **dict(zip(predictions.ids, full))})
    many = f"{format_count(len(alike) // 2, 'video')} of the {predictions.role}"
    if alike and rules.loose_ids:
        remarks.repair(f"{many} found under another spelling in the truth, such as {alike[0]} for {alike[1]}")
    elif alike:
        remarks.warn(
            f"{many}, such as {alike[0]}, not in the truth, which has {alike[1]}. If that is the same one, write it alike in both "
            "files, or add --loose-ids"
        )
    return keys_by_id


def video_key(names: Mapping[str, str]) -> str:
    """Key of a video: `dataset/subject/video`; a video without a named subject is a subject of its own.

    >>> video_key({"subject": "1", "video": "EP02_01f"}), video_key({"video": "sub01"})
    ('data/1/EP02_01f', 'data/sub01/sub01')
    """
    return f"{names.get('dataset', NO_DATASET)}/{names.get('subject', names['video'])}/{names['video']}"


def loosened(name: str) -> str:
    r"""An id without folders, case, file ending, leading zeros and prefix.

    >>> [loosened(name) for name in ("sub01", "s1", "001", "EP02_01f", r"C:\data\ep2_1f.avi")]
    ['1', '1', '1', 'ep2_1f', 'ep2_1f']
    """
    plain = _MEDIA.sub("", re.split(r"[/\\]", name.casefold().strip())[-1])
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"^(?:subject|subj|sub|s)[\s_-]*(?=\d+$)", "", plain))


def _loosened(form: Id) -> Id:
    return tuple(map(loosened, form))


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
    rows = truth.videos.assign(key=_keys(truth.videos, truth.ids))
    for name in ("fps", "n_frames"):
        values = rows.dropna(subset=[name]).drop_duplicates(["key", name])
        for _, row in values[values["key"].duplicated()][:1].iterrows():
            other = values[values["key"] == row["key"]][name].iloc[0]
            raise DataError(
                f"{truth.place}, line {row['line']}: {name} is {row[name]:g}, but {other:g} on an earlier line of the same video"
            )
    first = rows.groupby("key", sort=False)[[*truth.ids, "fps", "n_frames"]].first()
    if rules.fps is not None:
        if (first["fps"].dropna() != rules.fps).any():
            remarks.repair(f"truth: --fps {rules.fps:g} replaces the frame rates of the file")
        first["fps"] = rules.fps
    names = [name for name in truth.ids if name != "video"]
    spellings = grouped(dict.fromkeys(_tuples(first.reset_index(), names) if "subject" in names else ()), key=_loosened)
    alike = [" and ".join("/".join(form) for form in sorted(forms)) for forms in spellings.values() if len(forms) > 1]
    if alike:
        what = (
            f"the subjects {alike[0]}" if len(alike) == 1 else f"{len(alike)} groups of subjects, such as {alike[0]},"
        )
        then = (
            "if they are one, write them alike"
            if "dataset" in names
            else (
                "a column dataset would distinguish people of several databases; the files do not say "
                "whether these are one person"
            )
        )
        remarks.warn(f"truth: {what} count as different people; {then}")
    return _table(first.reset_index(), truth.ids)


def _filled(truth: IntervalFile, predictions: IntervalFile) -> dict[str, str]:
    """The dataset, if the predictions name none and the truth has only one."""
    named = truth.videos["dataset"].unique().tolist() if "dataset" in truth.columns - predictions.columns else []
    return {"dataset": str(named[0])} if len(named) == 1 else {}


def _table(rows: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """The table of videos that scoring reads."""
    dataset = rows["dataset"] if "dataset" in ids else pd.Series(NO_DATASET, index=rows.index)
    subject = rows["subject"] if "subject" in ids else rows["video"]
    return pd.DataFrame(
        {
            "video": rows["key"],
            "subject": dataset + "/" + subject,
            "dataset": dataset,
            "n_frames": rows["n_frames"].astype(np.float64),
            "fps": rows["fps"].astype(np.float64),
        }
    )


def _tuples(rows: pd.DataFrame, ids: Iterable[str]) -> list[Id]:
    return list(zip(*(rows[name].tolist() for name in ids)))


def _different(rows: pd.DataFrame, ids: list[str]) -> list[Id]:
    """The distinct ids, in order of first occurrence."""
    return _tuples(rows.drop_duplicates(ids), ids)


def _keys(
    rows: pd.DataFrame, ids: list[str], known: Mapping[Id, str] | None = None
) -> pd.api.extensions.ExtensionArray:
    """Key of the video of each row; the known ones if they are given."""
    video_numbers = rows.groupby(ids, sort=False).ngroup().to_numpy()
    different = _different(rows, ids)
    keys = [video_key(dict(zip(ids, full))) if known is None else known[full] for full in different]
    return pd.array(keys, dtype="str").take(video_numbers)
