"""Things by a key, and in groups of a size."""

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
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


def thin_from_last(items: Sequence[T], step: int) -> list[T]:
    """Each `step`-th of some items in their order, counted from the last, which stays.

    >>> thin_from_last([1, 2, 3, 4, 5, 6], 2)
    [2, 4, 6]
    """
    return [*items[::-step]][::-1]
