"""Prediction files of recognition: the predicted and the true class of each clip.

A clip is a video, or a video and an onset if the video has several clips. It may have several classes at once, joined
by `+`. A clip without a prediction counts as wrong, as in a run: leaving it out would reward a method that answers only
the easy clips.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.annotations.names import plain_name
from mebench.annotations.sheets import Cells
from mebench.errors import DataError
from mebench.exchange.choices import NO_CHOICES, Choices
from mebench.exchange.column_values import NamedRows, judge_classes, warn_of_other_numbers
from mebench.exchange.join import Rules, join_with_truth, suggest_name
from mebench.exchange.text_table import (
    File,
    Remarks,
    TextTable,
    at_lines,
    first_true,
    parse_columns,
    read_sheet,
)
from mebench.exchange.values import (
    IDS,
    IntervalFile,
    Role,
    frame_of_rows,
    read_emotions,
    read_frames,
    read_kinds,
    read_numbers,
    with_datasets,
)
from mebench.metrics import Tables, label_sets
from mebench.output.terminal import format_count

_WANTED: dict[Role, tuple[str, ...]] = {
    "predictions": (*IDS, "onset", "kind", "emotion", "confidence"),
    "truth": (*IDS, "onset", "kind", "emotion"),
}
NO_SPELLINGS: Mapping[str, str] = MappingProxyType({})
_MARK = r"(?:p|prob|proba|probs|probability|softmax|score)"
_OF_CLASS = re.compile(rf"{_MARK}[\W_]+(.+)|(.+?)[\W_]+{_MARK}", re.IGNORECASE)
_ROUNDED = 0.005
"""Half a unit of the second digit: the error that rounding may cause in each probability."""


def read_clips(
    path: File,
    role: Role,
    remarks: Remarks,
    labels: Sequence[str] = (),
    others: Sequence[str] = (),
    choices: Choices = NO_CHOICES,
    spellings: Mapping[str, str] = NO_SPELLINGS,
) -> IntervalFile:
    """Read and check a file of clips.

    Args:
        path: a table of text, or a workbook, with the columns `video`, `emotion` and, as available, `dataset`, `subject`, `onset`,
            `kind`, under these names or those of `names.ALIASES`; the class may also stand under `y_true` or `pred`.
            Predictions may hold the probability of the class that they name (`probability`), or those of all classes
            (`p_negative`, or `negative` alone), of which the likeliest is the answer where no column names one.
        role: `predictions` or `truth`.
        remarks: list that gets what was noticed and repaired.
        labels: the scored classes; predictions with probabilities need one for each class.
        others: further classes that may occur in predictions.
        choices: decisions of the user about columns and rows.
        spellings: other spellings of classes, in small letters, with the class that each means.

    Returns:
        As for intervals; a missing onset is 0, the offset equals the onset, `confidence` is the probability of the
        predicted class, and `score_<class>` that of each class, where the file holds them.

    Raises:
        DataError: the file cannot be understood, names an unknown class, or its probabilities contradict its classes;
            the message names the line.
    """
    sheet = read_sheet(path, remarks, role)
    table = with_datasets(parse_columns(sheet, path, role, _WANTED[role], remarks, "emotion", choices), remarks)
    if role == "predictions" and "emotion" not in table.cells:
        table = _with_likeliest_class(table, labels, remarks)
    table.require("video", "emotion")
    known = {*labels, *others}
    emotions = read_emotions(table).read(lambda word: word if word in known else spellings.get(word, word))
    rows = frame_of_rows(table, remarks, emotion=emotions)
    answered = (rows["emotion"] != "").to_numpy(np.bool_)
    if role == "truth" and not answered.any():
        raise DataError(f"{path} holds no clip with an emotion, so nothing can be scored")
    onset = _onsets_of_clips(table, len(rows))
    rows = rows.assign(kind=read_kinds(table, answered), onset=onset, apex=np.nan, offset=onset)
    all_labels = [*labels, *others]
    if role == "predictions":
        _refuse_unknown_class(table, rows["emotion"], all_labels)
        confidence, of_classes = _probabilities(table, rows["emotion"].tolist(), labels, others, remarks)
        rows = rows.assign(confidence=confidence, **of_classes)
    shares = [*_headers_of_classes(table, all_labels).values()]
    table.note_unread(remarks, shares)
    ids = [name for name in IDS if name in table.cells]
    videos = rows[["line", *ids, "kind"]].assign(fps=np.nan, n_frames=np.nan)
    read = IntervalFile(str(path), role, rows, videos, frozenset(table.cells))
    return replace(read, others=table.other_columns(shares))


def _with_likeliest_class(table: TextTable, labels: Sequence[str], remarks: Remarks) -> TextTable:
    """The table with the likeliest class of each row as its answer. It must hold the probability of every class."""
    headers = _headers_of_classes(table, labels)
    if not labels or [*headers] != [*labels]:
        return table
    with_shares = replace(table, cells={header: table.others[header].read(str.strip) for header in headers.values()})
    shares = np.stack([read_numbers(with_shares, header) for header in headers.values()], axis=1)
    is_known = ~np.any(np.isnan(shares), axis=1)
    likeliest = np.where(np.isnan(shares), -np.inf, shares).argmax(axis=1)
    answers = [labels[place] if known else "" for place, known in zip(likeliest, is_known)]
    remarks.repair(
        f"predictions: no column emotion: the likeliest class by {', '.join(headers.values())} is read as the answer"
    )
    return replace(table, cells={**table.cells, "emotion": Cells.from_list(answers)})


def _onsets_of_clips(table: TextTable, n_clips: int) -> NDArray[np.int64]:
    """The onset of each clip, (n_clips,); 0 where it is missing."""
    if "onset" not in table.cells:
        return np.zeros(n_clips, dtype=np.int64)
    return np.nan_to_num(read_frames(table, "onset")).astype(np.int64)


def _refuse_unknown_class(table: TextTable, answers: pd.Series[str], classes: Sequence[str]) -> None:
    """Refuse an answer that is no class of the truth; an empty answer stays.

    Raises:
        DataError: there is one.
    """
    is_known = (label_sets.within_classes(answers, classes) | (answers == "")).to_numpy()
    row = first_true(~is_known)
    if row is None:
        return
    label = str(answers.iloc[row])
    remedy = "write it as the truth does, or name all classes with --classes"
    numbers = [int(name) for name in {*answers} if name.isdigit()]
    step = next((step for step in (1, -1) if {str(number + step) for number in numbers} <= {*classes}), 0)
    if label.isdigit() and numbers and step:
        side = "below" if step == 1 else "above"
        remedy = f"if all class numbers are one {side} the truth's, number both files in the same way; else {remedy}"
    raise table.error(
        row,
        f"{label!r} is not a class of the truth, which has {', '.join(classes)}{suggest_name(label, classes)}: {remedy}",
    )


def join_clips(
    truth: IntervalFile, predictions: IntervalFile, classes: Sequence[str], rules: Rules, remarks: Remarks
) -> Tables:
    """Bring the predictions to the truth's clips.

    Args:
        truth: macro-expressions and clips without a class are left out, with a remark.
        predictions: for all scored clips; a missing clip counts as wrong.
        classes: the scored classes; a clip of another class is left out, with a remark.
        rules: how ids are compared.
        remarks: list that gets what was noticed.

    Returns:
        The scored clips, and their videos; `line` is the line of the truth, `onset` is there where it tells clips apart, and
        `score_<class>` where the predictions hold the probability of each class.

    Raises:
        DataError: a clip occurs twice, or is not in the truth; the video of a prediction is ambiguous.
    """
    joined = join_with_truth(truth, predictions, replace(rules, strict_videos=True), remarks)
    is_labelled = (joined.truths["kind"] == "micro") & (joined.truths["emotion"] != "")
    true = joined.truths[is_labelled]
    predicted = joined.spotted[joined.spotted["kind"] == "micro"]
    have_several_clips = true["video"].duplicated().any() or predicted["video"].duplicated().any()
    name_onsets = "onset" in truth.columns and "onset" in predictions.columns
    on = ["video", "onset"] if have_several_clips and name_onsets else ["video"]
    _refuse_repeated_clip(truth, true, on)
    _refuse_repeated_clip(predictions, predicted, on)
    _refuse_unknown_clips(predictions.place, predicted, joined.truths, on)
    for noun, reason, rows in _unscored_truths(joined.truths, classes):
        if len(rows):
            where = at_lines(rows["line"])
            remarks.warn(f"truth: {format_count(len(rows), noun)}{reason} ({where}), left out")
            remarks.account_of("truth").leave_out("row", len(rows), f"a {noun}{reason}", where)
    scored = true[label_sets.within_classes(true["emotion"], classes)]
    of_classes = [name for name in predicted if str(name).startswith("score_")]
    answers = predicted[[*on, "emotion", "confidence", *of_classes]].rename(
        columns={"emotion": "predicted", "confidence": "probability"}
    )
    clips = scored.merge(answers, on=on, how="left").rename(columns={"emotion": "truth"})
    answered = _beside_truth(predicted, true, joined.videos, on)
    judge_classes(predictions, truth, answered, classes)
    warn_of_other_numbers(answered, remarks)
    clips["predicted"] = clips["predicted"].astype(object).where(~clips["predicted"].isin([np.nan, ""]), None)
    _warn_of_missing_answers(clips, remarks)
    videos = joined.videos[joined.videos["video"].isin(scored["video"])].reset_index(drop=True)
    shown = ["line", *on, "truth", "predicted", "probability", *of_classes]
    return Tables(videos, scored.reset_index(drop=True), None, clips[shown])


def _beside_truth(predicted: pd.DataFrame, true: pd.DataFrame, videos: pd.DataFrame, on: Sequence[str]) -> NamedRows:
    """The answers beside the true classes; `on` are the columns that identify a clip."""
    both = predicted[["line", *on, "emotion"]].merge(
        true[[*on, "emotion"]], on=[*on], how="left", suffixes=("", "_true")
    )
    people = both["video"].map(videos.set_index("video")["subject"])
    return NamedRows(
        both["line"].to_numpy(np.int64),
        both["emotion"].to_numpy(object),
        both["emotion_true"].fillna("").to_numpy(object),
        people.to_numpy(object),
    )


def _warn_of_missing_answers(clips: pd.DataFrame, remarks: Remarks) -> None:
    """Warn of clips without an answer, and of a calibration that lacks probabilities."""
    is_unanswered = clips["predicted"].isna()
    if is_unanswered.any():
        remarks.warn(
            f"predictions: {format_count(int(is_unanswered.sum()), 'clip')} of the truth without an answer (its "
            f"{at_lines(clips['line'][is_unanswered])}), counted as wrong"
        )
    lacks_probability = clips["probability"].isna()
    if lacks_probability.any() and not lacks_probability.all():
        why = "not every answer has a probability"
        if is_unanswered.any():
            why = "a clip without an answer has no probability"
        remarks.warn(f"predictions: calibration is left out: {why}")


def _refuse_unknown_clips(source: str, predicted: pd.DataFrame, truths: pd.DataFrame, on: Sequence[str]) -> None:
    """Refuse predictions for a known video at an onset that the truth does not have.

    Args:
        source: name of the file of predictions.
        predicted: predictions for clips.
        truths: all truths.
        on: columns that identify a clip.

    Raises:
        DataError: there is one.
    """
    is_known = pd.MultiIndex.from_frame(predicted[[*on]]).isin(pd.MultiIndex.from_frame(truths[[*on]]))
    unknown = predicted[~is_known]
    if unknown.empty:
        return
    _, first = next(unknown.iterrows())
    known_onsets = ", ".join(map(str, truths[truths["video"] == first["video"]]["onset"].tolist()))
    raise DataError(
        f"{source}, line {first['line']}: the truth has no clip with onset {first['onset']} in "
        f"{first['video'].partition('/')[2]}, but with {known_onsets}: both files must count frames in the same way"
    )


def _unscored_truths(truths: pd.DataFrame, classes: Sequence[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Groups of truths that are not scored: the noun for one, the reason behind it, and the rows."""
    is_micro = truths["kind"] == "micro"
    has_emotion = truths["emotion"] != ""
    yield "macro-expression", "", truths[~is_micro]
    yield "clip", " without an emotion", truths[is_micro & ~has_emotion]
    other_class = is_micro & has_emotion & ~label_sets.within_classes(truths["emotion"], classes)
    for label, rows in truths[other_class].groupby("emotion"):
        yield "clip", f" labelled {label!r}, which is not among the classes", rows


def _probabilities(
    table: TextTable, answers: Sequence[str], labels: Sequence[str], others: Sequence[str], remarks: Remarks
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Probability of the class that each row names, and that of each class.

    Args:
        table: table of predictions.
        answers: class that each row names, or empty.
        labels: scored classes.
        others: further classes that may occur.
        remarks: list that gets what was noticed.

    Returns:
        The probability of the named class, (n_rows,): NaN if a row names no class, or the file has no probabilities of it. And
        `score_<class>`, (n_rows,), for each class whose probability the file holds.

    Raises:
        DataError: a probability is not in 0 to 1; a row does not sum to 1, or another class is likelier; a class is
            missing.
    """
    named = np.array([answer != "" for answer in answers], dtype=np.bool_)
    headers = _headers_of_classes(table, [*labels, *others])
    if not headers:
        if "confidence" not in table.cells:
            return np.full(len(named), np.nan), {}
        return np.where(named, _shares(table, "confidence", named, "the probability"), np.nan), {}
    lacking = [label for label in labels if label not in headers]
    if lacking:
        raise DataError(
            f"{table.place} has probabilities of {', '.join(headers)}, but none of {', '.join(lacking)}: give "
            f"one for each class, or rename the column {next(iter(headers.values()))!r} if it holds something "
            "else"
        )
    if "confidence" in table.cells:
        remarks.repair("predictions: the probabilities of the classes are read, and the column probability is not")
    table = replace(table, cells={name: table.others[name].read(str.strip) for name in headers.values()})
    shares = np.stack([_shares(table, name, named, f"the probability {name}") for name in headers.values()], axis=1)
    column_of_class = {label: column for column, label in enumerate(headers)}
    has_probability = named & np.array([answer in column_of_class for answer in answers], dtype=np.bool_)
    columns = [column_of_class.get(answer, 0) for answer in answers]  # without meaning where there is no probability
    predicted = shares[np.arange(len(named)), columns]
    _refuse_wrong_sums(table, shares, [*headers], has_probability)
    row = first_true(has_probability & (predicted < shares.max(axis=1, initial=0)))
    if row is not None:
        likeliest = list(headers)[int(shares[row].argmax())]
        raise table.error(
            row,
            f"{answers[row]!r} is predicted, with probability {predicted[row]:g}, but {likeliest!r} has "
            f"{shares[row].max():g}: name the likeliest class, or leave the probabilities out",
        )
    of_classes = {f"score_{label}": shares[:, column] for label, column in column_of_class.items()}
    return np.where(has_probability, predicted, np.nan), of_classes


def _refuse_wrong_sums(
    table: TextTable, shares: NDArray[np.float64], labels: Sequence[str], has_probability: NDArray[np.bool_]
) -> None:
    """Refuse rows whose probabilities do not sum to 1.

    Raises:
        DataError: there is one.
    """
    total = shares.sum(axis=1)
    sums_to_one = np.abs(total - 1) <= _ROUNDED * len(labels) + 1e-9
    row = first_true(has_probability & ~sums_to_one)
    if row is not None:
        raise table.error(
            row,
            f"the probabilities of {', '.join(labels)} sum to {total[row]:.4g}, not 1: give one for each class; "
            "if they are other scores, write the class with the highest one in a column emotion, without them",
        )


def _headers_of_classes(table: TextTable, labels: Sequence[str]) -> dict[str, str]:
    """The column with the probability of each class, by class."""
    return headers_of_classes([*table.others], labels)


def headers_of_classes(headers: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """The header of the probability of each class, by class.

    >>> headers_of_classes(["fold", "p_joy", "fear_prob"], ["joy", "fear", "anger"])
    {'joy': 'p_joy', 'fear': 'fear_prob'}
    """
    written: dict[str, str] = {}
    for header in reversed(headers):
        marked = _OF_CLASS.fullmatch(header)
        label = marked[1] or marked[2] if marked else header
        written[plain_name(label)] = header
    return {label: written[plain_name(label)] for label in labels if plain_name(label) in written}


def _shares(table: TextTable, name: str, named: NDArray[np.bool_], what: str) -> NDArray[np.float64]:
    """A column of probabilities; every row that names a class must have one."""
    shares = read_numbers(table, name)
    what = what.replace("{", "{{").replace("}", "}}")
    table.refuse(name, named & np.isnan(shares), f"{what} is {{cell!r}}, not a number{{more}}")
    table.refuse(
        name,
        (shares < 0) | (shares > 1),
        f"{what} is {{cell}}, not in 0 to 1{{more}}: rename the column if it holds something else",
    )
    return shares


def _refuse_repeated_clip(given: IntervalFile, rows: pd.DataFrame, on: list[str]) -> None:
    """Refuse a clip that a file names twice; `on` are the columns that identify a clip.

    Raises:
        DataError: there is one.
    """
    repeated = rows[rows.duplicated(on)]
    if repeated.empty:
        return
    row = repeated.iloc[0]
    first = rows[(rows[on] == row[on]).all(axis=1)].iloc[0]
    hint = ""
    if len(on) == 1:
        hint = ": if these are two expressions of one video, distinguish them with a column onset in both files"
    raise DataError(
        f"{given.place}, line {row['line']}: the clip {row['video'].partition('/')[2]} occurs twice (first on "
        f"line {first['line']}){hint}"
    )
