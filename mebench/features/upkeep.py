"""Looking after the feature store: how full it is, whether it is sound, and what can go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mebench.features.detection import dlib_version
from mebench.features.entry import DamagedError, EntryFiles
from mebench.features.store import FeatureStore
from mebench.features.versions import opencv_version

DAY = 24 * 60 * 60


@dataclass(frozen=True)
class StoreInfo:
    """A number of entries and the bytes that they take on disk."""

    entries: int = 0
    bytes: int = 0

    def __add__(self, other: StoreInfo) -> StoreInfo:
        return StoreInfo(self.entries + other.entries, self.bytes + other.bytes)


@dataclass(frozen=True)
class Damage:
    """An entry that is not as it was written.

    Attributes:
        files: where it lies.
        reason: what is wrong.
    """

    files: EntryFiles
    reason: str


LEFTOVER = ("", "leftover")
"""In `info`, what belongs to no entry: damaged ones, and what interrupted writers left."""


def info(store: FeatureStore) -> dict[tuple[str, str], StoreInfo]:
    """Entries and bytes by dataset and stage, sorted, by the markers alone; leftovers last, under `LEFTOVER`."""
    found: dict[tuple[str, str], StoreInfo] = {}
    for files in store.entries():
        about = _described(files)
        part = (str(about["key"]["dataset"]), str(about["key"]["stage"])) if about else LEFTOVER
        size = files.size()
        if size:
            found[part] = found.get(part, StoreInfo()) + StoreInfo(1, size)
    return dict(sorted(found.items(), key=lambda item: (item[0] == LEFTOVER, item[0])))


def verify(store: FeatureStore, deep: bool = False) -> Iterator[Damage | None]:
    """Look at every entry in turn, and say of each what is wrong, or None.

    Args:
        store: the store.
        deep: read every array and compare its hash; otherwise only markers, sizes and headers are looked at.
    """
    for files in store.entries():
        try:
            files.check(deep=deep)
        except DamagedError as error:
            yield Damage(files, str(error))
        else:
            yield None


def prune(
    store: FeatureStore,
    unused_days: float | None = None,
    dataset: str | None = None,
    everything: bool = False,
    dry_run: bool = False,
) -> StoreInfo:
    """Remove what no run can use: damaged entries, leftovers of killed processes, entries of other OpenCV or dlib versions.

    What a running process is computing stays.

    Args:
        store: the store.
        unused_days: also remove entries that nobody read for that many days.
        dataset: also remove the entries of the dataset of this id; with `unused_days`, only those of it that are unused.
        everything: remove all.
        dry_run: remove nothing, only tell.

    Returns:
        What was removed, or would be.
    """
    removed = StoreInfo()
    oldest = None if unused_days is None else time.time() - unused_days * DAY
    for files in store.entries():
        size = files.size()
        if not (everything or _useless(files) or _chosen(files, oldest, dataset)):
            continue
        if not _in_use(files) if dry_run else remove(files):
            removed += StoreInfo(int(size > 0), size)
    return removed


def remove(files: EntryFiles) -> bool:
    """Remove an entry unless a process is computing it; whether it is gone."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(files.lock, timeout=0):
            files.remove()
    except Timeout:
        return False
    return True


def _in_use(files: EntryFiles) -> bool:
    from filelock import FileLock, Timeout

    if not files.lock.exists():
        return False
    try:
        with FileLock(files.lock, timeout=0):
            return False
    except Timeout:
        return True


def _described(files: EntryFiles) -> dict[str, Any] | None:
    try:
        return files.check()
    except DamagedError:
        return None


def _useless(files: EntryFiles) -> bool:
    about = _described(files)
    if about is None:
        return True
    return about["key"]["opencv"] != opencv_version() or about["key"].get("dlib", "") not in ("", dlib_version())


def _chosen(files: EntryFiles, oldest: float | None, dataset: str | None) -> bool:
    """Whether the filters of `prune` name an entry that could still be used."""
    about = _described(files)
    if about is None or (oldest is None and dataset is None):
        return False
    try:
        used = files.marker.stat().st_mtime  # touched at each reading
    except FileNotFoundError:
        return False
    return (oldest is None or used < oldest) and (dataset is None or about["key"]["dataset"] == dataset)
