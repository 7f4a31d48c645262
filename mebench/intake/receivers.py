"""Answers that others send without a record of a run: what takes each kind of them into a board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.parts import is_installed

with lazy_imports():
    from mebench.intake import submissions

answer_records = load_lazily("mebench.vqa.answer_records")


@dataclass(frozen=True)
class Receiver:
    """What takes one kind of sent answers.

    Attributes:
        kind: answers that it takes, in words.
        part: the part of mebench that scores them, see `parts.PARTS`.
        find: the folders of such answers at a place, or in it.
        accept: takes the answers of a folder after scoring them again; `taken`, `there` or `checked`. Its arguments are the folder, the
            folder of the leaderboard, whether they are only checked, and what the board keeps of those that have a choice.
        home: folder of the leaderboard that a message names; or empty.
    """

    kind: str
    part: str
    find: Callable[[Path], list[Path]]
    accept: Callable[[Path, Path, bool, str], str]
    home: str = ""


def _find_submissions(place: Path) -> list[Path]:
    """The folders of answers with their truth."""
    return submissions.find_submissions(place)


def _accept_submission(folder: Path, board: Path, check_only: bool, keep: str) -> str:
    """Take answers with their truth; of them a board keeps the scores."""
    return submissions.accept_submission(folder, board / "rescored", check_only)


def _find_answers_to_questions(place: Path) -> list[Path]:
    """The folders of answers to questions."""
    found: list[Path] = answer_records.find_answer_records(place)
    return found


def _accept_answers_to_questions(folder: Path, board: Path, check_only: bool, keep: str) -> str:
    """Take answers to questions."""
    status: str = answer_records.accept_answer_record(folder, board / "questions", check_only, keep)
    return status


RECEIVERS = (
    Receiver("answers sent in", "reproduction", _find_submissions, _accept_submission),
    Receiver(
        "answers to questions",
        "vqa",
        _find_answers_to_questions,
        _accept_answers_to_questions,
        home="questions",
    ),
)
"""All kinds of sent answers, in the order in which they are taken."""


@dataclass(frozen=True)
class SentAnswers:
    """Answers that somebody sent.

    Attributes:
        receiver: receiver that takes them.
        place: the folder that was named: theirs, or one around it.
        folder: folder of the answers.
    """

    receiver: Receiver
    place: Path
    folder: Path


def find_sent_answers(places: Sequence[Path]) -> list[SentAnswers]:
    """All sent answers at some places, by their kind. A kind whose part of mebench is not installed is not found."""
    return [
        SentAnswers(receiver, place, folder)
        for receiver in RECEIVERS
        if is_installed(receiver.part)
        for place in places
        for folder in receiver.find(place)
    ]
