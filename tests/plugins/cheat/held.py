"""Ways to labels through what the kernel counts for a user: a fold holds as many things as a number says, and one beside it counts them."""

from __future__ import annotations

import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.core import ClipView, LabelledVideo

from .counted import BASE, place_of
from .files import labels_of_pictures
from .view import digest_of, picture_of

if TYPE_CHECKING:
    from .method import Cheat

DIGITS = 3
"""Of twelve pictures, three have a digit of the number that is held."""
SECONDS_TO_MEET = 0.3
HELD_SIGNAL = signal.SIGRTMIN + 5


class Held:
    """A number of things that belong to a user as a message.

    Attributes:
        hold: holds one more thing.
        count: how many things the user's processes hold.
        own: what this fold holds itself.
        seen: what it has counted, or -1 before it did.
    """

    def __init__(self, hold: Callable[[], object], count: Callable[[], int]) -> None:
        self.hold = hold
        self.count = count
        self.own = 0
        self.seen = -1

    def keep(self, cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
        """Hold as many things as the labels of some training pictures say."""
        digits = dict.fromkeys(range(DIGITS), 0)
        for digest, label in labels_of_pictures(train).items():
            if place_of(digest) in digits:
                digits[place_of(digest)] = label + 1
        with suppress(OSError, ValueError):
            for _ in range(sum(digit * BASE**place for place, digit in digits.items())):
                self.hold()
                self.own += 1

    def label(self, cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
        """The label that the number of a fold beside this one says of a clip's picture, if it has a digit."""
        if self.seen < 0:
            time.sleep(SECONDS_TO_MEET)
            self.seen = 0
            with suppress(OSError, ValueError, StopIteration):
                self.seen = max(0, self.count() - self.own)
        place = place_of(digest_of(picture_of(clip)))
        digit = self.seen // BASE**place % BASE
        return {clip.video.key: digit - 1} if place < DIGITS and digit else {}


def hold_signal() -> None:
    """Send this thread a signal that it does not take."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [HELD_SIGNAL])
    signal.pthread_kill(threading.get_ident(), HELD_SIGNAL)


def count_signals() -> int:
    """The signals that processes of this user have not taken yet, as the system tells of this process."""
    with Path("/proc/self/status").open() as lines:
        return next(int(line.split()[1].partition("/")[0]) for line in lines if line.startswith("SigQ"))


def hold_descriptor_on_its_way() -> None:
    """Send a descriptor to a socket that does not take it."""
    if not _SOCKETS:
        _SOCKETS.extend(socket.socketpair())
    socket.send_fds(_SOCKETS[0], [b"x"], [0])


_SOCKETS: list[socket.socket] = []


def count_descriptors_on_their_way() -> int:
    """How many descriptors of this user are on their way: the least limit of open files under which one more can be sent."""
    ends = socket.socketpair()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for limit in range(2 * BASE**DIGITS):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
            with suppress(OSError):
                socket.send_fds(ends[0], [b"x"], [0])
                return limit
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    return 0
