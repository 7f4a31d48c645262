"""The tables of `leaderboard build`, read again from their JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mebench.boards import row_facts
from mebench.boards.named_boards import SELECTION, NamedBoard
from mebench.boards.rows import BoardRow, BoardTable, HardestPeople, Part, PublishedLine, Rescored
from mebench.errors import DataError, RunError
from mebench.metrics.catalogue import SECTIONS
from mebench.score_type import typed_scores


def find_written_tables(folder: Path) -> dict[str, Path]:
    """The JSON of each table below a folder, by the name of the table."""
    files = (file for task in SECTIONS for file in sorted(folder.rglob(f"{task}-*.json")))
    return {file.stem: file for file in files}


def read_written_table(file: Path) -> BoardTable:
    """A table from its JSON.

    Raises:
        DataError: the file is damaged, or another version of mebench wrote it.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return BoardTable(**{**content, "parts": tuple(map(_part, content["parts"]))})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{file} cannot be read as a table ({type(error).__name__}: {error}): write it again with mebench leaderboard build"
        ) from error


def find_table_of_board(board: NamedBoard, files: Mapping[str, Path]) -> BoardTable:
    """The table that a named board shows; of several, that of its first protocol.

    Args:
        board: the board.
        files: the written tables by name.

    Raises:
        RunError: it shows no such table.
    """
    for protocol in board.protocol:
        prefix = f"{board.task}-{board.dataset}-{protocol}"
        tables = [read_written_table(file) for name, file in files.items() if name.startswith(prefix)]
        shown = [table for table in tables if table.protocol == protocol and board.shows_table(table)]
        if shown:
            return shown[0]
    if board.task == SELECTION:
        raise RunError(f"{board.id} shows gains, which have tables of their own: selection.tex, .csv and .json")
    raise RunError(f"{board.id} has no written table: make it with mebench leaderboard build")


def _part(content: dict[str, Any]) -> Part:
    """A part of a table with its rows."""
    rows = {
        "rows": tuple(map(_row, content["rows"])),
        "published": tuple(PublishedLine(**line) for line in content["published"]),
        "rescored": tuple(Rescored(**{**row, "scores": typed_scores(row["scores"])}) for row in content["rescored"]),
    }
    return Part(**{**content, **rows, "metrics": tuple(content["metrics"])})


def _row(content: dict[str, Any]) -> BoardRow:
    """A row, whose facts stand beside its other values."""
    names = [fact.name for fact in row_facts.FACTS]
    facts = {name: content.get(name, "") for name in names}
    others = {name: value for name, value in content.items() if name not in facts}
    lists = {name: tuple(others[name]) for name in ("seeds", "runs")}
    typed = {"scores": typed_scores(content["scores"]), "hardest": HardestPeople.from_plain(others.get("hardest", {}))}
    return BoardRow(**{**others, **lists, **typed}, facts=row_facts.with_seldom_left_out(facts))
