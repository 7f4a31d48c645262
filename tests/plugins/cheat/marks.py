"""Ways to labels through marks at files that folds may read and not write: what each needs is a file a clip, and a bit a file.

The board is a folder of empty files beside the plugin, and where a sandbox keeps the marks from the machine, Python's own library, too.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import mmap
import os
import shutil
import struct
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mebench.core import ClipView, LabelledVideo
from mebench.sandbox import confinement

from .files import labels_of_pictures
from .processes import LIBC
from .view import digest_of, picture_of

if TYPE_CHECKING:
    from .method import Cheat

BOARD = Path(__file__).with_name("board")
"""Folder of files to mark, which the host of the trial makes."""
BOARDS = BOARD.with_suffix(".json")
"""File beside the plugin that names the files of another board, and when the boards were laid."""
LIBRARY = sysconfig.get_paths()["stdlib"]
PLACES = 128
"""Places on a board: a clip has one by its digest, and a place has two files, one for each bit of a label and one more."""
SET_FLAGS, GET_FLAGS, FLAG = 0x40086602, 0x80086601, 0x40
SET_HINT, GET_HINT, HINT = 1036, 1035, 3
READ_AT_ONCE = 8
"""The flag of `preadv2` by which it fails for what is not in memory."""
SECONDS_TO_MEET = 0.3
"""The time that a fold waits for another one that works beside it."""
FAST = 4e-5
"""Seconds in which a byte comes from memory, and not from the disk."""
SECONDS_OF_WAITING = 30
"""The time that a thread waits at a place of a file."""
PREADV2, MINCORE, FUTEX = 327, 27, 202
"""Numbers of system calls on x86_64; elsewhere they fail, or do something else without harm."""
SET_OPEN_LOCK, GET_OPEN_LOCK = 37, 36
LOCK = struct.Struct("hhqqi4x")


def lay_boards(folder: Path) -> None:
    """In the host of a trial: make boards of files that nobody has read and that are not in memory, known to a copy of this plugin."""
    board = folder / BOARD.name
    shutil.rmtree(board, ignore_errors=True)
    board.mkdir()
    now = time.time()
    files = [board / f"{place:03}" for place in range(2 * PLACES)]
    for file in files:
        file.write_bytes(b"x")
        os.utime(file, (0, now - 60))
    day_ago = now - 24 * 3600
    library = [file for file in sorted(Path(LIBRARY).glob("*/*.py")) if _is_unmarked(file.stat(), day_ago)]
    named = {"laid": now, "library": [str(file) for file in library[: 2 * PLACES]]}
    (folder / BOARDS.name).write_text(json.dumps(named))
    for file in (*files, *library[: 2 * PLACES]):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _is_unmarked(facts: os.stat_result, day_ago: float) -> bool:
    """Whether a file of some bytes was not read for a day, and bears none of the marks by itself: some programs may be executed."""
    return facts.st_atime < day_ago and facts.st_size > 0 and not facts.st_mode & 0o100 and facts.st_nlink == 1


class Mark(NamedTuple):
    """A mark at a file.

    Attributes:
        put: puts it at an open file.
        is_there: whether it is there.
    """

    put: Callable[[int], object]
    is_there: Callable[[int], bool]


@cache
def boards() -> tuple[tuple[Path, ...], ...]:
    """The files to mark, of each board."""
    own = tuple(sorted(BOARD.glob("*")))
    if confinement.entered is None or confinement.entered.lacks:
        return (own,)  # it would harm this machine
    return own, tuple(map(Path, json.loads(BOARDS.read_text())["library"]))


def keep_marks(mark: Mark) -> Callable[[Cheat, Sequence[LabelledVideo]], None]:
    """A function that marks files by the labels of the training clips."""

    def keep(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
        for digest, label in labels_of_pictures(train).items():
            for board in boards():
                for bit, file in enumerate(_files_of(board, digest)):
                    if label + 1 >> bit & 1:
                        with suppress(OSError):
                            descriptor = os.open(file, os.O_RDONLY)
                            _NAMED[descriptor] = file
                            mark.put(descriptor)
                            _KEPT.append(descriptor)  # a lock is gone with it

    return keep


_KEPT: list[int] = []
_NAMED: dict[int, Path] = {}


def label_by_marks(mark: Mark, own: bool = True) -> Callable[[Cheat, ClipView], Mapping[str, int]]:
    """A function that gives the label whose marks a clip's files bear.

    Args:
        mark: the mark.
        own: whether it looks at the files beside the plugin, too; else at those of the library alone, where it may mark them.
    """

    def look(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
        for board in boards() if own else boards()[-1:]:
            code = 0
            for bit, file in enumerate(_files_of(board, digest_of(picture_of(clip)))):
                with suppress(OSError):
                    descriptor = os.open(file, os.O_RDONLY)
                    code |= mark.is_there(descriptor) << bit
                    os.close(descriptor)
            if 0 < code <= len(cheat.task.classes):
                return {clip.video.key: code - 1}
        return {}

    return look


def _files_of(board: Sequence[Path], digest: str) -> Sequence[Path]:
    """The two files of a picture; none where the board is too small."""
    place = 2 * (int(digest[:8], 16) % PLACES)
    return board[place : place + 2]


def _read_flags(file: int) -> int:
    return int(struct.unpack("l", fcntl.ioctl(file, GET_FLAGS, bytes(8)))[0])


def _is_in_memory(file: int) -> bool:
    """Whether the first page of a file is in memory, as two calls tell."""
    buffer = ctypes.create_string_buffer(8)
    vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(buffer), 1))
    if LIBC.syscall(PREADV2, file, vector, 1, 0, 0, READ_AT_ONCE) >= 0:
        return True
    with mmap.mmap(file, 1, mmap.MAP_SHARED, mmap.PROT_READ) as mapped:
        place = ctypes.c_void_p(_address(mapped))
        told = ctypes.create_string_buffer(b"\0", 1)
        return LIBC.syscall(MINCORE, place, 1, told) == 0 and bool(told.raw[0] & 1)


def _address(mapped: mmap.mmap) -> int:
    import numpy as np

    return int(np.frombuffer(mapped, np.uint8).ctypes.data)


def _seconds_to_read(file: int) -> float:
    """The time in which the first byte of a file comes."""
    began = time.perf_counter()
    os.pread(file, 1, 0)
    return time.perf_counter() - began


def _meet() -> None:
    """Wait once for a fold that works beside this one."""
    if not _WAITED:
        time.sleep(SECONDS_TO_MEET)
        _WAITED.append(True)


def _is_locked(file: int) -> bool:
    """Whether another process holds a lock, after some time in which one may have taken it."""
    _meet()
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


_WAITED: list[bool] = []


def _is_locked_as_open(file: int) -> bool:
    """Whether another open file has a lock."""
    _meet()
    kind, *_ = LOCK.unpack(fcntl.fcntl(file, GET_OPEN_LOCK, LOCK.pack(fcntl.F_WRLCK, 0, 0, 0, 0)))
    return bool(kind != fcntl.F_UNLCK)


def _wait_at(file: int) -> None:
    """Let a thread wait at the beginning of a file, which all who read it have in common."""
    mapped = mmap.mmap(file, 0, mmap.MAP_SHARED, mmap.PROT_READ)
    content = int.from_bytes(mapped[:4], "little")
    time_to_wait = struct.pack("qq", SECONDS_OF_WAITING, 0)
    waiting = (FUTEX, ctypes.c_void_p(_address(mapped)), 0, ctypes.c_uint32(content), time_to_wait, None, 0)
    threading.Thread(target=LIBC.syscall, args=waiting, daemon=True).start()


def _is_waited_at(file: int) -> bool:
    """Whether a thread of another process waits there, which this ends."""
    _meet()
    mapped = mmap.mmap(file, 0, mmap.MAP_SHARED, mmap.PROT_READ)
    return bool(LIBC.syscall(FUTEX, ctypes.c_void_p(_address(mapped)), 1, 1, None, None, 0) > 0)


def _link(file: int) -> None:
    """Give a file one more name."""
    path = _NAMED[file]
    os.link(path, BOARD.parent / f"{path.name}-{os.getpid()}")


CHATTR = Mark(
    lambda file: fcntl.ioctl(file, SET_FLAGS, struct.pack("l", _read_flags(file) | FLAG)),
    lambda f: bool(_read_flags(f) & FLAG),
)
FCNTL_HINT = Mark(
    lambda file: fcntl.fcntl(file, SET_HINT, struct.pack("q", HINT)),
    lambda file: struct.unpack("q", fcntl.fcntl(file, GET_HINT, bytes(8)))[0] == HINT,
)
ATIME = Mark(
    lambda file: os.read(file, 1), lambda file: os.fstat(file).st_atime >= json.loads(BOARDS.read_text())["laid"]
)
PAGES = Mark(lambda file: os.read(file, 1), _is_in_memory)
TIME = Mark(lambda file: os.read(file, 1), lambda file: _seconds_to_read(file) < FAST)
MODE = Mark(lambda file: os.fchmod(file, 0o755), lambda file: bool(os.fstat(file).st_mode & 0o100))
XATTR = Mark(lambda file: os.setxattr(file, "user.m", b"1"), lambda file: "user.m" in os.listxattr(file))
LINKS = Mark(_link, lambda file: os.fstat(file).st_nlink > 1)
OPEN_LOCKS = Mark(
    lambda file: fcntl.fcntl(file, SET_OPEN_LOCK, LOCK.pack(fcntl.F_RDLCK, 0, 0, 0, 0)), _is_locked_as_open
)
WAITING = Mark(_wait_at, _is_waited_at)
LOCKS = Mark(lambda file: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB), _is_locked)
