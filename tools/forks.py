"""Pytest in copies of a process that has imported everything but mebench: seconds instead of tens of seconds a time."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

MARK = "MEBENCH_MUTANT"
"""Environment variable by which processes that a test has left behind are found."""
OPTIONS = (
    *("-q", "--no-header", "--tb=line", "--import-mode=importlib", "--doctest-modules", "--hypothesis-seed=0"),
    *("-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:xdist"),
    *("-o", "python_functions=test_*"),
)
"""A file of mebench that is run for its examples may hold a function such as `tested_column`, which is no test."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Stage:
    """One call of pytest.

    Attributes:
        files: test files in the order in which they run.
        marks: pytest's expression of markers.
        without: tests that are left out.
    """

    files: tuple[str, ...]
    marks: str
    without: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """The arguments of pytest."""
        return ["-m", self.marks, *(f"--deselect={name}" for name in self.without), *self.files]


@dataclass
class Job:
    """The work of one process.

    Attributes:
        stages: calls of pytest; after one that fails there is no other.
        change: the file of the copy that differs, and its content.
        look: whether all tests run, failing or not, and what they call is noted.
        key: for the one who asks.
    """

    stages: Sequence[Stage]
    change: tuple[str, bytes] | None = None
    look: bool = False
    key: Any = None


@dataclass
class Outcome:
    """The outcome of a job.

    Attributes:
        failed: the tests that failed, the first alone unless the job looks; a file that cannot be imported is one.
        late: the file whose tests took too long, or "".
        died: whether the process ended without a word.
        seconds: since its start.
        spent: seconds by file.
        called: by file the functions of mebench that were called, as path and first line.
    """

    failed: list[str] = field(default_factory=list)
    late: str = ""
    died: bool = False
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    called: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not (self.failed or self.late or self.died)


def warm(names: Iterable[str]) -> None:
    """Import what tests need, with one thread each, so that a copy of this process has it."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    for name in ["pytest", "hypothesis", *sorted(names)]:
        with suppress(Exception):  # a name inside a module, or an extra that is not installed
            importlib.import_module(name)
        if "mebench" in sys.modules:  # then no test would see a mutant
            sys.exit(
                f"{name} imports mebench, which each copy must import by itself: leave it out of `Importers.foreign`"
            )
    with suppress(ImportError):
        import torch

        torch.set_num_threads(1)
    gc.collect()
    gc.freeze()


def run_all(
    jobs: Iterable[Job], pristine: Path, workers: int, limit: Callable[[str], float]
) -> Iterator[tuple[Job, Outcome]]:
    """Each job with what came of it, as they end.

    Args:
        jobs: what is to be done; each works in a fresh copy.
        pristine: the checkout that is copied.
        workers: how many at once.
        limit: seconds that the tests of a file may take.
    """
    waiting, running = iter(jobs), list[_Running]()
    more = True
    try:
        while more or running:
            while more and len(running) < workers:
                job = next(waiting, None)
                more = job is not None
                if job is not None:
                    running.append(_Running(job, pristine, limit))
            before = time.monotonic()
            wait([handle for one in running for handle in (one.pipe, one.process.sentinel)], timeout=1)
            for one in running:  # nothing is late because this process was stopped, or the machine asleep
                one.until += max(0.0, time.monotonic() - before - 2)
            for one in [one for one in running if one.over()]:
                running.remove(one)
                one.close()
                yield one.job, one.outcome
    finally:
        for one in running:
            one.close()


class _Running:
    """A process at work in a copy of the checkout."""

    def __init__(self, job: Job, pristine: Path, limit: Callable[[str], float]) -> None:
        self.job, self.limit, self.outcome = job, limit, Outcome()
        self.folder = Path(tempfile.mkdtemp(prefix="m", dir=pristine.parent))
        copy = self.folder / "mebench"
        shutil.copytree(pristine, copy, symlinks=True)
        if job.change is not None:
            (copy / job.change[0]).write_bytes(job.change[1])
        self.began = time.monotonic()
        self.file, self.until = "", self.began + self.limit("")
        self.pipe, theirs = FORK.Pipe(duplex=False)
        self.process: BaseProcess = FORK.Process(target=_child, args=(copy, job, theirs))
        self.process.start()
        theirs.close()

    def over(self) -> bool:
        """Hear what it says, and whether it has ended or must."""
        ended = not self.process.is_alive()
        try:
            while self.pipe.poll():
                word, value = self.pipe.recv()
                if word == "end":
                    return True
                if word == "at":
                    self.file, self.until = value, time.monotonic() + self.limit(value)
                else:
                    setattr(self.outcome, word, value)
        except EOFError:
            ended = True
        if ended:
            self.outcome.died = True
            return True
        if time.monotonic() > self.until:
            self.outcome.late = self.file or "at the start"
            return True
        return False

    def close(self) -> None:
        """End the process and all that it has started, and remove its copy."""
        self.outcome.seconds = time.monotonic() - self.began
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # type: ignore[arg-type]
        self.process.kill()
        self.process.join()
        mark = f"{MARK}={self.folder}".encode()
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in environment.read_bytes().split(b"\0"):
                    os.kill(int(environment.parent.name), signal.SIGKILL)
        self.pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _child(copy: Path, job: Job, pipe: Connection) -> None:
    """Run the stages, tell, and end without any of what Python does at its end."""
    try:
        _settle(copy)
        import pytest

        for stage in job.stages:
            watch = _Watch(copy, pipe, job.look)
            stop = () if job.look else ("-x",)
            code = pytest.main([*OPTIONS, *stop, *stage.words()], plugins=[watch])
            watch.tell()
            if watch.failed and not job.look:
                break
            if code not in (0, 1, 5):
                pipe.send(("failed", [f"pytest ended with {code!r}"]))
                break
        pipe.send(("end", None))
    finally:
        os._exit(0)


def _settle(copy: Path) -> None:
    """This process belongs to the copy: its folder, its imports, its files."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(copy)
    log = os.open(copy.parent / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    scratch = copy.parent / "tmp"
    scratch.mkdir()
    tempfile.tempdir = None
    os.environ |= {"PYTHONPATH": str(copy), MARK: str(copy.parent), "TMPDIR": str(scratch)}
    os.environ |= {"XDG_CACHE_HOME": str(scratch / "cache"), "XDG_CONFIG_HOME": str(scratch / "config")}
    sys.path[:] = [str(copy), *(p for p in sys.path if not (Path(p) / "mebench" / "__init__.py").is_file())]
    sys.argv[:] = ["pytest"]
    sys.modules["__main__"] = types.ModuleType("__main__")  # or worker processes would import what this one began with


class _Watch:
    """A plugin of pytest that says which file is at work and what failed, and notes which functions tests call."""

    def __init__(self, copy: Path, pipe: Connection, look: bool) -> None:
        self.prefix, self.pipe, self.look = f"{copy / 'mebench'}{os.sep}", pipe, look
        self.failed: list[str] = []
        self.spent: dict[str, float] = {}
        self.called: dict[str, set[tuple[str, int]]] = {}
        self.now: set[tuple[str, int]] = set()
        self.file, self.since = "", time.monotonic()

    def pytest_sessionstart(self) -> None:
        if self.look:
            threading.settrace(self._trace)
            sys.settrace(self._trace)

    def pytest_collectstart(self, collector: Any) -> None:
        if path := collector.nodeid.partition("::")[0]:
            self._at(path)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._at(nodeid.partition("::")[0])

    def pytest_collectreport(self, report: Any) -> None:
        self._note(report)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._note(report)

    def _note(self, report: Any) -> None:
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)

    def _at(self, file: str) -> None:
        if file != self.file:
            self._lap()
            self.file, self.now = file, self.called.setdefault(file, set())
            self.pipe.send(("at", file))

    def _lap(self) -> None:
        now = time.monotonic()
        self.spent[self.file] = self.spent.get(self.file, 0.0) + now - self.since
        self.since = now

    def tell(self) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        self._lap()
        self.pipe.send(("failed", self.failed))
        if self.look:
            self.pipe.send(("spent", self.spent))
            self.pipe.send(("called", {file: sorted(names) for file, names in self.called.items()}))

    def _trace(self, frame: types.FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(self.prefix):
            self.now.add((f"mebench/{code.co_filename[len(self.prefix) :]}", code.co_firstlineno))
