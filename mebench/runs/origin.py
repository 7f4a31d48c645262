"""Whose run a folder is: one begun here may run the code that it names, one from elsewhere only after a question."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mebench.atomic import replace_file
from mebench.errors import list_first
from mebench.files import find_module_file
from mebench.runs.folder import RunFolder
from mebench.runs.secret_file import read_secret, user_folder

ORIGIN_FILE = ".begun_here"
"""In the run folder: proofs that this user began the run, or has agreed to its code: of the names of the code, and of its content, too."""
MOST_PROOFS = 2
"""Lines of this file that are read."""
CODE_ENDINGS = (".py", ".so", ".pyd", "config.yaml")
"""Ends of the names of files that hold code, or name some."""


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
    if _bears_proof(folder, _proof(folder, code)):
        return f"the code of run {folder.id} has changed since you began it or agreed to it, and it runs code of {list_first(code)}"
    return f"run {folder.id} was not begun by you on this machine, and it runs code of {list_first(code)}"


def mark_as_own(folder: RunFolder, config: Mapping[str, Any]) -> None:
    """Note that this user began the run, or has agreed to its code."""
    with suppress(OSError):  # no such folder: the question comes again
        code = code_of_run(config)
        proofs = _proof(folder, code), _proof_of_content(folder, config)
        replace_file(folder.path / ORIGIN_FILE, "\n".join(proofs) + "\n")


def is_own(folder: RunFolder, config: Mapping[str, Any]) -> bool:
    """Whether this user began the run with this code. It also holds if the user has agreed to the code as it is now."""
    return _bears_proof(folder, _proof_of_content(folder, config))


def _bears_proof(folder: RunFolder, proof: str) -> bool:
    """Whether a proof stands in the run folder."""
    try:
        noted = (folder.path / ORIGIN_FILE).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return False
    return any(hmac.compare_digest(line.encode(), proof.encode()) for line in noted[:MOST_PROOFS])


def _content_of_code(config: Mapping[str, Any]) -> list[str]:
    """Names and hashes of code files. They are those in the folders of plugins, and those of the modules of callbacks and loggers."""
    files: list[Path] = []
    for place in map(Path, config.get("plugins") or ()):
        files += sorted(file for file in place.rglob("*") if file.name.endswith(CODE_ENDINGS) and file.is_file())
    for spec in _specs_of_classes(config):
        module, _, _ = str(spec["class_path"]).rpartition(".")
        found = None if module.startswith("lightning.") else find_module_file(module)
        files += [found] if found is not None else []
    return [f"{file} {_hash_of_file(file)}" for file in files]


def _hash_of_file(file: Path) -> str:
    """The hash of a file; of one that cannot be read, none."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _proof_of_content(folder: RunFolder, config: Mapping[str, Any]) -> str:
    """The proof of a run and its code as it is now."""
    return _proof(folder, [*code_of_run(config), "with this content", *_content_of_code(config)])


def _proof(folder: RunFolder, code: Sequence[str]) -> str:
    """A value that only this user can compute of a run and its code."""
    about = json.dumps([folder.id, *code])
    return hmac.new(_secret(), about.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """The secret of this user, made at first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mebench"
    return read_secret(user_folder(cache) / "runs.secret").encode()
