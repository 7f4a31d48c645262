"""The challenge's questions, made from annotations, and the answers that a file of questions reveals."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from mebench.annotations.schemes import parse_units
from mebench.core import Expression, Video
from mebench.errors import DataError, check_known, refused_by_system
from mebench.files import read_plain, write_text
from mebench.grouping import group_by
from mebench.limits import QUESTION_LETTERS, QUESTION_LINES, QUESTIONS_BYTES
from mebench.metrics.bootstrap import derived_seed
from mebench.vqa.wording import ANALYSES, FINE, answer_sentence, join_unit_names, meaning_of, sentence_question

QuestionCells = dict[str, str]
"""A line of a file of questions: `id` (or `video_id`), `question`, `answer`, and the names of its clip or video."""


def make_questions(
    videos: Iterable[Video], task: Literal["vqa", "lvqa"] = "vqa", version: int = 1, blind: bool = False, seed: int = 0
) -> list[QuestionCells]:
    """Questions with their answers.

    `vqa` asks about each micro-expression that has action units and a fine class of the challenge: coarse and fine
    class, units, the side of the first unit on one half of the face, whether a unit is shown (asked for one shown and
    one absent unit, both drawn), and all in one sentence (version 1) or as an analysis in free text (version 2). The
    answer to the analysis is the sentence of version 1, because the challenge's own answer is not public. `lvqa` asks
    about each video: the number of events, of micro- and macro-expressions, all action units, and the type of two drawn
    events.

    Args:
        videos: with their annotations.
        task: `vqa` (clips) or `lvqa` (long videos).
        version: 1 or 2 of `vqa`.
        blind: leave out wording that reveals answers: for `lvqa` the event numbers, whose largest is a lower bound of
            the count; for `vqa` the plural, which distinguishes one unit from several, and the order, in which the
            shown unit comes first.
        seed: seed of the random draws.

    Raises:
        ConfigError: an unknown task or version.
        DataError: no expression fits a question.
    """
    check_known("task", task, ("vqa", "lvqa"))
    check_known("version", str(version), ("1", "2"))
    listed = tuple(videos)
    if task == "vqa":
        asked = _questions_about_clips(listed, version, blind, seed)
        key, about = "id", "image_id"
    else:
        asked = _questions_about_videos(listed, blind, seed)
        key, about = "video_id", "video"
    rows = []
    for names, pairs in asked:
        for n, (question, answer) in enumerate(pairs, 1):
            id_ = f"{names['dataset']}_{names[about]}_{n}"
            rows.append({key: id_, **names, "question": question, "answer": answer})
    if not rows and task == "vqa":
        raise DataError("no micro-expression has action units and one of the classes " + ", ".join(FINE))
    if not rows:
        raise DataError("the dataset holds no videos with expressions")
    return rows


_About = tuple[QuestionCells, list[tuple[str, str]]]
"""The names of a clip or video, and its questions with their answers."""


def _questions_about_clips(videos: Sequence[Video], version: int, blind: bool, seed: int) -> Iterator[_About]:
    """The names and questions of each clip that has action units and a fine class."""
    clips = []
    for video in videos:
        for expression in video.expressions:
            if expression.kind != "micro" or expression.emotion not in FINE:
                continue
            units = unit_numbers_of(expression)
            if units:
                clips.append((video, expression, units))
    all_units = sorted({unit for _, _, units in clips for unit in units})
    for n, (video, expression, units) in enumerate(clips):
        draw = random.Random(derived_seed(seed, "vqa", video.key, str(expression.onset)))
        n_named = 2 if blind else len(units)  # the singular would reveal that there is one
        whole = sentence_question(n_named) if version == 1 else ANALYSES[n % 2]
        fine = str(expression.emotion)
        coarse = FINE[fine]
        asked = [
            ("What is the coarse expression class?", coarse),
            ("What is the fine-grained expression class?", fine),
            (_question_about_units(n_named), join_unit_names(units)),
            *_question_about_side(expression),
            *_questions_about_shown(units, all_units, draw, blind),
            (whole, answer_sentence(units, fine, coarse)),
        ]
        yield _names_of_clip(video, expression), asked


def _question_about_units(n_named: int) -> str:
    """The question about the shown action units, in the singular or plural."""
    return "What is the action unit?" if n_named == 1 else "What are the action units?"


def _question_about_side(expression: Expression) -> list[tuple[str, str]]:
    """The question about the side of the first unit on one half of the face."""
    for unit in parse_units(expression.action_units):
        if unit.side in SIDES:
            name = join_unit_names([unit.number])
            return [(f"Is the action unit {name} located on the left or right face?", SIDES[unit.side])]
    return []


SIDES = {"L": "left", "R": "right"}
"""The halves of the face as FACS marks them, in the challenge's words."""


def _questions_about_shown(
    units: Sequence[int], all_units: Sequence[int], draw: random.Random, blind: bool
) -> list[tuple[str, str]]:
    """Whether a drawn unit is shown, asked for a shown and an absent one; blind in any order."""
    asked = [(draw.choice(units), "yes")]
    absent = [unit for unit in all_units if unit not in units]
    if absent:
        asked.append((draw.choice(absent), "no"))
    if blind:
        draw.shuffle(asked)
    return [(f"Is the action unit {join_unit_names([unit])} shown on the face?", answer) for unit, answer in asked]


def _names_of_clip(video: Video, expression: Expression) -> QuestionCells:
    """The columns of a question that name its clip."""
    name = name_of_video(video)
    return {
        "dataset": video.dataset,
        "image_id": f"{name}_{expression.onset}" if len(video.expressions) > 1 else name,
        "subject": person_name(video.dataset, video.subject),
        "filename": video.id,
    }


def _questions_about_videos(videos: Sequence[Video], blind: bool, seed: int) -> Iterator[_About]:
    """The names and questions of each video that has expressions."""
    for video in videos:
        if not video.expressions:
            continue
        kinds = [expression.kind for expression in video.expressions]
        units = dict.fromkeys(unit for expression in video.expressions for unit in unit_numbers_of(expression))
        draw = random.Random(derived_seed(seed, "lvqa", video.key))
        events = [] if blind else draw.sample(range(len(kinds)), min(2, len(kinds)))
        asked = [
            ("How many expression events appear in this video?", str(len(kinds))),
            ("How many micro-expression events appear in this video?", str(kinds.count("micro"))),
            ("How many macro-expression events appear in this video?", str(kinds.count("macro"))),
        ]
        if units:
            asked.append(("What distinct action units appear in this video?", join_unit_names(units)))
        for n in events:
            question = f"What is the expression type of the {n + 1}-th expression event in this video?"
            asked.append((question, f"{kinds[n]}-expression"))
        names = {
            "dataset": video.dataset,
            "video": name_of_video(video),
            "subject": video.subject,
            "filename": video.id,
        }
        yield names, asked


def unit_numbers_of(expression: Expression) -> tuple[int, ...]:
    """The distinct action units of an expression in the order of its annotation; an uncertain unit counts as shown."""
    return tuple(dict.fromkeys(n for unit in parse_units(expression.action_units) for n in unit.numbers))


def person_name(dataset: str, subject: str) -> str:
    """The challenge's name of a person, `sub01` in CASME II."""
    return f"sub{subject}" if dataset == "casme2" and subject.isdecimal() else subject


def name_of_video(video: Video) -> str:
    """The unique name of a video: its own if it begins with the subject's number, else with the subject as a prefix."""
    first = re.split(r"[_-]", video.id)[0].lstrip("0")
    return video.id if first == video.subject.lstrip("0") else f"{person_name(video.dataset, video.subject)}_{video.id}"


def id_of(row: Mapping[str, str]) -> str:
    """The id of a question."""
    return row.get("id") or row["video_id"]


def clip_of(row: Mapping[str, str]) -> str:
    """The clip or video of a question, unique over all datasets."""
    name = next((row[key] for key in ("image_id", "video", "filename") if row.get(key)), id_of(row).rpartition("_")[0])
    return f"{row.get('dataset', id_of(row).split('_')[0])}/{name}"


def subject_of(row: Mapping[str, str]) -> str:
    """The person in a question; without a column `subject`, each clip counts as a person."""
    return f"{clip_of(row).split('/')[0]}/{row['subject']}" if row.get("subject") else clip_of(row)


def read_questions(path: Path) -> list[QuestionCells]:
    """The lines of a file of questions or answers, `.jsonl`.

    Raises:
        DataError: the file, a line or an id is wrong; the message names the line.
    """
    rows = list[QuestionCells]()
    for n, row in read_lines(path):
        if isinstance(row, str):
            raise DataError(f"{path}, line {n}: {row}")
        rows.append(row)
    if not rows:
        raise DataError(f"{path} holds no questions")
    return rows


def is_question_file(path: Path) -> bool:
    """Whether a file is one of questions, by its ending and its first line."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(QUESTION_LETTERS * 4)
    return b'"question"' in first


def read_lines(path: Path) -> Iterator[tuple[int, QuestionCells | str]]:
    """The lines that are not blank, each with its number; for a wrong line, its fault instead.

    Raises:
        DataError: the file cannot be read, see `text_of`.
    """
    seen = dict[str, int]()
    for n, line in enumerate(text_of(path).split("\n"), 1):
        if line.strip():
            row = _row(line)
            if not isinstance(row, str):
                first = seen.setdefault(id_of(row), n)
                if first != n:
                    row = f"the id {id_of(row)!r} is also in line {first}; each id must be unique"
            yield n, row


def text_of(path: Path) -> str:
    """The text of a file of at most `QUESTIONS_BYTES` and `QUESTION_LINES`.

    Raises:
        DataError: it cannot be read, is not UTF-8, or is too large.
    """
    with refused_by_system(f"cannot read {path}"):
        data = read_plain(path, QUESTIONS_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    n_lines = text.count("\n")
    if n_lines > QUESTION_LINES:
        raise DataError(f"{path} has {n_lines:,} lines; at most {QUESTION_LINES:,} are read")
    return text


def _row(line: str) -> QuestionCells | str:
    """The row on a line, or what is wrong with the line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return 'not JSON; each line must be an object such as {"id": …}'
    if not isinstance(row, dict) or not (row.get("id") or row.get("video_id")) or row.get("question") is None:
        return "needs the keys id (or video_id), question and answer"
    plain = {str(key): str(value) for key, value in row.items() if isinstance(value, str | int | float)}
    for key in ("id", "video_id", "question", "answer"):
        if row.get(key) is not None and key not in plain:
            return f"{key} must be text, not {type(row[key]).__name__}"
        if (size := len(plain.get(key, ""))) > QUESTION_LETTERS:
            return f"{key} has {size:,} characters; at most {QUESTION_LETTERS:,} are read"
    return plain


def write_questions(path: Path, rows: Iterable[Mapping[str, str]], answers: bool = True) -> None:
    """Write rows as `.jsonl`; without answers, these are empty.

    Raises:
        DataError: the file cannot be written.
    """
    without_answer = {} if answers else {"answer": ""}
    lines = (json.dumps({**row, **without_answer}, ensure_ascii=False) for row in rows)
    # An unpaired surrogate, which JSON can escape, stays escaped.
    with refused_by_system(f"{path} cannot be written"):
        write_text(path, "".join(f"{line}\n" for line in lines), errors="backslashreplace")


def find_leaks(rows: Sequence[QuestionCells]) -> list[str]:
    """The answers that a file of questions reveals without a picture, in sentences.

    Event numbers and plurals are read from the questions; priors of classes and of yes and no from the answers, if it has any.
    """
    rows_of_kind = group_by(rows, lambda row: str(meaning_of(row["question"]).kind))
    sentences = _event_numbers_in_words(rows_of_kind.get("type", ()))
    is_singular = [row["question"].startswith("What is") for row in rows_of_kind.get("units", ())]
    n_one, n_several = is_singular.count(True), is_singular.count(False)
    if n_one and n_several:
        sentences.append(f"the wording tells one unit ({n_one} clips) from several ({n_several})")
    shown = [row for row in rows_of_kind.get("shown", ()) if row.get("answer")]
    first_answers = {clip_of(row): row["answer"].lower() for row in reversed(shown)}
    if len(first_answers) > 1 and len({*first_answers.values()}) == 1:
        answer = next(iter(first_answers.values()))
        sentences.append(f"shown: the first of a clip's questions is always answered {answer!r}")
    for kind in ("coarse", "fine", "shown", "side", "type"):
        answers = Counter(row["answer"].lower() for row in rows_of_kind.get(kind, ()) if row.get("answer"))
        if answers:
            commonest, n = answers.most_common(1)[0]
            total = answers.total()
            sentences.append(
                f"{kind}: the commonest answer, {commonest!r}, is right for {n} of {total} questions ({n / total:.0%})"
            )
    return sentences


def _event_numbers_in_words(rows: Sequence[QuestionCells]) -> list[str]:
    """A sentence on the numbers of events that questions about the type reveal; none without such questions."""
    if not rows:
        return []
    least = Counter[str]()
    for row in rows:
        least[clip_of(row)] = max(least[clip_of(row)], meaning_of(row["question"]).event)
    examples = ", ".join(f"{clip}: {n}" for clip, n in least.most_common(3))
    return [
        f"event numbers give a lower bound of the number of events in {len(least)} videos, {max(least.values())} at most "
        f"({examples})"
    ]
