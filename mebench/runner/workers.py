"""The pool of worker processes of this machine, which survives the death of a worker."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.errors import ConfigError
from mebench.lazy_imports import load_lazily
from mebench.sandbox import isolation
from mebench.sandbox.isolation import LOOK_SECONDS, Failure, Worker, call_safely
from mebench.system import FORKS

if TYPE_CHECKING:
    import joblib
    import torch
else:
    joblib = load_lazily("joblib")
    torch = load_lazily("torch")

ENOUGH = 3
"""Number of tasks that fail twice with one exception until others with it are not tried again."""


@dataclass(frozen=True)
class WorkerTask:
    """One call in a worker.

    Attributes:
        key: identifies the task for the caller; it is not sent.
        function: importable by name. The function of a hosted task is called in this process, or on a Dask machine,
            with a `Worker` of its own as the last argument, which it may call and answer.
        arguments: arguments of the function.
        plugins: folders with more plugins, whose classes may be among the arguments.
        hosted: imports of a hosted task's process, see `ForkServer.warm_up`; None for a task that runs in a worker
            directly.
        shared: the first arguments, which many tasks have in common: each goes to another machine once.
        files: folder of this machine for large files of the answer that another machine holds; None where there are none.
    """

    key: Any
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    plugins: tuple[str, ...] = ()
    hosted: tuple[str, ...] | None = None
    shared: tuple[Any, ...] = ()
    files: Path | None = None


class Workers:
    """A pool that computes tasks.

    A task that dies, runs out of time or memory or raises another exception than `MebenchError` is tried once more,
    alone, after all others, unless the same exception came `ENOUGH` times.

    Attributes:
        size: number of its processes.
    """

    size: int

    def start(self, most: int) -> None:
        """Start at most so many workers, unless they run already; returns at once."""

    def warm_up(self, imports: Iterable[str]) -> None:
        """Start the imports of hosted tasks where one process serves them all; returns at once."""

    def run(
        self, tasks: Sequence[WorkerTask], tick: Callable[[], None] | None = None
    ) -> Iterator[tuple[WorkerTask, Any]]:
        """Each task with its answer or `Failure`, in the order in which they end.

        Args:
            tasks: started in this order.
            tick: called now and then, at least every `LOOK_SECONDS`.
        """
        again = list[tuple[WorkerTask, Failure]]()
        seen = Counter[str]()
        for task, outcome in self._pass(tasks, tick):
            if isinstance(outcome, Failure) and outcome.error is None:
                again.append((task, outcome))
            else:
                yield task, outcome
        for task, failure in again:
            outcome = failure if seen[failure.reason] >= ENOUGH else self._alone(task, tick)
            if isinstance(outcome, Failure) and outcome.raised and failure.raised:
                seen[failure.reason] += 1
            yield task, outcome

    def stop(self) -> None:
        """End all tasks at once, whatever they do."""

    def _pass(self, tasks: Sequence[WorkerTask], tick: Callable[[], None] | None) -> Iterator[tuple[WorkerTask, Any]]:
        """Each task with its answer or `Failure`, tried once."""
        raise NotImplementedError(f"{type(self).__name__} must define _pass()")

    def _alone(self, task: WorkerTask, tick: Callable[[], None] | None) -> Any:
        """The answer of a task that is tried again."""
        return next(self._pass([task], tick))[1]


class WorkerPool(Workers):
    """Worker processes on this machine. The death of a worker affects its own task alone; a task that is tried again has a
    fresh process.

    Args:
        size: processes.
        accelerator: Lightning's accelerator; several GPUs are distributed over the workers.
        devices: at most so many GPUs; None for all.
        each: GPUs of a fold; 0 for all.

    Attributes:
        server: process that the processes of tasks are copied from.

    Raises:
        ConfigError: there are GPUs, but fewer than `devices` or `each`.
    """

    def __init__(self, size: int, accelerator: str = "cpu", devices: int | None = None, each: int = 1) -> None:
        self.size = size
        self._environments = worker_environments(size, accelerator, devices, each)
        self._workers: dict[int, Worker] = {}
        self._hosted: dict[int, Worker] = {}
        self._started_ahead: dict[int, Worker] = {}
        self.server = isolation.ForkServer()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="mebench-host")
        self._stopped = False

    def start(self, most: int) -> None:
        """Let at most so many workers import slow packages; returns at once."""
        for place in range(min(most, self.size)):
            if place not in self._workers:
                # Workers import these while the plan is made: the packages of features, numba among them, without PyTorch.
                self._workers[place] = isolation.Worker(modules=("cv2", "mebench.features.tvl1"))
                self._workers[place].start()

    def warm_up(self, imports: Iterable[str]) -> None:
        """Let the fork server import the packages of hosted tasks; returns at once."""
        self.server.warm_up(imports)

    def stop(self) -> None:
        """End all workers at once, with their threads and the fork server; nothing runs afterwards."""
        self._stopped = True
        self._end(list(self._workers))
        for worker in list(self._hosted.values()):
            worker.close()
        self._threads.shutdown()
        self._end_ahead()
        self.server.close()

    def _pass(self, tasks: Sequence[WorkerTask], tick: Callable[[], None] | None) -> Iterator[tuple[WorkerTask, Any]]:
        """See `Workers`; workers that no task needs are ended first."""
        self._make_ready(tasks)
        queue = deque(tasks)
        idle = list(range(min(self.size, len(tasks))))[::-1]
        busy: dict[Future[Any], tuple[int, WorkerTask]] = {}
        while queue or busy:
            done: list[tuple[WorkerTask, Future[Any]]] = []
            for future in _wait_for_ended(busy):
                place, task = busy.pop(future)
                idle.append(place)
                done.append((task, future))
            while queue and idle:  # before the answers are kept, which takes its time
                place = idle.pop()
                task = queue.popleft()
                busy[self._threads.submit(self._do, place, task, bool(queue))] = place, task
            if tick is not None:
                tick()
            for task, future in done:
                yield task, future.result()
        self._end_ahead()

    def _make_ready(self, tasks: Sequence[WorkerTask]) -> None:
        """Start the imports of hosted tasks, and end the workers that no other task needs."""
        hosted = [task.hosted for task in tasks if task.hosted is not None]
        if hosted:
            self.warm_up({name for imports in hosted for name in imports})
        n_direct = len(tasks) - len(hosted)
        self._end([place for place in self._workers if place >= n_direct])

    def _alone(self, task: WorkerTask, tick: Callable[[], None] | None) -> Any:
        """See `Workers`; no other worker lives meanwhile."""
        self._end(list(self._workers))
        return super()._alone(task, tick)

    def _do(self, place: int, task: WorkerTask, others_wait: bool) -> Any:
        """In a thread of this place: the answer of a task.

        Args:
            place: number of the place.
            task: task to do.
            others_wait: whether more tasks wait for a place.
        """
        if task.hosted is None:
            worker = self._workers[place] = self._workers.get(place) or isolation.Worker()
            return worker.call(task.function, (*task.shared, *task.arguments), None, task.plugins)
        started = self._started_ahead
        worker = started.pop(place) if place in started else self._hosted_worker(place, task.hosted)
        self._hosted[place] = worker
        if others_wait and not FORKS:
            started[place] = self._hosted_worker(place, task.hosted)
            started[place].start()
        if self._stopped:
            worker.close()
        try:
            return call_safely(task.function, (*task.shared, *task.arguments, worker))
        finally:
            worker.close()

    def _hosted_worker(self, place: int, imports: Iterable[str]) -> Worker:
        """A worker for one hosted task; it imports by itself what it cannot take over from the fork server."""
        return isolation.Worker(self._environments[place], self.server, () if FORKS else imports)

    def _end_ahead(self) -> None:
        """End the workers that were started for tasks that did not come."""
        for worker in self._started_ahead.values():
            worker.close()
        self._started_ahead.clear()

    def _end(self, places: Sequence[int]) -> None:
        """End the workers at some places."""
        for place in places:
            self._workers.pop(place).close()


def _wait_for_ended(busy: Iterable[Future[Any]]) -> list[Future[Any]]:
    """The futures that have ended, after a wait of `LOOK_SECONDS` at most."""
    running = list(busy)
    return list(wait(running, LOOK_SECONDS, FIRST_COMPLETED).done) if running else []


def default_workers() -> int:
    """Cores that this process may use: those of its affinity, at most the quota of a container (cgroup v1 or v2)."""
    return int(joblib.cpu_count())


def worker_environments(
    workers: int, accelerator: str, devices: int | None = None, each: int = 1
) -> list[dict[str, str]]:
    """The environment of each worker: on machines with NVIDIA GPUs, the GPU that it uses, or as many as each fold
    takes.

    The GPUs are those that `CUDA_VISIBLE_DEVICES` names, or all, and of those the first `devices`; worker n takes the
    n-th, in turn; with more workers than GPUs, each GPU trains several folds at once. Empty for a run on the CPU, on
    Apple's GPU, and where there is no GPU.

    Raises:
        ConfigError: there are GPUs, but fewer than `devices` or `each`.
    """
    gpus = _visible_gpus() if accelerator in ("gpu", "cuda", "auto") else []
    wanted = max(devices or 0, each)
    if gpus and wanted > len(gpus):
        raise ConfigError(
            f"devices={wanted}, but this machine shows {len(gpus)} GPUs: give at most that number, or leave it out"
        )
    n_each = each or len(gpus)
    gpus = gpus[:devices]
    if not gpus:
        return [{} for _ in range(workers)]
    variables = []
    for worker in range(workers):
        own = [gpus[(worker * n_each + place) % len(gpus)] for place in range(n_each)]
        variables.append({"CUDA_VISIBLE_DEVICES": ",".join(own)})
    return variables


def _visible_gpus() -> list[str]:
    """The GPUs that `CUDA_VISIBLE_DEVICES` names, or else the numbers of all."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]
