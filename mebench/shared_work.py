"""Slow results that several processes make together: each takes what no other has taken, and the cache hands them on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from mebench import result_cache
from mebench.sandbox.isolation import Worker

T = TypeVar("T")
R = TypeVar("R")
MANY = 40
"""Results that a stage makes anew before other processes are called, which take two seconds to start."""
LOOK_SECONDS = 0.05
"""Time between two looks at what others have done."""


class Team:
    """The processes that make the results of one program.

    All of them run its steps in the same order. A process takes an item by a file that no other can make after it.

    Args:
        claims: folder of these files.
        call_others: starts the other processes; None where they run.
    """

    def __init__(self, claims: Path, call_others: Callable[[], object] | None = None) -> None:
        self._claims = claims
        self._call_others = call_others
        self._n_calls = Counter[str]()

    def is_at_work(self, n_made: int) -> bool:
        """Whether the others run; they are called once a stage has made `MANY` results."""
        if self._call_others is not None and n_made >= MANY:
            self._call_others()
            self._call_others = None
        return self._call_others is None

    def make_ahead(
        self, stage: str, items: Sequence[T], work: Callable[[T], object], size: Callable[[T], float] | None = None
    ) -> None:
        """Do work on the items that no other process takes, and wait for the others.

        Arguments are those of `results_in_order`. A process that has ended in between leaves its item undone: the others
        wait as long as they have worked at most.
        """
        self._n_calls[stage] += 1
        name = f"{stage}-{self._n_calls[stage]}"
        began = time.monotonic()
        for number in _largest_first(items, size):
            if self._take(f"{name}-{number}"):
                with suppress(Exception):  # whoever needs the result meets its error again
                    work(items[number])
                self._take(f"{name}-{number}.done")
        latest = 2 * time.monotonic() - began + 1
        while len([*self._claims.glob(f"{name}-*.done")]) < len(items) and time.monotonic() < latest:
            time.sleep(LOOK_SECONDS)

    def _take(self, name: str) -> bool:
        """Make a file; False where it is there."""
        try:
            (self._claims / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _largest_first(items: Sequence[T], size: Callable[[T], float] | None) -> list[int]:
    """The numbers of the items, in the order in which they are taken."""
    numbers = list(range(len(items)))
    return numbers if size is None else sorted(numbers, key=lambda number: -size(items[number]))


_TEAM: ContextVar[Team | None] = ContextVar("_TEAM", default=None)
"""The team of this program, if it has one."""


def results_in_order(
    stage: str,
    items: Sequence[T],
    work: Callable[[T], R],
    silently: Callable[[T], object] | None = None,
    size: Callable[[T], float] | None = None,
) -> Iterator[R]:
    """The result of work on each item, in order.

    In a team that makes many results anew, each process makes some of them first.

    Args:
        stage: name of the results, a part of names of files.
        items: input of the work, equal in all processes of the team.
        work: function whose slow parts the cache keeps.
        silently: function for the cache alone, where `work` also tells something.
        size: function that says which items take longest; these are made first.
    """
    team = _TEAM.get()
    n_before = result_cache.n_made()
    for item in items:
        if team is not None and team.is_at_work(result_cache.n_made() - n_before):
            team.make_ahead(stage, items, silently or work, size)
            team = None
        yield work(item)


def make_ahead(stage: str, items: Sequence[T], work: Callable[[T], object]) -> None:
    """Make results of a stage for the cache alone; nothing without a team."""
    team = _TEAM.get()
    if team is not None:
        team.make_ahead(stage, items, work)


@contextmanager
def team_of(
    n_processes: int, help_with: Callable[..., object], arguments: Sequence[Any], plugins: Iterable[str] = ()
) -> Iterator[None]:
    """A block whose slow results several processes make, if they are many.

    Args:
        n_processes: number of processes, with this one; where 1, nothing is shared.
        help_with: makes the same results in another process; importable by name. It gets the folder of claims first, and joins by
            `joined_team`.
        arguments: its further arguments.
        plugins: folders with more plugins.
    """
    if n_processes < 2 or not result_cache.keeps_results():
        yield
        return
    workers = [Worker() for _ in range(n_processes - 1)]
    with TemporaryDirectory(prefix="mebench-team-") as claims, ThreadPoolExecutor(len(workers)) as threads:

        def call_others() -> None:
            for worker in workers:
                threads.submit(worker.call, help_with, (claims, *arguments), plugins=tuple(plugins))

        token = _TEAM.set(Team(Path(claims), call_others))
        try:
            yield
        finally:
            _TEAM.reset(token)
            for worker in workers:
                worker.close()


@contextmanager
def joined_team(claims: str) -> Iterator[None]:
    """A block in which this process helps the one that called it."""
    token = _TEAM.set(Team(Path(claims)))
    try:
        yield
    finally:
        _TEAM.reset(token)
