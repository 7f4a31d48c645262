"""Workers on other machines, behind Dask's scheduler: the same tasks, the same answers."""

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any

from mebench.errors import ConfigError, RunError
from mebench.runner.workers import LOOK_SECONDS, Failure, Task, attempt, outcome_of, settle_as_guest, tried_twice

CONNECT_SECONDS = 30
ONE_AT_A_TIME = threading.Lock()
"""Held by the task that runs in a worker process: two in one process would draw from one random stream."""


class DaskPool:
    """The workers of a Dask scheduler, however many there are at the time.

    A task whose worker dies is given to another one by Dask, up to its `distributed.scheduler.allowed-failures` times. What
    fails then, or raises what is no `MebenchError`, is tried once more after all others, alone.

    Args:
        address: of the scheduler, such as `tcp://host:8786`.

    Raises:
        ConfigError: the extra is not installed, or nobody answers there.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ConfigError('executor=dask needs the package distributed: pip install "mebench[dask]"') from None
        quiet()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of versions that differ: the tasks look at those that matter
                self._client: Any = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ConfigError(
                f"no Dask scheduler answers at executor.address={address} ({type(error).__name__}): start one with "
                "dask scheduler, or fix the address"
            ) from None
        self._address = address
        self._executor = self._client.get_executor(pure=False)
        self.size = len(self._client.nthreads())

    def start(self, most: int) -> None:
        """Nothing to do: they run."""

    def run(self, tasks: Sequence[Task], tick: Callable[[], None] | None = None) -> Iterator[tuple[Task, Any]]:
        """Each task with its answer or `Failure`, in the order in which they end; `tick` is called now and then.

        Raises:
            RunError: the scheduler is gone.
        """
        return tried_twice(self._pass(tasks, tick), lambda task: next(self._pass([task], tick))[1])

    def stop(self) -> None:
        """Take all tasks back and leave the scheduler; its workers stay."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=5)

    def _pass(self, tasks: Sequence[Task], tick: Callable[[], None] | None) -> Iterator[tuple[Task, Any]]:
        busy: dict[Future[Any], Task] = {self._executor.submit(serve, *task.call): task for task in tasks}
        while busy:
            done, _ = wait(busy, LOOK_SECONDS, FIRST_COMPLETED)
            if self._client.status != "running":
                raise RunError(
                    f"the Dask scheduler at {self._address} is gone: finished folds are kept; start it again and go on "
                    "with the same command"
                )
            if tick is not None:
                tick()
            for future in done:
                task = busy.pop(future)
                yield task, self._outcome(future, task)

    def _outcome(self, future: Future[Any], task: Task) -> Any:
        from distributed import KilledWorker

        try:
            if isinstance(future.exception(), KilledWorker):
                late = f", or it took longer than fold_timeout={task.timeout:g} seconds" if task.timeout else ""
                reason = f"the Dask workers that had it died (killed, or out of memory){late}"
                return Failure(reason, f"{reason}\n{future.exception()}")
        except CancelledError:
            return Failure("the Dask scheduler took it back", "cancelled")
        return outcome_of(future, task)


def quiet() -> None:
    """No log line of Dask's: of a scheduler that goes away it prints pages, which `run` says in one sentence."""
    for name in ("distributed", "tornado"):
        for handler in logging.getLogger(name).handlers:
            handler.setLevel(logging.CRITICAL + 1)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def serve(function: Callable[..., Any], arguments: tuple[Any, ...], timeout: float | None) -> Any:
    """In a worker of Dask's: prepare_worker in the process on its first task, then compute one task at a time."""
    with ONE_AT_A_TIME:
        settle_as_guest()
        return attempt(function, arguments, timeout)
