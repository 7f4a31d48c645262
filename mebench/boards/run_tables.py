"""The tables of runs for a board: each read once, or only the videos of one member of a composite."""

from collections.abc import Callable
from pathlib import Path

from mebench.metrics import Tables
from mebench.records.record import Record
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables, select_dataset

Read = Callable[[Record], Tables]
"""Gives the tables of a run."""


class RunTables:
    """The tables of runs, read on first use."""

    def __init__(self) -> None:
        self._by_folder: dict[Path, Tables] = {}

    def read(self, record: Record) -> Tables:
        """The tables of a run."""
        if record.folder not in self._by_folder:
            self._by_folder[record.folder] = read_tables(RunFolder(record.folder))
        return self._by_folder[record.folder]


def read_member(read: Read, member: str, record: Record) -> Tables:
    """The tables of one member of a composite."""
    return select_dataset(read(record), member)
