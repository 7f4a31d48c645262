"""Limits of memory and time while a record of others is checked, read or shown."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pyarrow as pa

from mebench.limits import RECORD_SECONDS
from mebench.system import limited_data, limited_seconds

MEMORY, MORE = 2**30, 2**29
"""Most bytes, beyond those of the process, for checking, reading or showing a record."""
SECONDS = RECORD_SECONDS


class TooLongError(BaseException):
    """A record took too long. This is not an `Exception`, so that no general handler catches it."""


@contextmanager
def limited_memory(memory: int = MORE, seconds: float = 0) -> Iterator[None]:
    """Let the system limit the memory while a record is read; exceeding it raises `MemoryError`.

    Args:
        memory: bytes.
        seconds: seconds of the processor, after which `TooLongError` is raised; 0 sets no limit.
    """
    pool = pa.default_memory_pool()
    pa.allocate_buffer(1, memory_pool=pool)  # Arrow's own pools reserve more than the limit before any use
    with limited_data(memory), ExitStack() as after:
        after.callback(pa.set_memory_pool, pool)
        pa.set_memory_pool(pa.system_memory_pool())
        after.enter_context(limited_seconds(seconds, TooLongError))
        yield
