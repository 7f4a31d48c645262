"""Code that a file of settings names: callbacks and loggers outside Lightning, which a run imports."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mebench.atomic import replace_file
from mebench.config.sources import layers_of
from mebench.config.typed_values import ARGUMENT, COMMAND_LINE, convert_value

OPTIONS = ("trainer.callbacks", "trainer.logger")
"""Settings whose values name classes."""


def find_classes_named_by_files(files: Iterable[str | Path] = ()) -> dict[str, list[str]]:
    """The classes outside Lightning that each file of settings names, the user's file among them. Nothing is imported.

    Raises:
        ConfigError: a file is missing or unreadable.
    """
    named = {}
    for layer in layers_of((), files):
        classes = [name for option in OPTIONS for name in _foreign_classes(layer.values.get(option))]
        if classes and layer.origin not in (COMMAND_LINE, ARGUMENT):
            named[layer.origin] = classes
    return named


def _foreign_classes(value: Any) -> Iterator[str]:
    """The classes outside Lightning in the value of an option, as a file holds it."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = convert_value(value, Any)
    for spec in value if isinstance(value, list) else [value]:
        name = spec.get("class_path") if isinstance(spec, Mapping) else spec
        if isinstance(name, str) and "." in name and not name.startswith("lightning."):
            yield name


def has_agreed(file: str, classes: list[str]) -> bool:
    """Whether this user has agreed that a file runs the code of these classes."""
    return _note_of_agreement(file, classes).is_file()


def note_agreement(file: str, classes: list[str]) -> None:
    """Note that this user has agreed that a file runs the code of these classes."""
    note = _note_of_agreement(file, classes)
    with suppress(OSError):  # no such place: the question comes again
        note.parent.mkdir(parents=True, exist_ok=True)
        replace_file(note, "")


def _note_of_agreement(file: str, classes: list[str]) -> Path:
    """The file that notes that a user agreed to run some classes."""
    about = json.dumps([str(Path(file).absolute()), sorted(classes)])
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return home / "mebench" / "agreed_code" / hashlib.sha256(about.encode()).hexdigest()
