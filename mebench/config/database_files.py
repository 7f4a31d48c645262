"""Databases of runs and studies: their sqlite files with a lock each, and addresses in messages."""

import re
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock

from mebench.errors import RunError


def display_path(file: Path) -> str:
    """A path for messages."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def without_password(text: str) -> str:
    """A URI, or a text that quotes one, without its password.

    >>> without_password("no answer from https://ann:p@ss@mlflow.example.org/x")
    'no answer from https://ann:***@mlflow.example.org/x'
    """
    return re.sub(r"(://[^/\s:@]*):[^/\s]*@", r"\1:***@", text)


def problem_of_path(file: Path) -> str:
    """Why a database cannot lie at a path; empty if it can.

    >>> problem_of_path(Path("/data/50%/mlflow.db"))
    'the path /data/50%/mlflow.db holds % or ?, which mean something else in the address of a database: name a place without them'
    """
    if {"%", "?"} & set(str(file)):
        return f"the path {file} holds % or ?, which mean something else in the address of a database: name a place without them"
    if {"'", '"'} <= set(str(file)):
        return (
            f"the path {file} holds both kinds of quotation marks, which MLflow cannot write into its database: name a place without "
            "one of them"
        )
    return ""


def lock_file(file: Path, seconds: float) -> AbstractContextManager[object]:
    """The lock of a sqlite file, held until its end as a context.

    Raises:
        RunError: the address of a database means something else by the characters of its path, or MLflow cannot write them.
        Timeout: another process holds it for so long.
        OSError: nothing can be made there.
    """
    problem = problem_of_path(file)
    if problem:
        raise RunError(problem)
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(f"{file}.lock")
    lock.touch()  # filelock would wait for the folder, and its `Timeout` be taken for another process
    return FileLock(lock, timeout=seconds).acquire()
