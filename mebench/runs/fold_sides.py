"""The sides of folds in `folds.json`. Where each of many people is left out once, those who train are all but a few.

A list of those who train would grow with the square of the number of people. So beyond `FEW_PEOPLE` the file names each subject once,
under `people`, and a side of a fold gives numbers in that list: of its members (`only`), or of all others (`all_but`). What reads a run
gets lists of names either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

FEW_PEOPLE = 100
"""Up to so many subjects each side of a fold is written as a list of names."""
SIDES = ("train", "valid", "test")
PEOPLE = "people"
ALL_BUT, ONLY = "all_but", "only"


def shorten_sides(about: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `folds.json` as it is written.

    Args:
        about: content with a list of names for each side of a fold.
    """
    folds = about.get("folds", ())
    if not all(isinstance(fold.get(side), list) for fold in folds for side in SIDES):
        return dict(about)  # of a version that kept other sides
    people = list(dict.fromkeys(name for fold in folds for side in SIDES for name in fold[side]))
    if len(people) <= FEW_PEOPLE:
        return dict(about)
    people.sort(key=lambda name: name.split("/"))
    number_of = {name: number for number, name in enumerate(people)}
    written = [{**fold, **{side: _numbers(fold[side], number_of) for side in SIDES}} for fold in folds]
    return {**about, PEOPLE: people, "folds": written}


def _numbers(names: Sequence[str], number_of: Mapping[str, int]) -> dict[str, list[int]]:
    """The members of a side by their numbers, or the few others."""
    members = [number_of[name] for name in names]
    others = sorted(set(range(len(number_of))).difference(members))
    is_ordered = all(one < other for one, other in pairwise(members))
    return {ALL_BUT: others} if is_ordered and len(others) < len(members) else {ONLY: members}


def list_sides(about: dict[str, Any]) -> dict[str, Any]:
    """The content of `folds.json` with a list of names for each side."""
    people = about.get(PEOPLE)
    if people is None:
        return about
    folds = [{**fold, **{side: _names(fold[side], people) for side in SIDES}} for fold in about["folds"]]
    return {**{name: value for name, value in about.items() if name != PEOPLE}, "folds": folds}


def _names(side: Mapping[str, Sequence[int]], people: Sequence[str]) -> list[str]:
    """The names of the members of a side."""
    if ONLY in side:
        return [people[number] for number in side[ONLY]]
    members = [*people]
    for number in sorted(side[ALL_BUT], reverse=True):
        del members[number]
    return members
