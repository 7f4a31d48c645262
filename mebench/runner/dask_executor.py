"""Workers on other machines, behind Dask's scheduler: the same tasks, the same answers."""

import hashlib
import json
import logging
import multiprocessing
import pickle
import threading
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mebench.config import registry
from mebench.errors import ConfigError, RunError
from mebench.runner.workers import Workers, WorkerTask
from mebench.runs import FoldResult
from mebench.runs.weights_file import WeightsFile, read_piece
from mebench.sandbox import isolation
from mebench.sandbox.isolation import LOOK_SECONDS, Failure, call_safely, failure_of
from mebench.sandbox.process import limit_threads

CONNECT_SECONDS = 30
MOST = 100
"""Jobs that are submitted at once: jobs for a thousand folds would fill the scheduler's memory."""
MOST_SENT = 8
"""Objects that many tasks have in common, at most, which the scheduler keeps for this program: two of a run."""
SERVER = isolation.ForkServer()
"""In a Dask worker: the process from which the processes of its tasks are forked."""
ONE_AT_A_TIME = threading.Lock()
"""Held by the task that runs in a worker process: two in one process would draw from one random stream."""


class DaskPool(Workers):
    """The workers of a Dask scheduler, however many there are at the time.

    Dask gives the task of a dead worker to another one, up to `distributed.scheduler.allowed-failures` times; one that
    still fails is tried once more, as in every pool. Workers run already, and each warms up for its first task.

    Args:
        address: address of the scheduler, such as `tcp://host:8786`, or the file that `dask scheduler --scheduler-file` writes.

    Raises:
        ConfigError: the extra is not installed, or the scheduler does not answer.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ConfigError('executor=dask needs the package distributed: pip install "mebench[dask]"') from None
        silence_dask()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of versions that differ: the tasks look at those that matter
                where = (
                    json.loads(Path(address).read_text("utf-8"))["address"] if address.endswith(".json") else address
                )
                self._client: Any = Client(where, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError, LookupError, TypeError) as error:
            raise ConfigError(
                f"no Dask scheduler answers at executor.address={address} ({type(error).__name__}): start one with "
                "dask scheduler, or fix the address"
            ) from None
        self._sent = OrderedDict[int, tuple[Any, Any]]()  # by the identity of the object, which is held as long
        self._address = address
        self._executor = self._client.get_executor(pure=False)
        self.size = len(self._client.nthreads())

    def stop(self) -> None:
        """Take all tasks back and leave the scheduler; its workers stay."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=5)

    def _pass(self, tasks: Sequence[WorkerTask], tick: Callable[[], None] | None) -> Iterator[tuple[WorkerTask, Any]]:
        """See `Workers`.

        Raises:
            RunError: the scheduler is gone.
        """
        from distributed import KilledWorker

        queue = deque(tasks)
        busy = dict[Future[Any], WorkerTask]()
        while queue or busy:
            while queue and len(busy) < max(MOST, 2 * self.size):
                task = queue.popleft()
                call = call_safely(pickle.dumps, ((task.function, task.arguments),))
                shared = [self._send_once(part) for part in task.shared]
                failures = [part for part in (call, *shared) if isinstance(part, Failure)]
                if failures:
                    yield task, failures[0]
                else:
                    busy[self._executor.submit(serve_task, call, task.plugins, task.hosted, *shared)] = task
            done, _ = wait(busy, LOOK_SECONDS, FIRST_COMPLETED)
            if self._client.status != "running":
                raise RunError(
                    f"the Dask scheduler at {self._address} is gone: finished folds are kept; start it again, then "
                    "give the same command to continue"
                )
            if tick is not None:
                tick()
            for future in done:
                task = busy.pop(future)
                try:
                    outcome = self._with_files(future.result(), task.files)
                except KilledWorker as error:
                    reason = "the Dask workers that had it died (killed, or out of memory)"
                    outcome = Failure(reason, f"{reason}\n{error}")
                except CancelledError:
                    outcome = Failure("the Dask scheduler took it back", "cancelled")
                except Exception as error:  # Dask's own, or what cannot travel
                    outcome = failure_of(error)
                yield task, outcome

    def _with_files(self, outcome: Any, folder: Path | None) -> Any:
        """The answer of a task, with its large file fetched piece by piece.

        Args:
            outcome: the answer.
            folder: folder of this machine for the file.

        Raises:
            Exception: the machine is gone, or the disk is full.
        """
        weights = outcome.weights if isinstance(outcome, FoldResult) else None
        if weights is None or folder is None or not weights.machine:
            return outcome
        return replace(outcome, weights=weights.fetch(self._pieces_of(weights), folder))

    def _pieces_of(self, weights: WeightsFile) -> Iterator[bytes]:
        """The bytes of a file of a worker, which removes it. Its tasks are not waited for."""
        machine = weights.machine
        place = 0
        while piece := self._client.run(read_piece, str(weights.path), place, workers=[machine])[machine]:
            yield piece
            place += len(piece)

    def _send_once(self, part: Any) -> Any:
        """A future of what many tasks have in common, or the `Failure` to pickle it.

        It is the result of a task, under a name that is the hash of its content: workers take it from one another and
        keep it, and the scheduler makes it again where the one that had it is lost.
        """
        if id(part) not in self._sent:
            packed = call_safely(pickle.dumps, (part,))
            if isinstance(packed, Failure):
                return packed
            name = f"mebench-{hashlib.sha256(packed).hexdigest()}"
            self._sent[id(part)] = part, self._client.submit(bytes, packed, key=name)
        self._sent.move_to_end(id(part))
        while len(self._sent) > MOST_SENT:
            self._sent.popitem(last=False)
        return self._sent[id(part)][1]


def silence_dask() -> None:
    """Silence Dask's log: it prints pages about a lost scheduler, which a run reports in one sentence."""
    for name in ("distributed", "tornado"):
        for handler in logging.getLogger(name).handlers:
            handler.setLevel(logging.CRITICAL + 1)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def serve_task(call: bytes, plugins: tuple[str, ...], hosted: tuple[str, ...] | None, *shared: bytes) -> Any:
    """Run one task in a Dask worker; a hosted task gets a process of its own.

    Args:
        call: the pickled function with its arguments.
        plugins: see `WorkerTask`.
        hosted: likewise.
        shared: likewise, each pickled.
    """

    def called() -> Any:
        registry.add_paths(plugins)
        function, arguments = pickle.loads(call)
        arguments = (*map(_open_shared, shared), *arguments)
        if hosted is None:
            return function(*arguments)
        # The worker of a nanny, Dask's default, is a daemon, which may have no processes: this one's end with their task.
        vars(multiprocessing.current_process())["_config"]["daemon"] = False
        SERVER.warm_up(hosted)
        worker = isolation.Worker(server=SERVER)
        address, worker.left_files = _dask_worker()
        try:
            return _name_machine(function(*arguments, worker), address)
        finally:
            worker.close()

    with ONE_AT_A_TIME:
        limit_threads()
        return call_safely(called, ())


def _dask_worker() -> tuple[str, Path | None]:
    """The address of the Dask worker around this task, and its folder. Neither is there outside one."""
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return "", None
    return worker.address, Path(worker.local_directory)


def _name_machine(outcome: Any, address: str) -> Any:
    """An answer whose large file, if there is one, says where it lies."""
    if not isinstance(outcome, FoldResult) or outcome.weights is None:
        return outcome
    return replace(outcome, weights=replace(outcome.weights, machine=address))


@lru_cache(maxsize=8)  # of a sweep, whose folds come run by run
def _open_shared(packed: bytes) -> Any:
    """What many tasks have in common, opened once in a Dask worker."""
    return pickle.loads(packed)
