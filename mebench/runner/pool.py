"""A crew of workers that survives its members: what fails is tried once more, alone, and then reported."""

from __future__ import annotations

import re
import signal
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from mebench.errors import MebenchError
from mebench.runner import workers

LOOK_SECONDS = 1.0
"""How often somebody who waits for workers looks at the clock."""
ENOUGH = 3
"""An exception that came back for so many tasks when they were tried again is believed for all others that raised it."""

OUT_OF_MEMORY = ("can't allocate memory", "Insufficient memory")
"""What torch and OpenCV say where Python raises a MemoryError."""


@dataclass(frozen=True)
class Task:
    """One call in a worker.

    Attributes:
        key: what it is, for whoever gets the answer; it stays here, and the rest travels.
        function: importable by name.
        arguments: of the function.
        timeout: seconds after which the worker is ended, or None.
    """

    key: Any
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    timeout: float | None = None

    @property
    def call(self) -> tuple[Any, ...]:
        """The arguments of `attempt`, plain data that processes and machines can hand each other."""
        return self.function, self.arguments, self.timeout


@dataclass(frozen=True)
class Failure:
    """Why a task has no answer.

    Attributes:
        reason: one sentence.
        details: a traceback where there is one, else the reason.
        error: where the task named its own trouble; then trying again would not help.
        raised: whether it was an exception, which the worker survived.
    """

    reason: str
    details: str
    error: MebenchError | None = None
    raised: bool = False


class Workers(Protocol):
    """Who computes tasks."""

    size: int

    def start(self, most: int) -> None:
        """Let at most so many workers get ready; returns at once."""

    def run(self, tasks: Sequence[Task], tick: Callable[[], None] | None = None) -> Iterator[tuple[Task, Any]]:
        """Each task with its answer or `Failure`, in the order in which they end."""

    def stop(self) -> None:
        """End all workers at once, whatever they do."""


class Crew:
    """Worker processes on this machine, each an executor of its own, so that a death is known to be that of its task.

    A task whose worker dies, which is out of time or memory or raises what is no `MebenchError` is tried once more after
    all others, alone and in a process that saw no trouble yet.

    Args:
        size: processes.
        accelerator: where Lightning trains: several GPUs are shared out.
        devices: how many of them at most; None for all.
    """

    def __init__(self, size: int, accelerator: str = "cpu", devices: int | None = None) -> None:
        self.size = size
        self._accelerator, self._devices = accelerator, devices
        self._environments: list[dict[str, str]] = []
        self._executors: dict[int, Executor] = {}

    def start(self, most: int) -> None:
        """Let at most so many workers import what takes seconds; returns at once."""
        for place in range(min(most, self.size)):
            if place not in self._executors:
                self._executor(place).submit(workers.warm_up)

    def run(self, tasks: Sequence[Task], tick: Callable[[], None] | None = None) -> Iterator[tuple[Task, Any]]:
        """Each task with its answer or `Failure`, in the order in which they end.

        Args:
            tasks: started in this order.
            tick: called now and then, at least every `LOOK_SECONDS`.
        """
        self._end([place for place in self._executors if place >= len(tasks)])
        again = []
        for task, outcome in self._pass(tasks, min(self.size, len(tasks)), tick):
            if isinstance(outcome, Failure) and outcome.error is None:
                again.append((task, outcome))
            else:
                yield task, outcome
        if again:
            self._end(list(self._executors))
        yield from retry(again, lambda task: self._alone(task, tick))

    def stop(self) -> None:
        """End all workers at once, whatever they do."""
        self._end(list(self._executors))

    def _pass(self, tasks: Sequence[Task], size: int, tick: Callable[[], None] | None) -> Iterator[tuple[Task, Any]]:
        queue, idle = deque(tasks), list(range(size))[::-1]
        busy: dict[Future[Any], tuple[int, Task]] = {}

        def hand_out() -> None:
            # No worker ever has a next task waiting behind another one: a death concerns the one task that it worked on.
            while queue and idle:
                place, task = idle.pop(), queue.popleft()
                busy[self._submit(place, task)] = place, task

        hand_out()
        while busy:
            done, _ = wait(busy, LOOK_SECONDS, FIRST_COMPLETED)
            ended = [(*busy.pop(future), future) for future in done]
            for place, _, future in ended:
                if isinstance(future.exception(), BrokenProcessPool):
                    self._end([place])
                idle.append(place)
            hand_out()  # before the answers are kept, which takes its time
            if tick is not None:
                tick()
            for _, task, future in ended:
                yield task, outcome_of(future, task)

    def _alone(self, task: Task, tick: Callable[[], None] | None) -> Any:
        outcome = next(self._pass([task], 1, tick))[1]
        if isinstance(outcome, Failure):
            self._end(list(self._executors))
        return outcome

    def _submit(self, place: int, task: Task) -> Future[Any]:
        try:
            return self._executor(place).submit(attempt, *task.call)
        except BrokenProcessPool:  # it died while it was idle
            self._end([place])
            return self._executor(place).submit(attempt, *task.call)

    def _executor(self, place: int) -> Executor:
        if place not in self._executors:
            found = self._environments or workers.environments(self.size, self._accelerator, self._devices)
            self._environments = found
            self._executors[place] = workers.pool(self._environments[place])
        return self._executors[place]

    def _end(self, places: Iterable[int]) -> None:
        """Kill the workers at some places."""
        for place in places:
            executor = self._executors.pop(place, None)
            if executor is not None:
                executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]  # loky's


def retry(failed: Sequence[tuple[Task, Failure]], alone: Callable[[Task], Any]) -> Iterator[tuple[Task, Any]]:
    """Try each once more with `alone`; not those whose exception came back `ENOUGH` times."""
    seen: Counter[str] = Counter()
    for task, failure in failed:
        outcome = failure if seen[failure.reason] >= ENOUGH else alone(task)
        if isinstance(outcome, Failure) and outcome.raised and failure.raised:
            seen[failure.reason] += 1
        yield task, outcome


def attempt(function: Callable[..., Any], arguments: tuple[Any, ...], timeout: float | None) -> Any:
    """In a worker: the answer of a task, or the `Failure` that its exception is."""
    try:
        with _limited(timeout):
            return function(*arguments)
    except BaseException as error:  # SystemExit too: it would travel on and end the whole run without a word
        own = error if isinstance(error, MebenchError) else None
        return Failure(sentence(error), "".join(traceback.format_exception(error)), own, raised=True)


def sentence(error: BaseException) -> str:
    """The reason of a failure for people, in one line."""
    if isinstance(error, MebenchError):
        return str(error)
    name, text = type(error).__name__, " ".join(str(error).split())
    if name == "OutOfMemoryError":  # torch's
        return "the memory of the GPU was not enough: use fewer workers=N"
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        return "the memory of this machine was not enough: use fewer workers=N"
    return f"{name}: {text}" if text else name


def outcome_of(future: Future[Any], task: Task) -> Any:
    """What a worker answered, or the `Failure` that its death is."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        reason = _death(str(error), task.timeout)
        return Failure(reason, f"{reason}\n{error}")
    except Exception as error:  # what cannot travel between processes, or Dask's own
        return Failure(sentence(error), "".join(traceback.format_exception(error)))


def _death(message: str, timeout: float | None) -> str:
    """The reason in loky's message, which names signal or exit code, such as `{SIGKILL(-9)}`."""
    found = re.search(r"exit codes of the workers are \{(\w+)\((-?\d+)\)", message)
    name, code = (found[1], int(found[2])) if found else ("", 0)
    if timeout is not None and code == -signal.SIGALRM:
        return f"it took longer than fold_timeout={timeout:g} seconds"
    if code == -signal.SIGKILL:
        return "its worker process was killed, as the system does when memory runs out: use fewer workers=N"
    if found:
        return f"its worker process died ({name if code < 0 else f'exit code {code}'})"
    return "its worker process died"


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    """Let the system end this process after so many seconds: a hang in C never comes back to Python."""
    if seconds is None:
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
