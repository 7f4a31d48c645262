"""Set-up of a worker process: one thread, no reaction to its parent's signals, and an end together with its parent."""

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from mebench._fast_imports import speed_up_imports
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Read by the numeric libraries when they are loaded: a worker is started with them."""


def prepare_worker() -> None:
    """Make this process a worker: deaf to Ctrl-C, SIGTERM and SIGHUP (the parent decides), and keeping the memory it
    frees.
    """
    with suppress(ValueError):  # not the main thread
        deaf = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
        for number in deaf:
            signal.signal(number, signal.SIG_IGN)
        # Lightning installs its own handler during training.
        signal.pthread_sigmask(signal.SIG_BLOCK, deaf)
    speed_up_imports()
    with suppress(OSError, AttributeError):  # another system than Linux: an orphan waits for work that never comes
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)  # a killed run must not leave workers behind
    if (parent := multiprocessing.parent_process()) is not None and not parent.is_alive():  # killed before that line
        os._exit(1)
    _keep_freed_memory()
    open_many_files()


def limit_threads() -> None:
    """Limit numeric libraries to one thread in a process of other software, such as Dask."""
    os.environ.update(THREADS)  # for libraries that are not loaded yet
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threadpool_limits(1)
    _keep_freed_memory()
    open_many_files()


def _keep_freed_memory() -> None:
    """Tell glibc not to hand large blocks back after each training step: faulting them in again costs a fifth of it."""
    m_mmap_threshold, m_trim_threshold, one_gib = -3, -1, 1 << 30
    with suppress(OSError, AttributeError):  # another C library: nothing lost but time
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, one_gib)
        libc.mallopt(m_trim_threshold, one_gib)


def open_many_files() -> None:
    """Raise the limit of open files, usually 1024, as far as the system allows: each memory-mapped feature of a
    training video holds one, and so does the lock of each run of a sweep.
    """
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread, as a worker does: the results are equal bit for bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
