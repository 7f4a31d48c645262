"""Values of options that are checked before the work begins: a time, a file, a folder."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import overload

from mebench.atomic import try_writing
from mebench.errors import ConfigError, DataError, refused_by_system


def days_of(text: str) -> float:
    """A time such as `12h`, `30d` or `2w` in days.

    Raises:
        ConfigError: the text is not a time.

    >>> days_of("30d"), days_of("12h"), days_of("2w")
    (30.0, 0.5, 14.0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip().lower())
    if match is None:
        raise ConfigError(f"--older-than must be a number of hours, days or weeks such as 12h, 30d or 2w, not {text!r}")
    return float(match[1]) * {"h": 1 / 24, "d": 1.0, "w": 7.0}[match[2]]


@overload
def at_home(place: str) -> str: ...
@overload
def at_home(place: Path) -> Path: ...
@overload
def at_home(place: None) -> None: ...
def at_home(place: str | Path | None) -> str | Path | None:
    """A place with the user's folder for `~`, as shells leave it in `--json=~/a.json`."""
    if place is None or not str(place).startswith("~"):
        return place
    with suppress(RuntimeError):  # nobody of that name: a folder may be called so
        return type(place)(Path(place).expanduser())
    return place


def check_file(option: str, target: str) -> None:
    """Make sure that a file can be written, before the work begins.

    Raises:
        DataError: the target is a folder, or its folder is not there or not writable.
    """
    file = Path(target)
    problem = ""
    if not target or file.is_dir():
        problem = "it is a folder"
    elif not file.parent.is_dir():
        problem = f"there is no folder {file.parent}"
    elif file.exists() and not os.access(file, os.W_OK):
        problem = "you may not write it"
    then = f"name a file in an existing, writable folder with {option} FILE"
    if problem:
        raise DataError(f"{option} {target} cannot be written: {problem}: {then}")
    if not file.exists():
        with refused_by_system(f"{option} {target} cannot be written", then):
            try_writing(file.parent.absolute())


def check_folder(option: str, target: str) -> None:
    """Make sure that files can be written into a folder, before the work begins.

    The folder may be missing yet.

    Raises:
        DataError: it, or the folder in which it would be made, is not a writable folder.
    """
    with refused_by_system(f"{option} {target} cannot be written", f"name another folder with {option} FOLDER"):
        try_writing(Path(target).expanduser().absolute())
