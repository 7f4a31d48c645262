"""The access that a confined process keeps, and what confines it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Grant(NamedTuple):
    """The access that a confined process keeps.

    Attributes:
        read: files, and folders with everything below, to read and to run programs from; missing ones are passed over.
        write: folders to read and write, the first of them for temporary files; the usual devices are always among them.
        methods: folders that hold plugins, which are imported as `mebench.methods.<id>`.
        modules: further folders to import from. Their contents are listed before the process is confined; packages
            among them may be listed afterwards, too.
        lacks: the parts of `SANDBOX_PARTS` that the run accepts as missing.
        devices: beside the usual ones.
        copied: those of `read` of which each process gets a copy of its own in a view: code of plugins and of the user, and
            what a run reads beside it.
        in_memory: whether the first of `write`, with what is below, is an empty folder in memory in a view; nothing of it remains.
        view: whether other files do not even exist for the process, see `mebench.sandbox.file_view`.
        seatbelt: whether a trial has shown that macOS' Seatbelt holds with this access, see `mebench.sandbox.seatbelt`.
    """

    read: tuple[Path, ...]
    write: tuple[Path, ...] = ()
    methods: tuple[Path, ...] = ()
    modules: tuple[Path, ...] = ()
    lacks: tuple[str, ...] = ()
    devices: tuple[Path, ...] = ()
    copied: tuple[Path, ...] = ()
    in_memory: bool = False
    view: bool = False
    seatbelt: bool = False


class Isolation(NamedTuple):
    """What keeps folds from files, processes and the network.

    Attributes:
        by: `LANDLOCK` or `SEATBELT`; empty where nothing keeps them from files.
        lacks: the missing ones of `SANDBOX_PARTS` of the sandbox.
        reason: why Seatbelt does not isolate them, on macOS.
    """

    by: str
    lacks: tuple[str, ...]
    reason: str = ""
