"""Leave one subject out."""

from __future__ import annotations

from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.protocols.people import People
from mebench.protocols.protocol import NOTHING, Card, NoParams, Protocol


def loso(people: People, params: NoParams = NOTHING) -> list[Fold]:
    """One fold for each person, tested by a model of all the others.

    A person whom several datasets of a composite show is tested in one fold, under all ids.

    Raises:
        ConfigError: fewer than two people.

    >>> from mebench.core import Video
    >>> clips = [Video("casme2", s, "EP01", 200.0, 90) for s in ("01", "02", "03")]
    >>> [(f.key, len(f.train), len(f.valid)) for f in loso(People(clips))]
    [('casme2/01', 1, 1), ('casme2/02', 1, 1), ('casme2/03', 1, 1)]
    """
    refuse_single(people, "leaving one subject out")
    folds = [people.fold(people.name(person), subjects) for person, subjects in people.persons.items()]
    return sorted(folds, key=lambda fold: fold.key)


def refuse_single(people: People, what: str) -> None:
    """Raise a ConfigError where fewer than two people are there."""
    if len(people.persons) < 2:
        who = ", ".join(map(str, people.subjects)) or "nobody"
        raise ConfigError(
            f"{what} needs at least 2 subjects, and this dataset has {len(people.persons)} ({who}): use a dataset with more"
        )


LOSO = Protocol(
    "loso",
    "leave one subject out: each subject is tested once by a model that never saw them",
    Card(
        needs="2 subjects or more, any task, short or long videos",
        trains="all other subjects",
        tests="each subject once, in a fold of its own",
        scores="the predictions of all folds pooled; short videos of one expression each by their highest peak, long ones by "
        "the threshold; of a composite also each dataset",
        classes="those of scheme=NAME, or of the dataset's first scheme",
        source="the field's usual one, for example MEAN (Liong, See and Chan 2023, doi 10.1016/j.image.2022.116875), section 4.1",
    ),
    loso,
)
