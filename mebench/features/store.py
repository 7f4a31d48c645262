"""The feature store: what was computed once, on disk. An entry is valid or absent."""

from __future__ import annotations

import os
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from numpy.typing import NDArray

from mebench.features.entry import DamagedError, Draft, Entry, EntryFiles, Key, Stage, writing_to
from mebench.features.versions import opencv_version

DAY = 24 * 60 * 60


@dataclass(frozen=True)
class StoreInfo:
    """A number of entries and the bytes that they take on disk."""

    entries: int = 0
    bytes: int = 0


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

    def __reduce__(self) -> tuple[type[FeatureStore], tuple[Path]]:
        return FeatureStore, (self.root,)

    def files(self, key: Key) -> EntryFiles:
        """Where the entry of a key is or would be."""
        name = key.digest()
        return EntryFiles(self.root / key.stage / name[:2] / name)

    def holds(self, key: Key) -> bool:
        """Whether there is a valid entry, by its marker, size and header."""
        try:
            return self.files(key).check(key) is not None
        except DamagedError:
            return False

    def read(self, key: Key) -> Entry | None:
        """The entry, memory-mapped and read-only, or None if it is absent or damaged."""
        files = self.files(key)
        try:
            entry = files.read(key)
        except DamagedError:
            return None
        if entry is not None:
            with suppress(OSError):  # `prune` asks when an entry was last used; a read-only store need not know
                os.utime(files.marker)
        return entry

    def fetch(self, key: Key, build: Callable[[], Draft]) -> Entry:
        """The entry; if there is none, it is built, by one process while the others wait. A damaged one is built anew.

        Args:
            key: what the numbers depend on.
            build: makes the array; may fetch entries of an earlier stage.

        Raises:
            DataError: the store cannot be written to, and whatever `build` raises.
        """
        entry = self.read(key)
        if entry is not None:
            return entry
        from filelock import FileLock

        files = self.files(key)
        lock = FileLock(files.lock)
        with writing_to(self.root):
            files.stem.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            if not self._usable(files, key):
                files.write(key, build(), self.root)
            entry = files.read(key)
            # The entry is there: who waits for the lock, or makes a new one, will find it and build nothing.
            files.lock.unlink(missing_ok=True)
        finally:
            lock.release()
        assert entry is not None
        return entry

    def _usable(self, files: EntryFiles, key: Key) -> bool:
        try:
            return files.check(key) is not None
        except DamagedError as error:
            warnings.warn(
                f"the stored {key.stage} of {key.video} is damaged ({error}); computing it anew", stacklevel=3
            )
            return False

    def info(self) -> StoreInfo:
        """Number and size of the valid entries, by their markers."""
        sizes = [files.size() for files in self._all() if files.marker.exists()]
        return StoreInfo(len(sizes), sum(sizes))

    def verify(self, deep: bool = False, remove: bool = False) -> list[str]:
        """One sentence for each damaged entry.

        Args:
            deep: hash every array; otherwise only markers, sizes and headers are compared.
            remove: remove the damaged entries, so that they are built anew when they are next asked for.
        """
        damaged = []
        for files in self._all():
            try:
                files.check(deep=deep)
            except DamagedError as error:
                damaged.append(f"{files.stem.relative_to(self.root)}: {error}")
                if remove:
                    _remove_unless_in_use(files)
        return damaged

    def prune(self, unused_days: float | None = None) -> StoreInfo:
        """Remove what no run can use: damaged entries, leftovers of killed processes, entries of other OpenCV versions.

        What a running process is computing stays.

        Args:
            unused_days: also remove entries that nobody read for that many days.

        Returns:
            What was removed.
        """
        removed, freed = 0, 0
        oldest = None if unused_days is None else time.time() - unused_days * DAY
        for files in self._all():
            size = files.size()
            if not _in_service(files, oldest) and _remove_unless_in_use(files):
                removed, freed = removed + (size > 0), freed + size
        return StoreInfo(removed, freed)

    def _all(self) -> Iterator[EntryFiles]:
        """Every entry, whole or not, in the order of the names."""
        for stage in get_args(Stage):
            stems = {path.with_name(path.name.split(".")[0]) for path in (self.root / stage).glob("??/*.*")}
            yield from map(EntryFiles, sorted(stems))


def _in_service(files: EntryFiles, oldest: float | None) -> bool:
    try:
        about = files.check()
        read = files.marker.stat().st_mtime if about else 0
    except (DamagedError, FileNotFoundError):
        return False
    return about is not None and about["key"]["opencv"] == opencv_version() and (oldest is None or read >= oldest)


def _remove_unless_in_use(files: EntryFiles) -> bool:
    from filelock import FileLock, Timeout

    try:
        with FileLock(files.lock, timeout=0):
            files.remove()
    except Timeout:
        return False
    return True


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

    def __len__(self) -> int:
        return len(self._arrays)
