"""The feature store: computed arrays on disk, with their names, writing and checks. An entry is valid or absent."""

import hashlib
import json
import logging
import os
import secrets
import socket
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from io import BytesIO, FileIO
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import DTypeLike, NDArray

from mebench.atomic import rename_synced
from mebench.errors import DataError, refuse_if, refused_by_system
from mebench.features.base import dlib_version, opencv_version
from mebench.output.terminal import escape_controls
from mebench.system import open_untimed

Stage = Literal["crops", "flow", "feature"]


@dataclass(frozen=True)
class Key:
    """Everything that the numbers of an entry depend on.

    Attributes:
        stage: `crops`, `flow` or `feature`.
        dataset: id of the dataset.
        revision: revision of the dataset.
        video: key of the video.
        frames: fingerprint of its frames.
        steps: fingerprint of the steps up to this stage.
        opencv: version of OpenCV.
        dlib: version of dlib, whose detector finds the face of the crops.
        landmarks: hash of the landmarks, or of the model that finds them, if the steps use them; else empty.
        fps: frames per second if the steps use them, else None.
        processor: its instructions, if the numbers depend on them; else empty.
        clip: the frames of a clip that the steps read, such as `onset-apex`; empty for all frames of the video.
    """

    stage: Stage
    dataset: str
    revision: str
    video: str
    frames: str
    steps: str
    opencv: str
    dlib: str = ""
    landmarks: str = ""
    fps: float | None = None
    processor: str = ""
    clip: str = ""

    def digest(self) -> str:
        """Name of the entry's files."""
        return hash_facts(asdict(self))


@dataclass(frozen=True)
class Draft:
    """An array written block by block along its first axis, never whole in memory.

    Attributes:
        shape: shape of the whole array.
        dtype: type of the stored numbers.
        blocks: arrays whose numbers follow one another in the whole one, such as its rows.
        extra: small JSON values kept beside the array.
    """

    shape: tuple[int, ...]
    dtype: DTypeLike
    blocks: Iterable[NDArray[Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)


class StoredArray(NamedTuple):
    """A stored array, memory-mapped and read-only, with its metadata."""

    array: NDArray[Any]
    extra: Mapping[str, Any]


_hasher = partial(hashlib.blake2b, digest_size=16)


class DamagedError(DataError):
    """An entry is incomplete or does not match its marker."""


class VanishedError(DataError):
    """The folder of the store is gone."""

    def __init__(self, store: Path) -> None:
        super().__init__(
            f"the feature store {store} was removed again and again while it was written to: leave it there until the run ends, or "
            "name another folder with cache=DIR"
        )


class EntryFiles:
    """The files of one entry.

    Args:
        stem: path of the files without their suffixes.

    Attributes:
        data: `.npy`, the array.
        marker: `.json`, shape, type and hash of the array; written last, which makes the entry valid.
        lock: `.lock`, held while the entry is computed.
    """

    def __init__(self, stem: Path) -> None:
        self.stem = stem
        self.data = stem.with_suffix(".npy")
        self.marker = stem.with_suffix(".json")
        self.lock = stem.with_suffix(".lock")

    def list_leftovers(self) -> list[Path]:
        """Files left by interrupted writers."""
        return sorted(self.stem.parent.glob(f"{self.stem.name}.*.tmp"))

    def measure_size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in (self.data, self.marker, *self.list_leftovers()) if path.exists())

    def read_stamp(self) -> tuple[int, int, int] | None:
        """A value that changes when the array is rewritten; None if there is no array."""
        try:
            about = self.data.stat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns, about.st_size

    def remove(self, dry_run: bool = False) -> bool:
        """Remove all files of the entry, the marker first, unless a process is computing it.

        Returns:
            Whether they were, or would be, removed.
        """
        if dry_run and not self.lock.exists():
            return True
        try:
            with FileLock(self.lock, timeout=0):
                for path in () if dry_run else (self.marker, self.data, *self.list_leftovers()):
                    path.unlink(missing_ok=True)
                if not dry_run:
                    self.remove_lock()
        except Timeout:
            return False
        return True

    def remove_lock(self) -> None:
        """Remove the file of the lock, which this process holds; on Windows the lock does so at its release."""
        with suppress(PermissionError):
            self.lock.unlink(missing_ok=True)

    def check(self, key: Key | None = None, deep: bool = False) -> dict[str, Any] | None:
        """The marker's content after a check of the array; None if the entry is absent.

        Args:
            key: the expected inputs, if known.
            deep: also hash the whole array.

        Raises:
            DamagedError: there is an array without a marker, the marker is damaged, or does not match the array or the key.
        """
        try:
            text = self.marker.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if self.data.exists():
                raise DamagedError("its marker is missing") from None
            return None
        except OSError as error:
            raise DamagedError(f"its marker cannot be read: {error.strerror}") from None
        try:
            marker = json.loads(text)
            about: dict[str, Any] = marker["about"]
            intact = marker["check"] == hash_facts(about)
        except (ValueError, KeyError, TypeError):
            intact = False
        if not intact:
            raise DamagedError("its marker is unreadable")
        if key is not None and about["key"] != asdict(key):
            raise DamagedError("its marker belongs to another entry")
        with refused_by_system("its array cannot be read", error=DamagedError), open_untimed(self.data) as file:
            header = file.read(about["offset"])
            refuse_if(
                (os.fstat(file.fileno()).st_size != about["bytes"], "its array has the wrong size"),
                (_hasher(header).hexdigest() != about["header"], "the header of its array is damaged"),
                error=DamagedError,
            )
            if deep:
                file.seek(0)
                if hashlib.file_digest(file, _hasher).hexdigest() != about["blake2b"]:
                    raise DamagedError("its array is damaged")
        return about

    def write(self, key: Key, draft: Draft, store: Path) -> None:
        """Write the array, then the marker; each to a temporary file that is synced and renamed.

        The caller holds the lock; unfinished files of earlier writers are removed.

        Raises:
            DataError: the disk is full or not writable; nothing is left behind.
        """
        dtype = np.dtype(draft.dtype)
        buffer = BytesIO()
        described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": draft.shape}
        np.lib.format.write_array_header_1_0(buffer, described)
        header = buffer.getvalue()
        size = len(header) + int(np.prod(draft.shape, dtype=np.int64)) * dtype.itemsize
        about: dict[str, Any] = {
            "key": asdict(key),
            "shape": list(draft.shape),
            "dtype": dtype.str,
            "bytes": size,
            "offset": len(header),
            "header": _hasher(header).hexdigest(),
            "extra": dict(draft.extra),
        }

        with writing_to(store):
            for path in (self.marker, *self.list_leftovers()):
                path.unlink(missing_ok=True)
        with _replacing(self.data, store) as put:
            hasher = _hasher()
            written = 0
            for piece in chain([header], (np.ascontiguousarray(b, dtype).tobytes() for b in draft.blocks)):
                hasher.update(piece)
                put(piece)
                written += len(piece)
            if written != size:
                raise ValueError(f"the blocks of an array of shape {draft.shape} make {written} bytes, not {size}")
        about["blake2b"] = hasher.hexdigest()
        try:
            with _replacing(self.marker, store) as put:
                put(json.dumps({"about": about, "check": hash_facts(about)}).encode())
        except BaseException:
            self.data.unlink(missing_ok=True)
            raise


def _mapped(file: Any, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
    """The array in a file, memory-mapped and read-only."""
    return np.empty(shape, dtype) if 0 in shape else np.memmap(file, dtype, "r", offset, shape)


@contextmanager
def writing_to(store: Path) -> Iterator[None]:
    """Say in one sentence that the store cannot be written to."""
    try:
        yield
    except FileNotFoundError as error:
        raise VanishedError(store) from error
    except OSError as error:
        raise DataError(
            f"cannot write to the feature store {store} ({error.strerror or error}): make room there, or name another "
            "folder with cache=DIR"
        ) from error


@contextmanager
def _replacing(path: Path, store: Path) -> Iterator[Callable[[bytes], None]]:
    """A function that appends to a file. At the end it is synced and renamed to `path`, or removed on an error."""
    # Processes of two machines may have one number, and locks are not always heard from one to the other.
    temporary = path.with_name(f"{path.stem}.{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with writing_to(store):
            # Unbuffered, so that closing writes nothing and cannot fail for want of room.
            file = temporary.open("wb", buffering=0)
        with file:
            yield partial(write_all, file, store)
        with writing_to(store):
            rename_synced(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_all(file: FileIO, store: Path, piece: bytes) -> None:
    """Write a piece to the end of a file, which may take several attempts."""
    view = memoryview(piece)
    with writing_to(store):
        while view:
            view = view[file.write(view) :]


def hash_facts(facts: Mapping[str, Any]) -> str:
    """The hash of plain values by name, in whatever order they stand."""
    return _hasher(json.dumps(facts, sort_keys=True).encode()).hexdigest()


TRIES = 3
"""Number of attempts at an array whose folder is removed meanwhile."""
_LOG = logging.getLogger(__name__)


class FeatureStore:
    """Face crops, flows and features as `.npy` files in a folder, shared by processes.

    The folder holds `<stage>/<first two characters of the name>/<name>.npy` and `.json`; the name is a hash of the key.
    A store is pickled as its folder and `keep_flow` alone.

    Attributes:
        root: the folder; created at the first write.
        keep_flow: whether computed flow is stored; otherwise only its features are.
        recent: recently read small arrays, so that a clip used in every epoch is read from disk once.
        sources: cached facts about videos, for `mebench.features.pipeline`.
    """

    def __init__(self, root: Path | str, keep_flow: bool = False) -> None:
        self.root = Path(root)
        self.keep_flow = keep_flow
        self.recent: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self.sources: dict[Hashable, Any] = {}
        self._sound: dict[Path, tuple[int, int, int] | None] = {}

    def __reduce__(self) -> tuple[type["FeatureStore"], tuple[Path, bool]]:
        return FeatureStore, (self.root, self.keep_flow)

    def check_writable(self) -> None:
        """Make the folder, and a file in it that is removed again.

        Raises:
            DataError: one of the two is impossible.
        """
        with writing_to(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.root).close()

    def files(self, key: Key) -> EntryFiles:
        """The paths of a key's entry, whether it exists or not."""
        name = key.digest()
        return EntryFiles(self.root / key.stage / name[:2] / name)

    def holds_entry(self, key: Key) -> bool:
        """Whether there is a valid entry, judged by its marker, size and header."""
        return _described(self.files(key), key) is not None

    def read(self, key: Key) -> StoredArray | None:
        """The entry, memory-mapped and read-only, or None if it is absent or damaged."""
        try:
            return self._open(self.files(key), key)
        except DamagedError:
            return None

    def fetch(self, key: Key, build: Callable[[], Draft]) -> StoredArray:
        """The entry of a key. One process builds a missing or damaged entry while others wait.

        If the store is removed meanwhile, the entry is built again.

        Args:
            key: key of the entry.
            build: function that makes the array; may fetch entries of an earlier stage.

        Raises:
            DataError: the store cannot be written to, and whatever `build` raises.
        """
        for _ in range(TRIES):
            entry = self.read(key)
            if entry is not None:
                return entry
            with suppress(VanishedError):
                entry = self._build_locked(key, build)
                if entry is not None:
                    return entry
        raise VanishedError(self.root)

    def _build_locked(self, key: Key, build: Callable[[], Draft]) -> StoredArray | None:
        """Build the entry while other processes wait, unless one of them has built it; None if it was removed meanwhile."""
        files = self.files(key)
        with writing_to(self.root):
            files.stem.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(files.lock).acquire()
        with lock:
            try:
                entry = self._open_or_warn(files, key)
                if entry is None:
                    files.write(key, build(), self.root)
                    entry = self._open(files, key)
                return entry
            finally:
                # A process that waits for this lock then makes a new one and finds the entry, or builds it if this one failed.
                files.remove_lock()

    def _open_or_warn(self, files: EntryFiles, key: Key) -> StoredArray | None:
        """The entry, or None if it is absent, or damaged, which is logged."""
        try:
            return self._open(files, key)
        except DamagedError as error:
            what = f"{key.stage} of {escape_controls(key.video)}"
            _LOG.warning("the stored %s is damaged (%s); computing it again", what, error)
            return None

    def map_unnamed_file(self, draft: Draft) -> NDArray[Any]:
        """The array of a draft, mapped from a file without a name.

        The file vanishes with the array or the process.

        Raises:
            DataError: the store cannot be written to.
        """
        dtype = np.dtype(draft.dtype)
        with writing_to(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root, buffering=0) as file:
                for block in draft.blocks:
                    write_all(file, self.root, np.ascontiguousarray(block, dtype).tobytes())
                return _mapped(file, dtype, draft.shape)

    def _open(self, files: EntryFiles, key: Key) -> StoredArray | None:
        """The entry, or None if it is absent. Its array is hashed when this process first opens it.

        Raises:
            DamagedError: it is there, but not as it was written.
        """
        stamp = files.read_stamp()
        is_checked = stamp is not None and self._sound.get(files.stem) == stamp
        about = files.check(key, deep=not is_checked)
        if about is None:
            return None
        try:
            with open_untimed(files.data) as file:
                array = _mapped(file, np.dtype(about["dtype"]), tuple(about["shape"]), about["offset"])
        except (OSError, ValueError) as error:
            raise DamagedError(f"its array cannot be mapped ({error})") from None
        self._sound[files.stem] = stamp
        with suppress(OSError):  # `prune_entries` asks when an entry was last used; a read-only store need not know
            os.utime(files.marker)
        return StoredArray(array, about["extra"])

    def list_entries(self) -> Iterator[EntryFiles]:
        """Every entry, whole or not, in the order of the names."""
        for stage in get_args(Stage):
            stems = {path.with_name(path.name.split(".")[0]) for path in (self.root / stage).glob("??/*.*")}
            yield from map(EntryFiles, sorted(stems))


DAY = 24 * 60 * 60


@dataclass(frozen=True)
class StoreInfo:
    """A number of entries and their bytes on disk."""

    entries: int = 0
    bytes: int = 0

    def __add__(self, other: "StoreInfo") -> "StoreInfo":
        return StoreInfo(self.entries + other.entries, self.bytes + other.bytes)


LEFTOVER = ("", "leftover")
"""In `store_contents`, files outside valid entries: damaged entries, and leftovers of interrupted writers."""
PLANS = ("", "plans")
"""In `store_contents`, the files of dry runs, `plans/*.json`: descriptions of methods."""


def store_contents(store: FeatureStore) -> dict[tuple[str, str], StoreInfo]:
    """Entries and bytes by dataset and stage, sorted, by the markers alone; leftovers last, under `LEFTOVER`."""
    infos: dict[tuple[str, str], StoreInfo] = {}
    for files in store.list_entries():
        about = _described(files)
        size = files.measure_size()
        part = (str(about["key"]["dataset"]), str(about["key"]["stage"])) if about else LEFTOVER
        if size:
            infos[part] = infos.get(part, StoreInfo()) + StoreInfo(1, size)
    for file in store.root.glob("plans/*.json"):
        infos[PLANS] = infos.get(PLANS, StoreInfo()) + StoreInfo(1, file.stat().st_size)
    return dict(sorted(infos.items(), key=lambda item: (item[0] == LEFTOVER, item[0])))


def verify_entries(store: FeatureStore, deep: bool = False) -> Iterator[tuple[EntryFiles, str]]:
    """Check every entry in turn; yields its fault in words, or an empty text.

    Args:
        store: the store.
        deep: read every array and compare its hash; otherwise check markers, sizes and headers only.
    """
    for files in store.list_entries():
        try:
            files.check(deep=deep)
        except DamagedError as error:
            yield files, str(error)
        else:
            yield files, ""


def prune_entries(
    store: FeatureStore,
    unused_days: float | None = None,
    dataset: str | None = None,
    everything: bool = False,
    dry_run: bool = False,
    stage: Stage | None = None,
) -> StoreInfo:
    """Remove entries that no run can use: damaged ones, leftovers of killed processes, and those of other OpenCV or
    dlib versions.

    Entries that a running process is computing stay.

    Args:
        store: the store.
        unused_days: also remove entries that were not read for that many days, and older caches of dry runs.
        dataset: also remove the entries of this dataset; with `unused_days`, only its unused ones.
        everything: remove all.
        dry_run: report without removing.
        stage: also remove the entries of this stage that match the other filters; stored features need no flow any
            more.

    Returns:
        The removed entries, or those that would be.
    """
    removed = StoreInfo()
    oldest = None if unused_days is None else time.time() - unused_days * DAY
    for files in store.list_entries():
        size = files.measure_size()
        useless = everything or _is_useless(files, oldest, dataset, stage)
        if useless and files.remove(dry_run) and size > 0:
            removed += StoreInfo(1, size)
    if dataset is None and stage is None:
        removed += _prune_plans(store, oldest, everything, dry_run)
    return removed


def _is_useless(files: EntryFiles, oldest: float | None, dataset: str | None, stage: Stage | None) -> bool:
    """Whether an entry is damaged, of another library version, or matches all given filters."""
    about = _described(files)
    if about is None:
        return True
    key = about["key"]
    if key["opencv"] != opencv_version() or key.get("dlib", "") not in ("", dlib_version()):
        return True
    if (oldest, dataset, stage) == (None, None, None):
        return False
    if dataset not in (None, key["dataset"]) or stage not in (None, key["stage"]):
        return False
    try:
        return oldest is None or files.marker.stat().st_mtime < oldest  # the marker is touched at each reading
    except FileNotFoundError:
        return False


def _prune_plans(store: FeatureStore, oldest: float | None, everything: bool, dry_run: bool) -> StoreInfo:
    """Remove all files of dry runs, or those that are older than a time."""
    removed = StoreInfo()
    for file in store.root.glob("plans/*.json"):
        status = file.stat()
        if everything or (oldest is not None and status.st_mtime < oldest):
            removed += StoreInfo(1, status.st_size)
            if not dry_run:
                file.unlink()
    return removed


def _described(files: EntryFiles, key: Key | None = None) -> dict[str, Any] | None:
    """The marker's content; None if the entry is absent or damaged."""
    try:
        return files.check(key)
    except DamagedError:
        return None
