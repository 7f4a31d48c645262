"""The little that a fold's process takes over from its host: some variables, one pipe for answers, one for what it prints."""

from __future__ import annotations

import multiprocessing.process
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker, spawn
from pathlib import Path
from typing import Any

from mebench._fast_imports import SWITCH
from mebench.features.landmarks import VARIABLE

KEPT_VARIABLES = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "LOCALAPPDATA", "TEMP", "TMP"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER", "TMPDIR"),
    *("MEBENCH_DEBUG", SWITCH, VARIABLE),
)
"""Variables that a confined process keeps: programs, libraries, language, what programs of Windows and macOS need, switches of mebench."""
KEPT_PREFIXES = (
    *("LC_", "PYTHON", "MALLOC_", "OPENCV_", "NUMBA_", "TRITON_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_", "DNNL_", "ONEDNN_"),
    *("TORCH", "PYTORCH_", "ATEN_", "CUDA", "CUBLAS_", "CUDNN_", "NCCL_", "NVIDIA_"),
    *("HIP_", "ROCR_", "HSA_", "AMD_", "MIOPEN_"),
)
"""Beginnings of the other variables that it keeps: settings of Python, of numeric libraries and of GPUs."""
FOREIGN_CACHES = frozenset({"TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"})
"""Variables that PyTorch itself sets once it has compiled: folders that a confined process must not write."""
_FACTS = frozenset({"sys_argv", "orig_dir", "dir"})
"""Keys of the standard library's message to a new process: words and working folders of the program that starts it."""


def kept_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a confined process keeps.

    >>> kept_variables({"HOME": "/home/ann", "OMP_NUM_THREADS": "1", "PWD": "/data/smic", "DATA": "/data/smic"})
    {'HOME': '/home/ann', 'OMP_NUM_THREADS': '1'}
    >>> kept_variables({"TORCH_LOGS": "dynamo", "TORCHINDUCTOR_CACHE_DIR": "/tmp/torchinductor_ann"})
    {'TORCH_LOGS': 'dynamo'}
    """
    return {
        name: value
        for name, value in environment.items()
        if name not in FOREIGN_CACHES and (name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES))
    }


@contextmanager
def only_kept_variables() -> Iterator[None]:
    """A context in which this process has only the variables that a confined one keeps."""
    dropped = {name: value for name, value in os.environ.items() if name not in kept_variables(os.environ)}
    for name in dropped:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(dropped)


@contextmanager
def untold_program() -> Iterator[None]:
    """A context in which new processes do not learn this program's words and folder."""
    told = spawn.get_preparation_data

    def without_facts(name: str) -> dict[str, Any]:
        return {key: value for key, value in told(name).items() if key not in _FACTS}

    vars(spawn)["get_preparation_data"] = without_facts
    try:
        yield
    finally:
        vars(spawn)["get_preparation_data"] = told


def forget_host(variables: Mapping[str, str], kept: Collection[int]) -> None:
    """In a process that will be confined: forget what it knows of the program that started it.

    Args:
        variables: all variables that remain.
        kept: descriptors that stay open beside those of standard output and error.
    """
    os.environ.clear()
    os.environ.update(variables)
    sys.argv[:] = [""]
    sys.orig_argv[:] = [""]
    vars(multiprocessing.process)["ORIGINAL_DIR"] = None
    vars(multiprocessing.process)["_parent_process"] = None
    vars(resource_tracker._resource_tracker)["_fd"] = None  # type: ignore[attr-defined]
    with suppress(OSError):
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
    for descriptor in _open_descriptors() - {0, 1, 2, *kept}:
        with suppress(OSError):  # that of the list itself
            os.close(descriptor)


def _open_descriptors() -> set[int]:
    """The descriptors of this process; empty on systems that do not list them."""
    with suppress(OSError):
        return {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    return set()
