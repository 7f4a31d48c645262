"""Fewer training people under any protocol: the tested people stay, and fewer people are a part of more."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, make_dataclass
from functools import lru_cache
from typing import Any, Literal

from mebench.core import SubjectKey
from mebench.core.types import Fold, stable_seed
from mebench.errors import ConfigError
from mebench.protocols.people import People

ALL: Literal["all"] = "all"


@dataclass(frozen=True, kw_only=True)
class TrainPeople:
    """The number of training people, which every protocol takes.

    Attributes:
        train_people: number of people who train in each fold, those who validate included; drawn with the run's seed, and the people of
            a smaller number are among those of a larger one. `all` takes everybody.
    """

    train_people: int | Literal["all"] = ALL


@lru_cache
def with_train_people(params: type) -> type:
    """The parameters of a protocol with `train_people`; unchanged where they are no frozen dataclass."""
    if not getattr(params, "__dataclass_params__", None) or not params.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return params
    # The protocol's own parameters stand first: those of the last base do.
    about = {"__doc__": params.__doc__, "__module__": params.__module__, "__reduce__": _reduce}
    return make_dataclass(params.__name__, [], bases=(TrainPeople, params), namespace=about, frozen=True)


def _reduce(settings: Any) -> tuple[Any, ...]:
    """How settings travel to another process: by the protocol's own parameters, since no module holds the class made of them."""
    return _restore, (type(settings).__bases__[-1], {f.name: getattr(settings, f.name) for f in fields(settings)})


def _restore(params: type, values: dict[str, Any]) -> Any:
    """Settings that came from another process."""
    return with_train_people(params)(**values)


def limit_training(folds: Sequence[Fold], people: People, params: Any) -> list[Fold]:
    """The folds with as many training people as the parameters say.

    In each fold the training people stand in one drawn order, and the first ones train, so that curves over their number compare
    like with like.

    Raises:
        ConfigError: a fold has fewer people, or the number is below 1.
    """
    n: int | Literal["all"] = getattr(params, "train_people", ALL)
    if n == ALL:
        return list(folds)
    if n < 1:
        raise ConfigError(f"protocol.train_people must be a whole number of at least 1, or all, not {n}")
    return [_limit_fold(fold, people, n) for fold in folds]


def _limit_fold(fold: Fold, people: People, n: int) -> Fold:
    """One fold with its first `n` people; those who validate are drawn among them as in any fold."""
    training = [*fold.train, *fold.valid]
    persons = sorted({people.person(subject) for subject in training})
    if n > len(persons):
        raise ConfigError(
            f"protocol.train_people={n} asks for more people than fold {fold.key!r} has to train, {len(persons)}: "
            "give at most that number, or all"
        )
    drawn = set(sorted(persons, key=lambda person: _place(person, people.seed))[:n])
    kept = [subject for subject in training if people.person(subject) in drawn]
    return people.fold(fold.key, fold.test, kept, strangers=False, videos=fold.videos)


def _place(person: SubjectKey, seed: int) -> int:
    """The place of a person in the drawn order, the same in every fold."""
    return stable_seed(seed, "train people", str(person))
