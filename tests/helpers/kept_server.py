"""One fork server for all pools of a test process: to load PyTorch takes seconds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from multiprocessing.process import BaseProcess

from mebench.runner import isolation

OwnServer = isolation.ForkServer
_kept = OwnServer()


class KeptServer(OwnServer):
    """Goes on after a pool has ended, but for its copies. What a copy is told of the environment is what a server of its own
    would have been told.
    """

    def __init__(self) -> None:
        self.__dict__ = _kept.__dict__

    def warm(self, imports: Iterable[str]) -> None:
        known = self._imports or set()
        if not {*imports} <= known:
            OwnServer.close(self)
            OwnServer.warm(self, {*imports, *known})

    def start(self, process: BaseProcess) -> None:
        pipe, environment, modules = process._args  # type: ignore[attr-defined]
        process._args = pipe, {**os.environ, **environment}, modules  # type: ignore[attr-defined]
        OwnServer.start(self, process)

    def close(self) -> None:
        self._copies.clear()
        self.end_orphans(None)
