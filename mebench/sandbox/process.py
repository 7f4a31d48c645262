"""Set-up of a worker process: one thread, no reaction to its parent's signals, and an end together with its parent."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from mebench._fast_imports import speed_up_imports
from mebench.lazy_imports import load_lazily
from mebench.old_names import silence_old_names
from mebench.system import end_with_parent, ignore_stops, keep_freed_memory, open_many_files

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Read by the numeric libraries when they are loaded: a worker is started with them."""


def prepare_worker() -> None:
    """Make this process a worker.

    It is deaf to Ctrl-C, SIGTERM and SIGHUP (the parent decides), ends with its parent, keeps the memory it frees, and leaves it to its
    parent to say which names of plugins are former ones.
    """
    ignore_stops()
    silence_old_names()
    speed_up_imports()
    end_with_parent(parent_process())
    keep_freed_memory()
    open_many_files()


def limit_threads() -> None:
    """Limit numeric libraries to one thread in a process of other software, such as Dask."""
    os.environ.update(THREADS)  # for libraries that are not loaded yet
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threadpool_limits(1)
    keep_freed_memory()
    open_many_files()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread, as a worker does: the results are equal bit for bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
