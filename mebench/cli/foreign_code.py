"""The question before code from elsewhere runs: that of somebody else's run, or of classes that a file of settings names."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mebench.errors import ConfigError, list_first
from mebench.lazy_imports import lazy_imports
from mebench.output.terminal import escape_controls

with lazy_imports():
    from mebench.config import foreign_code
    from mebench.runs import origin as run_origin

if TYPE_CHECKING:
    from mebench.runs.folder import RunFolder

SHOWN = 3
"""Classes and folders that the question names; further ones are counted."""
AgreesToCodeOfRun = Annotated[bool, typer.Option("--yes", help="Run the code that somebody else's run names, unasked.")]
AgreesToCode = Annotated[
    bool, typer.Option("--yes", help="Run the callbacks and loggers of your own that a settings file names, unasked.")
]


def ask_for_code_of_files(files: Iterable[str | Path] | None, agreed: bool) -> None:
    """Ask once before callbacks and loggers that a settings file names are imported.

    Args:
        files: files of settings, beside the user's.
        agreed: whether the user has said yes already.

    Raises:
        ConfigError: the user does not agree, or cannot be asked.
    """
    for file, classes in foreign_code.find_classes_named_by_files(files or ()).items():
        if foreign_code.has_agreed(file, classes):
            continue
        question = f"{file} names callbacks or loggers outside Lightning, and runs code of {list_first(classes, SHOWN)}"
        if not (agreed or _agrees(question)):
            raise ConfigError(f"{question}: read this code, then give the command with --yes, once")
        foreign_code.note_agreement(file, classes)


def ask_for_code_of_run(folder: RunFolder, agreed: bool, trains: bool = True) -> None:
    """Ask once before the code of a run from elsewhere runs: its plugins, callbacks and loggers.

    Args:
        folder: folder of the run.
        agreed: whether the user has said yes already.
        trains: whether the run goes on; its models alone need no callbacks and loggers.

    Raises:
        ConfigError: the user does not agree, or cannot be asked.
    """
    question = run_origin.question_about_code(folder, trains)
    if not question:
        return
    if not (agreed or _agrees(question)):
        next_step = "resume the run with --yes" if trains else "give the command with --yes, once"
        raise ConfigError(f"{question}: read this code, then {next_step}")
    run_origin.mark_as_own(folder, folder.read_json("config.json")["config"])


def _agrees(question: str) -> bool:
    """Whether the user agrees at a terminal; elsewhere nobody is asked."""
    return sys.stdin.isatty() and typer.confirm(f"{escape_controls(question)}. Run it?", err=True)
