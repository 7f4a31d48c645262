"""One stored array: what it is named after, how it is written, and how damage is found."""

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from io import BytesIO, FileIO
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mebench.atomic import rename
from mebench.errors import DataError

Stage = Literal["crops", "flow", "feature"]


@dataclass(frozen=True)
class Key:
    """All that the numbers of an entry depend on.

    Attributes:
        stage: `crops`, `flow` or `feature`.
        dataset: id of the dataset.
        revision: of the dataset.
        video: key of the video.
        frames: fingerprint of its frames.
        steps: fingerprint of the steps that lead here.
        opencv: version of OpenCV.
        dlib: version of dlib, whose detector places the crops.
        landmarks: hash of the landmarks, or of the model that finds them, if the steps use them; else empty.
        fps: frames per second if the steps use them, else None.
        processor: the instructions that it chooses, where the numbers depend on them; else empty.
        clip: the frames of a clip that the steps look at, such as `onset-apex`; empty for all frames of the video.
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
        return _hash(_canonical(asdict(self)))


@dataclass(frozen=True)
class Draft:
    """An array about to be written, block by block along its first axis, so that it never lies in memory as a whole.

    Attributes:
        shape: of the whole array.
        dtype: as stored.
        blocks: arrays (m, ...) of any m that follow one another along the first axis.
        extra: small JSON values kept beside the array.
    """

    shape: tuple[int, ...]
    dtype: DTypeLike
    blocks: Iterable[NDArray[Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)


class Entry(NamedTuple):
    """A stored array, memory-mapped and read-only, and what was kept beside it."""

    array: NDArray[Any]
    extra: Mapping[str, Any]


class DamagedError(Exception):
    """An entry is there in part, or is not what its marker says."""


class VanishedError(DataError):
    """The folder of the store is gone."""

    def __init__(self, store: Path) -> None:
        super().__init__(
            f"the feature store {store} was removed again and again while it was written to: leave it there until the run ends, or "
            "name another folder with cache=DIR"
        )


@dataclass(frozen=True)
class EntryFiles:
    """The files of one entry: `.npy` with the array; `.json`, written last, which makes the entry valid; `.lock`.

    Attributes:
        stem: path of the files without their suffixes.
    """

    stem: Path

    @property
    def data(self) -> Path:
        """The array."""
        return self.stem.with_suffix(".npy")

    @property
    def marker(self) -> Path:
        """Shape, type and hash of the array."""
        return self.stem.with_suffix(".json")

    @property
    def lock(self) -> Path:
        """Held while the entry is computed."""
        return self.stem.with_suffix(".lock")

    def leftovers(self) -> list[Path]:
        """What interrupted writers left."""
        return sorted(self.stem.parent.glob(f"{self.stem.name}.*.tmp"))

    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in (self.data, self.marker, *self.leftovers()) if path.exists())

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes when the array is written anew; None if there is no array."""
        try:
            about = self.data.stat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns, about.st_size

    def remove(self) -> None:
        """Remove all files of the entry, the marker first."""
        for path in (self.marker, self.data, *self.leftovers(), self.lock):
            path.unlink(missing_ok=True)

    def described(self) -> dict[str, Any] | None:
        """What the marker says, None if the entry is absent. The array is not looked at.

        Raises:
            DamagedError: there is an array without a marker, or the marker is damaged.
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
            intact = marker["check"] == _hash(_canonical(about))
        except (ValueError, KeyError, TypeError):
            intact = False
        if not intact:
            raise DamagedError("its marker is unreadable")
        return about

    def check(self, key: Key | None = None, deep: bool = False) -> dict[str, Any] | None:
        """What the marker says after a look at the array, None if the entry is absent.

        Args:
            key: what the entry must have been made from, if known.
            deep: also hash the whole array, not just compare its size and header.

        Raises:
            DamagedError: something does not fit.
        """
        if (about := self.described()) is None:
            return None
        if key is not None and about["key"] != asdict(key):
            raise DamagedError("its marker belongs to another entry")
        try:
            with self.data.open("rb") as file:
                if os.fstat(file.fileno()).st_size != about["bytes"]:
                    raise DamagedError("its array has the wrong size")
                if _hash(file.read(about["offset"])) != about["header"]:
                    raise DamagedError("the header of its array is damaged")
                if deep:
                    file.seek(0)
                    if hashlib.file_digest(file, _hasher).hexdigest() != about["blake2b"]:
                        raise DamagedError("its array is damaged")
        except OSError as error:
            raise DamagedError(f"its array cannot be read: {error.strerror}") from None
        return about

    def read(self, key: Key, deep: bool = False) -> Entry | None:
        """The entry, memory-mapped, or None if it is absent; `deep` as in `check`.

        Raises:
            DamagedError: it is there, but not as it was written.
        """
        if (about := self.check(key, deep)) is None:
            return None
        shape, dtype = tuple(about["shape"]), np.dtype(about["dtype"])
        if 0 in shape:  # nothing to map
            return Entry(np.empty(shape, dtype), about["extra"])
        try:
            return Entry(np.memmap(self.data, dtype, "r", about["offset"], shape), about["extra"])
        except (OSError, ValueError) as error:
            raise DamagedError(f"its array cannot be mapped ({error})") from None

    def write(self, key: Key, draft: Draft, store: Path) -> None:
        """Write the array, then the marker; each to a file beside it that is synced and renamed.

        The caller holds the lock: what lies here unfinished belongs to nobody, and goes.

        Raises:
            DataError: the disk is full or not writable. Nothing is left behind then.
        """
        dtype, buffer = np.dtype(draft.dtype), BytesIO()
        described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": draft.shape}
        np.lib.format.write_array_header_1_0(buffer, described)
        header = buffer.getvalue()
        size = len(header) + int(np.prod(draft.shape, dtype=np.int64)) * dtype.itemsize
        about: dict[str, Any] = {"key": asdict(key), "shape": list(draft.shape), "dtype": dtype.str, "bytes": size}
        about |= {"offset": len(header), "header": _hash(header), "extra": dict(draft.extra)}

        with writing_to(store):
            for path in (self.marker, *self.leftovers()):
                path.unlink(missing_ok=True)
        with _replacing(self.data, store) as put:
            whole, written = _hasher(), 0
            for piece in chain([header], (np.ascontiguousarray(b, dtype).tobytes() for b in draft.blocks)):
                whole.update(piece)
                put(piece)
                written += len(piece)
            if written != size:
                raise ValueError(f"the blocks of an array of shape {draft.shape} make {written} bytes, not {size}")
        about["blake2b"] = whole.hexdigest()
        try:
            with _replacing(self.marker, store) as put:
                put(json.dumps({"about": about, "check": _hash(_canonical(about))}).encode())
        except BaseException:
            self.data.unlink(missing_ok=True)
            raise


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
    """A function that appends to a file, which is synced and renamed to `path` at the end, or removed on an error."""
    # Processes of two machines may have one number, and locks are not always heard from one to the other.
    temporary = path.with_name(f"{path.stem}.{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with writing_to(store):
            # Unbuffered, so that closing writes nothing and cannot fail for want of room.
            file = temporary.open("wb", buffering=0)
        with file:

            def put(piece: bytes) -> None:
                with writing_to(store):
                    _write_all(file, piece)

            yield put
        with writing_to(store):
            rename(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_all(file: FileIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def _hasher() -> Any:
    return hashlib.blake2b(digest_size=16)


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
