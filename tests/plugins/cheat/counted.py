"""Ways to labels through numbers that the kernel counts for all: a fold counts on until the number says what the next fold reads."""

from __future__ import annotations

import _thread
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mebench.core import ClipView, LabelledVideo

from .files import labels_of_pictures
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
            self.first = self.draw()
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
    ends = os.pipe()
    try:
        return os.fstat(ends[0]).st_ino
    finally:
        for end in ends:
            os.close(end)


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
