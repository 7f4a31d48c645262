"""Finished runs as the user names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mebench.errors import RunError

if TYPE_CHECKING:
    from mebench.leaderboard.record import Record
    from mebench.runner.folder import RunFolder


def find_run(word: str, runs: str) -> RunFolder:
    """The finished run that a word names: its id, the beginning of one id only, or the path of a run folder or record.

    Args:
        word: from the command line.
        runs: folder of run folders.

    Raises:
        RunError: there is no such run, several begin so, or it is not finished.
    """
    from mebench.runner.folder import RunFolder

    path = Path(word).expanduser().resolve()
    return RunFolder(path) if (path / "record.json").is_file() else _finished(any_run(word, runs))


def any_run(word: str, runs: str) -> RunFolder:
    """The run that a word names, finished or not: its id, the beginning of one id only, or the path of its folder.

    Raises:
        RunError: there is no such run, or several begin so.
    """
    from mebench.runner.folder import RunFolder

    path, folder = Path(word).expanduser().resolve(), Path(runs).expanduser()
    if (path / "config.json").is_file():
        return RunFolder(path)
    begin_so = sorted(file.parent.name for file in folder.glob("*/config.json") if file.parent.name.startswith(word))
    if word not in begin_so and len(begin_so) > 1:
        raise RunError(f"{len(begin_so)} runs begin with {word!r}: {', '.join(begin_so)}. Give more of the id")
    if word not in begin_so and begin_so:
        word = begin_so[0]
    return RunFolder.open(folder, word)


def record_of(folder: RunFolder) -> Record:
    """What is known about a finished run or a committed record.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    from mebench.leaderboard.record import read

    return read(folder)


def _finished(folder: RunFolder) -> RunFolder:
    if not folder.done:
        raise RunError(f"run {folder.id!r} is not finished: go on with it by mebench resume {folder.word}")
    return folder
