"""A few expressions that stand for a dataset: the same ones every time, of as many people as possible."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from mebench.core.types import Expression, Video
from mebench.errors import ConfigError, unknown


class Chosen(NamedTuple):
    """An expression and its video."""

    video: Video
    expression: Expression


def choose(videos: Sequence[Video], n: int, subject: str | None = None, video: str | None = None) -> list[Chosen]:
    """Up to `n` expressions, in the order of the videos' keys.

    First one of each person, then a second one of each, and so on. Of more people than rows, those are taken that stand
    evenly spread in the sorted list.

    Args:
        videos: to choose from.
        n: how many, 1 or more.
        subject: only expressions of this person.
        video: only expressions of this video.

    Raises:
        ConfigError: `n` is below 1, or no expression is of that person or video.
    """
    if n < 1:
        raise ConfigError(f"--expressions must be 1 or more, not {n}")
    shown = [v for v in sorted(videos, key=lambda v: v.key) if v.expressions]
    if subject is not None:
        _check("subject with expressions", subject, sorted({v.subject for v in shown}))
        shown = [v for v in shown if v.subject == subject]
    if video is not None:
        _check("video with expressions", video, sorted({v.id for v in shown}))
        shown = [v for v in shown if v.id == video]
    people: dict[str, list[Chosen]] = {}
    for v in shown:
        people.setdefault(str(v.subject_key), []).extend(Chosen(v, e) for e in v.expressions)
    chosen: list[Chosen] = []
    for turn in zip_longest(*people.values()):
        there = [one for one in turn if one is not None]
        chosen += _spread(there, n - len(chosen))
        if len(chosen) >= n:
            break
    return sorted(chosen, key=lambda one: (one.video.key, one.expression.onset))


def _spread(items: Sequence[Chosen], n: int) -> list[Chosen]:
    """`n` of the items, evenly spread and the first among them; all where there are fewer."""
    return list(items) if len(items) <= n else [items[i * len(items) // n] for i in range(n)]


def _check(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ConfigError(unknown(what, name, known[:20], "Names are as mebench writes them, in upper and lower case"))
