"""Stands in for worker processes, which take seconds to start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from mebench.runner.workers import attempt


class SameProcess(Executor):
    """Does each task at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False, kill_workers: bool = False) -> None:
        pass


def here(function: Callable[..., Any], arguments: tuple[Any, ...], answer: Callable[..., Any], **_: Any) -> Any:
    """Stands in for `forks.apart`: as blind, but what a module remembers stays."""
    return attempt(function, (*arguments, answer), None)
