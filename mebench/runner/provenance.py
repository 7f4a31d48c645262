"""What a run loads and does not train itself: files with their hashes, and the data that these were trained on."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mebench.files import file_hash
from mebench.runner.job import MethodFiles

UNTRAINED, UNKNOWN = "none", "unknown"
"""Words in place of names of data: what is loaded was not trained, or nobody said on what."""


def describe_loaded(methods: Sequence[MethodFiles], pretrained: Sequence[str]) -> dict[str, Any]:
    """`loaded` and `pretrained` for `folds.json`; empty if methods load nothing and declare nothing.

    `loaded` has for each file or folder its `name`, its SHA-256, and whether `parameters` of the costs count it;
    `pretrained` is a list of names, `none` or `unknown`.

    Args:
        methods: files of each method of the run.
        pretrained: names of data that the user gave for the run; may be empty.
    """
    loaded: list[dict[str, Any]] = []
    declared: list[str] = []
    for files in methods:
        loaded_by_method = list(_loaded_by(files))  # hashes whole files of weights, so once
        loaded += loaded_by_method
        declared += _declared_by(files, pretrained, bool(loaded_by_method))
    if not loaded and not declared:
        return {}
    names = sorted(set(declared) - {UNTRAINED})
    if UNKNOWN in names:
        return {"loaded": loaded, "pretrained": UNKNOWN}
    return {"loaded": loaded, "pretrained": names or UNTRAINED}


def describe_landmark_files(methods: Sequence[MethodFiles]) -> dict[str, list[str]]:
    """`landmark_files` for `folds.json`: name and short hash of each file that finds landmarks and that the user named.

    Such a file turns and cuts every face, so one that was fitted to labels can tell them. Empty where nobody named a file.
    """
    named = {files.predictor for files in methods if files.predictor is not None}
    return {"landmark_files": sorted(map(name_with_hash, named))} if named else {}


def _loaded_by(files: MethodFiles) -> Iterator[dict[str, Any]]:
    """The files and folders that one method loads; landmarks are the dataset's preparation."""
    for setting, place in files.of_settings.items():
        if setting not in files.landmarks:
            yield {"name": place.name, "sha256": hash_file_or_folder(place), "counted": setting == "weights"}
    for place in files.declared:
        yield {"name": place.name, "sha256": hash_file_or_folder(place), "counted": False}


def _declared_by(files: MethodFiles, said: Sequence[str], loads_files: bool) -> Sequence[str]:
    """The data on which one method's loaded content was trained: as the user says, else its settings or `config.yaml`.

    Args:
        files: files of the method.
        said: names that the user gave for the run; may be empty.
        loads_files: whether files or folders are loaded.
    """
    declared = files.pretrained or files.plugin.config.get("pretrained")
    loads = declared is not None or loads_files
    if said and loads:
        return said
    if declared is not None:
        return [declared] if isinstance(declared, str) else list(declared)
    return [UNKNOWN] if loads else []


def name_with_hash(place: Path) -> str:
    """The name of a file or folder; with its short hash if it exists."""
    content = hash_file_or_folder(place)
    return f"{place.name} ({content[:8]})" if content else place.name


def hash_file_or_folder(place: Path) -> str:
    """SHA-256 of a file, or of all names and contents in a folder; empty if nothing is there."""
    if place.is_file():
        return file_hash(place)
    if not place.is_dir():
        return ""
    files = sorted(file for file in place.rglob("*") if file.is_file())
    lines = [f"{file.relative_to(place).as_posix()} {file_hash(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
