"""Ways to labels through numbers that the kernel counts for all: a fold counts on until the number says what the next fold reads."""

from __future__ import annotations

import _thread
import ctypes
import fcntl
import mmap
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.core import ClipView, LabelledVideo
from mebench.sandbox import confinement

from .files import labels_of_pictures
from .processes import LIBC
from .view import digest_of, picture_of

if TYPE_CHECKING:
    from .method import Cheat

SHARE = 12
"""Of twelve pictures, by their digests, some have a digit of the number."""
BASE = 4
"""The values of a digit: no label, or one of three."""
APART = 16
"""How far two values lie from one another: others may draw some numbers between two folds."""
COOKIE_OPTION = 57
CLONE = 56
"""The number of the system call on x86_64; elsewhere it does something else without harm."""
END_TOLD, DESCRIPTOR_TOLD = 17, 0x1000
FIRST_DESCRIPTOR = 64
OWN = 1024
"""A lower number is one of the fold's own count: a machine that has worked for a minute has counted further."""


class Counted:
    """A number of the kernel as a message.

    Attributes:
        draw: lets the kernel count on, and gives its number.
        digits: how many of twelve pictures the number tells of; each one more takes four times as long.
        first: the number at the beginning of this fold, which the fold before has left.
    """

    def __init__(self, draw: Callable[[], int], digits: int = 5) -> None:
        self.draw = draw
        self.digits = digits
        self.first = 0

    def keep(self, cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
        """Read the number, and count on until the next one says the labels of some training pictures."""
        with suppress(OSError):
            first = self.draw()
            if first >= OWN:
                self.first = first
                self._count_to(self._value_of(labels_of_pictures(train)))

    def _value_of(self, labels: Mapping[str, int]) -> int:
        """What the next fold shall read."""
        digits = dict.fromkeys(range(self.digits), 0)
        for digest, label in labels.items():
            if place_of(digest) in digits:
                digits[place_of(digest)] = label + 1
        return sum(digit * BASE**place for place, digit in digits.items())

    def _count_to(self, value: int) -> None:
        n_values = BASE**self.digits
        for _ in range(2 * n_values * APART):
            if self.draw() // APART % n_values == value:
                break

    def label(self, cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
        """The label that the number says of a clip's picture, if it has a digit."""
        place = place_of(digest_of(picture_of(clip)))
        digit = self.first // APART // BASE**place % BASE
        return {clip.video.key: digit - 1} if place < self.digits and digit else {}


def place_of(digest: str) -> int:
    """The digit of a picture; those beyond the digits of a number have none."""
    return int(digest[:8], 16) % SHARE


def thread_number() -> int:
    """The number of a new thread, which is counted with those of processes."""
    told: list[int] = []
    is_told = _thread.allocate_lock()
    is_told.acquire()

    def tell() -> None:
        told.append(_thread.get_native_id())
        is_told.release()

    _thread.start_new_thread(tell, ())
    is_told.acquire()
    return told[0]


def number_of_pipe() -> int:
    """The number of a new pipe, which is counted with those of sockets."""
    return _number_of(os.pipe())


def number_of_socket() -> int:
    """The number of a new socket that is connected to another one."""
    return _number_of([end.detach() for end in socket.socketpair()])


def _number_of(ends: Sequence[int]) -> int:
    try:
        return os.fstat(ends[0]).st_ino
    finally:
        for end in ends:
            os.close(end)


def number_of_link() -> int:
    """The number of the link by which the system shows a new descriptor, which is counted with those of pipes."""
    descriptor = fcntl.fcntl(0, fcntl.F_DUPFD, FIRST_DESCRIPTOR)
    try:
        return Path(f"/proc/self/fd/{descriptor}").lstat().st_ino
    finally:
        os.close(descriptor)


def number_of_process() -> int:
    """The number that a new process has among all of the machine, which its descriptor tells."""
    descriptor = ctypes.c_int(-1)
    process = LIBC.syscall(CLONE, DESCRIPTOR_TOLD | END_TOLD, None, ctypes.byref(descriptor), None, None)
    if process == 0:
        os._exit(0)
    if process < 0:
        raise PermissionError("no descriptor of a process")
    os.waitpid(process, 0)
    return _number_of([descriptor.value])


def number_of_shared_memory() -> int:
    """The number of new memory that a process shares with its children, which is counted with those of files in memory."""
    with mmap.mmap(-1, mmap.PAGESIZE), Path("/proc/self/maps").open() as maps:
        return next(int(line.split()[4]) for line in maps if "/dev/zero" in line)


def number_of_file() -> int:
    """The number of a new file in the last folder where a fold may write; older ones stay there."""
    folders = [Path()] if confinement.entered is None else confinement.entered.write
    name = str(folders[-1] / f"counted-{next(_NAMES)}")
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    return Path(name).stat().st_ino


_NAMES = count()


def cookie() -> int:
    """The number that the kernel gives to a socket which is asked for it."""
    ends = socket.socketpair()
    try:
        (number,) = struct.unpack("Q", ends[0].getsockopt(socket.SOL_SOCKET, COOKIE_OPTION, 8))
    finally:
        for end in ends:
            end.close()
    return int(number)


def number_of_memory_file() -> int:
    """The number of a new file in memory."""
    file = os.memfd_create("x")
    try:
        return os.fstat(file).st_ino
    finally:
        os.close(file)
