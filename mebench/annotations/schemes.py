"""Emotion schemes that several datasets share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from mebench.annotations.action_units import OBJECTIVE_CLASSES, parse_units
from mebench.core.types import ABSENT, Scheme, Video
from mebench.errors import ConfigError

THREE = ("negative", "positive", "surprise")

OBJECTIVE = Scheme("objective", OBJECTIVE_CLASSES, {name.lower(): name for name in OBJECTIVE_CLASSES}, by="objective")
"""The seven classes of Davison, Merghani and Yap 2018 (arXiv 1708.07549), which follow from the action units alone."""


def three_classes(
    name: str, negative: Iterable[str], positive: Iterable[str] = ("happiness",), surprise: Iterable[str] = ("surprise",),
    excluded: Iterable[str] = (),
) -> Scheme:  # fmt: skip
    """Negative, positive and surprise, as in MEGC 2019 (See et al. 2019, doi 10.1109/FG.2019.8756611).

    Args:
        name: of the scheme.
        negative: native labels, lower case.
        positive: the same.
        surprise: the same.
        excluded: flags of expressions that are left out.
    """
    return Scheme(name, THREE, _map(dict(zip(THREE, (negative, positive, surprise)))), excluded=frozenset(excluded))


def unit_number(name: str) -> int | None:
    """The number of the action unit that a scheme is named after, or None.

    >>> unit_number("AU12"), unit_number("au4"), unit_number("objective")
    (12, 4, None)
    """
    found = re.fullmatch(r"AU0*(\d+)", name, re.IGNORECASE)
    return int(found[1]) if found else None


def one_unit(number: int, videos: Iterable[Video]) -> Scheme:
    """The scheme `AU<number>`: does a micro-expression show this action unit, or is it absent?

    Sides and intensities make no difference, and a doubtful unit counts as shown. An expression for which no unit is
    annotated is left out.

    Args:
        number: of the unit.
        videos: of one dataset or several, each of which must annotate action units.

    Raises:
        ConfigError: a dataset annotates no unit, or nobody shows this one.
    """
    name = f"AU{number}"
    annotated: dict[str, bool] = {}
    shown: Counter[int] = Counter()
    mapping: dict[str, str] = {}
    for video in videos:
        annotated.setdefault(video.dataset, False)
        for e in video.expressions:
            units = {unit.number for unit in parse_units(e.action_units)}
            if e.kind == "micro" and units:
                annotated[video.dataset] = True
                shown.update(units)
                mapping["+".join(e.action_units).lower()] = name if number in units else ABSENT
    if without := [dataset for dataset, has_units in annotated.items() if not has_units]:
        raise ConfigError(
            f"scheme={name} needs action units, and {without[0]} annotates none for its micro-expressions: take datasets that "
            "do (mebench data summary dataset=… counts them)"
        )
    if number not in shown:
        offers = ", ".join(f"AU{unit} ({shown[unit]})" for unit in sorted(shown))
        raise ConfigError(f"no micro-expression shows {name}: choose scheme= one of {offers}")
    return Scheme(name, (ABSENT, name), mapping, by="units")


def by_name(*schemes: Scheme) -> dict[str, Scheme]:
    """The schemes of a dataset by name; the first is the default."""
    return {scheme.name: scheme for scheme in schemes}


def _map(classes: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {label: name for name, labels in classes.items() for label in labels}
