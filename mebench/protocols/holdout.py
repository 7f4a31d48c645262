"""Lists of subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mebench.core.types import Fold, SubjectKey
from mebench.errors import ConfigError, unknown
from mebench.protocols.people import People
from mebench.protocols.protocol import Card, Protocol


@dataclass(frozen=True)
class HoldoutParams:
    """Who is on which side; subjects are called by their ids (`01`) or, where two datasets have it, `casme2/01`.

    Attributes:
        test: who is tested.
        train: who trains; null for everybody else.
        valid: who validates; null draws some of those who train.
    """

    test: tuple[str, ...]
    train: tuple[str, ...] | None = None
    valid: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Check that each subject is named on one side."""
        sides = {name: value for name in ("test", "train", "valid") if (value := getattr(self, name)) is not None}
        for name, value in sides.items():
            if name != "valid" and not value:
                raise ConfigError(f"protocol.{name} must name at least one subject")
        named = [subject for value in sides.values() for subject in value]
        for subject in named:
            if named.count(subject) > 1:
                raise ConfigError(
                    f"protocol.test, protocol.train and protocol.valid name {subject!r} more than once: a subject may be on one "
                    "side only"
                )


def holdout(people: People, params: HoldoutParams) -> list[Fold]:
    """One fold as the lists say.

    Raises:
        ConfigError: a subject is unknown, its id is that of two, or nobody is left to train on.
    """
    test = _subjects(people, params.test, "test")
    valid = None if params.valid is None else _subjects(people, params.valid, "valid")
    train = None if params.train is None else [*_subjects(people, params.train, "train"), *(valid or ())]
    twice = [s for s in (*(train or ()), *(valid or ())) if s in test]
    if twice:
        raise ConfigError(f"{twice[0]} is named on two sides, once by the id alone: a subject may be on one side only")
    fold = people.fold("holdout", test, train, valid=valid)
    lost = {*(valid or ()), *(train or ())} - {*fold.train, *fold.valid}
    if lost:
        raise ConfigError(
            f"{min(lost)} is a person who is tested under another id, so they cannot train: take them out of the list"
        )
    if not fold.train:
        raise ConfigError("protocol.valid names everybody who is not tested: leave somebody to train")
    return [fold]


def _subjects(people: People, names: Sequence[str], side: str) -> list[SubjectKey]:
    found = []
    for name in names:
        fits = [s for s in people.subjects if name in (s.subject, str(s))]
        if not fits:
            known = [str(s) if len(people.datasets) > 1 else s.subject for s in people.subjects]
            raise ConfigError(unknown(f"subject of protocol.{side}", name, known))
        if len(fits) > 1:
            raise ConfigError(
                f"protocol.{side} names {name!r}, which is {' and '.join(map(str, fits))}: write one of these"
            )
        found += fits
    return sorted(found)


HOLDOUT = Protocol(
    "holdout",
    "lists of subjects: those of protocol.test are tested once by a model of the others",
    Card(
        needs="protocol.test=[…], any task, short or long videos",
        trains="everybody who is not tested, or protocol.train=[…]",
        validates=f"protocol.valid=[…], or {'some of those who train, drawn as in loso'}",
        tests="the subjects of protocol.test=[…]",
        scores="the predictions for them, and their truths alone",
        classes="those of scheme=NAME, or of the dataset's first scheme",
        source="the user's own split",
    ),
    holdout,
    HoldoutParams,
)
