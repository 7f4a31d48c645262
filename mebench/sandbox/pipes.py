"""Pipes for a process that may not ask the kernel for new ones: a few named ones, used in turn.

The kernel numbers new pipes one after the other for all processes, and counts what room those of a user take. Both would tell a fold what
another one has done. Named pipes (FIFOs) are files of the fold, made before any code of a method runs, and it can make no more.
`os.pipe` gives two ends of one that nobody has open, so that Python starts programs as usual.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

MOST_PIPES = 32
"""Pipes that a process can have open at a time; thirty times as many of one user would be smaller than others."""
FOLDER = "pipes"


class NamedPipes:
    """Some named pipes.

    Args:
        folder: where they are made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._names = [str(folder / str(number)) for number in range(MOST_PIPES)]
        self._one_at_a_time = threading.Lock()
        for name in self._names:
            os.mkfifo(name, 0o600)

    def open(self) -> tuple[int, int]:
        """Descriptors of both ends, reading and writing, of a pipe that nobody has open.

        Raises:
            OSError: all are in use.
        """
        with self._one_at_a_time:
            for place, name in enumerate(self._names):
                reading = _open_unused(name)
                if reading is not None:
                    self._names.append(self._names.pop(place))  # the one that was used last comes last again
                    writing = os.open(name, os.O_WRONLY)
                    os.set_blocking(reading, True)
                    return reading, writing
        raise OSError(errno.EMFILE, f"a confined process has {MOST_PIPES} pipes at a time, and all are in use")


def _open_unused(name: str) -> int | None:
    """The reading end of a named pipe; None where another reads or writes it."""
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_NONBLOCK))
        return None
    except OSError:  # nobody reads it
        reading = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    try:
        is_unused = os.read(reading, 1) == b""
    except BlockingIOError:  # somebody may still write
        is_unused = False
    if is_unused:
        return reading
    os.close(reading)
    return None


def use_named_pipes(folder: Path) -> None:
    """Let `os.pipe` of this process give named pipes, made in a folder once."""
    place = folder / FOLDER
    if not place.exists():
        vars(os)["pipe"] = NamedPipes(place).open
