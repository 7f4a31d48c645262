"""How much the names of clips give away: the score of a rule that reads only names.

Names of released clips carry codes: of the stimulus that was shown, of the order of filming, of the class itself (SMIC's `ne`, `po`,
`sur`). A method that reads them learns what no face says, so their worth is a level of chance beside the commonest class.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.conventions import Convention
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables

CODE = re.compile(r"[^\W\d_]+|\d+")
"""A part of a name: letters, or digits, up to where the other begins. 's01_ne_02' has the parts s, 01, ne, 02."""

_Row = tuple[str, str, str, tuple[Hashable, ...]]
"""Dataset, person, class, and what the name says at each place."""


def names_chance(
    tables: Tables,
    trained_on: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    convention: str | Convention = "strict",
) -> dict[str, Any]:
    """Score the answers of `answers_by_name`.

    Args:
        tables: with clips.
        trained_on: see `answers_by_name`.
        classes: that are scored.
        convention: the rules.

    Returns:
        `reads`: for each dataset how many tested people's folds read which place; and the scores of a summary's `recognition`, without
        intervals.
    """
    assert tables.clips is not None
    answers, reads = answers_by_name(tables, trained_on, classes)
    answered = replace(tables, predictions=None, clips=tables.clips.assign(predicted=answers))
    found = summarize(answered, kinds=[], classes=classes, seed=0, convention=convention, draws=0)
    return {"reads": reads, **found["recognition"]["scores"]}


def answers_by_name(
    tables: Tables, trained_on: Mapping[str, Sequence[str]], classes: Sequence[str]
) -> tuple[pd.Series, dict[str, dict[str, int]]]:
    """Answer every clip by its name alone, learnt from the names and classes of the training people of its fold.

    For each dataset one place of the name is read: a code (see `CODE`), the clip's rank among those of its person, or how many those are.
    A clip gets the commonest class of the training clips that say the same there; where none does, that of the dataset's
    training clips, and without any of all training clips. The place is the one that answers most training clips right when each
    training person is left out in turn, so nothing is chosen on the tested people.

    Args:
        tables: with clips.
        trained_on: for each tested subject, as in `tables.videos`, the subjects that train in its fold.
        classes: that are scored; the first of equally common ones is answered.

    Returns:
        The answers, by the index of `tables.clips`; and for each dataset how many tested people's folds read which place.
    """
    assert tables.clips is not None
    about = tables.videos.set_index("video")
    clips = tables.clips.assign(
        subject=tables.clips["video"].map(about["subject"]), dataset=tables.clips["video"].map(about["dataset"])
    ).sort_values("video", kind="stable")
    rank, number = clips.groupby("subject").cumcount() + 1, clips.groupby("subject")["video"].transform("size")
    rows: list[_Row] = [
        (dataset, subject, truth, (None, at, of, *CODE.findall(video.rpartition("/")[2])))
        for dataset, subject, truth, video, at, of in zip(
            clips["dataset"], clips["subject"], clips["truth"], clips["video"], rank.tolist(), number.tolist()
        )
    ]
    by_subject = defaultdict[str, list[int]](list)
    for place, (_, subject, _, _) in enumerate(rows):
        by_subject[subject].append(place)
    answers, reads = [classes[0]] * len(rows), defaultdict[str, Counter[str]](Counter)
    rules = dict[tuple[tuple[str, ...], str], tuple[str, Callable[[_Row], str]]]()
    for subject, places in by_subject.items():
        people = tuple(sorted(trained_on[subject]))
        train = [rows[place] for other in people for place in by_subject.get(other, ())]
        for dataset in sorted({rows[place][0] for place in places}):
            if (people, dataset) not in rules:
                rules[people, dataset] = _rule(train, dataset, classes)
            reads[dataset][rules[people, dataset][0]] += 1
        for place in places:
            answers[place] = rules[people, rows[place][0]][1](rows[place])
    return pd.Series(answers, clips.index), {name: dict(counts) for name, counts in sorted(reads.items())}


def _rule(train: Sequence[_Row], dataset: str, classes: Sequence[str]) -> tuple[str, Callable[[_Row], str]]:
    """The part of a dataset's names that the rule reads, in words, and its answer to a clip."""
    own = [row for row in train if row[0] == dataset]
    number = {name: n for n, name in enumerate(classes)}
    commonest = Counter(row[2] for row in own or train)
    every = max(classes, key=lambda name: commonest[name])
    truth, people = np.array([number[row[2]] for row in own], int), _coded([row[1] for row in own])[0]
    best, chosen, known = -1, 0, dict[Hashable, str]()
    for place in range(max((len(row[3]) for row in own), default=1)):
        codes, values = _coded([row[3][place] if place < len(row[3]) else ... for row in own])
        said, of_person = (
            np.zeros((len(values), len(classes)), int),
            np.zeros((people.max(initial=0) + 1, len(values), len(classes)), int),
        )
        np.add.at(said, (codes, truth), 1)
        np.add.at(of_person, (people, codes, truth), 1)
        others = said[codes] - of_person[people, codes]
        there = others.any(axis=1) & (codes != values.get(..., -1))
        right = int((np.where(there, others.argmax(axis=1), number[every]) == truth).sum())
        if right > best:
            answers = {value: classes[int(said[code].argmax())] for value, code in values.items() if value is not ...}
            best, chosen, known = right, place, answers
    words = {0: "nothing", 1: "the rank among the person's clips", 2: "the number of the person's clips"}
    return words.get(
        chosen, f"code {chosen - 2}"
    ), lambda row: known.get(row[3][chosen], every) if chosen < len(row[3]) else every


def _coded(values: Sequence[Hashable]) -> tuple[NDArray[np.int64], dict[Hashable, int]]:
    """Each value as a number, and these by value."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers[value] for value in values], int), numbers
