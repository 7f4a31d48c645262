"""Write files and folders atomically: under a temporary name in the same folder, then renamed."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from mebench.files import WRITING, whole_file
from mebench.system import exchange_names, listening_sockets, lock_folder, sync_to_disk


def rename_synced(temporary: Path, path: Path) -> None:
    """Rename a file to `path`, in the same folder, once it is on disk.

    The name is on disk, too, when this returns.

    Raises:
        OSError: the disk is full, or fails.
    """
    sync_to_disk(temporary)
    temporary.replace(path)
    sync_to_disk(path.parent)


def synced_file(path: Path) -> AbstractContextManager[Path]:
    """The path of a file to write, see `whole_file`. At the end the file is on disk, under its name.

    Raises:
        OSError: the disk is full, or not writable.
    """
    return whole_file(path, rename_synced)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file as a whole, or not at all; its folder is made.

    Raises:
        OSError: the disk is full, or not writable; the path exists and is not a regular file.
    """
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "it exists and is not a file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_folder(path: Path, prefix: str = WRITING) -> Iterator[Path]:
    """An empty folder to fill, see `new_folder`, which becomes `path` at the end; after an error it is removed.

    Args:
        path: the folder; none may be there at the end.
        prefix: beginning of its name until then.

    Raises:
        OSError: the disk is full, or not writable.
    """
    with new_folder(path.parent, prefix) as temporary:
        yield temporary
        temporary.rename(path)


@contextmanager
def new_folder(place: Path, prefix: str = WRITING) -> Iterator[Path]:
    """A folder in `place` to fill and to rename; it is removed if it was not renamed.

    Those that a killed process left behind are removed, too. A living process holds a lock on its own.
    """
    place.mkdir(parents=True, exist_ok=True)
    for former in filter(Path.is_dir, list(place.glob(f"{prefix}*"))):
        with suppress(OSError), lock_folder(former):
            shutil.rmtree(former)
    with ExitStack() as lock:
        while True:
            temporary = place / f"{prefix}{secrets.token_hex(8)}"
            temporary.mkdir()
            with suppress(OSError):  # on a disk without locks, leftovers stay
                lock.enter_context(lock_folder(temporary, wait=True))
            if temporary.exists():  # else another process took it for one that was left behind, before the lock
                break
        try:
            yield temporary
        except OSError as error:
            error.filename = error.filename or str(place)  # a full disk names no file
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A folder for temporary files that this user alone can read, removed at the end; see `new_folder` for those of killed processes.

    Args:
        prefix: beginning of its name, of this purpose alone.
    """
    with new_folder(Path(tempfile.gettempdir()), prefix) as folder:
        folder.chmod(0o700)
        yield folder


def sweep_dead_sockets() -> None:
    """Remove the folders of sockets that killed processes left among the temporary files: nobody listens at any of them.

    The standard library makes one, `pymp-…`, for the address of a fork server.
    """
    in_use = listening_sockets()
    if in_use is None:
        return
    for folder in Path(tempfile.gettempdir()).glob("pymp-*"):
        with suppress(OSError):  # of another user
            addresses = list(folder.iterdir())
            if addresses and all(address.is_socket() and str(address) not in in_use for address in addresses):
                shutil.rmtree(folder)


def try_writing(path: Path) -> None:
    """Make a folder where a path is, or will be, and remove it again.

    The system's own word is not enough: root may do everything, but cannot write on a disk that is mounted read-only.

    Raises:
        OSError: this user cannot write there.
    """
    with tempfile.TemporaryDirectory(prefix=".mebench-", dir=nearest_existing(path)):
        return


def nearest_existing(path: Path) -> Path:
    """An absolute path if something is there, be it a broken link; else the nearest one above."""
    return next(existing for existing in (path, *path.parents) if os.path.lexists(existing))


def put_in_place(made: Path, place: Path) -> None:
    """Rename a folder to `place` at once. A folder that was there gets the name of the new one instead.

    Where the system cannot exchange two names, there is neither for a moment, and never half of one; the former folder is removed.
    """
    if not place.exists():
        made.rename(place)
    elif not exchange_names(made, place):
        former = made.with_name(f"{made.name}-former")
        place.rename(former)
        made.rename(place)
        shutil.rmtree(former)
