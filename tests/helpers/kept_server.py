"""One fork server for all pools of a test process: to load PyTorch takes seconds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from multiprocessing.process import BaseProcess

from mebench.runner import isolation

OwnServer = isolation.ForkServer
OF_MOST = (
    "cv2",
    "mebench.runner.fold",
    "mebench.training",
    "mebench.features",
    "numpy",
    "safetensors.torch",
    "scipy.signal",
    "torch",
)
"""What tests import: to add it later takes another start of two seconds."""
_kept = OwnServer()


def libraries(names: Iterable[str]) -> set[str]:
    """The packages of some modules."""
    return {re.split("[.:]", name)[0] for name in names}


class KeptServer(OwnServer):
    """Goes on after a pool has ended, but for its copies. What a copy is told of the environment is what a server of its own
    would have been told.
    """

    def __init__(self) -> None:
        self.__dict__ = _kept.__dict__

    def warm(self, imports: Iterable[str]) -> None:
        known = self._imports or set()
        if not libraries(imports) <= libraries(
            known
        ):  # a module of one that is loaded costs a copy less than a new server
            OwnServer.close(self)
            OwnServer.warm(self, {*imports, *known, *OF_MOST})

    def start(self, process: BaseProcess) -> None:
        pipe, environment, modules = process._args  # type: ignore[attr-defined]
        process._args = pipe, {**os.environ, **environment}, modules  # type: ignore[attr-defined]
        OwnServer.start(self, process)

    def close(self) -> None:
        self._copies.clear()
        self.end_orphans(None)
