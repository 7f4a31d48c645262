"""A view of the file system in which only granted files exist: a mount namespace of the process.

Landlock refuses to open other files, but it answers whether they exist, how large they are and how old. In a view they do
not exist. The kernel must allow a process to make one: as root, or in a user namespace. Run as a program, this file says
by its exit code whether it does.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

SWITCH = "MEBENCH_VIEW"
"""The variable that leaves views out where it is 0."""
MOST_LINKS = 40
"""Symbolic links on the way to one file, as Linux counts them; more lead in a circle."""
PROBE_SECONDS = 20.0
"""The longest that a system may take to say whether it allows views."""

_NEW_MOUNTS = 0x00020000
_NEW_USER = 0x10000000
_WITH_BELOW = 0x4000
_PRIVATE = 0x40000
_DETACH = 2
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_HERE = -100
_CLONE = 1
_RECURSIVE = 0x8000
_FROM_DESCRIPTOR = 4
_PR_SET_DUMPABLE = 4
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
"""The number of the system call by architecture."""


@cache
def is_view_possible() -> bool:
    """Whether this system lets a process make a view; tried once, in a program of its own."""
    if sys.platform != "linux" or platform.machine() not in _PIVOT_ROOT or os.environ.get(SWITCH) == "0":
        return False
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def enter_view(places: Iterable[Path], home: Path) -> None:
    """Let only some files and folders exist for this process, for good.

    It needs a process of one thread. Files that are open stay open.

    Args:
        places: files and folders; missing ones are passed over.
        home: the folder among them in which the process is afterwards.

    Raises:
        OSError: this system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    links, reals = _follow_links(places)
    _leave_mounts_of_others(libc)
    copies = _copy_outermost(libc, reals)
    try:
        root = home.parent.resolve()  # any folder: it is covered by the new root, after its content was copied
        _call(libc.mount, b"none", bytes(root), b"tmpfs", 0, b"size=1m,mode=755")
        for real, copy in copies.items():
            _attach(libc, copy, _inside(root, real))
        for link, target in links.items():
            _inside(root, link).parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                _inside(root, link).symlink_to(target)
    finally:
        for copy in copies.values():
            os.close(copy)
    os.chdir(root)
    _call(libc.syscall, _PIVOT_ROOT[platform.machine()], b".", b".")
    _call(libc.umount2, b".", _DETACH)
    os.chdir(home)


def _follow_links(places: Iterable[Path]) -> tuple[dict[Path, Path], set[Path]]:
    """The symbolic links on the way to some paths, and the existing real paths."""
    links = dict[Path, Path]()
    reals = set[Path]()
    for place in places:
        with suppress(OSError):  # it is not there, or not for this user
            reals.add(_real_path(place, links))
    return links, reals


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


def _copy_outermost(libc: ctypes.CDLL, reals: Iterable[Path]) -> dict[Path, int]:
    """Copies of the mounts of the outermost paths, as descriptors."""
    copies = dict[Path, int]()
    for real in sorted(reals):
        if copies.keys().isdisjoint(real.parents):
            copies[real] = libc.syscall(_OPEN_TREE, _HERE, bytes(real), _CLONE | _RECURSIVE | os.O_CLOEXEC)
            if copies[real] < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(real))
    return copies


def _inside(root: Path, path: Path) -> Path:
    """The place of a path in the new root, before it is the root."""
    return root / path.relative_to("/")


def _leave_mounts_of_others(libc: ctypes.CDLL) -> None:
    """Get a private copy of the system's mounts, in a user namespace if needed."""
    user = os.getuid()
    group = os.getgid()
    if libc.unshare(_NEW_MOUNTS) != 0:
        libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # or the files below belong to root
        try:
            _call(libc.unshare, _NEW_USER | _NEW_MOUNTS)
            for name, content in (
                ("setgroups", b"deny"),
                ("uid_map", b"%d %d 1" % (user, user)),
                ("gid_map", b"%d %d 1" % (group, group)),
            ):
                Path("/proc/self", name).write_bytes(content)
        finally:
            libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _call(libc.mount, b"none", b"/", None, _WITH_BELOW | _PRIVATE, None)


def _attach(libc: ctypes.CDLL, copy: int, target: Path) -> None:
    """Let the copy of a mount appear at a path, which is made."""
    if stat.S_ISDIR(os.fstat(copy).st_mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
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
                enter_view([Path(folder, "kept"), Path("/proc/self"), Path("/dev/null")], Path(folder, "kept"))
                os._exit(0 if Path("/dev/null").exists() and not Path("/etc").exists() else 1)
            except OSError:
                os._exit(1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
