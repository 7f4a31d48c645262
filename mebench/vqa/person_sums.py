"""Sums over the answers of each person: scores of a file of answers for any draw of people, and for paired tests.

They hold no question and no answer, so that a record may carry them where the questions themselves must stay with their owners.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mebench.grouping import group_by
from mebench.metrics import classification
from mebench.metrics.ratios import Floats
from mebench.vqa.questions import QuestionCells, subject_of
from mebench.vqa.wording import COUNTS, READERS_OF_MEGC2025_B as READERS, Kind, meaning_of

OF_CLASSES: tuple[Kind, ...] = ("coarse", "fine", "type")
OF_WORDS: tuple[Kind, ...] = ("shown", "side")
HIGHER_IS_WORSE = "_mae"
"""The end of the name of a score that is an error."""

PersonSums = Mapping[str, Any]
"""`people`, and for each kind of question the sums of each of them."""


def sum_by_person(known: Sequence[QuestionCells], given: Sequence[str]) -> dict[str, Any]:
    """The sums of each person for each kind of question, as plain data.

    Classes have a confusion matrix, see `metrics.classification.confusion_matrix`; counts the sum of absolute errors and their
    number; yes or no, and sides, the number of right answers and of all; units twice the common ones and all named ones.

    Args:
        known: questions with true answers.
        given: the given answer to each.
    """
    people = sorted({subject_of(row) for row in known})
    number = {person: n for n, person in enumerate(people)}
    sums: dict[str, Any] = {"people": people}
    answered = list(zip(known, given))
    for kind, own in group_by(answered, lambda one: meaning_of(one[0]["question"]).kind).items():
        if kind not in READERS:
            continue
        reader = READERS[kind]
        read = [(number[subject_of(row)], reader(row["answer"]), reader(text)) for row, text in own]
        if kind in OF_CLASSES:
            sums[kind] = _sums_of_classes(read, len(people))
        else:
            sums[kind] = {"counts": _sums_of_ratios(kind, read, len(people))}
    return sums


Read = Sequence[tuple[int, Any, Any]]
"""The number of a person, and the true and the given answer as they were read."""


def _sums_of_classes(read: Read, n_people: int) -> dict[str, Any]:
    """The classes of the truth and the confusion matrix of each person."""
    classes = sorted({true for _, true, _ in read if true})
    persons = np.array([person for person, _, _ in read], np.int64)
    truth, given = [true for _, true, _ in read], [answer for _, _, answer in read]
    matrices = classification.confusion_matrices(truth, given, persons, n_people, classes)
    return {"classes": classes, "counts": matrices.tolist()}


def _sums_of_ratios(kind: str, read: Read, n_people: int) -> list[list[int]]:
    """Two sums of each person whose ratio is the score of such questions."""
    sums = [[0, 0] for _ in range(n_people)]
    for person, true, given in read:
        if kind in COUNTS:
            amounts = abs((true or 0) - (given or 0)), 1
        elif kind == "units":
            amounts = 2 * len(true & given), len(true) + len(given)
        else:
            amounts = int(true == given), 1
        for position, amount in enumerate(amounts):
            sums[person][position] += amount
    return sums


def counts_of_score(sums: PersonSums, score: str) -> Floats | None:
    """The sums of each person behind a score, (n_people, ...); None if such questions are not asked."""
    own = sums.get(score.rpartition("_")[0])
    return None if own is None else np.array(own["counts"], np.float64)


def score_from_counts(score: str, counts: Floats) -> Floats:
    """A score from sums over people, (..., sums): (...). NaN without a question.

    >>> float(score_from_counts("shown_accuracy", np.array([3.0, 4.0])))
    0.75
    """
    if score.endswith("_uf1"):
        return classification.uf1(counts)
    if score.endswith("_uar"):
        return classification.uar(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(counts[..., 0] / counts[..., 1])
