"""Answers that need no model: the floors and the ceiling of a set of questions, as files of answers."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from mebench.errors import DataError, check_known
from mebench.metrics.name_leak import answers_by_name
from mebench.metrics.tables import Tables
from mebench.vqa.marking import blind_answers
from mebench.vqa.questions import QuestionCells, clip_of, subject_of
from mebench.vqa.wording import CLASSES, COARSE, FINE, READERS, Kind, answer_sentence, meaning_of, read_units

NAMES = "names"
TRUTH = "truth"
LEVELS: Mapping[str, str] = {
    "majority": "no picture: the commonest true answer of the other people to that kind of question",
    "prior": "no picture: the commonest true answer of the other people to that question",
    "sentence": "no picture: the commonest true sentence of the other people to every question",
    NAMES: "no picture: classes by the names of clips, learnt on the other people; else the floor majority",
    TRUTH: "the true answers themselves: the highest score that the scorer gives",
}
"""Rules of the floors; the last one is no floor but the ceiling."""


def answer_by_floor(
    floor: str, asked: Sequence[QuestionCells], learnt: Sequence[QuestionCells] | None = None
) -> list[QuestionCells]:
    """The questions with the answers of a floor.

    Args:
        floor: one of `LEVELS`.
        asked: questions to answer; with true answers unless `learnt` is given.
        learnt: questions with true answers to learn from, for questions whose truth is hidden.

    Raises:
        ConfigError: an unknown floor.
        DataError: no true answer is there to learn from.
    """
    check_known("floor", floor, LEVELS)
    known = [row for row in (asked if learnt is None else learnt) if row.get("answer", "").strip()]
    if not known:
        raise DataError(
            "no question has a true answer to learn from: name questions with answers, or others with --learn FILE.jsonl"
        )
    if floor == TRUTH:
        return list(asked)
    if floor == NAMES:
        return _answers_by_name(asked, known)
    return [{**row, "answer": text} for row, text in zip(asked, blind_answers(floor, asked, known))]


def _answers_by_name(asked: Sequence[QuestionCells], known: Sequence[QuestionCells]) -> list[QuestionCells]:
    """The answers of the floor `names`."""
    predicted = {kind: _classes_by_name(kind, asked, known) for kind in CLASSES}
    answered = []
    for row, text in zip(asked, blind_answers("majority", asked, known)):
        kind = meaning_of(row["question"]).kind
        clip = clip_of(row)
        coarse, fine = predicted["coarse"].get(clip, ""), predicted["fine"].get(clip, "")
        if kind in CLASSES:
            text = predicted[kind].get(clip, text)
        elif kind == "sentence" and fine:
            text = answer_sentence(sorted(read_units(text)), fine, coarse or FINE.get(fine, ""))
        answered.append({**row, "answer": text})
    return answered


def _classes_by_name(kind: Kind, asked: Sequence[QuestionCells], known: Sequence[QuestionCells]) -> dict[str, str]:
    """The class of each clip by its name, learnt on the clips of other people."""
    read: Callable[[str], str | None] = READERS[kind]
    truth = {clip_of(row): read(row["answer"]) for row in known if meaning_of(row["question"]).kind == kind}
    person_of = {clip_of(row): subject_of(row) for row in [*known, *asked]}
    clips = [clip for clip in person_of if truth.get(clip) or clip not in truth]
    people = sorted(set(person_of.values()))
    learners = {person_of[clip] for clip in clips if truth.get(clip)}
    trained_on = {person: sorted(learners - {person}) for person in people}
    videos = pd.DataFrame(
        {
            "video": clips,
            "subject": [person_of[clip] for clip in clips],
            "dataset": [clip.partition("/")[0] for clip in clips],
        }
    )
    table = pd.DataFrame({"video": clips, "truth": [truth.get(clip) for clip in clips], "predicted": None})
    nothing = pd.DataFrame(columns=["video", "kind", "onset", "apex", "offset", "emotion"])
    classes = list(COARSE if kind == "coarse" else FINE)
    answers, _ = answers_by_name(Tables(videos, nothing, clips=table), trained_on, classes)
    return {str(clip): str(answer) for clip, answer in zip(table["video"], answers.sort_index())}
