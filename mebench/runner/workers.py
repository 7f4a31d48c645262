"""Worker processes: one thread each, so that one worker and eight compute the same numbers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from concurrent.futures import Executor

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


def pool(workers: int) -> Executor:
    """A pool of fresh processes, also when there is only one."""
    from loky import ProcessPoolExecutor

    executor: Executor = ProcessPoolExecutor(workers, initializer=settle, env=THREADS, timeout=None)
    return executor


def settle() -> None:
    """Make this process a worker: one thread, deaf to Ctrl-C (the parent decides), and keeping the memory it frees."""
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(THREADS)
    _die_with_parent()
    _keep_freed_memory()
    _open_many_files()
    _stay()


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, however it does: a killed run must not leave workers behind."""
    pr_set_pdeathsig = 1
    with contextlib.suppress(OSError, AttributeError):  # another system: an orphan waits for work that never comes
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _keep_freed_memory() -> None:
    """Tell glibc not to hand large blocks back after each training step: faulting them in again costs a fifth of it."""
    m_mmap_threshold, m_trim_threshold, one_gib = -3, -1, 1 << 30
    with contextlib.suppress(OSError, AttributeError):  # another C library: nothing lost but time
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, one_gib)
        libc.mallopt(m_trim_threshold, one_gib)


def _open_many_files() -> None:
    """As many as the system lets us: each memory-mapped feature of a training video keeps one open, and the usual limit is 1024."""
    with contextlib.suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _stay() -> None:
    """Keep loky from replacing workers that grew by 300 MB: features and freed memory are kept on purpose, and a new worker
    spends seconds on imports. loky has no public setting for it.
    """
    from loky import process_executor

    if hasattr(process_executor, "_MAX_MEMORY_LEAK_SIZE"):
        process_executor._MAX_MEMORY_LEAK_SIZE = 1 << 40


def default_workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
