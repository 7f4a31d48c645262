"""Things by a key, and in groups of a size."""

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
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


def split_into_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in groups of a size, the last one perhaps smaller; each group is taken when it is asked for.

    >>> list(split_into_batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    each = iter(items)
    while batch := list(itertools.islice(each, size)):
        yield batch
