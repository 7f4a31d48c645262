"""Finished runs as the user names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mebench.errors import RunError

if TYPE_CHECKING:
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
    if (path / "record.json").is_file():
        return RunFolder(path)
    folder = RunFolder.open(runs, word)
    if not folder.done:
        raise RunError(f"run {folder.id!r} is not finished: go on with it by mebench resume {folder.word}")
    return folder
