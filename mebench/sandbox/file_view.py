"""A view of the file system in which only granted files exist. None that a fold can mark exists: a mount namespace of the process.

Landlock refuses to open other files, but it answers whether they exist, how large they are and how old. In a view they do
not exist. What folds share (libraries) is mounted read-only and without times of access; of the files of a plugin each fold
gets a copy in memory, which ends with it: neither attributes nor times nor what the system keeps in memory of them tell the next
fold anything. The kernel must allow a process to make a view: as root, or in a user namespace. Run as a program, this file says by
its exit code whether it does.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

SWITCH = "MEBENCH_VIEW"
"""The variable that leaves views out where it is 0."""
MOST_LINKS = 40
"""Symbolic links on the way to one file, as Linux counts them; more lead in a circle."""
PROBE_SECONDS = 20.0
"""The longest that a system may take to say whether it allows views."""

MOST_COPIED = 256 << 20
"""Bytes of a granted file or folder of which each fold gets a copy; a larger one is shared, and read ahead, so that all is in memory."""
MOST_COPIED_FILES = 10_000
"""Files and folders of such a folder."""
TIMES_SHOW = 3
"""The exit code where a view is possible, but shared files keep their times of access."""

NEW_MOUNTS = 0x00020000
"""The flag of `unshare` for mounts of one's own."""
PRIVATE_WITH_BELOW = 0x40000 | 0x4000
"""The flags of `mount` by which a mount, and all below it, share nothing with the former ones."""
_NEW_USER = 0x10000000
_DETACH = 2
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_SET_MOUNT_ATTRIBUTES = 442
_HERE = -100
_NEW_FILE_SYSTEM = 430
_CONFIGURE_FILE_SYSTEM = 431
_MOUNT_FILE_SYSTEM = 432
_CLOSE_ON_EXEC = 1
_SET_TEXT = 1
_MAKE_FILE_SYSTEM = 6
_PAGE = 4096
_CLONE = 1
_READ_ONLY = 1
_NO_SET_USER = 2
_NO_TIMES = 0x10
_ALL_TIMES = 0x70
_THIS_DESCRIPTOR = 0x1000
_RECURSIVE = 0x8000
_FROM_DESCRIPTOR = 4
_PR_SET_DUMPABLE = 4
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
"""The number of the system call by architecture."""


def is_view_possible() -> bool:
    """Whether this system lets a process make a view."""
    return _try_view() in (0, TIMES_SHOW)


def hides_times() -> bool:
    """Whether shared files in a view keep no times of access."""
    return _try_view() == 0


@cache
def _try_view() -> int:
    """The exit code of this file as a program, tried once; 1 where it does not run."""
    if sys.platform != "linux" or platform.machine() not in _PIVOT_ROOT or os.environ.get(SWITCH) == "0":
        return 1
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return 1
    return done.returncode


def enter_view(
    read: Iterable[Path], write: Iterable[Path], home: Path, copied: Iterable[Path] = (), in_memory: bool = False
) -> bool:
    """Let only some files and folders exist for this process, for good; whether no time of access shows.

    It needs a process of one thread. Files that are open stay open. Missing files and folders are passed over.

    Args:
        read: files and folders that others read, too.
        write: folders of this process alone, and devices.
        home: the folder among them in which the process is afterwards.
        copied: files and folders of which this process gets a copy in memory.
        in_memory: whether that folder, with what is below, is an empty one in memory instead, which ends with the process.

    Raises:
        OSError: this system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    links = dict[Path, Path]()
    own = _copied_places(_real_paths(copied, links))
    shared = _real_paths((*read, *copied), links) - own
    writable = _real_paths(write, links)
    forgotten = {real for real in writable if in_memory and real.is_relative_to(home.resolve())}
    _leave_mounts_of_others(libc)
    mounts = _Mounts(libc)
    try:
        mounts.add_writable(writable - forgotten)
        with mounts.memory_at(home) as memory:
            hides_times = mounts.add_shared(shared, memory)
            mounts.add_copies(own, memory)
            mounts.add_folder_in_memory(forgotten, memory)
        root = home.parent.resolve()  # any folder: it is covered by the new root, after its content was copied
        _call(libc.mount, b"none", bytes(root), b"tmpfs", 0, b"size=1m,mode=755")
        mounts.attach(root)
    finally:
        mounts.close()
    for link, target in links.items():
        _inside(root, link).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _inside(root, link).symlink_to(target)
    facts = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)  # it does not exist for this process afterwards
    os.chdir(root)
    _call(libc.syscall, _PIVOT_ROOT[platform.machine()], b".", b".")
    _call(libc.umount2, b".", _DETACH)
    os.chdir(home)
    with suppress(OSError):  # where root may make mounts and no user namespaces
        _enter_user_namespace(libc, 0, facts)
    os.close(facts)
    return hides_times


class _Mounts:
    """Mounts that nobody sees yet, as descriptors by the path at which they shall appear."""

    def __init__(self, libc: ctypes.CDLL) -> None:
        self._libc = libc
        self._shared = dict[Path, int]()
        self._private = dict[Path, int]()

    def add_writable(self, reals: Iterable[Path]) -> None:
        """Folders of this process alone, and devices."""
        for real in sorted(reals):
            self._private[real] = self._clone(real)

    def add_shared(self, reals: Iterable[Path], memory: Path) -> bool:
        """The outermost of files and folders that other folds read, too: read-only; whether without times of access."""
        hides_times = True
        for real in sorted(reals):
            if not self._shared.keys().isdisjoint(real.parents):
                continue
            try:
                mount = self._clone(real)
            except FileNotFoundError:  # it has gone since it was looked for
                continue
            self._shared[real] = mount
            if self._set_attributes(mount, _READ_ONLY | _NO_SET_USER | _NO_TIMES, _ALL_TIMES):
                continue
            self._set_attributes(mount, _READ_ONLY | _NO_SET_USER, 0)
            # In a user namespace times of access are not this process's to switch off, but its own layer keeps none.
            layer = self._layer_over(real, memory)
            if layer is None:
                hides_times = False
            else:
                os.close(mount)
                self._shared[real] = layer
        return hides_times

    def add_copies(self, reals: Iterable[Path], memory: Path) -> None:
        """Copies of files and folders, in a folder in memory, read-only."""
        for number, real in enumerate(sorted(reals)):
            copy = memory / str(number)
            with suppress(FileNotFoundError):  # it has gone since it was looked for
                _copy_tree(real, copy)
                self._private[real] = self._clone(copy)
                self._set_attributes(self._private[real], _READ_ONLY | _NO_SET_USER | _NO_TIMES, _ALL_TIMES)

    def add_folder_in_memory(self, reals: set[Path], memory: Path) -> None:
        """An empty folder in memory in place of one, with those in it."""
        if not reals:
            return
        home, *inside = sorted(reals)
        folder = memory / "own"
        folder.mkdir()
        for real in inside:
            folder.joinpath(real.relative_to(home)).mkdir(parents=True, exist_ok=True)
        self._private[home] = self._clone(folder)

    @contextmanager
    def memory_at(self, place: Path) -> Iterator[Path]:
        """A context with a folder in memory; what was made of it in the context stays. It takes at most half of the memory."""
        _call(self._libc.mount, b"none", bytes(place), b"tmpfs", 0, b"mode=755")
        try:
            yield place
        finally:
            _call(self._libc.umount2, bytes(place), _DETACH)

    def attach(self, root: Path) -> None:
        """Let all appear under a new root; what lies in a shared folder appears there."""
        for real, mount in (*self._shared.items(), *sorted(self._private.items())):
            _attach(self._libc, mount, _inside(root, real))

    def close(self) -> None:
        """Close the descriptors; mounts that have appeared stay."""
        for mount in (*self._shared.values(), *self._private.values()):
            os.close(mount)

    def _clone(self, real: Path) -> int:
        """A mount of what is at a path, with all below."""
        flags = _CLONE | _RECURSIVE | os.O_CLOEXEC
        return _descriptor(self._libc.syscall(_OPEN_TREE, _HERE, bytes(real), flags), real)

    def _set_attributes(self, mount: int, wanted: int, cleared: int) -> bool:
        """Set attributes of a mount and of all below; whether the kernel agreed."""
        attributes = struct.pack("<QQQQ", wanted, cleared, 0, 0)
        flags = _THIS_DESCRIPTOR | _RECURSIVE
        return bool(self._libc.syscall(_SET_MOUNT_ATTRIBUTES, mount, b"", flags, attributes, len(attributes)) == 0)

    def _layer_over(self, real: Path, memory: Path) -> int | None:
        """A mount that keeps no times and shows the same files; None where there is none."""
        if real.is_relative_to("/proc"):
            return self._clone(real)  # reading these files leaves no time
        if not real.is_dir():
            copy = Path(tempfile.mkdtemp(dir=memory), real.name)
            _copy_tree(real, copy)
            return self._clone(copy)
        holds_mounts = any(real in mounted.parents for mounted in _mounted_places())
        return None if holds_mounts else self._overlay(real, memory)

    def _overlay(self, folder: Path, memory: Path) -> int | None:
        """A file system that shows a folder through an empty one of this process; None where the kernel refuses it."""
        empty = memory / "empty"
        empty.mkdir(exist_ok=True)
        layers = b":".join(re.sub(rb"([\\:,])", rb"\\\1", bytes(layer)) for layer in (folder, empty))
        syscall = self._libc.syscall
        system = syscall(_NEW_FILE_SYSTEM, b"overlay", _CLOSE_ON_EXEC)
        if system < 0:
            return None
        try:
            is_told = syscall(_CONFIGURE_FILE_SYSTEM, system, _SET_TEXT, b"lowerdir", layers, 0) == 0
            is_made = is_told and syscall(_CONFIGURE_FILE_SYSTEM, system, _MAKE_FILE_SYSTEM, None, None, 0) == 0
            if not is_made:
                return None
            attributes = _READ_ONLY | _NO_SET_USER | _NO_TIMES
            mount = int(syscall(_MOUNT_FILE_SYSTEM, system, _CLOSE_ON_EXEC, attributes))
            return None if mount < 0 else mount
        finally:
            os.close(system)


def _descriptor(number: int, place: Path) -> int:
    """The descriptor that a call of the C library gave.

    Raises:
        OSError: it gave none.
    """
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(place))
    return number


@cache
def _mounted_places() -> tuple[Path, ...]:
    """Where something is mounted, as the system tells it."""
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return tuple(Path(os.fsdecode(line.split(b" ")[4])) for line in lines)


def _copied_places(reals: set[Path]) -> set[Path]:
    """The outermost files and folders that are copied; larger ones are read ahead, so that all of them is in memory."""
    places = set[Path]()
    for real in sorted(reals):
        if not places.isdisjoint(real.parents):
            continue
        files = _files_in(real)
        size = sum(_size_of(file) + _PAGE for file in files[: MOST_COPIED_FILES + 1])
        if size <= MOST_COPIED and len(files) <= MOST_COPIED_FILES:
            places.add(real)
        else:
            _read_ahead(files)
    return places


def _size_of(file: Path) -> int:
    """Bytes of a file; 0 for one that has gone."""
    with suppress(OSError):
        return file.stat().st_size
    return 0


def _files_in(place: Path) -> list[Path]:
    """The plain files of a folder, at most some more than are copied; or the file itself."""
    if not place.is_dir():
        return [place]
    files: list[Path] = []
    for folder, _, names in os.walk(place):
        files += [file for file in (Path(folder, name) for name in names) if file.is_file() and not file.is_symlink()]
        if len(files) > MOST_COPIED_FILES:
            break
    return files


def _read_ahead(files: Iterable[Path]) -> None:
    """Let the system keep files in memory, whoever has read which part of them."""
    for file in files:
        with suppress(OSError), file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def _copy_tree(real: Path, copy: Path) -> None:
    """Copy a file or a folder, with links and times, as if never read; passed over is what this user cannot read, and what is no file."""
    if not real.is_dir():
        shutil.copy2(real, copy)
        changed = copy.stat().st_mtime_ns
        os.utime(copy, ns=(changed, changed))
        return
    copy.mkdir(parents=True)
    with os.scandir(real) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_symlink():
                    Path(copy, entry.name).symlink_to(Path(entry.path).readlink())
                elif entry.is_dir() or entry.is_file():
                    _copy_tree(Path(entry.path), copy / entry.name)


def _real_paths(places: Iterable[Path], links: dict[Path, Path]) -> set[Path]:
    """The existing real paths of some places; the symbolic links on the way are added to others."""
    reals = set[Path]()
    for place in places:
        with suppress(OSError):  # it is not there, or not for this user
            reals.add(_real_path(place, links))
    return reals


def _real_path(place: Path, links: dict[Path, Path]) -> Path:
    """The real path of an existing file or folder; the links on the way are added to others.

    Raises:
        OSError: there is none.
    """
    here = Path("/")
    parts = [*reversed(place.absolute().parts[1:])]
    n_links = 0
    while parts:
        name = parts.pop()
        here = here.parent if name == ".." else here / name
        if here in links or here.is_symlink():
            target = links[here] = here.readlink()
            here = here.parent
            parts += reversed(target.parts)  # of which `/` leads back to the root
            n_links += 1
        if n_links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    here.stat()
    return here


def _inside(root: Path, path: Path) -> Path:
    """The place of a path in the new root, before it is the root."""
    return root / path.relative_to("/")


def _leave_mounts_of_others(libc: ctypes.CDLL) -> None:
    """Get a private copy of the system's mounts, in a user namespace if needed."""
    leave_others(libc, NEW_MOUNTS)
    _call(libc.mount, b"none", b"/", None, PRIVATE_WITH_BELOW, None)


def leave_others(libc: ctypes.CDLL, namespaces: int) -> None:
    """Enter new namespaces as the same user, if needed in a user namespace.

    Args:
        libc: the C library.
        namespaces: flags of `unshare`.

    Raises:
        OSError: this system does not allow it.
    """
    if libc.unshare(namespaces) == 0:
        return
    facts = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    try:
        _enter_user_namespace(libc, namespaces, facts)
    finally:
        os.close(facts)


def _enter_user_namespace(libc: ctypes.CDLL, namespaces: int, facts: int) -> None:
    """Enter a user namespace, and others with it, as the same user. What the process takes (signals, processes) is then counted there.

    Args:
        libc: the C library.
        namespaces: flags of `unshare` of the others.
        facts: descriptor of the folder of `/proc` about this process.

    Raises:
        OSError: this system does not allow it.
    """
    user = os.getuid()
    group = os.getgid()
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # or the files below belong to root
    try:
        _call(libc.unshare, _NEW_USER | namespaces)
        for name, content in (
            ("setgroups", b"deny"),
            ("uid_map", b"%d %d 1" % (user, user)),
            ("gid_map", b"%d %d 1" % (group, group)),
        ):
            file = os.open(name, os.O_WRONLY, dir_fd=facts)
            try:
                os.write(file, content)
            finally:
                os.close(file)
    finally:
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _attach(libc: ctypes.CDLL, copy: int, target: Path) -> None:
    """Let the copy of a mount appear at a path, which is made."""
    if stat.S_ISDIR(os.fstat(copy).st_mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():  # in a folder that is shared it does
            target.touch()
    _call(libc.syscall, _MOVE_MOUNT, copy, b"", _HERE, bytes(target), _FROM_DESCRIPTOR)


def _call(function: ctypes._NamedFuncPointer, *arguments: object) -> None:
    """Call a function of the C library; its failure is raised.

    Raises:
        OSError: it failed.
    """
    if function(*arguments) != 0:
        number = ctypes.get_errno() or errno.EPERM
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kept").mkdir()
        child = os.fork()
        if child == 0:
            try:
                home = Path(folder, "kept")
                hides = enter_view([Path("/proc/self/status"), Path("/usr/lib")], [home, Path("/dev/null")], home)
                holds = Path("/dev/null").exists() and not Path("/etc").exists()
                os._exit((0 if hides else TIMES_SHOW) if holds else 1)
            except OSError:
                os._exit(1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
