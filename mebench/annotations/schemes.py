"""Emotion schemes that several datasets share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mebench.annotations.action_units import OBJECTIVE_CLASSES
from mebench.core.types import Scheme

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


def by_name(*schemes: Scheme) -> dict[str, Scheme]:
    """The schemes of a dataset by name; the first is the default."""
    return {scheme.name: scheme for scheme in schemes}


def _map(classes: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {label: name for name, labels in classes.items() for label in labels}
