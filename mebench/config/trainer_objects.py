"""Objects that Python gave for options of Lightning's Trainer: stored beside the runs, named by their content."""

import hashlib
import pickle
import pickletools
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mebench.errors import RunError

OWN_OBJECTS = ".objects"
"""The folder, among those of runs, of objects that Python gave: plugins of `mebench.evaluate`, and options. It holds no labels."""
_DRAWN_ID = re.compile("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
"""The random id that cloudpickle gives each class whose code it stores."""
_ID = re.compile(r"[0-9a-f]{64}")


def objects_folder(runs: str | Path) -> Path:
    """The folder of stored objects beside the run folders of `runs`."""
    return Path(runs).expanduser().absolute() / OWN_OBJECTS / "trainer"


def id_of_content(content: bytes) -> str:
    """The name of a stored object: equal ones of two programs have the same.

    Raises:
        ValueError, LookupError: the content is no complete pickle.
    """
    digest = hashlib.sha256()
    for step in _steps_of_pickle(content):
        digest.update(f"{step!r}\n".encode())
    return digest.hexdigest()


def _steps_of_pickle(content: bytes) -> Iterator[tuple[str, Any]]:
    """Opcode and argument of each step of a pickle, alike for equal objects.

    A pickle says whether two equal texts are one object, which depends on whether Python compiled a file or read its
    stored bytecode. Here each text stands in full, and what else is remembered is numbered without them.
    """
    texts: dict[int, str | bytes] = {}
    numbers: dict[int, int] = {}
    last_argument: Any = None
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "FRAME":  # a length in bytes
            continue
        if opcode.name == "MEMOIZE":
            number = len(texts) + len(numbers)
            if isinstance(last_argument, str | bytes):
                texts[number] = last_argument
            else:
                numbers[number] = len(numbers)
        elif opcode.name in {"BINGET", "LONG_BINGET"} and isinstance(argument, int):
            yield ("text", texts[argument]) if argument in texts else ("remembered", numbers[argument])
        elif isinstance(argument, str | bytes):
            drawn = isinstance(argument, str) and _DRAWN_ID.fullmatch(argument) is not None
            yield "text", "" if drawn else argument
        else:
            yield opcode.name, argument
        last_argument = argument


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
    try:
        id_ = id_of_content(content)
    except (ValueError, LookupError):  # no pickle, or a damaged one
        id_ = ""
    if id_ != spec["object"]:
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
