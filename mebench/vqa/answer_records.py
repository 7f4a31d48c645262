"""Records of answers to questions: what a board needs of them, written by the sender and scored again by the receiver.

A record is a folder with `answers.json` and, where they may be shown, the answers and the questions.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mebench._installation import VERSION
from mebench.atomic import whole_folder
from mebench.errors import ConfigError, DataError, check_known, refuse_if, refused_by_system
from mebench.files import read_plain, write_text
from mebench.limits import ANSWER_RECORD_BYTES
from mebench.vqa.answer_facts import read_facts
from mebench.vqa.floors import LEVELS, TRUTH
from mebench.vqa.marking import SCORERS, check_answers, score_answers
from mebench.vqa.model_cards import UNKNOWN, names_in_card, trained_on_by_card
from mebench.vqa.person_sums import sum_by_person
from mebench.vqa.questions import QuestionCells, clip_of, id_of, read_questions, subject_of, write_questions
from mebench.vqa.wording import CLASSES, COUNTS, READERS, meaning_of

RECORD = "answers.json"
ANSWERS = "answers.jsonl"
QUESTIONS = "questions.jsonl"
FORMAT = 1
NAME = re.compile(r"[a-z0-9_]{1,60}")
CLIPS = "clips"
VIDEOS = "videos"
NOTHING_SEEN = "none"
"""Training data of a model that saw no face; that of one of which nobody says it is `model_cards.UNKNOWN`."""


@dataclass(frozen=True)
class AnswerRecord:
    """A record of answers.

    Attributes:
        folder: its folder.
        content: its content, as `make_content` returns it.
    """

    folder: Path
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def set_identity(self) -> tuple[str, str, str]:
        """The set of questions: its dataset, `clips` or `videos`, and its hash."""
        asked = self.content["set"]
        return asked["name"], asked["about"], asked["sha256"]


@dataclass(frozen=True)
class SentFacts:
    """What the sender says of answers.

    Attributes:
        name: name of the folder.
        method: name of the row.
        dataset: name of the set of questions, such as `samm`.
        selection: choices, and the people on whom they were made.
        trained_on: data on which the model was trained, separated by commas; `none`; or `unknown`, for what the model's card says.
        source: public place of the answers, or empty.
    """

    name: str
    method: str
    dataset: str
    selection: str
    trained_on: str = UNKNOWN
    source: str = ""


def hash_questions(rows: Iterable[QuestionCells]) -> str:
    """SHA-256 of a set of questions: ids, wording and true answers, in any order and layout.

    >>> one, other = {"id": "a", "question": "Who?", "answer": "I"}, {"id": "b", "question": "How?", "answer": ""}
    >>> hash_questions([one, other]) == hash_questions([other, {**one, "question": " Who? "}])
    True
    """
    texts = [[id_of(row), " ".join(row["question"].split()), row.get("answer", "").strip()] for row in rows]
    return hashlib.sha256(json.dumps(sorted(texts), ensure_ascii=True).encode()).hexdigest()


def write_answer_record(answers: Path, questions: Path, sent: SentFacts, out: Path) -> Path:
    """Score answers and write them for a board; the folder, with record, answers and questions.

    Args:
        answers: file of answers, beside which `vqa answer` has written how they came about.
        questions: the questions, with their true answers unless these are hidden.
        sent: facts that the sender knows.
        out: parent of the folder.

    Raises:
        ConfigError: the name is not possible for a folder, or the folder exists.
        DataError: the files cannot be scored.
    """
    refuse_if(
        (not sent.method.strip(), "--method must name the row"),
        (not NAME.fullmatch(sent.name), f"--name must be of small letters, digits and _, not {sent.name!r}"),
        ((out / sent.name).exists(), f"{out / sent.name} exists already: choose another --name, or remove it"),
    )
    asked, given = read_questions(questions), read_questions(answers)
    facts = read_facts(answers)
    unsaid = [name for name in names_in_card(facts.get("card"), "saw") if name not in names_of_data(sent.trained_on)]
    refuse_if(
        (
            unsaid and sent.trained_on != UNKNOWN,
            f"the model's card names {', '.join(unsaid)} as training data: --trained-on must name it, too, or be left out",
        )
    )
    content = make_content(asked, given, sent, facts)
    with refused_by_system(f"{out / sent.name} cannot be written"), whole_folder(out / sent.name) as folder:
        write_questions(folder / QUESTIONS, asked)
        write_questions(folder / ANSWERS, _answers_alone(given))
        _write_content(folder, content)
    return out / sent.name


def names_of_data(trained_on: str) -> list[str]:
    """The names in a statement on training data.

    >>> names_of_data("casme2, samm")
    ['casme2', 'samm']
    """
    return [name.strip() for name in trained_on.split(",") if name.strip()]


def _answers_alone(given: Sequence[QuestionCells]) -> list[QuestionCells]:
    """The answers with what ties them to their questions, without file names."""
    return [{"id": id_of(row), "question": row["question"], "answer": row.get("answer", "")} for row in given]


def _write_content(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the content of a record."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True)
    write_text(folder / RECORD, text + "\n")


def make_content(
    asked: Sequence[QuestionCells], given: Sequence[QuestionCells], sent: SentFacts, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of a record: facts about questions and answers, scores, and sums of each person.

    Where no question has a true answer, `readings` holds the classes that the answers name instead of scores.

    Args:
        asked: questions with or without true answers.
        given: answers by the same ids.
        sent: facts that the sender knows.
        facts: how the answers came about, see `answer_facts`.

    Raises:
        DataError: the answers belong to other questions, or there are none.
    """
    known = [row for row in asked if row.get("answer", "").strip()]
    by_id = {id_of(row): row for row in given}
    check_answers(asked, by_id)
    # Without a truth each question is described by its answer.
    scored = known or list(asked)
    texts = [by_id.get(id_of(row), {}).get("answer", "") for row in scored]
    trained_on = trained_on_by_card(facts.get("card")) if sent.trained_on == UNKNOWN else sent.trained_on
    content: dict[str, Any] = {
        "format": FORMAT,
        "mebench": VERSION,
        "method": " ".join(sent.method.split()),
        "selection": " ".join(sent.selection.split()),
        "trained_on": " ".join(trained_on.split()),
        "source": sent.source,
        "facts": dict(facts),
        "set": _facts_of_set(asked, known, sent.dataset),
        "answers": _facts_of_answers(scored, texts),
        "summaries": {},
        "sums": {},
        "readings": {},
    }
    if not known:
        return {**content, "readings": _readings(scored, texts)}
    summaries = {scorer: score_answers(asked, given, scorer, floors=False) for scorer in SCORERS}
    return {
        **content,
        "summaries": {scorer: {"scores": summary["scores"]} for scorer, summary in summaries.items()},
        "consistency": summaries["strict"]["consistency"],
        "leaks": summaries["strict"]["leaks"],
        "sums": sum_by_person(known, texts),
    }


def _facts_of_set(asked: Sequence[QuestionCells], known: Sequence[QuestionCells], dataset: str) -> dict[str, Any]:
    """The facts about a set of questions."""
    kinds = {meaning_of(row["question"]).kind for row in asked}
    return {
        "name": dataset,
        "about": VIDEOS if kinds & {*COUNTS, "type"} else CLIPS,
        "sha256": hash_questions(asked),
        "questions": len(asked),
        "known": len(known),
        "clips": len({clip_of(row) for row in asked}),
        "people": len({subject_of(row) for row in asked}) if any(row.get("subject") for row in asked) else 0,
    }


def _facts_of_answers(scored: Sequence[QuestionCells], texts: Sequence[str]) -> dict[str, int]:
    """The numbers of answers, of empty ones, and of those that no reader understood."""
    unread = 0
    for row, text in zip(scored, texts):
        kind = meaning_of(row["question"]).kind
        if text.strip():
            unread += not_understood(kind, text)
    return {"asked": len(texts), "empty": sum(not text.strip() for text in texts), "unread": unread}


def not_understood(kind: Any, text: str) -> bool:
    """Whether an answer lacks what its question asks for. An answer without units is one without any unit.

    >>> not_understood("coarse", "I cannot tell."), not_understood("coarse", "Rather negative.")
    (True, False)
    """
    return kind in READERS and READERS[kind](text) in (None, frozenset())


def _readings(rows: Sequence[QuestionCells], texts: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """The classes that answers name, by kind and id."""
    readings: dict[str, dict[str, str | None]] = {kind: {} for kind in CLASSES}
    for row, text in zip(rows, texts):
        kind = meaning_of(row["question"]).kind
        if kind in CLASSES:
            readings[kind][id_of(row)] = READERS[kind](text)
    return readings


def find_answer_records(place: Path) -> list[Path]:
    """The folder of a record of answers at `place`, or those in it, by name."""
    return [folder for folder in (place, *sorted(place.glob("[!.]*"))) if is_answer_record(folder)]


def is_answer_record(folder: Path) -> bool:
    """Whether a folder holds a record of answers, and not of a run."""
    return (folder / RECORD).is_file()


def read_answer_record(folder: Path) -> AnswerRecord:
    """A record of answers.

    Raises:
        DataError: it is damaged or of a later version, or its answers or questions differ from their hashes.
    """
    with refused_by_system(f"cannot read {folder / RECORD}"):
        data = read_plain(folder / RECORD, ANSWER_RECORD_BYTES)
    again = f"send {folder.name} again, whole"
    try:
        content = json.loads(data)
        if content["format"] > FORMAT:
            raise DataError(f"{folder.name} was written by a later version of mebench: update this one to read it")
        record = AnswerRecord(folder, content)
        _check_form(record)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{folder / RECORD} is damaged ({type(error).__name__}: {error}): {again}") from None
    return record


def _check_form(record: AnswerRecord) -> None:
    """Raise an error for content that no page could show."""
    content = record.content
    asked = record.content["set"]
    for name in ("method", "selection", "trained_on", "source", "mebench"):
        if not isinstance(content[name], str):
            raise TypeError(f"{name} must be text")
    for name in ("asked", "empty", "unread"):
        content["answers"][name] + 0
    if asked["about"] not in (CLIPS, VIDEOS) or not re.fullmatch(r"[\w+.-]{1,80}", asked["name"], re.ASCII):
        raise ValueError(f"unknown set of questions {asked['name']!r}")
    for summary in content["summaries"].values():
        for score in summary["scores"].values():
            for end in ("value", "low", "high"):
                if score[end] is not None:
                    float(score[end])
    if content["facts"].get("floor", "") not in ("", *LEVELS):
        raise ValueError("unknown floor")


def accept_answer_record(folder: Path, home: Path, check_only: bool = False, keep: str = "answers") -> str:
    """Score a record again, and copy it to the board; its status.

    Args:
        folder: folder of the record, with answers and questions.
        home: folder of the board's records of answers.
        check_only: whether nothing is copied.
        keep: parts that are copied, one of `KEEPS`.

    Raises:
        ConfigError: the board has another record of that name, or an unknown `keep`.
        DataError: it is damaged, lacks answers or questions, or its scores differ from those computed here.
    """
    check_known("--keep", keep, KEEPS)
    record = read_answer_record(folder)
    lacking = [name for name in (ANSWERS, QUESTIONS) if not (folder / name).is_file()]
    if lacking:
        raise DataError(
            f"{folder} lacks {' and '.join(lacking)}, so it cannot be scored again: send {record.name} whole"
        )
    _check_scores(record)
    if (home / record.name).exists():
        if read_answer_record(home / record.name).content != record.content:
            raise ConfigError(f"{home} has another record {record.name}: send it under another name")
        return "there"
    if check_only:
        return "checked"
    _copy_record(record, home, keep)
    return "taken"


KEEPS = {
    "scores": "scores and sums of each person alone",
    "answers": "the answers, too, unless they are the truth itself",
    "questions": "the questions with their true answers, too, if their licence lets you",
}
"""Parts of a record that a board may keep."""


def _check_scores(record: AnswerRecord) -> None:
    """Refuse a record whose content differs from what its answers and questions give.

    Raises:
        DataError: it differs, or says nothing of selection.
    """
    content = record.content
    folder = record.folder
    if not content["selection"].strip():
        raise DataError(f"{folder / RECORD} lacks a statement on selection: send it again with --selection")
    sent = SentFacts(
        record.name, content["method"], content["set"]["name"], content["selection"], content["trained_on"]
    )
    asked, given = read_questions(folder / QUESTIONS), read_questions(folder / ANSWERS)
    again = make_content(asked, given, sent, content["facts"])
    for name in ("set", "answers", "summaries", "sums", "readings"):
        if _rounded(again[name]) != _rounded(content[name]):
            raise DataError(
                f"{record.name}: {name} in {RECORD} differs from what its answers give here: send it again with this version "
                "of mebench"
            )


def _copy_record(record: AnswerRecord, home: Path, keep: str) -> None:
    """Copy a record to the board, with what is kept of it."""
    names = {"scores": [RECORD], "answers": [RECORD, ANSWERS], "questions": [RECORD, ANSWERS, QUESTIONS]}[keep]
    if keep == "answers" and record.content["facts"].get("floor") == TRUTH:
        names = [RECORD]
    with refused_by_system(f"{home / record.name} cannot be written"), whole_folder(home / record.name) as folder:
        for name in names:
            shutil.copyfile(record.folder / name, folder / name)


def _rounded(value: Any) -> Any:
    """Values with numbers to twelve digits: sums in another order differ in the last ones."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, Mapping):
        return {str(name): _rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
