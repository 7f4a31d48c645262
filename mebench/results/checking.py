"""Records of strangers, checked in a process of its own that may take so much memory and time, and may die."""

import os
import resource
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from mebench.errors import MebenchError
from mebench.results import schema
from mebench.results.integrity import RECORD, check, check_scores, check_supersedes, record_name
from mebench.results.record import from_record
from mebench.results.tables import build
from mebench.runner import isolation
from mebench.runner.folder import RunFolder

MEMORY = 2**30
"""Resident bytes of the process."""
MORE = 2**29
"""Bytes that showing one record may take beside all that a process has."""
SECONDS = 60.0
"""For one record."""

_POOL = "system"  # Arrow's own pools reserve more than is allowed before anything is in them


class Checker:
    """Checks records one after another in one process, which is started again when it dies.

    Nothing of a record but the sentence comes back from it.

    Attributes:
        memory: resident bytes of the process.
        seconds: for one record.
    """

    def __init__(self) -> None:
        self.memory, self.seconds = MEMORY, SECONDS
        self._worker: isolation.Worker | None = None

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def refusal(self, record: RunFolder, *places: Path) -> str:
        """Why a record is refused; empty if it passes all checks and can be shown.

        Args:
            record: the folder of a stranger's record.
            places: folders in which an earlier version of it may lie.
        """
        arguments = str(record.path), tuple(map(str, places)), os.getpid(), self.memory
        if self._worker is None:
            self._worker = isolation.Worker({"ARROW_DEFAULT_MEMORY_POOL": _POOL})
            self._worker.call(ready, ())  # what it imports first is not counted
        outcome = self._worker.call(reason, arguments, timeout=self.seconds)
        if not isinstance(outcome, isolation.Failure):
            return str(outcome)
        self._end()
        few = f"{self.seconds:g} seconds, more than {self.memory >> 30} GiB"
        return f"record {record.id} is refused: checking it took more than {few}, or broke the process that did"

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def ready() -> None:
    """Import what scoring takes, in the process that will."""
    import mebench.runner.scoring  # noqa: F401


def reason(path: str, places: tuple[str, ...], parent: int, memory: int) -> str:
    """Why the record at `path` is refused, or empty.

    Args:
        path: of its folder.
        places: folders in which an earlier version of it may lie.
        parent: the process that asks; any other one is limited, and silent.
        memory: resident bytes of a limited process.
    """
    if os.getpid() != parent:
        warnings.simplefilter("ignore")
        _limit_memory(memory)
    record = RunFolder(Path(path))
    try:
        _check(record, list(map(Path, places)))
    except MebenchError as error:
        return str(error)
    except MemoryError:
        raise  # a process that had too little goes
    except Exception as error:  # whatever a stranger thought of
        return f"record {record.id} is refused: it is damaged ({isolation.sentence(error)})"
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


def _check(record: RunFolder, places: Sequence[Path]) -> None:
    check_alone(record)
    stored = record.read_json(RECORD)
    if stored["version"] > 1:
        former = record_name(stored["run_id"], stored["version"] - 1)
        place = next((place for place in places if (place / former).is_dir()), places[0])
        check_supersedes(record, RunFolder(place / former))


def _limit_memory(memory: int) -> None:
    """Let the system refuse what would take this process beyond so many resident bytes: a `MemoryError` follows, or its death.

    What it writes to is counted whether or not it is resident; what it runs, libraries, may be as a whole.
    """
    with suppress(OSError, ValueError):  # not Linux
        data, libraries = _held("VmData"), _held("VmLib")
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (max(memory - libraries, data), most))


@contextmanager
def bounded() -> Iterator[None]:
    """Let the system refuse what takes `MORE` bytes, while a record is read: a `MemoryError` follows."""
    pool, before = pa.default_memory_pool(), resource.getrlimit(resource.RLIMIT_DATA)
    pa.allocate_buffer(1, memory_pool=pool)  # see `_POOL`
    with suppress(OSError, ValueError):  # not Linux
        resource.setrlimit(resource.RLIMIT_DATA, (_held("VmData") + MORE, before[1]))
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(pool)
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _held(what: str) -> int:
    """Bytes of this process by the name that Linux gives them."""
    about = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(about[what].split()[0]) * 1024
