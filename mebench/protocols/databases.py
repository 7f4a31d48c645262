"""What the protocols across databases share: which of them are there, and folds that go from some to others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mebench.core.types import Fold
from mebench.errors import ConfigError, unknown
from mebench.protocols.people import People


def listed(names: Collection[str]) -> str:
    """Datasets as the command line takes them.

    >>> listed(["samm"]), listed(["casme2", "samm"])
    ('dataset=samm', 'dataset=[casme2,samm]')
    """
    return f"dataset={next(iter(names))}" if len(names) == 1 else f"dataset=[{','.join(names)}]"


def need_exactly(people: People, protocol: str, *choices: Sequence[str], hint: str = "") -> None:
    """Raise a ConfigError unless the datasets are one of the choices."""
    if not any(set(choice) == set(people.datasets) for choice in choices):
        *first, last = [hint or listed(choice) for choice in choices[: 1 if hint else None]]
        wanted = f"{', '.join(first)} or {last}" if first else last
        raise ConfigError(
            f"protocol {protocol} is defined on {wanted}, not on {listed(people.datasets)}: choose that, or protocol=loso for "
            "any dataset"
        )


def need_some(people: People, protocol: str, able: Collection[str], wanted: str) -> None:
    """Raise a ConfigError if a dataset is not among those that a protocol is defined on."""
    strange = [name for name in people.datasets if name not in able]
    if strange:
        raise ConfigError(
            f"protocol {protocol} is defined on {wanted}, not on {strange[0]}: choose among these, or protocol=loso for any "
            "dataset"
        )


def need_long(people: People, protocol: str) -> None:
    """Raise a ConfigError where the videos are short ones of one expression each."""
    short = [name for name in people.datasets if people.short.get(name)]
    if short:
        raise ConfigError(
            f"protocol {protocol} spots in long videos, and {short[0]} holds short ones of one expression each: choose among "
            "cas_me2, samm_lv and casme3, or protocol=loso for short videos"
        )


def need_known(people: People, key: str, names: Sequence[str]) -> None:
    """Raise a ConfigError if a name is none of the datasets that the run reads."""
    for name in names:
        if name not in people.datasets:
            hint = f"Give all of them with dataset=[…], for example {listed(sorted({*people.datasets, name}))}"
            raise ConfigError(unknown(f"dataset of {key}", name, people.datasets, hint))


def across(people: People, train: Collection[str], test: Collection[str], *, strangers: bool = True) -> Fold:
    """The fold that trains on some datasets and tests others; its key names both sides."""
    key = f"{'+'.join(sorted(train))}-to-{'+'.join(sorted(test))}"
    return people.fold(key, people.of(test), people.of(train), strangers=strangers)
