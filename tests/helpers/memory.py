"""Memory of the test process, which without this grows to three gigabytes."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")
WORKER = 2 << 30
"""Bytes that a process of tests takes at most; most of it is libraries, each of which some test needs."""
MUCH = 150 << 20
"""Bytes by which this process may grow before what is unreachable, such as frames of a film, is looked for."""
STATM = Path("/proc/self/statm")
_held = [0]


def count_workers_with_room(wanted: int) -> int:
    """How many of so many processes of tests find room in this machine's memory; at least one."""
    with_room = psutil.virtual_memory().available // WORKER
    return max(1, min(wanted, with_room))


def resident() -> int:
    """Bytes of memory that this process has in use; 0 where the system does not say."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if STATM.exists() else 0


def has_grown() -> bool:
    """Whether this process has grown much since memory was last collected."""
    return resident() > _held[0] + MUCH


def collect() -> None:
    """Free what is unreachable, and give it back to the system."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    _held[0] = resident()


def collected_between(items: Iterable[T]) -> Iterator[T]:
    """The items, before each of which memory is collected if the work with the former one took much."""
    for item in items:
        if has_grown():
            collect()
        yield item
