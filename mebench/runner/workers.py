"""Worker processes, one thread each, and the pool of them that survives its members."""

import ctypes
import os
import re
import resource
import signal
import sys
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from mebench._lightly import load_lightning_lightly
from mebench.errors import ConfigError, MebenchError

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Read by the numeric libraries when they are loaded: a worker is started with them."""


def pool(environment: Mapping[str, str]) -> Executor:
    """A fresh process behind `concurrent.futures`, started with its first task. When it dies, only its own task is lost."""
    from loky import ProcessPoolExecutor

    executor: Executor = ProcessPoolExecutor(
        1, initializer=prepare_worker, env={**THREADS, **environment}, timeout=None
    )
    return executor


def prepare_worker() -> None:
    """Make this process a worker: deaf to Ctrl-C, SIGTERM and SIGHUP (the parent decides), and keeping the memory it frees."""
    with suppress(ValueError):  # not the main thread
        deaf = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
        for number in deaf:
            signal.signal(number, signal.SIG_IGN)
        # Lightning listens anew while it trains.
        signal.pthread_sigmask(signal.SIG_BLOCK, deaf)
    load_lightning_lightly()
    die_with_parent()
    _keep_freed_memory()
    open_many_files()
    _keep_workers()


def settle_as_guest() -> None:
    """Take one thread for each numeric library in a process that somebody else started, such as Dask's worker."""
    from threadpoolctl import threadpool_limits

    os.environ.update(THREADS)  # for libraries that are not loaded yet
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threadpool_limits(1)
    _keep_freed_memory()
    open_many_files()


def warm_up() -> None:
    """Import what features take, while the plan is made; no worker needs PyTorch."""
    import cv2  # noqa: F401

    import mebench.features.tvl1  # noqa: F401  (brings numba)


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, however it does: a killed run must not leave workers behind."""
    pr_set_pdeathsig = 1
    with suppress(OSError, AttributeError):  # another system: an orphan waits for work that never comes
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _keep_freed_memory() -> None:
    """Tell glibc not to hand large blocks back after each training step: faulting them in again costs a fifth of it."""
    m_mmap_threshold, m_trim_threshold, one_gib = -3, -1, 1 << 30
    with suppress(OSError, AttributeError):  # another C library: nothing lost but time
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, one_gib)
        libc.mallopt(m_trim_threshold, one_gib)


def open_many_files() -> None:
    """As many as the system lets us: each memory-mapped feature of a training video keeps one open, as does the lock of each run of a
    sweep, and the usual limit is 1024.
    """
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _keep_workers() -> None:
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
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    import torch

    return [str(n) for n in range(torch.cuda.device_count())]


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


class WorkerPool:
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
                self._executor(place).submit(warm_up)

    def run(self, tasks: Sequence[Task], tick: Callable[[], None] | None = None) -> Iterator[tuple[Task, Any]]:
        """Each task with its answer or `Failure`, in the order in which they end.

        Args:
            tasks: started in this order.
            tick: called now and then, at least every `LOOK_SECONDS`.
        """
        self._end([place for place in self._executors if place >= len(tasks)])
        first = self._pass(tasks, min(self.size, len(tasks)), tick)
        yield from tried_twice(first, lambda task: self._alone(task, tick), self.stop)

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
            self.stop()
        return outcome

    def _submit(self, place: int, task: Task) -> Future[Any]:
        try:
            return self._executor(place).submit(attempt, *task.call)
        except BrokenProcessPool:  # it died while it was idle
            self._end([place])
            return self._executor(place).submit(attempt, *task.call)

    def _executor(self, place: int) -> Executor:
        if place not in self._executors:
            self._environments = self._environments or environments(self.size, self._accelerator, self._devices)
            self._executors[place] = pool(self._environments[place])
        return self._executors[place]

    def _end(self, places: Iterable[int]) -> None:
        """Kill the workers at some places."""
        for place in places:
            if (executor := self._executors.pop(place, None)) is not None:
                executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]  # loky's


def tried_twice(
    first: Iterator[tuple[Task, Any]], alone: Callable[[Task], Any], between: Callable[[], None] = lambda: None
) -> Iterator[tuple[Task, Any]]:
    """The answers of a first pass; what failed in it without naming its own trouble is tried again after all others.

    Args:
        first: each task with its answer or `Failure`.
        alone: tries one task once more.
        between: called before the first of those, where there is one.
    """
    again = []
    for task, outcome in first:
        if isinstance(outcome, Failure) and outcome.error is None:
            again.append((task, outcome))
        else:
            yield task, outcome
    if again:
        between()
    yield from retry(again, alone)


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
    found = re.search(r"exit codes of the workers are \{\w+\((-?\d+)\)", message)
    return death(int(found[1]), timeout) if found else "its worker process died"


def death(code: int, timeout: float | None = None) -> str:
    """Why a process ended.

    Args:
        code: its exit code, or minus the number of the signal that ended it.
        timeout: seconds that it was given.
    """
    if timeout is not None and code == -signal.SIGALRM:
        return f"it took longer than fold_timeout={timeout:g} seconds"
    if code == -signal.SIGKILL:
        return "its worker process was killed, as the system does when memory runs out: use fewer workers=N"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"its worker process died ({name if code < 0 else f'exit code {code}'})"


@contextmanager
def one_thread() -> Iterator[None]:
    """As in a worker: what is computed here meanwhile is what a worker would answer, bit for bit, and takes as long."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
