"""Work in a process that has never seen a label: forked from one that was set apart before this process saw any."""

import gc
import importlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import Any

from mebench.config import registry
from mebench.runner.workers import THREADS, Failure, attempt, death, die_with_parent, sentence

FORKS = sys.platform == "linux"
"""Whether a process may be forked once its libraries are loaded; where not, each piece of work takes a fresh one, and seconds."""
WARM = ("mebench.runner.fold", "mebench.training", "safetensors.torch")
"""What every fold imports."""

Answer = Callable[..., Any]


class Nursery:
    """A process without labels, with everything imported, of which each piece of work gets a copy.

    It is forked from this one, which must not know any label yet, or started afresh where this one has several threads, which a
    fork would leave behind in the middle of their work.
    """

    def __init__(self) -> None:
        self._control, theirs = multiprocessing.Pipe()
        if FORKS and _threads() == 1:
            self._pid = os.fork()
            if self._pid == 0:
                _close_all_but(theirs.fileno())
                _serve(theirs)
        else:
            program = [sys.executable, "-c", f"from mebench.runner import forks; forks.main({theirs.fileno()})"]
            paths = os.pathsep.join(filter(None, sys.path))
            environment = {**os.environ, **THREADS, "PYTHONPATH": paths}
            self._pid = subprocess.Popen(program, pass_fds=[theirs.fileno()], env=environment).pid
        theirs.close()

    def run(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        answer: Answer,
        plugins: Iterable[str] = (),
        modules: Iterable[str] = (),
        timeout: float | None = None,
    ) -> Any:
        """The answer of `function(*arguments, ask)` in a copy, or the `Failure` that its exception or its death is.

        Args:
            function: importable by name.
            arguments: plain data.
            answer: what `ask` calls, in this process.
            plugins: folders with more plugins.
            modules: imported before the copy is made, so that the next one has them, too.
            timeout: seconds after which the copy is ended, or None.
        """
        ours, theirs = multiprocessing.Pipe()
        self._control.send((tuple(plugins), tuple(modules)))
        send_handle(self._control, theirs.fileno(), self._pid)
        theirs.close()
        whole, content = False, b""
        try:
            with suppress(EOFError, OSError), ours:
                ours.send((function, arguments, timeout))
                while not whole and ours in wait([ours, self._control]):
                    whole, content = ours.recv()
                    if not whole:
                        ours.send(_answered(answer, content))
        finally:
            code = self._ended()
        if whole:
            return pickle.loads(content)
        late = timeout is not None and code == -signal.SIGALRM
        reason = f"it took longer than fold_timeout={timeout:g} seconds" if late else death(code)
        return Failure(reason, reason)

    def close(self) -> None:
        """End it."""
        self._control.close()
        os.waitpid(self._pid, 0)

    def _ended(self) -> int:
        """How the copy ended."""
        try:
            return int(self._control.recv())
        except (EOFError, OSError):  # the one that was set apart is gone, and there cannot be another
            os.kill(os.getpid(), signal.SIGKILL)
            raise


_nursery: Nursery | None = None


def ready() -> None:
    """Set a process apart, unless there is one: from here on this one may see labels."""
    global _nursery
    if _nursery is None:
        _nursery = Nursery()


def apart(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    answer: Answer,
    plugins: Iterable[str] = (),
    modules: Iterable[str] = (),
    timeout: float | None = None,
) -> Any:
    """See `Nursery.run`."""
    global _nursery
    assert _nursery is not None, "this process may know labels: ready() must come before"
    found = _nursery.run(function, arguments, answer, plugins, modules, timeout)
    if not FORKS:
        _nursery = Nursery()
    return found


def main(handle: int) -> None:
    """The program of a process that is started afresh."""
    _serve(Connection(handle))


def _threads() -> int:
    with suppress(OSError):
        return len(list(Path("/proc/self/task").iterdir()))
    return threading.active_count()


def _serve(control: Connection) -> None:
    """Make copies of this process, one at a time, until nobody asks for them any more. Never returns."""
    try:
        die_with_parent()
        for name in WARM:
            importlib.import_module(name)
        while True:
            plugins, modules = control.recv()
            handle = recv_handle(control)
            with suppress(Exception):  # the copy will say it
                registry.add_paths(plugins)
                for name in modules:
                    importlib.import_module(name)
            gc.freeze()  # or the first collection of a copy would copy all memory
            if not FORKS:
                _work(Connection(handle))
                control.send(0)
                break
            pid = os.fork()
            if pid == 0:
                control.close()
                _work(Connection(handle))
                os._exit(0)
            os.close(handle)
            control.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    except (EOFError, OSError):
        pass
    finally:
        os._exit(0)


def _work(pipe: Connection) -> None:
    die_with_parent()
    function, arguments, timeout = pipe.recv()
    if timeout is not None:  # the system ends this process then: a hang in C never comes back to Python
        signal.setitimer(signal.ITIMER_REAL, timeout)

    def ask(*question: Any) -> Any:
        pipe.send((False, question))
        answer, error = pipe.recv()
        if error is not None:
            raise error
        return answer

    outcome = attempt(function, (*arguments, ask))
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        content = pickle.dumps(outcome)
    except Exception as error:
        content = pickle.dumps(Failure(sentence(error), "".join(traceback.format_exception(error)), raised=True))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pipe.send((True, content))


def _answered(answer: Answer, question: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return answer(*question), None
    except Exception as error:
        return None, error


def _close_all_but(kept: int) -> None:
    """Leave the pipes of the parent, whose death would go unnoticed while somebody holds their ends."""
    for handle in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
        if handle not in (0, 1, 2, kept):
            with suppress(OSError):
                os.close(handle)
