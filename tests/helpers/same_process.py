"""Stands in for worker processes, which take seconds to start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from tempfile import TemporaryDirectory
from typing import Any

from mebench.sandbox import isolation


class SameThread(Executor):
    """Does each task at once, in this thread."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class NoServer(isolation.ForkServer):
    """In place of a fork server: loads nothing."""

    def warm_up(self, imports: Iterable[str]) -> None:
        pass


class SameProcess:
    """In place of a process: as blind, but what a module remembers stays."""

    printed = ""
    left_files = None

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def start(self) -> None:
        pass

    def scratch_folder(self) -> AbstractContextManager[str]:
        return TemporaryDirectory(prefix="mebench-fold-")

    def call(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        answer: Callable[..., Any] | None = None,
        *_: Any,
        **__: Any,
    ) -> Any:
        return isolation.call_safely(function, arguments if answer is None else (*arguments, answer))

    def close(self) -> None:
        pass


def stand_in(patch: Callable[[Any, str, Any], None]) -> None:
    """Let folds and features be computed in this process, and this thread.

    Args:
        patch: sets an attribute, as `monkeypatch.setattr` does.
    """
    from mebench.runner import workers
    from mebench.sandbox import isolation

    patch(isolation, "Worker", SameProcess)
    patch(isolation, "ForkServer", NoServer)
    patch(workers, "ThreadPoolExecutor", lambda *_, **__: SameThread())
