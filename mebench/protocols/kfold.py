"""Subjects in k parts."""

from __future__ import annotations

from dataclasses import dataclass

from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.protocols.people import People
from mebench.protocols.protocol import Card, Protocol


@dataclass(frozen=True)
class KFoldParams:
    """How many parts.

    Attributes:
        folds: number of parts, each tested once.
        seed: draws who is in which part; other than the run's seed, so that runs of several seeds share their folds.
    """

    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the range."""
        if self.folds < 2:
            raise ConfigError(f"protocol.folds must be 2 or more, not {self.folds}")


def kfold(people: People, params: KFoldParams = KFoldParams()) -> list[Fold]:
    """People in parts whose sizes differ by one at most; each part is tested by a model of the others.

    Raises:
        ConfigError: fewer people than parts.

    >>> from mebench.core import Video
    >>> clips = [Video("casme2", f"{s:02d}", "EP01", 200.0, 90) for s in range(7)]
    >>> [(f.key, len(f.test)) for f in kfold(People(clips), KFoldParams(3))]
    [('part1', 3), ('part2', 2), ('part3', 2)]
    """
    n, k = len(people.persons), params.folds
    if n < k:
        raise ConfigError(
            f"{k} parts need at least {k} subjects, and this dataset has {n}: set protocol.folds={max(n, 2)} or use a dataset "
            "with more"
        )
    parts = People(people.videos, params.seed, person=people.person).parts(people.persons, k, "parts", k)
    digits = len(str(k))
    return [
        people.fold(f"part{number:0{digits}d}", [s for person in part for s in people.persons[person]])
        for number, part in enumerate(parts, 1)
    ]


KFOLD = Protocol(
    "kfold",
    "subjects in k parts that resemble each other: each part is tested once by a model of the others",
    Card(
        needs="as many subjects as parts, any task, short or long videos",
        trains="the subjects of all other parts",
        tests="each part once; parts are drawn by person with protocol.seed, alike in datasets, kinds and emotions",
        scores="the predictions of all folds pooled",
        classes="those of scheme=NAME, or of the dataset's first scheme",
        source="k-fold cross-validation as in Xie et al. 2020, arXiv 2012.11307, but by subject; not comparable with loso",
    ),
    kfold,
    KFoldParams,
)
