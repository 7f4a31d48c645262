"""Read prediction files of any program and their truth, for `score`, `compare` and `mistakes`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.account import ColumnUse
from mebench.annotations import SheetDataset
from mebench.annotations.annotation import Annotation, repair_lines
from mebench.annotations.names import KINDS, kind_of
from mebench.annotations.table import table_of_file
from mebench.errors import ConfigError, DataError, list_first, unknown
from mebench.exchange.annotation_tools import tool_of
from mebench.exchange.choices import Choices, find_header
from mebench.exchange.clips import join_clips, read_clips
from mebench.exchange.column_values import (
    NamedRows,
    judge_classes,
    judge_confidence,
    judge_ends,
    true_classes,
    warn_of_other_numbers,
)
from mebench.exchange.eaf import common_rate, find_eaf
from mebench.exchange.elan_export import is_elan_export
from mebench.exchange.frame_shift import note_shift
from mebench.exchange.intervals import check_intervals, read_intervals
from mebench.exchange.join import JOINTS, Rules, classes_of, join_with_truth, loosen_id, named_classes
from mebench.exchange.megc import is_log
from mebench.exchange.other_rates import judge_rates
from mebench.exchange.repeated_videos import NEARLY_ALL, OVERLAPPING, refuse_repeated_videos, share_of_overlaps
from mebench.exchange.row_layouts import NAMES_OF_PARTS
from mebench.exchange.text_table import File, OtherColumns, Remarks, TextTable, parse_columns, read_sheet
from mebench.exchange.values import IDS, IntervalFile, Role
from mebench.files import read_plain
from mebench.limits import TEXT_TABLE_BYTES
from mebench.metrics.tables import Tables
from mebench.output.terminal import format_count


@dataclass(frozen=True)
class Answers:
    """The predictions of a program, with the truth.

    Attributes:
        tables: as those of a run.
        kinds: the kinds that were spotted and are scored, micro first; empty if the file only names clips.
        classes: the scored classes.
    """

    tables: Tables
    kinds: list[str]
    classes: list[str]

    @property
    def tasks(self) -> list[str]:
        """The tasks, as in a run: `recognize` if the program names classes, `spot` if it spots intervals."""
        spotted = self.tables.predictions
        names_emotions = spotted is not None and (spotted["emotion"] != "").any()
        tasks = []
        if self.tables.clips is not None or names_emotions:
            tasks.append("recognize")
        if spotted is not None:
            tasks.append("spot")
        return tasks


_FARTHER = 10
"""No prediction that counts frames like the truth reaches beyond this multiple of the truth's last frame."""
WORKBOOKS = (".xls", ".xlsx", ".xlsm")


def read_truth(
    file: File,
    rules: Rules,
    remarks: Remarks,
    adapters: Iterable[SheetDataset] = (),
    clips: bool = False,
) -> tuple[IntervalFile, Rules]:
    """The true intervals, or the true class of each clip.

    The adapter of a dataset reads that dataset's sheet, with all its knowledge and repairs: lines above the header,
    offsets of 0, names without leading zeros. Columns and names identify the sheet; the file name also identifies a
    workbook, and a table of text that cannot be read otherwise.

    Args:
        file: the file of the truth.
        rules: how the files go together.
        remarks: list that gets what was noticed.
        adapters: the datasets whose sheet this may be, the likeliest first, with this file as their annotations.
        clips: whether the predictions name classes of given clips.

    Returns:
        The truth, with the frame numbers of the file; and the rules. An adapter writes names as the folders spell them,
        so the rules then match names that differ only in case, leading zeros or a prefix.

    Raises:
        DataError: the file cannot be understood; the message names the line.
    """
    choices = rules.choices
    # Who names columns of the truth reads it as a table.
    adapters = [] if choices.decide_truth else [*adapters]
    workbook = isinstance(file, Path) and file.suffix.lower() in WORKBOOKS
    rules_of_sheet = replace(rules, loose_ids=True)
    likely = [dataset for dataset in adapters if workbook or dataset.recognised]
    sheet = _read_as_sheet_of_dataset(file, likely, remarks)
    if sheet is not None:
        return sheet, rules_of_sheet
    notes = Remarks()
    try:
        if clips:
            true = read_clips(file, "truth", notes, choices=choices)
        else:
            true = read_intervals(file, "truth", notes, fps=rules.fps, choices=choices)
    except DataError:
        sheet = None if workbook else _read_as_sheet_of_dataset(file, adapters, remarks)
        if sheet is None:
            raise
        return sheet, rules_of_sheet
    refuse_repeated_videos(true, choices, ONE_CLASS if clips else ())
    _note_parts(true, notes)
    remarks.findings += notes.findings
    remarks.add(notes)
    return true, rules


def _read_as_sheet_of_dataset(file: File, adapters: Iterable[SheetDataset], remarks: Remarks) -> IntervalFile | None:
    """The truths of a sheet of annotations, or None if no adapter reads it."""
    for dataset in adapters:
        truth = _rows_of_sheet(str(file), dataset, "truth", remarks)
        if truth is not None:
            return check_intervals(truth, remarks)
    return None


def _answers_of_sheet(file: File, truth: IntervalFile, rules: Rules, remarks: Remarks) -> IntervalFile | None:
    """The answers of a file in the form of the truth's sheet. The repairs are the same; None for a file of another form.

    A table with a confidence or with columns named after predictions has answers beside the sheet's own columns, and is read as a table.
    """
    if truth.sheet is None or not isinstance(file, Path) or not file.is_file() or rules.choices.decide_answers:
        return None
    dataset = type(truth.sheet)(replace(truth.sheet.params, annotations=str(file)))
    if not (file.suffix.lower() in WORKBOOKS or str(file) == truth.place or dataset.recognised):
        return None
    try:
        columns = _plain_table(file, _OF_ANSWERS)
    except DataError:  # a layout that only the adapter knows
        columns = None
    if columns is not None and (columns.other_columns().owned or "confidence" in columns.cells):
        return None
    read = _rows_of_sheet(str(file), dataset, "predictions", remarks)
    if read is None:
        return None
    is_the_truth = file.read_bytes() == Path(truth.place).read_bytes()
    others = None if columns is None or is_the_truth else columns.other_columns()
    is_same_rows = others is not None and bool(np.isin(read.intervals["line"], others.lines).all())
    return check_intervals(replace(read, others=others if is_same_rows else None), remarks)


_OF_ANSWERS = ("subject", "video", "onset", "apex", "offset", "emotion", "kind", "confidence")


def _plain_table(file: Path, wanted: Sequence[str]) -> TextTable:
    """The columns of a file as those of a table of predictions, without remarks."""
    sheet = read_sheet(file, Remarks(), "predictions")
    return parse_columns(sheet, file, "predictions", wanted, Remarks(), may_stand_alone="emotion")


def _rows_of_sheet(place: str, dataset: SheetDataset, role: Role, remarks: Remarks) -> IntervalFile | None:
    """The rows of a sheet as its dataset's adapter reads them; None if it does not."""
    try:
        annotations = list(dataset.annotations)
    except DataError:
        return None
    remarks.repair(
        f"{role}: read as the sheet of {dataset.id}, as mebench data summary dataset={dataset.id} dataset.annotations=FILE reads it"
    )
    for line in repair_lines(dataset.sheet_repairs):
        remarks.repair(f"{role}: {line}")
    remarks.account_of(role).columns += _columns_of_sheet(dataset)
    return replace(_intervals_of_annotations(place, role, annotations, dataset.fps, remarks), sheet=dataset)


def _columns_of_sheet(dataset: SheetDataset) -> list[ColumnUse]:
    """What a dataset's adapter takes of each column of its sheet; one line for a layout without names."""
    table = table_of_file(dataset.annotation_file, *dataset.forms)
    adapter = f"sheet of {dataset.id}"
    if table is None:
        return [ColumnUse("all columns", "annotations", adapter)]
    taken = [ColumnUse(header, what, adapter) for what, header in table.columns.items()]
    return [*taken, *(ColumnUse(header, "", f"{adapter}: nothing is taken from it") for header in table.unread)]


def _intervals_of_annotations(
    place: str, role: Role, annotations: Sequence[Annotation], usual_rate: float, remarks: Remarks
) -> IntervalFile:
    """Annotations of a dataset as a truth, or as answers.

    Args:
        place: the file, for sentences.
        role: role of the annotations.
        annotations: rows of the sheet; those without a person, a video or an onset are left out.
        usual_rate: frames per second of videos whose row states no rate.
        remarks: list that gets the account of the rows.
    """
    rows = []
    for one in annotations:
        if one.subject and one.video:
            interval = (one.onset, one.offset, one.apex)
            rows.append(
                (one.row, one.subject, one.video, one.fps or usual_rate, one.kind, *interval, one.emotion or "")
            )
    columns = ["line", "subject", "video", "fps", "kind", "onset", "offset", "apex", "emotion"]
    table = pd.DataFrame(rows, columns=columns)
    account = remarks.account_of(role)
    account.hold("row", len(annotations))
    account.leave_out("row", len(annotations) - len(table), "a row without a person or a video")
    complete = table.drop(columns="fps").dropna(subset="onset").reset_index(drop=True)
    account.leave_out("row", len(table) - len(complete), "a row without an interval")
    intervals = complete.astype({"onset": np.int64, "offset": np.int64, "apex": np.float64})
    known = frozenset({*table} - {"line"})
    if role == "truth":
        videos = table[["line", "subject", "video", "fps"]].assign(n_frames=np.nan)
        return IntervalFile(place, role, intervals, videos, known)
    # What a truth holds twice is one expression, in answers of this form, too.
    once = intervals[~intervals.duplicated([name for name in intervals if name != "line"])].reset_index(drop=True)
    account.leave_out("row", len(intervals) - len(once), "a repeated annotation")
    middle = (once["onset"] + once["offset"]) // 2
    answers = once.assign(apex=once["apex"].fillna(middle), confidence=np.nan)
    return IntervalFile(place, role, answers, table[["line", "subject", "video", "kind"]], known - {"fps"})


def _with_spellings(truth: IntervalFile, answers: IntervalFile, remarks: Remarks) -> IntervalFile:
    """The answers with other spellings of labels replaced. The truth's adapter says what it writes, such as `happiness` for `happy`."""
    spellings = {} if truth.sheet is None else truth.sheet.cleaning.spellings
    if not spellings:
        return answers
    labels = answers.intervals["emotion"]
    known = set(truth.intervals["emotion"])
    found = {label: spellings[label] for label in labels.unique() if label in spellings and label not in known}
    if not found:
        return answers
    written = ", ".join(f"{label} as {meant}" for label, meant in found.items())
    remarks.repair(f"predictions: other spellings are read as the truth's: {written}")
    return replace(answers, intervals=answers.intervals.assign(emotion=labels.replace(found)))


ONE_CLASS = ("kind", "onset")
"""Columns that tell the clips of one video apart, each of which has one class."""


def _with_people_of_keys(truth: IntervalFile, answers: IntervalFile, remarks: Remarks) -> IntervalFile:
    """The answers with the names under which their parts stand as the subjects. They get them if so the videos are those of the truth.

    Programs that test person after person keep `result[person][video]`, or a sheet for each person.
    """
    if answers.others is None or "subject" in answers.columns or "subject" not in truth.columns:
        return answers
    person_of = {_loose_name(person, video): person for person, video in _people_and_videos(truth.videos)}
    for name in NAMES_OF_PARTS:
        if name not in answers.others.columns:
            continue
        videos = answers.videos.assign(subject=_parts_of_rows(answers.others, name, answers.videos))
        own = {_loose_name(person, video) for person, video in _people_and_videos(videos)}
        if len(own & person_of.keys()) < NEARLY_ALL * len(own):
            continue
        remarks.repair(
            f"predictions: the names of its parts ({name}) are people of the truth, and are read as the subject"
        )
        intervals = answers.intervals.assign(subject=_parts_of_rows(answers.others, name, answers.intervals))
        rest = {other: cells for other, cells in answers.others.columns.items() if other != name}
        return replace(
            answers,
            intervals=_with_spelled_people(intervals, person_of),
            videos=_with_spelled_people(videos, person_of),
            columns=answers.columns | {"subject"},
            others=replace(answers.others, columns=rest),
        )
    return answers


def _parts_of_rows(others: OtherColumns, name: str, rows: pd.DataFrame) -> NDArray[np.object_]:
    """The name above the part of each row."""
    return others.words_at(name, rows["line"].to_numpy(np.int64), str.strip)


def _with_spelled_people(rows: pd.DataFrame, person_of: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """The rows with their subjects as the truth spells them."""
    people = [
        person_of.get(_loose_name(person, video), person) for person, video in zip(rows["subject"], rows["video"])
    ]
    return rows.assign(subject=people)


def _loose_name(person: str, video: str) -> tuple[str, str]:
    """A person and a video without what spellings differ in."""
    return loosen_id(person), loosen_id(video)


def _note_parts(given: IntervalFile, remarks: Remarks) -> None:
    """Tell of parts that are joined without a use of their names."""
    for name in NAMES_OF_PARTS:
        if given.others is not None and name in given.others.columns:
            names = list_first([*given.others.columns[name].distinct], MOST_PARTS)
            remarks.repair(f"{given.role}: its parts ({name}: {names}) are joined, and their names not read")


MOST_PARTS = 4
"""Parts that a remark names."""


def _people_and_videos(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """Person and video of each row."""
    return set(zip(rows["subject"].astype(str), rows["video"].astype(str)))


def read_answers(
    file: File,
    truth: IntervalFile,
    rules: Rules,
    remarks: Remarks,
    log: bool | None = None,
) -> IntervalFile:
    """The intervals of predictions. A file in the form of the truth's sheet is read as that is, with the same repairs.

    Args:
        file: the file of the predictions.
        truth: the truth, as read.
        rules: how the files go together; the rate of the truth holds for seconds if the user gives none.
        remarks: list that gets what was noticed.
        log: see `read_intervals`.

    Raises:
        DataError: the file cannot be understood; the sentence names the line.
    """
    read = None if log else _answers_of_sheet(file, truth, rules, remarks)
    if read is None:
        rate_of_seconds = rules.fps or truth.rate_of_seconds
        read = read_intervals(file, "predictions", remarks, log, rate_of_seconds, truth.rate, rules.choices)
        read = _with_people_of_keys(truth, read, remarks)
        refuse_repeated_videos(read, rules.choices)
        _note_parts(read, remarks)
    return _with_spellings(truth, read, remarks)


def join_intervals(
    truth: IntervalFile,
    predictions: IntervalFile,
    rules: Rules,
    remarks: Remarks,
    *,
    classes: str | None = None,
    kinds: str | None = None,
    scores: IntervalFile | None = None,
) -> Answers:
    """Spotted intervals.

    Args:
        truth: true intervals of all videos.
        predictions: as read, or as derived from `scores`.
        rules: how the files go together.
        remarks: list that gets what was noticed.
        classes: the classes to score, as the command line names them; by default all classes of the truth.
        kinds: the kinds to score, as the command line names them; by default the kinds that the predictions distinguish and that occur.
        scores: the frame scores from which the predictions were derived.

    Raises:
        ConfigError: a kind is unknown, or the classes are invalid.
        DataError: the files do not fit together.
    """
    if "subject" in predictions.columns - truth.columns and _names_no_people(Path(truth.place)):
        truth = _with_subjects(truth, predictions)
    _refuse_other_units(truth, predictions)
    if kinds is None and scores is None:
        _refuse_numbered_kinds(truth, predictions)
    if truth.pooled or predictions.pooled:
        truth = _without_kinds(truth, remarks)
        predictions = _without_kinds(predictions, remarks)
    if predictions.intervals.empty and scores is None:
        remarks.warn("the predictions are empty, so every truth is missed")
    tables = join_with_truth(truth, predictions, rules, remarks, None if scores is None else scores.intervals)
    judge_ends(predictions, tables.spotted, tables.truths)
    judge_confidence(predictions, tables.spotted)
    if scores is None and share_of_overlaps(tables.spotted) >= OVERLAPPING:
        remarks.warn(
            "predictions: many intervals overlap an earlier one of the same video and kind, and each counts: if they are of several "
            "runs, score each run by itself"
        )
    if scores is None:
        judge_rates(truth, predictions, tables, rules.fps, remarks)
    note_shift(tables.truths, tables.spotted, remarks)
    only_kinds = ["micro"] if predictions.pooled or (scores is None and "kind" not in predictions.columns) else None
    if scores is not None:
        only_kinds = sorted(set(scores.videos["kind"]), reverse=True)
    scored_kinds = _scored_kinds(kinds, only_kinds, tables, remarks)
    scored_classes = classes_of(classes, tables, remarks)
    _judge_emotions(truth, predictions, tables, scored_classes, remarks)
    # A truth whose label is not a scored class counts for spotting only.
    emotion = tables.truths["emotion"]
    truths = tables.truths.assign(emotion=emotion.where(emotion.isin(scored_classes), None))
    return Answers(replace(tables, truths=truths), scored_kinds, scored_classes)


def _judge_emotions(
    truth: IntervalFile, predictions: IntervalFile, tables: Tables, classes: Sequence[str], remarks: Remarks
) -> None:
    """Refuse emotions of intervals that may stand in another column.

    Numbers of classes that seem to begin elsewhere get a warning.

    Raises:
        DataError: another column holds the classes, too, and the scores depend on which one is the answer.
    """
    spotted = tables.spotted[tables.spotted["emotion"] != ""]
    if predictions.others is None or not classes or spotted.empty:
        return
    names_numbers = any(str(name).isdigit() for name in spotted["emotion"].unique())
    if not (names_numbers or predictions.has_unread_columns or truth.has_unread_columns):
        return
    person_of = tables.videos.set_index("video")["subject"]
    rows = NamedRows(
        spotted["line"].to_numpy(np.int64),
        spotted["emotion"].to_numpy(object),
        true_classes(spotted, tables.truths),
        spotted["video"].map(person_of).to_numpy(object),
    )
    judge_classes(predictions, truth, rows, classes)
    warn_of_other_numbers(rows, remarks)


def _names_no_people(path: Path) -> bool:
    """Whether a file is of an annotation tool. Such a file has no place for the people of its videos."""
    if find_eaf(path) is not None or path.is_dir():
        return True
    return path.is_file() and tool_of(read_plain(path, TEXT_TABLE_BYTES)) is not None


def _with_subjects(truth: IntervalFile, predictions: IntervalFile) -> IntervalFile:
    """The truth of an annotation tool, which names no subjects, with those of the predictions.

    A video gets the subject that the predictions give it, else a subject of its own. A video called
    `<subject>_<video>` in the predictions is found, too.
    """
    known: dict[str, set[tuple[str, str]]] = {}
    for subject, video in zip(predictions.videos["subject"], predictions.videos["video"]):
        for name in (video, *(f"{subject}{sign}{video}" for sign in JOINTS)):
            known.setdefault(name, set()).add((subject, video))
    ids: dict[str, tuple[str, str]] = {}
    for name in truth.videos["video"]:
        candidates = known.get(name, set())
        ids[name] = next(iter(candidates)) if len(candidates) == 1 else (name, name)

    def with_ids(rows: pd.DataFrame) -> pd.DataFrame:
        ids_of_rows = [ids[name] for name in rows["video"]]
        subjects = [subject for subject, _ in ids_of_rows]
        videos = [video for _, video in ids_of_rows]
        return rows.assign(subject=subjects, video=videos)

    columns = truth.columns | {"subject"}
    return replace(truth, intervals=with_ids(truth.intervals), videos=with_ids(truth.videos), columns=columns)


def _refuse_other_units(truth: IntervalFile, predictions: IntervalFile) -> None:
    """Refuse frames beside seconds: fractional numbers that reach much farther than those of the other file."""
    last_true = truth.intervals["offset"].max()
    last_predicted = predictions.intervals["offset"].max()
    reach = [last_true, last_predicted]
    if predictions.fractional == truth.fractional or not max(reach) > _FARTHER * min(reach):
        return
    remedy = "if they are seconds, give the frame rate with --fps N"
    if predictions.fractional == "seconds":
        remedy = "leave --fps out"
    raise DataError(
        f"{predictions.place}: onsets and offsets, read as {predictions.fractional or 'frames'}, reach "
        f"frame {last_predicted}, those of the truth to {last_true}: {remedy}"
    )


def _refuse_numbered_kinds(truth: IntervalFile, predictions: IntervalFile) -> None:
    """Refuse one or two numbers that may be the kinds of the truth."""
    if "kind" in predictions.columns or set(truth.intervals["kind"]) != {*KINDS}:
        return
    labels = sorted(set(predictions.intervals["emotion"]) - {""})
    may_be_kinds = 0 < len(labels) <= len(KINDS) and all(label.isdigit() for label in labels)
    if may_be_kinds and not {*labels} & set(truth.intervals["emotion"]):
        raise DataError(
            f"{predictions.place}: the label of each interval is a number ({', '.join(labels)}), and the truth has micro- and "
            "macro-expressions: if the numbers are kinds, write micro and macro in a column kind; if all are micro, add "
            "--kinds micro"
        )


def read_clip_answers(
    truth: IntervalFile,
    path: File,
    rules: Rules,
    remarks: Remarks,
    classes: str | None = None,
) -> Answers:
    """Classes of given clips; arguments and errors as in `join_intervals`, and the errors of `read_clips`."""
    labels = truth.intervals["emotion"][truth.intervals["kind"] == "micro"].str.split("+").explode().tolist()
    scored = named_classes(classes, labels, remarks)
    other_labels = sorted(set(labels) - {"", *scored})
    read = _answers_of_sheet(path, truth, rules, remarks)
    if read is None:
        spellings = {} if truth.sheet is None else truth.sheet.cleaning.spellings
        read = read_clips(path, "predictions", remarks, scored, other_labels, rules.choices, spellings)
        read = _with_people_of_keys(truth, read, remarks)
        refuse_repeated_videos(read, rules.choices, ONE_CLASS)
        _note_parts(read, remarks)
    return Answers(join_clips(truth, read, scored, rules, remarks), [], scored)


def read_against_truth(
    truth: File,
    files: Sequence[File],
    rules: Rules,
    remarks: Remarks,
    clips: bool = False,
    classes: str | None = None,
    adapters: Iterable[SheetDataset] = (),
) -> list[Answers]:
    """Read prediction files against one truth: as spotted intervals, or all as named clips if a file lacks onset and
    offset.

    Args:
        truth: the file of the truth.
        files: the files of predictions; remarks call the first of several A.
        rules: how the files go together.
        remarks: list that gets what was noticed.
        clips: whether the files name the classes of given clips although they hold intervals.
        classes: to score, as the command line names them.
        adapters: see `read_truth`.
    """
    choices = rules.choices
    clips = clips or not all(_has_intervals(file, choices) for file in files)
    rules = replace(rules, fps=common_rate([truth, *files], rules.fps))
    true, rules = read_truth(truth, rules, remarks, adapters, clips)
    own_remarks = [Remarks() for _ in files]
    if clips:
        answers = [read_clip_answers(true, path, rules, own, classes) for path, own in zip(files, own_remarks)]
    else:
        spotted = [read_answers(path, true, rules, own) for path, own in zip(files, own_remarks)]
        if any(file.pooled for file in spotted):
            true = _without_kinds(true, remarks)
        answers = [join_intervals(true, file, rules, own, classes=classes) for file, own in zip(spotted, own_remarks)]
    check_choices(choices, remarks, *own_remarks)
    if len(files) == 1:
        _add_remarks(remarks, own_remarks[0], "")
    else:
        for letter, own in zip("AB", own_remarks):
            _add_remarks(remarks, own, letter)
    # Each also gets the videos that only the other files name, so that all sides have the same; these add nothing to it.
    named = [answer.tables.videos for answer in answers]
    videos = [pd.concat([own, *named]).drop_duplicates("video", ignore_index=True) for own in named]
    return [replace(answer, tables=replace(answer.tables, videos=table)) for answer, table in zip(answers, videos)]


def values_of_column(file: File, column: str) -> list[str]:
    """The different cells of a column of predictions, in their order.

    Raises:
        ConfigError: there is no such column.
        DataError: the file is no table.
    """
    table = parse_columns(read_sheet(file, Remarks(), "predictions"), file, "predictions", IDS, Remarks())
    columns = {**table.others, **{header: table.cells[name] for name, header in table.taken.items()}}
    position = find_header([*columns], column)
    if position is None:
        raise ConfigError(unknown(f"column of {file}", column, [*columns]))
    cells = columns[[*columns][position]]
    return list(dict.fromkeys(cell.strip() for cell in cells.distinct if cell.strip()))


def check_choices(choices: Choices, *remarks: Remarks) -> None:
    """Refuse a choice of rows that is about no file.

    Args:
        choices: decisions of the user.
        remarks: accounts of all files.

    Raises:
        ConfigError: no file has the column.
    """
    columns = [use.column for one in remarks for account in one.accounts.values() for use in account.columns]
    for choice in choices.where:
        if columns and find_header(columns, choice.name) is None:
            raise ConfigError(f"--where {choice.name}={choice.value}: {unknown('column', choice.name, columns)}")


def _add_remarks(remarks: Remarks, own: Remarks, letter: str) -> None:
    """Add the remarks on one file; those on its predictions get its letter, unless it is the only one."""
    remarks.add(own, letter)
    for finding in own.findings:
        holds_for_all = finding.message.startswith(("truth", "--"))
        lettered = replace(finding, where=letter) if letter and not holds_for_all else finding
        if lettered not in remarks.findings:
            remarks.findings.append(lettered)


def _without_kinds(given: IntervalFile, remarks: Remarks) -> IntervalFile:
    """A file with all expressions as micro, for a comparison with a file without kinds."""
    n_macro = int((given.intervals["kind"] == "macro").sum())
    if n_macro:
        remarks.warn(
            f"{given.role}: {format_count(n_macro, 'macro-expression')} count as micro, since the log of MEGC 2020 does "
            "not distinguish kinds"
        )
    videos = given.videos.assign(kind="micro") if "kind" in given.videos else given.videos
    return replace(given, intervals=given.intervals.assign(kind="micro"), videos=videos, pooled=True)


def kind_of_answers(
    predictions: File, truth: File, choices: Choices | None = None
) -> Literal["intervals", "frame scores", "clips"]:
    """What predictions are, by their columns and those of the truth.

    They are intervals if they have onset and offset, or an onset alone beside a truth with both; scores of frames if they have a
    frame and a score; else classes of clips, if both sides have a class.
    """
    chosen = choices or Choices()
    names = _names_of_columns(predictions, "predictions", chosen)
    if {"onset", "offset"} <= names:
        return "intervals"
    if "frame" in names and names & {"score", "confidence"}:
        return "frame scores"
    lacks_offset = "onset" in names and {"onset", "offset"} <= _names_of_columns(truth, "truth", chosen)
    return "clips" if "emotion" in names and not lacks_offset else "intervals"


def _names_of_columns(file: File, role: Role, choices: Choices) -> set[str]:
    """The known columns of a file; of a file that is no table those of intervals."""
    wanted = ("video", "onset", "offset", "emotion", "confidence", "frame", "score")
    try:
        if _has_intervals(file, choices):
            return {"onset", "offset"}
        names = read_sheet(file, Remarks(), role).cut_below_header()
        return {*parse_columns(names, file, role, wanted, Remarks(), "emotion", replace(choices, where=())).cells}
    except DataError:
        return {"onset", "offset"}


def _has_intervals(path: File, choices: Choices) -> bool:
    """Whether a file of predictions holds intervals, not classes of given clips."""
    if isinstance(path, Path) and find_eaf(path) is not None:
        return True
    sheet = read_sheet(path, Remarks(), "predictions")
    if is_log(sheet) or is_elan_export(sheet):
        return True
    names = sheet.cut_below_header()  # the rows are read later, as what they are
    columns_alone = replace(choices, where=())
    wanted = ("video", "onset", "offset")
    table = parse_columns(names, path, "predictions", wanted, Remarks(), choices=columns_alone)
    return {"onset", "offset"} <= {*table.cells}


def _scored_kinds(
    requested: str | None, only_kinds: Sequence[str] | None, tables: Tables, remarks: Remarks
) -> list[str]:
    """The kinds to score: the requested ones, else the kinds in the predictions.

    Args:
        requested: the user's words.
        only_kinds: kinds as which predictions count that do not tell their kind; None if they tell it.
        tables: truths and predictions.
        remarks: list that gets what is not scored.
    """
    if requested is not None:
        return _requested_kinds(requested, only_kinds, remarks)
    true = set(tables.truths["kind"].unique())
    predicted = set(tables.spotted["kind"].unique())
    candidates = true | predicted if only_kinds is None else {*only_kinds}
    scored: list[str] = [kind for kind in KINDS if kind in candidates] or ["micro"]
    for kind in sorted(true - set(scored)):
        n_of_kind = int((tables.truths["kind"] == kind).sum())
        remarks.account_of("truth").leave_out(
            "row", n_of_kind, f"a {kind}-expression, which the predictions do not distinguish"
        )
        remarks.warn(
            f"truth: {format_count(n_of_kind, f'{kind}-expression')} not scored: the "
            f"predictions do not distinguish kinds and are taken as {', '.join(scored)}; add a column kind"
        )
    return scored


def _requested_kinds(requested: str, only_kinds: Sequence[str] | None, remarks: Remarks) -> list[str]:
    """The kinds that the user names. Those that no prediction can find get a warning; arguments as in `_scored_kinds`.

    Raises:
        ConfigError: a word is no kind.
    """
    words = requested.split(",")
    named = [kind_of(word) for word in words]
    if None in named:
        raise ConfigError(f"--kinds: {unknown('kind', words[named.index(None)].strip(), KINDS)}")
    scored: list[str] = [kind for kind in KINDS if kind in named]
    for kind in scored:
        if only_kinds is not None and kind not in only_kinds:
            remarks.warn(
                "--kinds: the predictions do not distinguish kinds and are taken as "
                f"{', '.join(sorted(only_kinds, reverse=True))}, so no {kind}-expression is found: add a column kind"
            )
    return scored
