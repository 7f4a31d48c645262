"""The processes in which a study turns stored frame scores into intervals again.

They hold neither an expression of the tested people nor a label of anybody. There is one for each inner fold, since the
trained weights that it is given belong to that fold alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

from mebench.core.types import Fold
from mebench.errors import RunError
from mebench.runner.host import FoldHost
from mebench.runner.plan import Plan
from mebench.runner.workers import WorkerPool, Workers
from mebench.runs import FoldResult
from mebench.sandbox import isolation
from mebench.sandbox.grant import Grant
from mebench.sandbox.isolation import Failure, ForkServer

MOST_PROCESSES = 8
"""Processes that wait for the next trial; of further folds, those that waited longest are ended."""


class KeptWorker:
    """A process that serves one fold of many trials, with one folder for its files.

    Args:
        server: the fork server that it is copied from.
    """

    printed = ""
    left_files = None

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        self._worker = isolation.Worker(server=server)
        self._places = ExitStack()
        self._folder = self._places.enter_context(isolation.fold_scratch())
        self._grant: Grant | None = None

    def scratch_folder(self) -> AbstractContextManager[str]:
        """The same folder for each call."""
        return nullcontext(self._folder)

    def call(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        answer: Callable[..., Any],
        plugins: Iterable[str],
        timeout: float | None,
        grant: Grant | None,
        /,
    ) -> Any:
        """See `Worker.call`; a call with another grant gets a new process."""
        if grant != self._grant:
            self._worker.close()
            self._worker = isolation.Worker(server=self._server)
        self._grant = grant
        return self._worker.call(function, arguments, answer, plugins, timeout, grant)

    def close(self) -> None:
        """End the process and remove its folder."""
        self._worker.close()
        self._places.close()


class Proposer:
    """Makes intervals again, in processes that it keeps until it is closed.

    Args:
        pool: pool of workers, whose fork server these processes are copied from where it has one.
    """

    def __init__(self, pool: Workers) -> None:
        self._owns_server = not isinstance(pool, WorkerPool)
        self._server = pool.server if isinstance(pool, WorkerPool) else isolation.ForkServer()
        self._workers = OrderedDict[str, KeptWorker]()

    def propose(self, plan: Plan, fold: Fold, stored: FoldResult, names: bool) -> FoldResult:
        """A stored result with intervals made again.

        Args:
            plan: plan of the trial.
            fold: one of its folds.
            stored: frame scores and models of the fold.
            names: whether a method that recognizes names the emotions of these intervals.

        Raises:
            MebenchError: the method failed.
        """
        self._server.warm_up(plan.imports)
        result = FoldHost.for_fold(plan, fold, stored, names)(self._worker_of(fold.key))
        if isinstance(result, Failure):
            raise result.error or RunError(f"fold {fold.key!r}: {result.reason}")
        return result

    def close(self) -> None:
        """End all processes."""
        while self._workers:
            _, worker = self._workers.popitem()
            worker.close()
        if self._owns_server:
            self._server.close()

    def _worker_of(self, key: str) -> KeptWorker:
        """The process of a fold, which becomes the last to be ended."""
        worker = self._workers.pop(key, None) or KeptWorker(self._server)
        self._workers[key] = worker
        if len(self._workers) > MOST_PROCESSES:
            _, oldest = self._workers.popitem(last=False)
            oldest.close()
        return worker
