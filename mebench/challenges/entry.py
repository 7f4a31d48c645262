"""Files of answers for challenges: checked line by line, or written for a run, one for each database."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from mebench.annotations.annotation import MOST_DIGITS
from mebench.challenges.register import ChallengeTask
from mebench.errors import DataError, refuse_if
from mebench.exchange.megc import is_log, read_log
from mebench.exchange.text_table import Remarks, read_sheet
from mebench.exchange.write import write_predictions, write_rows
from mebench.metrics.tables import Tables
from mebench.runs.scoring import select_dataset
from mebench.vqa import questions

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "megc2023": ("vid", "pred_onset", "pred_offset", "type"),
    "strs": ("subject", "video", "onset", "offset", "emotion"),
    "csv": ("subject", "video", "onset", "offset"),
    "clips": ("subject", "video", "emotion"),
}
TYPES = {"me": "micro", "mae": "macro"}
LONGEST = 300
"""Most characters of a fault in a message."""


class Fault(NamedTuple):
    """A fault of a file: its line, from 1 (0: the whole file), and a description."""

    line: int
    text: str

    def __str__(self) -> str:
        text = self.text if len(self.text) <= LONGEST else f"{self.text[:LONGEST]} …"
        return f"line {self.line}: {text}" if self.line else text


def find_faults(task: ChallengeTask, path: Path, wanted_file: Path | None = None) -> list[Fault]:
    """All faults of a file of answers; none if it can be sent in.

    Args:
        task: task that defines the form.
        path: file of answers.
        wanted_file: file of the questions, for a task with questions: each must be answered once and none added. For
            other tasks, a table with the column `video` (or `vid`) and, if available, `subject`: other videos are
            faults, and missing ones are named.

    Raises:
        DataError: `wanted_file` cannot be read.
    """
    asked = None
    videos = None
    if wanted_file is not None:
        if task.form == "answers":
            asked = questions.read_questions(wanted_file)
        else:
            videos = _videos_of_challenge(task, wanted_file)
    try:
        if task.form == "answers":
            return list(_faults_of_answers(path, asked))
        if task.form == "megc2020":
            return _faults_of_log(path)
        return list(_faults_of_table(task, path, videos))
    except DataError as error:
        return [Fault(0, str(error))]


def _videos_of_challenge(task: ChallengeTask, path: Path) -> Collection[str]:
    """The challenge's videos, each once, as the files of the task name them.

    Raises:
        DataError: the table has no column for them, or cannot be read.
    """
    rows = _rows_of_table(path)
    if not rows or not {"video", "vid"} & rows[0].keys():
        raise DataError(f"{path} has no column video (or vid), which names the challenge's videos")
    names = [row.get("video") or row.get("vid", "") for row in rows]
    with_subject: list[str] = []
    for row, name in zip(rows, names):
        subject = row.get("subject")
        with_subject.append(f"{subject}_{name}" if subject else name)
    # A file that names no subjects does so in its videos, where two people have one of the same name.
    is_unique = len({*names}) == len({*with_subject})
    needs_no_subject = task.form == "megc2023" and is_unique
    return dict.fromkeys(names if needs_no_subject else with_subject)


def _faults_of_log(path: Path) -> list[Fault]:
    """The fault of a file that is no log of MEGC 2020; a wrong line in a log raises `DataError`."""
    sheet = read_sheet(path, Remarks(), "predictions")
    if not is_log(sheet):
        line = "a line is `<subject>_<video> onset offset onset offset TP|FP|FN`"
        return [Fault(1, f"is not a log of MEGC 2020: {line}")]
    read_log(sheet, path, "predictions", Remarks())
    return []


def read_entry(task: ChallengeTask, path: Path) -> list[dict[str, str]]:
    """The rows of a file without faults, as text by column; for a log of MEGC 2020, its predictions."""
    if task.form == "answers":
        return questions.read_questions(path)
    if task.form != "megc2020":
        return _rows_of_table(path)
    predictions = read_log(read_sheet(path, Remarks(), "predictions"), path, "predictions", Remarks()).intervals
    return [{name: str(row[name]) for name in ("video", "onset", "offset")} for row in predictions.to_dict("records")]


def _rows_of_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table by its header, without empty ones."""
    lines = _numbered_cells(path)
    _, header = next(lines, (1, []))
    return [dict(zip(header, cells)) for _, cells in lines if any(cells)]


def _numbered_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table, each with its number.

    Raises:
        DataError: it cannot be read.
    """
    reader = csv.reader(StringIO(questions.text_of(path), newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a table with commas ({error})") from None


def _faults_of_answers(path: Path, asked: Sequence[questions.QuestionCells] | None) -> Iterator[Fault]:
    """Questions without an answer; and if the asked ones are known, other, changed and missing ones."""
    question_of = None if asked is None else {questions.id_of(row): row["question"] for row in asked}
    answered = set[str]()
    line = 0
    for line, row in questions.read_lines(path):
        if isinstance(row, str):
            yield Fault(line, row)
            continue
        name = questions.id_of(row)
        answered.add(name)
        if not row.get("answer", "").strip():
            yield Fault(line, f"the question {name!r} has no answer")
        if question_of is not None and name not in question_of:
            yield Fault(line, f"the question {name!r} is not asked")
        elif question_of is not None and question_of[name] != row["question"]:
            yield Fault(line, f"the question {name!r} must read {question_of[name]!r}")
    if line == 0:
        yield Fault(0, "holds no answers")
    missing = [name for name in question_of or () if name not in answered]
    yield from (Fault(0, f"the question {name!r} is missing") for name in missing)


def _faults_of_table(task: ChallengeTask, path: Path, known: Collection[str] | None) -> Iterator[Fault]:
    """Wrong columns; rows that are cut, repeated or wrong in a cell; and clips without an answer."""
    lines = _numbered_cells(path)
    columns = COLUMNS[task.form]
    _, header = next(lines, (1, []))
    if header[: len(columns)] != list(columns):
        yield Fault(1, f"the columns must be {','.join(columns)}, not {','.join(header) or 'empty'}")
        return
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield Fault(line, f"has {len(cells)} cells, not {len(header)}")
            continue
        answered = cells[:2] if task.form == "clips" else cells  # a clip has one answer
        first_line = seen.setdefault(tuple(answered), line)
        if first_line != line:
            yield Fault(line, f"repeats line {first_line}")
        row = dict(zip(header, cells))
        yield from (Fault(line, message) for message in _faults_of_row(task, row, known))
    if known is not None and task.form == "clips":
        yield from _missing_clips(seen, known)


def _missing_clips(answered: Collection[tuple[str, ...]], known: Collection[str]) -> Iterator[Fault]:
    """The clips of the challenge without an answer; answers name subject and video."""
    names = set[str]()
    for subject, video in answered:
        names |= {video, f"{subject}_{video}"}
    for clip in known:
        if clip not in names:
            yield Fault(0, f"the clip {clip!r} has no answer")


def _faults_of_row(task: ChallengeTask, row: Mapping[str, str], known: Collection[str] | None) -> Iterator[str]:
    """The faults of one row of a table."""
    yield from _faults_of_video(row, known)
    if task.form != "clips":
        yield from _faults_of_ends(task, row)
    if "type" in row and TYPES.get(row["type"]) not in task.kinds:
        yield f"the type must be me or mae, not {row['type']!r}"
    if task.form == "clips":
        labels = row["emotion"].split("+") if task.several else [row["emotion"]]
        unknown = [label for label in labels if label not in task.classes]
        if unknown:
            yield f"the emotion must be one of {', '.join(task.classes)}, not {unknown[0]!r}"


def _faults_of_video(row: Mapping[str, str], known: Collection[str] | None) -> Iterator[str]:
    """A video that is not named, or not among the challenge's."""
    video = row.get("vid") or row.get("video", "")
    if not video:
        yield "names no video"
        return
    if known is None:
        return
    if video not in known and f"{row.get('subject')}_{video}" not in known:
        yield f"the video {video!r} is not among the challenge's {len(known)}"


def _faults_of_ends(task: ChallengeTask, row: Mapping[str, str]) -> Iterator[str]:
    """An onset or offset that is not a frame number, or in the wrong order."""
    ends = [row[name] for name in COLUMNS[task.form] if name.endswith(("onset", "offset"))]
    whole = [int(end) for end in ends if _is_frame_number(end)]
    if len(whole) < 2:
        yield f"onset and offset must be whole frame numbers, not {' and '.join(map(repr, ends))}"
    elif whole[0] > whole[1]:
        yield f"the offset {whole[1]} lies before the onset {whole[0]}"


def _is_frame_number(text: str) -> bool:
    """Whether a text is a whole number of at most `MOST_DIGITS`."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def write_entries(task: ChallengeTask, tables: Tables, folder: Path, remarks: Remarks) -> list[Path]:
    """Write the answers of a run in the organisers' format, one file for each database.

    Frames have the numbers of the dataset's files.

    Args:
        task: task of the answers; one with questions takes the file of `mebench vqa answer` unchanged.
        tables: tables of the run.
        folder: folder of the files; made if it is missing.
        remarks: list for what the format cannot hold.

    Returns:
        The files.

    Raises:
        ConfigError: the task asks questions, or the run lacks the required answers.
    """
    refuse_if(
        (
            task.form == "answers",
            f"{task.name} asks questions: mebench vqa answer RUN --questions FILE writes the file that it takes",
        ),
        (
            task.form == "clips" and tables.clips is None,
            f"the run names no emotions of clips, which {task.name} asks for",
        ),
        (
            task.form != "clips" and tables.predictions is None,
            f"the run spots no intervals, which {task.name} asks for",
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for dataset in sorted(set(tables.videos["dataset"])):
        part = select_dataset(tables, dataset)
        path = folder / _file_name(task, dataset)
        if part.clips is not None and task.form == "clips":
            ids = [video.split("/", 2) for video in part.clips["video"]]
            rows = ((subject, video, label) for (_, subject, video), label in zip(ids, part.clips["predicted"]))
            write_rows(path, COLUMNS["clips"], rows)
        else:
            # A file of STRS begins with the columns that a task of the form csv asks for.
            write_predictions(path, "strs" if task.form == "csv" else task.form, part, remarks)
        written.append(path)
    return written


def _file_name(task: ChallengeTask, dataset: str) -> str:
    """The organisers' name for the file of a dataset, known by its database; else one with the dataset's id."""
    database = next((short for short in ("samm", "cas") if dataset.startswith(short)), dataset)
    official_names = [name for name in task.names if database in name]
    if official_names:
        return official_names[0]
    ending = "txt" if task.form == "megc2020" else "csv"
    return f"{dataset}_pred.{ending}"
