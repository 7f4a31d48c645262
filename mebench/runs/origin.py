"""Whose run a folder is: one begun here may run the code that it names, one from elsewhere only after a question."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mebench.atomic import replace_file
from mebench.errors import list_first
from mebench.runs.folder import RunFolder

ORIGIN_FILE = ".begun_here"
"""In the run folder: a proof that this user began the run, or has agreed to its code."""


def code_of_run(config: Mapping[str, Any]) -> list[str]:
    """The code outside mebench that a stored configuration names: folders of plugins, callbacks and loggers.

    >>> code_of_run({"plugins": ["/lab"], "trainer.callbacks": [{"class_path": "ours.Callback", "init_args": {}}]})
    ['/lab', 'ours.Callback']
    """
    named = _specs_of_classes(config)
    # A stored object may hold any code, whatever its class is called.
    objects = [f"{spec['class_path']} (object {spec['object']})" for spec in named if "object" in spec]
    classes = [str(spec["class_path"]) for spec in named if "object" not in spec]
    foreign = [name for name in classes if not name.startswith("lightning.")]
    return [*map(str, config.get("plugins") or ()), *foreign, *objects]


def _specs_of_classes(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The maps that name a class, in the options of Lightning's Trainer: alone or in a list."""
    nested = config.get("trainer")
    options = [value for key, value in config.items() if key.startswith("trainer.")]
    if isinstance(nested, Mapping):
        options += nested.values()
    specs: list[Any] = []
    for option in options:
        specs += option if isinstance(option, list) else [option]
    return [spec for spec in specs if isinstance(spec, Mapping) and "class_path" in spec]


def question_about_code(folder: RunFolder, trains: bool = True) -> str:
    """What a user must agree to before the code of a run runs; empty for a run of one's own.

    Args:
        folder: folder of the run, or of a record, which names no code.
        trains: whether callbacks and loggers run, too; without training only plugins do.
    """
    if not (folder.path / "config.json").is_file():
        return ""
    stored = folder.read_json("config.json")["config"]
    code = code_of_run(stored)
    runs_code = bool(code) if trains else bool(stored.get("plugins"))
    if not runs_code or is_own(folder, stored):
        return ""
    return f"run {folder.id} was not begun by you on this machine, and it runs code of {list_first(code)}"


def mark_as_own(folder: RunFolder, config: Mapping[str, Any]) -> None:
    """Note that this user began the run, or has agreed to its code."""
    with suppress(OSError):  # no such folder: the question comes again
        replace_file(folder.path / ORIGIN_FILE, _proof(folder, config) + "\n")


def is_own(folder: RunFolder, config: Mapping[str, Any]) -> bool:
    """Whether this user began the run, or has agreed to its code."""
    try:
        noted = (folder.path / ORIGIN_FILE).read_text(encoding="utf-8").strip()
        return hmac.compare_digest(noted.encode(), _proof(folder, config).encode())
    except (OSError, UnicodeDecodeError):
        return False


def _proof(folder: RunFolder, config: Mapping[str, Any]) -> str:
    """A value that only this user can compute of a run and its code."""
    about = json.dumps([folder.id, code_of_run(config)])
    return hmac.new(_secret(), about.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """The secret of this user, made at first use."""
    file = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mebench" / "runs.secret"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, secrets.token_hex(32))
    return file.read_bytes()
