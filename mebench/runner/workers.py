"""Worker processes: one thread each, so that one worker and eight compute the same numbers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Mapping
from concurrent.futures import Executor

from mebench.errors import ConfigError

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Read by the numeric libraries when they are loaded: a worker is started with them."""


def pool(environment: Mapping[str, str]) -> Executor:
    """A fresh process behind `concurrent.futures`, started with its first task. When it dies, only its own task is lost."""
    from loky import ProcessPoolExecutor

    executor: Executor = ProcessPoolExecutor(1, initializer=settle, env={**THREADS, **environment}, timeout=None)
    return executor


def settle() -> None:
    """Make this process a worker: deaf to Ctrl-C and SIGTERM (the parent decides), and keeping the memory it frees."""
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # Lightning listens anew while it trains.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    _die_with_parent()
    _keep_freed_memory()
    _open_many_files()
    _stay()


def settle_as_guest() -> None:
    """Take one thread for each numeric library in a process that somebody else started, such as Dask's worker."""
    import torch
    from threadpoolctl import threadpool_limits

    os.environ.update(THREADS)  # for libraries that are not loaded yet
    torch.set_num_threads(1)
    threadpool_limits(1)
    _keep_freed_memory()
    _open_many_files()


def warm_up() -> None:
    """Import what takes seconds, while the plan is made."""
    import torch  # noqa: F401

    import mebench.core.method  # noqa: F401  (brings Lightning)


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


def environments(workers: int, accelerator: str, devices: int | None = None) -> list[dict[str, str]]:
    """What each worker is started with beside `THREADS`: on machines with NVIDIA GPUs, the one it shall use.

    The GPUs are those that `CUDA_VISIBLE_DEVICES` names, or all, and of those the first `devices`; worker n takes the n-th, in
    turn, so with more workers than GPUs each GPU trains several folds at once. Empty for a run on the CPU, on Apple's GPU, and
    where there is no GPU.

    Raises:
        ConfigError: there are GPUs, but fewer than `devices`.
    """
    gpus = _gpus() if accelerator in ("gpu", "cuda", "auto") else []
    if gpus and devices and devices > len(gpus):
        raise ConfigError(
            f"devices={devices}, but this machine shows {len(gpus)} GPUs: say so many at most, or leave it out"
        )
    gpus = gpus[:devices]
    return [{"CUDA_VISIBLE_DEVICES": gpus[n % len(gpus)]} if gpus else {} for n in range(workers)]


def _gpus() -> list[str]:
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    import torch

    return [str(n) for n in range(torch.cuda.device_count())]
