"""One fork server for all pools of a test process: to load PyTorch takes seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mebench.sandbox import isolation

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
    """A fork server that goes on after a pool has ended; only its copies end."""

    def __init__(self) -> None:
        self.__dict__ = _kept.__dict__

    def warm_up(self, imports: Iterable[str]) -> None:
        known = self.imports or set()
        # A further module of a loaded library costs a copy less than a new server.
        if not libraries(imports) <= libraries(known):
            OwnServer.close(self)
            OwnServer.warm_up(self, {*imports, *known, *OF_MOST})

    def close(self) -> None:
        self.copies.clear()
        self.end_orphans(None)
