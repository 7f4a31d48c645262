"""The feature store: what was computed once, on disk. An entry is valid or absent."""

from __future__ import annotations

import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mebench.console import printable
from mebench.features.base import dlib_version, opencv_version
from mebench.features.entry import DamagedError, Draft, Entry, EntryFiles, Key, Stage, VanishedError, writing_to

TRIES = 3
"""How often an array is computed of which the folder vanishes."""
_LOG = logging.getLogger(__name__)


class FeatureStore:
    """Face crops, flows and features as `.npy` files in a folder, shared by processes.

    The folder holds `<stage>/<first two characters of the name>/<name>.npy` and `.json`; the name is a hash of the key.
    A store is pickled as its folder alone.

    Attributes:
        root: the folder; made when first written to.
        recent: small arrays lately read, see `Recent`.
        sources: what this process has learnt about the videos that it read from, for `mebench.features.pipeline`.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.recent: Recent = Recent(limit=2048)
        self.sources: dict[Hashable, Any] = {}
        self._sound: dict[Path, tuple[int, int, int]] = {}

    def __reduce__(self) -> tuple[type[FeatureStore], tuple[Path]]:
        return FeatureStore, (self.root,)

    def files(self, key: Key) -> EntryFiles:
        """Where the entry of a key is or would be."""
        name = key.digest()
        return EntryFiles(self.root / key.stage / name[:2] / name)

    def holds(self, key: Key) -> bool:
        """Whether there is a valid entry, by its marker, size and header."""
        return _described(self.files(key), key) is not None

    def read(self, key: Key) -> Entry | None:
        """The entry, memory-mapped and read-only, or None if it is absent or damaged."""
        try:
            return self._open(self.files(key), key)
        except DamagedError:
            return None

    def fetch(self, key: Key, build: Callable[[], Draft]) -> Entry:
        """The entry; if there is none, it is built, by one process while the others wait. A damaged one is built anew.

        Args:
            key: what the numbers depend on.
            build: makes the array; may fetch entries of an earlier stage.

        A store that somebody removes meanwhile begins anew.

        Raises:
            DataError: the store cannot be written to, and whatever `build` raises.
        """
        files, lasting = self.files(key), suppress(VanishedError)
        for left in reversed(range(TRIES)):
            if (entry := self.read(key)) is not None:
                return entry
            with lasting if left else nullcontext():
                lock = FileLock(files.lock)
                with writing_to(self.root):
                    files.stem.parent.mkdir(parents=True, exist_ok=True)
                    lock.acquire()
                try:
                    try:
                        entry = self._open(files, key)
                    except DamagedError as error:
                        video = printable(key.video)
                        _LOG.warning("the stored %s of %s is damaged (%s); computing it anew", key.stage, video, error)
                    if entry is None:
                        files.write(key, build(), self.root)
                        entry = self._open(files, key)
                finally:
                    # Who waits for this lock makes a new one then, and finds the entry, or builds it if that has failed here.
                    files.lock.unlink(missing_ok=True)
                    lock.release()
                if entry is not None:
                    return entry
        raise VanishedError(self.root)

    def _open(self, files: EntryFiles, key: Key) -> Entry | None:
        """The entry, or None if it is absent. Its array is hashed when this process first opens it.

        Raises:
            DamagedError: it is there, but not as it was written.
        """
        stamp = files.stamp()
        entry = files.read(key, deep=self._sound.get(files.stem) != stamp)
        if entry is not None and stamp is not None:
            self._sound[files.stem] = stamp
            with suppress(OSError):  # `prune` asks when an entry was last used; a read-only store need not know
                os.utime(files.marker)
        return entry

    def entries(self) -> Iterator[EntryFiles]:
        """Every entry, whole or not, in the order of the names."""
        for stage in get_args(Stage):
            stems = {path.with_name(path.name.split(".")[0]) for path in (self.root / stage).glob("??/*.*")}
            yield from map(EntryFiles, sorted(stems))


class Recent:
    """The arrays lately used, at most `limit` of them, so that a clip shown in every epoch is read from disk once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._arrays: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """The array of a key, which becomes the latest, or None."""
        if key not in self._arrays:
            return None
        self._arrays.move_to_end(key)
        return self._arrays[key]

    def put(self, key: Hashable, array: NDArray[Any]) -> None:
        """Remember an array, made read-only, and forget the one unused for longest if there are too many."""
        array.flags.writeable = False
        self._arrays[key] = array
        if len(self._arrays) > self.limit:
            self._arrays.popitem(last=False)


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
        if size := files.size():
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
        size, about, useless = files.size(), None if everything else _described(files), True
        if about is not None:
            useless = about["key"]["opencv"] != opencv_version() or about["key"].get("dlib", "") not in (
                "",
                dlib_version(),
            )
            if not useless and (oldest is not None or dataset is not None):
                with suppress(FileNotFoundError):
                    used = files.marker.stat().st_mtime  # touched at each reading
                    of_others = dataset is not None and about["key"]["dataset"] != dataset
                    useless = (oldest is None or used < oldest) and not of_others
        if useless and remove(files, dry_run):
            removed += StoreInfo(int(size > 0), size)
    return removed


def remove(files: EntryFiles, dry_run: bool = False) -> bool:
    """Remove an entry unless a process is computing it; whether it is gone, or would be."""
    if dry_run and not files.lock.exists():
        return True
    try:
        with FileLock(files.lock, timeout=0):
            if not dry_run:
                files.remove()
    except Timeout:
        return False
    return True


def _described(files: EntryFiles, key: Key | None = None) -> dict[str, Any] | None:
    try:
        return files.check(key)
    except DamagedError:
        return None
