"""A process that sees no others and counts its own alone: a process namespace.

The kernel gives numbers to processes and threads one after the other. Where all folds share them, one can start threads until the next
number says what another fold shall read. In a namespace of its own a fold begins to count at 2, whatever others did.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
from typing import Any, NoReturn

from mebench.sandbox.file_view import NEW_MOUNTS, PRIVATE_WITH_BELOW, leave_others
from mebench.system import PR_SET_PDEATHSIG

_NEW_PROCESSES = 0x20000000
_NOTHING_TO_RUN = 2 | 4 | 8
"""A mount without other users' rights, devices and programs."""


def enter_process_view() -> bool:
    """Go on as a process that no number of other processes reaches; whether the system allowed it.

    It needs a process of one thread. That process stays, does nothing, and ends as the new one ends.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    waiting = shutil.which("cat")
    if waiting is None:
        return False
    try:
        leave_others(libc, _NEW_PROCESSES)
    except OSError:
        return False
    told, tell = os.pipe()
    first = _start_first(waiting, told)
    own = os.fork()
    if own != 0:
        _end_like(own, first, tell)
    os.close(told)
    os.close(tell)
    _end_with_parent(libc)
    return _show_own_processes(libc)


def _start_first(waiting: str, told: int) -> int:
    """Start the first process of the namespace, with which all others end; it waits for the end of a pipe.

    The kernel lets the first process ignore what its own processes signal, so a method that ends itself would live on in it. It is a
    small program, because a copy of this process takes ten milliseconds.
    """
    streams: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_DUP2, told, 0)]
    streams += [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (1, 2)]
    return os.posix_spawn(waiting, [waiting], {}, file_actions=streams)


def _end_like(own: int, first: int, tell: int) -> NoReturn:
    """Wait until a process ends, and end as it did. If this one is killed before, the pipe ends, too."""
    os.closerange(0, tell)  # whoever reads what a fold writes waits for the fold alone
    os.closerange(tell + 1, os.sysconf("SC_OPEN_MAX"))
    _, status = os.waitpid(own, 0)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def _end_with_parent(libc: ctypes.CDLL) -> None:
    """End this process with the one that started it, whose number is 0 here: it is outside the namespace."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != 0:  # it has ended before this line
        os._exit(1)


def _show_own_processes(libc: ctypes.CDLL) -> bool:
    """Let `/proc` tell of this namespace; False where the kernel refuses it, as in containers that hide parts of `/proc`."""
    is_private = libc.unshare(NEW_MOUNTS) == 0 and libc.mount(b"none", b"/", None, PRIVATE_WITH_BELOW, None) == 0
    return bool(is_private and libc.mount(b"proc", b"/proc", b"proc", _NOTHING_TO_RUN, None) == 0)
