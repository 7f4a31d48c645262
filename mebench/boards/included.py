"""The measured boards in the package, and a user's own rows among them.

Records of runs take sixty megabytes, their tables a quarter of one in the wheel: an installed mebench has the tables alone. A board whose
folder has no records then begins with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mebench._installation import checkout_folder, shipped_folder
from mebench.boards.board_pages import TABLES
from mebench.boards.build import row_order
from mebench.boards.named_boards import SELECTION
from mebench.boards.rows import BoardRow, BoardTable, Part
from mebench.boards.selection_gains import Gain
from mebench.boards.written_tables import find_written_tables, read_written_table
from mebench.errors import ConfigError
from mebench.grouping import group_by
from mebench.metrics.catalogue import SECTIONS

INCLUDED = "included"
"""The word for the tables of the package in place of a folder of records."""
OWN_ROW = "not tested against the included rows, whose answers do not come with the package: mebench compare tests your own runs"


@dataclass(frozen=True)
class IncludedBoards:
    """The tables of the measured boards in the package.

    Attributes:
        tables: the tables, with their measured rows and levels of chance alone.
        gains: the gains from selection on tested people.
    """

    tables: Sequence[BoardTable] = ()
    gains: Sequence[Gain] = ()

    @property
    def runs(self) -> set[str]:
        """Ids of the runs behind the tables."""
        parts = chain.from_iterable(table.parts for table in self.tables)
        rows = chain.from_iterable(part.rows for part in parts)
        return set(chain.from_iterable(row.runs for row in rows))


def included_folder(records: Path, wanted: Path | None) -> Path | None:
    """The folder with the included tables; None where a board begins without them.

    An installed mebench takes them where there is no folder of records; in a checkout, which has the records, they have to be asked for.

    Args:
        records: folder of the board's own records.
        wanted: choice of the user instead of this folder: another folder, `none` or `included`; or None.

    Raises:
        ConfigError: this copy of mebench has none, but they are asked for.
    """
    is_asked_for = wanted is not None and str(wanted) == INCLUDED
    is_installed = not checkout_folder("leaderboards")
    if not is_asked_for and (wanted is not None or records.is_dir() or not is_installed):
        return None
    folders = [Path(folder) for folder in shipped_folder("leaderboards")]
    with_tables = [folder for folder in folders if (folder / TABLES).is_dir()]
    if with_tables:
        return with_tables[0]
    if is_asked_for:
        raise ConfigError("this copy of mebench includes no boards: name a folder of records with --records, or none")
    return None


def place_in_board(folder: Path, package: Path | None, name: str) -> Path:
    """A file or folder of a board; without one, that of the package.

    Args:
        folder: folder of the board.
        package: folder of the included tables, or None.
        name: name of the file or folder.
    """
    own = folder / name
    return package / name if package and not own.exists() else own


def read_included(folder: Path) -> IncludedBoards:
    """The tables in a folder of the package, and the gains beside them.

    Raises:
        DataError: a file is damaged.
    """
    written = [read_written_table(file) for file in find_written_tables(folder / TABLES).values()]
    measured = [replace(table, board="", parts=tuple(_measured_parts(table))) for table in written]
    tables = [table for table in measured if table.parts]  # published lines and public answers are added to every board
    gains = json.loads((folder / TABLES / f"{SELECTION}.json").read_text(encoding="utf-8"))
    return IncludedBoards(tables, [Gain.from_plain(gain) for gain in gains])


def _measured_parts(table: BoardTable) -> list[Part]:
    """The parts that have rows, without the lines that a board adds to them."""
    return [replace(part, published=(), rescored=()) for part in table.parts if part.rows]


def add_included(own: Sequence[BoardTable], included: Sequence[BoardTable]) -> list[BoardTable]:
    """The tables of both; rows of the same table stand together, in the order of scores."""
    if not included:
        return [*own]
    by_identity = group_by([*own, *included], key=_identity)
    tables = []
    for identity in sorted(by_identity, key=_order):
        first, *others = by_identity[identity]
        tables.append(_table_of_both(first, others[0]) if others else first)
    return tables


def _identity(table: BoardTable) -> tuple[str, str, str, str]:
    """What tables share whose rows may stand together."""
    return table.task, table.dataset, table.protocol, table.variant


def _order(identity: tuple[str, str, str, str]) -> Any:
    """The order of tables on a board."""
    task, *place = identity
    return [*SECTIONS].index(task), place


def _table_of_both(own: BoardTable, included: BoardTable) -> BoardTable:
    """One table of both; it has the name of the included one."""
    own_parts = {part.name: part for part in own.parts}
    parts = [_joined_part(own_parts.pop(part.name, None), part) for part in included.parts]
    return replace(included, parts=(*parts, *own_parts.values()))


def _joined_part(own: Part | None, included: Part) -> Part:
    """An included part with the user's rows in their places."""
    if own is None:
        return included
    levels = {(row.method, row.member) for row in included.rows if not row.measured}
    rows = [_untested(row) for row in own.rows if row.measured or (row.method, row.member) not in levels]
    of_score = partial(row_order, main_score=included.metrics[0])
    ordered = sorted([*rows, *included.rows], key=lambda row: (row.member, *of_score(row)))
    return replace(included, rows=tuple(ordered))


def _untested(row: BoardRow) -> BoardRow:
    """A user's row without its standing, which holds among own rows alone."""
    if not row.measured:
        return row
    remark = "; ".join(filter(None, [row.remark, OWN_ROW]))
    return replace(row, group="", ranks=(), beats=(), hardest=None, remark=remark)
