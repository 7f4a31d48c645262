"""The verb `tune`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.config import resolve
from mebench.console import check_target, write_json
from mebench.errors import ConfigError
from mebench.progress import Progress

if TYPE_CHECKING:
    from mebench.tuning.records import TuneOptions


def tune_command(
    words: Sequence[str],
    files: Sequence[str],
    plugins: Sequence[str],
    options: TuneOptions,
    write: str | None,
    json: str | None,
) -> None:
    """Tune a method, judge it on subjects that no trial has touched, print what came of it.

    Args:
        words: of the configuration.
        files: of the configuration.
        plugins: folders with more plugins.
        options: of the tuning.
        write: where a file goes that `run -c` takes, or None.
        json: where the outcome goes too; `-` for standard output, with nothing else on it.

    Raises:
        MebenchError: bad input, a storage that cannot be used, trials that fail.
    """
    check_target(json)
    _check_write(write)
    config = resolve(words, files, plugins)
    from mebench.tuning.show import print_outcome
    from mebench.tuning.tune import tune, write_tuned

    progress = Progress()
    found = tune(config, options, progress)
    if write is not None:
        for line in write_tuned(found, Path(write).expanduser()):
            progress.say(f"{write}: {line}")
    if json != "-":
        print_outcome(found.plain, found.plain["folder"])
    if json is not None:
        write_json(found.plain, json)


def _check_write(write: str | None) -> None:
    """Refuse now what could not be written after hours of work."""
    if write is None:
        return
    file = Path(write).expanduser()
    if file.is_dir() or not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise ConfigError(f"--write {write} must name a file in a folder that is there and may be written to")
