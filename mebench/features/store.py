"""The feature store: what was computed once, on disk. An entry is valid or absent."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from numpy.typing import NDArray

from mebench.features.entry import DamagedError, Draft, Entry, EntryFiles, Key, Stage, writing_to

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
        try:
            return self.files(key).check(key) is not None
        except DamagedError:
            return False

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
            entry = self._open_or_warn(files, key)
            if entry is None:
                files.write(key, build(), self.root)
                entry = self._open(files, key)
        finally:
            # Who waits for this lock makes a new one then, and finds the entry, or builds it if that has failed here.
            files.lock.unlink(missing_ok=True)
            lock.release()
        assert entry is not None
        return entry

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

    def _open_or_warn(self, files: EntryFiles, key: Key) -> Entry | None:
        try:
            return self._open(files, key)
        except DamagedError as error:
            _LOG.warning("the stored %s of %s is damaged (%s); computing it anew", key.stage, key.video, error)
            return None

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

    def __len__(self) -> int:
        return len(self._arrays)
