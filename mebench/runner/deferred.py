"""Sequences and mappings that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, overload

Item = TypeVar("Item")


class DeferredItems(Sequence[Item]):
    """A sequence whose items are made when one is first asked for.

    Its length is known before.

    A fold knows thousands of videos of other people; a method that learns nothing of them need not wait until they are opened.

    Args:
        make: gives the items.
        n: number of items.
    """

    def __init__(self, make: Callable[[], Sequence[Item]], n: int) -> None:
        self._make = make
        self._n = n

    @cached_property
    def _items(self) -> tuple[Item, ...]:
        """The items."""
        return tuple(self._make())

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        return self._items[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._items == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as that of a list

    def __repr__(self) -> str:
        return repr(self._items)


class DeferredEntries(Mapping[str, Item]):
    """A mapping whose other entries are made when an unknown key is asked for.

    Args:
        known: entries that are there; they win.
        make: gives the others.
    """

    def __init__(self, known: Mapping[str, Item], make: Callable[[], Mapping[str, Item]]) -> None:
        self._known = dict(known)
        self._make = make

    @cached_property
    def _all(self) -> dict[str, Item]:
        """All entries."""
        return {**self._make(), **self._known}

    def __getitem__(self, key: str) -> Item:
        return self._known[key] if key in self._known else self._all[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return repr(self._all)
