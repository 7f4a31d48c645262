"""One process with PyTorch imported, of which the folds and features of all pages are copies.

Each `mebench run` starts such a process, which takes seconds; while the site is built, all share one. Folds remain in processes of
their own, as isolated as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mebench.sandbox import isolation
from mebench.sandbox.isolation import ForkServer, Worker

OF_MOST = (
    "cv2",
    "mebench.features.tvl1",
    "mebench.runner.fold",
    "mebench.training",
    "safetensors.torch",
    "scipy.signal",
    "torch._dynamo",
)
"""Modules that the runs of most pages import."""
_shared = ForkServer()


class SharedServer(ForkServer):
    """The fork server of all pages; after a run only its copies end."""

    def __init__(self) -> None:
        self.__dict__ = _shared.__dict__

    def warm_up(self, imports: Iterable[str]) -> None:
        """Nothing: a copy imports by itself what is not in `OF_MOST`."""

    def close(self) -> None:
        """End the copies."""
        self.copies.clear()
        self.end_orphans(None)


class SharedWorker(Worker):
    """A copy of the shared process, also where a run starts a new program."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        server: ForkServer | None = None,
        modules: Iterable[str] = (),
    ) -> None:
        super().__init__(environment, server or SharedServer(), modules)


def share(imports: Iterable[str] = OF_MOST) -> None:
    """Let all runs in this process and in its copies take copies of one fork server, which this starts."""
    _shared.warm_up(imports)
    _shared._server.ensure_running = lambda: (
        None
    )  # a copy of this process cannot ask after a process that is not its child
    vars(isolation).update(ForkServer=SharedServer, Worker=SharedWorker)
