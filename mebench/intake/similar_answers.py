"""The answers of records, and which records have nearly equal ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mebench.files import file_hash
from mebench.grouping import group_by
from mebench.lazy_imports import load_lazily
from mebench.metrics import Tables
from mebench.records.record import DAMAGE, Record
from mebench.result_cache import cached_result
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

OF_ANSWERS = ("intake/similar_answers.py", "core/*.py", "metrics/*.py", "runs/*.py")
"""The code of the stored answers."""
BLOCK = 256
"""Number of records whose intervals are compared with those of all others at once."""
FEW = 10
"""Fewer intervals or wrong clips than this say nothing."""
ALIKE = 0.95
"""Share of equal answers, among the clips that one of two records names wrongly, from which answers are copied. Different
methods on the committed boards reach .78, other seeds of a trained method .89.
"""
OVERLAP = 0.7
"""Share of intervals that both spot, among those of either, from which intervals are copied. Different methods reach .19, other
seeds .39.
"""


class AnswersOfRecord(NamedTuple):
    """The answers of a record in its first draw: video, kind, onset and offset of intervals; true and predicted class
    of clips.
    """

    spotted: frozenset[tuple[Any, ...]]
    truth: NDArray[np.object_]
    named: NDArray[np.object_]


def read_answers(folder: Path) -> AnswersOfRecord:
    """Read the intervals and classes of a record; empty if it is damaged, which is reported when it is shown."""
    try:
        tables = read_tables(RunFolder(folder))
    except DAMAGE:
        tables = Tables(pd.DataFrame(), pd.DataFrame())
    spotted = frozenset[tuple[Any, ...]]()
    if tables.predictions is not None:
        first_draw = tables.predictions[tables.predictions["draw"] == 0]
        intervals = first_draw[["video", "kind", "onset", "offset"]].itertuples(index=False)
        spotted = frozenset(tuple(interval) for interval in intervals)
    truth, named = np.empty((2, 0), object)
    if tables.clips is not None:
        truth, named = tables.clips[["truth", "predicted"]].to_numpy(object).T
    return AnswersOfRecord(spotted, truth, named)


def spot_alike(answers: AnswersOfRecord, others: AnswersOfRecord) -> bool:
    """Whether two records spot the same intervals."""
    n_both = len(answers.spotted & others.spotted)
    n_either = len(answers.spotted | others.spotted)
    return min(len(answers.spotted), len(others.spotted)) >= FEW and n_both >= OVERLAP * n_either


def name_alike(answers: AnswersOfRecord, others: AnswersOfRecord) -> bool:
    """Whether two records give the same wrong classes; right ones are equal in good methods."""
    if len(answers.named) != len(others.named) or len(set(answers.named)) < 2:
        return False
    wrong = (answers.named != answers.truth) | (others.named != answers.truth)
    return bool(wrong.sum() >= FEW and (answers.named == others.named)[wrong].mean() >= ALIKE)


class StoredAnswers(NamedTuple):
    """The answers of a record, quick to read and to compare.

    Attributes:
        intervals: a number for each different interval; equal intervals have equal numbers.
        truth: true classes of the clips.
        named: predicted classes of the same clips.
    """

    intervals: Sequence[int]
    truth: Sequence[str]
    named: Sequence[str]


def find_similar(records: Sequence[Record]) -> dict[str, set[str]]:
    """The ids of the records with nearly the answers of each record, by its id.

    Two records are here if `spot_alike` or `name_alike` is true of them in any order. What was read of a record is stored, and
    all pairs are compared at once, so that a board of thousands of runs waits for seconds only.
    """
    ids = [record.id for record in records]
    answers = [_stored_answers(record) for record in records]
    similar: dict[str, set[str]] = {id_: set() for id_ in ids}
    for one, other in (*_pairs_that_spot_alike(answers), *_pairs_that_name_alike(answers)):
        similar[ids[one]].add(ids[other])
        similar[ids[other]].add(ids[one])
    return similar


def _stored_answers(record: Record) -> StoredAnswers:
    """The answers of a record, read once while its files are the same."""
    files = [(file.name, file_hash(file)) for file in sorted(record.folder.iterdir()) if file.is_file()]
    return StoredAnswers(**cached_result(partial(_plain_answers, record.folder), OF_ANSWERS, "answers", files))


def _plain_answers(folder: Path) -> dict[str, list[Any]]:
    """The fields of `StoredAnswers` as JSON values."""
    answers = read_answers(folder)
    numbers = sorted(_number_of_interval(*interval) for interval in answers.spotted)
    return {"intervals": numbers, "truth": answers.truth.tolist(), "named": answers.named.tolist()}


def _number_of_interval(video: str, kind: str, onset: float, offset: float) -> int:
    """A number of 64 bits that stands for an interval."""
    text = f"{video}\0{kind}\0{onset:.0f}\0{offset:.0f}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _pairs_that_spot_alike(answers: Sequence[StoredAnswers]) -> Iterator[tuple[int, int]]:
    """The positions of records that spot the same intervals."""
    many = [position for position, one in enumerate(answers) if len(one.intervals) >= FEW]
    if len(many) < 2:
        return
    sizes = np.array([len(answers[position].intervals) for position in many])
    every = np.concatenate([np.array(answers[position].intervals, np.uint64) for position in many])
    _, columns = np.unique(every, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    spotted = sparse.csr_matrix((np.ones(len(every), np.int32), columns.ravel(), starts))
    for first in range(0, len(many), BLOCK):
        both = (spotted[first : first + BLOCK] @ spotted.T).tocoo()
        rows = both.row + first
        either = sizes[rows] + sizes[both.col] - both.data
        alike = (rows < both.col) & (both.data >= OVERLAP * either)
        for one, other in zip(rows[alike], both.col[alike]):
            yield many[one], many[other]


def _pairs_that_name_alike(answers: Sequence[StoredAnswers]) -> Iterator[tuple[int, int]]:
    """The positions of records that give the same wrong classes."""
    with_clips = [position for position, one in enumerate(answers) if one.named]
    numbers: dict[str, int] = {}
    for positions in group_by(with_clips, key=lambda position: len(answers[position].named)).values():
        named = np.array([_numbers_of_classes(answers[position].named, numbers) for position in positions], np.int32)
        truth = np.array([_numbers_of_classes(answers[position].truth, numbers) for position in positions], np.int32)
        for first in range(len(positions) - 1):
            others = slice(first + 1, None)
            is_equal = named[first] == named[others]
            # The true classes are those of the later one of two records, and either may be the later one.
            alike = _share_of_wrong(is_equal, named[first], named[others], truth[first]) >= ALIKE
            alike |= _share_of_wrong(is_equal, named[first], named[others], truth[others]) >= ALIKE
            for other in np.flatnonzero(alike):
                yield positions[first], positions[first + 1 + other]


def _numbers_of_classes(classes: Sequence[str], numbers: dict[str, int]) -> list[int]:
    """A number for each class, the same for equal ones; `numbers` holds those given so far and gets new ones."""
    return [numbers.setdefault(name, len(numbers)) for name in classes]


def _share_of_wrong(
    is_equal: NDArray[np.bool_], one: NDArray[np.int32], others: NDArray[np.int32], truth: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The share of equal classes among the clips that one of two records names wrongly; 0 where these are few."""
    is_wrong = (one != truth) | (others != truth)
    n_wrong = is_wrong.sum(axis=1)
    n_equal = (is_equal & is_wrong).sum(axis=1)
    return np.where(n_wrong >= FEW, n_equal / np.maximum(n_wrong, 1), 0.0)
