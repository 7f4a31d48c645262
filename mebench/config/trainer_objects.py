"""Objects that Python gave for options of Lightning's Trainer: stored beside the runs, named by their content."""

import hashlib
import pickle
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mebench.errors import RunError

OWN_OBJECTS = ".objects"
"""The folder, among those of runs, of objects that Python gave: plugins of `mebench.evaluate`, and options. It holds no labels."""
_DRAWN_ID = re.compile(rb"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
"""The random id that cloudpickle gives each class whose code it stores."""
_ID = re.compile(r"[0-9a-f]{64}")


def objects_folder(runs: str | Path) -> Path:
    """The folder of stored objects beside the run folders of `runs`."""
    return Path(runs).expanduser().absolute() / OWN_OBJECTS / "trainer"


def id_of_content(content: bytes) -> str:
    """The name of a stored object: equal ones of two programs have the same."""
    return hashlib.sha256(_DRAWN_ID.sub(b"", content)).hexdigest()


def is_id(value: Any) -> bool:
    """Whether a value can be the name of a stored object, which is no path."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def read_object(spec: Mapping[str, Any], runs: str | Path) -> bytes:
    """The content of a stored object.

    Raises:
        RunError: it is missing, or its content is another.
    """
    file = objects_folder(runs) / spec["object"]
    try:
        content: bytes = file.read_bytes()
    except OSError as error:
        raise RunError(
            f"{spec['class_path']} was given as an object, and {file} cannot be read ({error.strerror}): start the run "
            "again from the program that made it"
        ) from error
    if id_of_content(content) != spec["object"]:
        raise RunError(f"{file} is not the object that was given: start the run again from the program that made it")
    return content


def unpickle_object(content: bytes) -> Any:
    """A fresh copy of an object, of the content that `read_object` has checked."""
    return pickle.loads(content)


def with_contents(chosen: Mapping[str, Any], runs: str | Path) -> dict[str, Any]:
    """Options of the Trainer with the content of each stored object instead of its name.

    Args:
        chosen: options, as plain data.
        runs: folder of the runs.

    Raises:
        RunError: see `read_object`.
    """
    return {option: _with_objects(value, lambda spec: read_object(spec, runs)) for option, value in chosen.items()}


def with_copies(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Options with contents, each as a function that gives a fresh copy of its object."""

    def copies(spec: Mapping[str, Any]) -> Any:
        return partial(unpickle_object, spec["object"])

    return {option: _with_objects(value, copies) for option, value in chosen.items()}


def _with_objects(value: Any, change: Callable[[Mapping[str, Any]], Any]) -> Any:
    """A value of an option with another `object` in each of its specs."""
    if isinstance(value, list):
        return [_with_objects(item, change) for item in value]
    if isinstance(value, Mapping) and "object" in value:
        return {**value, "object": change(value)}
    return value
