"""A folder that holds another dataset than the one that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from mebench._installation import shipped_folder
from mebench.annotations import SheetDataset
from mebench.annotations.sheets import SUFFIXES
from mebench.config.registry import find_plugin, list_plugins, load_plugin
from mebench.core import Dataset
from mebench.errors import DataError, PluginError

DEPTH = 3
"""Levels of folders below the root whose names are read."""
MOST_NAMES = 5_000
"""Most names that are read: those of the frames tell nothing."""
SURE = 2
"""Evidence of a dataset whose sheet and whose folder of frames are both there by name."""


def refuse_other_dataset(dataset: Dataset) -> None:
    """Refuse a root that holds another dataset than the asked one.

    It holds the sheet and the frames of the other one, and less of the asked one.

    Names alone are read. Only datasets of mebench are asked: somebody's own may annotate the frames of a known one anew.

    Raises:
        DataError: it does; the sentence names both.
    """
    if not isinstance(dataset, SheetDataset) or not _is_ours(dataset):
        return
    root = dataset.params.root
    if root is None or dataset.params.annotations is not None:
        return
    folder = Path(root).expanduser()
    if not folder.is_dir():
        return
    files, folders = _names_below(folder)
    own = _evidence_of(type(dataset), files, folders)
    if own >= SURE:
        return
    others = [plugin for plugin in _other_datasets(dataset) if _evidence_of(plugin, files, folders) >= SURE]
    if len(others) == 1:
        (other,) = others
        title = find_plugin("dataset", other.id).title or other.id
        asked = find_plugin("dataset", dataset.id).title or dataset.id
        raise DataError(
            f"dataset.root={root} looks like {title}, not {asked}: it holds {_named_files(other, files)} and the folder "
            f"{_named_folders(other, folders)}. Give dataset={other.id}, or the folder of {asked}"
        )


def _is_ours(dataset: Dataset) -> bool:
    """Whether a dataset comes with mebench."""
    file = Path(sys.modules[type(dataset).__module__].__file__ or "")
    return any(file.is_relative_to(folder) for folder in shipped_folder("datasets"))


def _other_datasets(dataset: SheetDataset) -> Iterator[type[SheetDataset]]:
    """The installed datasets of a sheet that are neither this one nor of its kind; broken plugins are passed over."""
    for id_ in sorted(list_plugins("dataset")):
        try:
            plugin = load_plugin("dataset", id_)
        except PluginError:
            continue
        if issubclass(plugin, SheetDataset) and plugin.id != dataset.id:
            yield plugin


def _names_below(root: Path) -> tuple[list[str], list[str]]:
    """The names of sheets and of folders at the root and some levels below it."""
    files: dict[str, None] = {}
    folders = {root.name: None}
    waiting = [(root, 0)]
    while waiting and len(files) + len(folders) < MOST_NAMES:
        folder, depth = waiting.pop(0)
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False):
                folders[entry.name] = None
                if depth + 1 < DEPTH:
                    waiting.append((Path(entry.path), depth + 1))
            elif entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith((".", "~$")):
                files[entry.name] = None
    return sorted(files), sorted(folders)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds; nothing of one that may not be opened."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _evidence_of(plugin: type[SheetDataset], files: Iterable[str], folders: Iterable[str]) -> int:
    """How much of a dataset is there by name: its sheet, and its folder of frames."""
    return bool(_named_files(plugin, files)) + bool(_named_folders(plugin, folders))


def _named_files(plugin: type[SheetDataset], files: Iterable[str]) -> str:
    """The first file that is called as the dataset's sheet is when released; empty without one."""
    patterns = [pattern.casefold() for pattern in _own_patterns(plugin)]
    return next((name for name in files if any(fnmatch(name.casefold(), pattern) for pattern in patterns)), "")


def _own_patterns(plugin: type[SheetDataset]) -> list[str]:
    """The names of the dataset's sheets that begin with letters of their own: others may be anybody's."""
    every = [*plugin.sheet_names(), *plugin.files]
    return [pattern for pattern in dict.fromkeys(every) if not pattern.startswith("*")] or every[:1]


def _named_folders(plugin: type[SheetDataset], folders: Iterable[str]) -> str:
    """The first folder that is called as the dataset's folder of frames; empty without one."""
    layout = getattr(plugin, "layout", None)
    if layout is None:  # its folders are found by other rules
        return ""
    first = PurePosixPath(layout.example).parts[0]
    known = {name.casefold() for name in (*layout.homes, first)}
    return next((name for name in folders if name.casefold() in known), "")
