"""Records of strangers, checked within bounds of memory and time: once in full, and then by their hashes."""

import hashlib
import resource
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType

import pyarrow as pa

from mebench.boards.build import build
from mebench.config import RunSettings, user_setting
from mebench.errors import MebenchError
from mebench.records import (
    RECORD,
    check,
    check_hashes,
    check_scores,
    check_supersedes,
    consistency,
    from_record,
    integrity,
    record_name,
    schema,
)
from mebench.runner.isolation import sentence
from mebench.runs.folder import RunFolder

MEMORY, MORE = 2**30, 2**29
"""Bytes that checking a record with its scores, and reading or showing one, may take beside all that the process has."""
SECONDS = 60.0
"""Of the processor, for one record."""


class TooLongError(BaseException):
    """A record has had its time. Nobody who handles errors is to take it for one of his own."""


def refusal(record: RunFolder, *places: Path) -> str:
    """Why a record is refused; empty if it passes all checks and can be shown.

    Args:
        record: the folder of a stranger's record.
        places: folders in which an earlier version of it may lie.
    """
    try:
        with warnings.catch_warnings(), bounded(MEMORY, SECONDS):
            warnings.simplefilter("ignore")
            check_alone(record)
            stored = record.read_json(RECORD)
            if stored["version"] > 1:
                former = record_name(stored["run_id"], stored["version"] - 1)
                place = next((place for place in places if (place / former).is_dir()), places[0])
                check_supersedes(record, RunFolder(place / former))
    except MebenchError as error:
        return str(error)
    except (MemoryError, TooLongError):
        few = f"{SECONDS:g} seconds, or more than {MEMORY >> 20} MiB"
        return f"record {record.id} is refused: checking it took more than {few}"
    except Exception as error:  # whatever a stranger thought of
        return f"record {record.id} is refused: it is damaged ({sentence(error)})"
    return ""


def check_alone(record: RunFolder) -> None:
    """Refuse a record for what can be seen without any other.

    Raises:
        RunError: what is wrong with it.
    """
    check(record)
    check_scores(record)
    if lacking := (whole := from_record(record)).lacks():
        raise schema.RefusedError(record, f"it lacks {', '.join(lacking)}, so no table would show it")
    build([whole])


def check_once(record: RunFolder) -> None:
    """Refuse a record as `integrity.check` does; of one that has passed here before the hashes are compared.

    Raises:
        RunError: what is wrong with it.
    """
    said = hashlib.sha256(record.id.encode() + schema.bytes_of(record, RECORD) + _rules()).hexdigest()
    passed = Path(user_setting("cache", RunSettings().cache)).expanduser() / "checked" / said
    if passed.is_file():
        check_hashes(record)
        return
    check(record)
    with suppress(OSError):  # then it is checked again
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


@cache
def _rules() -> bytes:
    """The source code of the checks: records that passed an earlier version are checked again."""
    return b"".join(Path(str(module.__file__)).read_bytes() for module in (schema, integrity, consistency))


@contextmanager
def bounded(memory: int = MORE, seconds: float = 0) -> Iterator[None]:
    """Let the system refuse what takes so many bytes, a `MemoryError`, while a record is read.

    Args:
        memory: bytes.
        seconds: of the processor, after which there is a `TooLongError`; 0 for as many as it takes.
    """
    pool, before = pa.default_memory_pool(), resource.getrlimit(resource.RLIMIT_DATA)
    pa.allocate_buffer(1, memory_pool=pool)  # Arrow's own pools reserve more than is allowed before anything is in them
    with suppress(OSError, ValueError):  # not Linux
        about = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        resource.setrlimit(resource.RLIMIT_DATA, (int(about["VmData"].split()[0]) * 1024 + memory, before[1]))
    pa.set_memory_pool(pa.system_memory_pool())
    timed = threading.current_thread() is threading.main_thread()  # no other one may have signals
    former = signal.signal(signal.SIGVTALRM, _stop) if timed else None
    try:
        if timed:
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, former)
        pa.set_memory_pool(pool)
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooLongError
