"""Programs as copies of the fork server of the tests, which has loaded PyTorch: a program from nothing takes seconds for that."""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mebench.sandbox import isolation
from tests.helpers.kept_server import OF_MOST, KeptServer, OwnServer

FORK = multiprocessing.get_context("fork")


def printed_by(script: Path, *words: str) -> str:
    """What a script with a function `main` prints.

    Raises:
        AssertionError: it fails; its message says why.
    """
    server = KeptServer()
    server.warm_up(OF_MOST)
    worker = isolation.Worker(server=server)
    try:
        found = worker.call(_printed_by, (str(script), words))
    finally:
        worker.close()
    assert not isinstance(found, isolation.Failure), found.details
    return str(found)


def _printed_by(script: str, words: Sequence[str]) -> str:
    _heed_signals()
    file = Path(script)
    sys.path.insert(0, str(file.parent))
    sys.argv = [file.name, *words]
    with redirect_stdout(io.StringIO()) as printed:
        importlib.import_module(file.stem).main()
    return printed.getvalue()


def started(words: Sequence[str], output: Path) -> BaseProcess:
    """A run in a process group of its own, whose workers are its copies.

    Args:
        words: of the run.
        output: the file that gets what it prints.
    """
    server = KeptServer()
    server.warm_up(OF_MOST)
    process: Any = multiprocessing.get_context("forkserver").Process(target=_run, args=(tuple(words), str(output)))
    OwnServer.start(server, process)
    return process  # type: ignore[no-any-return]


def _run(words: Sequence[str], output: str) -> None:
    from mebench.config import resolve
    from mebench.errors import MebenchError
    from mebench.output.progress import Silent
    from mebench.runner.execute import execute_run

    os.setsid()
    _heed_signals()
    multiprocessing.get_context = lambda _=None: FORK  # type: ignore[assignment]
    isolation.ForkServer.warm_up = lambda *_: None  # type: ignore[method-assign]
    code = 0
    with Path(output).open("w") as file:
        try:
            execute_run(resolve(words), Silent())
        except MebenchError as error:
            print(error, file=file)
            code = error.exit_code
    os._exit(code)  # multiprocessing would wait for its children


def _heed_signals() -> None:
    """As a program does that a shell starts; the copies of a fork server are deaf."""
    heard = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    for number in heard:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)
