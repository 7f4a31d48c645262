"""The content of a leaderboard, and its tables. It holds runs, published results, and the rows that other capabilities give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mebench.boards.build import build_tables
from mebench.boards.guest_tables import GuestTable
from mebench.boards.included import IncludedBoards, add_included
from mebench.boards.named_boards import NamedBoard, with_titles
from mebench.boards.published_tables import with_published, with_rescored
from mebench.boards.row_sources import RowSource
from mebench.boards.rows import BoardTable
from mebench.boards.selection_gains import Gain, PrintedProgram, selection_gains
from mebench.records.matching_published import Alias
from mebench.records.published import PublishedValue
from mebench.records.record import Record, UnshownError

T = TypeVar("T")


@dataclass(frozen=True)
class Board:
    """The content of a leaderboard.

    Attributes:
        records: the runs, each once.
        published: results printed by others.
        aliases: published datasets and protocols with the measured ones that match them.
        sources: rows and tables that other capabilities give.
        named: the named boards.
        included: the measured boards of the package, where they stand in for records.
    """

    records: Sequence[Record]
    published: Sequence[PublishedValue]
    aliases: Sequence[Alias]
    sources: Sequence[RowSource] = ()
    named: Sequence[NamedBoard] = ()
    included: IncludedBoards = field(default_factory=IncludedBoards)

    def make_tables(self) -> list[BoardTable]:
        """The tables with published results, each under the title of its named board.

        Raises:
            UnshownError: some records cannot be shown in a table; the others can.
        """
        measured = add_included(build_tables(self.records), self.included.tables)
        answers = [table for source in self.sources for table in source.scored_tables()]
        extended = with_rescored(measured, answers, self.aliases)
        return with_titles([with_published(table, self.published, self.aliases) for table in extended], self.named)

    def compute_gains(self) -> list[Gain]:
        """The gains from selection on tested subjects."""
        programs: dict[str, PrintedProgram] = {}
        given: list[Gain] = []
        for source in self.sources:
            programs |= source.printed_programs()
            given += source.gains()
        own = selection_gains(self.records, programs, self.aliases, given)
        by_name = {_name_gain(gain): gain for gain in own}
        known = [by_name.pop(_name_gain(gain), gain) for gain in self.included.gains]
        return [*known, *by_name.values()]

    def guest_tables(self) -> list[GuestTable]:
        """The tables with columns of their own."""
        return [table for source in self.sources for table in source.guest_tables()]

    def render(self, show: Callable[[Board], T], notify: Callable[[str], object]) -> T:
        """The result of `show` on the board without the records that it cannot show; each such record is reported in a
        sentence.
        """
        try:
            return show(self)
        except UnshownError as error:  # only an attempt reveals the records that cannot be shown
            for run_id, why in error.reasons.items():
                notify(f"{run_id} is left out: it cannot be shown ({why})")
            sound = [record for record in self.records if record.id not in error.reasons]
            return replace(self, records=sound).render(show, notify)


def _name_gain(gain: Gain) -> tuple[str, tuple[str, str], str]:
    """What makes a gain the same in two lists: of which system, where, in which score."""
    return gain.method, gain.place, gain.measure
