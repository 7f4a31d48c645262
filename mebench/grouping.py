"""Things by a key."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def group_by(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """The items of each key; keys and items stay in the order in which they come, wherever equal keys stand.

    >>> group_by(["ann", "bob", "al"], key=lambda name: name[0])
    {'a': ['ann', 'al'], 'b': ['bob']}
    """
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
