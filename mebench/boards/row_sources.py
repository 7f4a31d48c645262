"""What other capabilities give to a board: rows of scored answers, gains from selection, and tables with columns of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mebench.boards.guest_tables import GuestTable
from mebench.boards.rows import BoardTable
from mebench.boards.selection_gains import Gain, PrintedProgram
from mebench.records.published import PublishedValue


class RowSource:
    """What one capability gives to a board, computed when the board asks for it. Here nothing: a capability overrides what it has."""

    @property
    def in_words(self) -> str:
        """What it gives, as `3 sources rescored`; empty for nothing."""
        return ""

    @property
    def is_empty(self) -> bool:
        """Whether it gives no row. A board with nothing else then has nothing to show."""
        return True

    def scored_tables(self) -> Sequence[BoardTable]:
        """Tables with rescored rows, which join the board's tables of the same data."""
        return ()

    def gains(self) -> Sequence[Gain]:
        """Gains from selection on tested people."""
        return ()

    def printed_programs(self) -> Mapping[str, PrintedProgram]:
        """How the programs of papers select, by the ids of their methods here."""
        return {}

    def guest_tables(self) -> Sequence[GuestTable]:
        """Tables with columns of their own."""
        return ()


@dataclass(frozen=True)
class BoardFiles:
    """The files of a board, from which a capability reads its rows.

    Attributes:
        find: the place of a file or folder of the board by its name.
        published: results printed by others.
        notify: gets a sentence for everything that is left out.
    """

    find: Callable[[str], Path]
    published: Sequence[PublishedValue]
    notify: Callable[[str], object]


class RowReader(Protocol):
    """The function `read_rows` of a capability's file `board_rows`."""

    def __call__(self, files: BoardFiles) -> RowSource:
        """The rows that a capability has for a board."""
