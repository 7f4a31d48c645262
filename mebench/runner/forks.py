"""Work in a process that has never seen a label: a copy of one that is there for nothing else."""

import gc
import importlib
import multiprocessing
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from mebench.config import registry
from mebench.runner.workers import THREADS, Failure, attempt, death, die_with_parent, prepare_worker, sentence

FORKS = sys.platform == "linux"
"""Whether a process may be forked once its libraries are loaded; where not, each piece of work takes a fresh one, and seconds."""

Answer = Callable[..., Any]


class Nursery:
    """A process that is started afresh, so that nothing of this one is in it, and of which each piece of work gets a copy.

    What takes seconds to import is imported before the copy is made. It is never forked from this process, which may know labels
    and have several threads, such as a worker of Dask's.
    """

    def __init__(self) -> None:
        self._control, theirs = multiprocessing.Pipe()
        program = [sys.executable, "-c", f"from mebench.runner import forks; forks.main({theirs.fileno()})"]
        environment = {**os.environ, **THREADS, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(program, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def warm(self, plugins: Iterable[str], modules: Iterable[str]) -> None:
        """Let it import modules, those of further plugins too, and call `module:function`; returns at once."""
        self._control.send((tuple(plugins), tuple(modules)))

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
        self.warm(plugins, modules)
        self._control.send(None)
        send_handle(self._control, theirs.fileno(), self._process.pid)
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
        reason = death(code, timeout)
        return Failure(reason, reason)

    def close(self) -> None:
        """End it."""
        self._control.close()
        self._process.wait()

    def _ended(self) -> int:
        """How the copy ended, or this one with it."""
        try:
            return int(self._control.recv())
        except (EOFError, OSError):
            return self._process.wait()


_nursery: Nursery | None = None


def warm(plugins: Iterable[str], modules: Iterable[str]) -> None:
    """See `Nursery.warm`."""
    _there().warm(plugins, modules)


def apart(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    answer: Answer,
    plugins: Iterable[str] = (),
    modules: Iterable[str] = (),
    timeout: float | None = None,
) -> Any:
    """See `Nursery.run`."""
    return _there().run(function, arguments, answer, plugins, modules, timeout)


def _there() -> Nursery:
    global _nursery
    if _nursery is None or _nursery.over:
        _nursery = Nursery()
    return _nursery


def main(handle: int) -> None:
    """The program of that process: make copies, one at a time, until nobody asks for them any more. Never returns."""
    control = Connection(handle)
    try:
        prepare_worker()
        while True:
            if (wanted := control.recv()) is not None:
                with suppress(Exception, SystemExit):  # the copy will say it
                    registry.add_paths(wanted[0])
                    for name in wanted[1]:
                        module, _, function = name.partition(":")
                        found = importlib.import_module(module)
                        if function:
                            getattr(found, function)()
                continue
            pipe = Connection(recv_handle(control))
            gc.freeze()  # or the first collection of a copy would copy all memory
            if not FORKS or (pid := os.fork()) == 0:
                _work(pipe)
                break
            pipe.close()
            control.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    except (EOFError, OSError):  # whoever asked is gone
        pass
    finally:
        os._exit(0)


def _work(pipe: Connection) -> None:
    die_with_parent()
    outcome = attempt(_asked, (pipe,), None)
    try:
        content = pickle.dumps(outcome)
    except Exception as error:
        content = pickle.dumps(Failure(sentence(error), "".join(traceback.format_exception(error)), raised=True))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pipe.send((True, content))


def _asked(pipe: Connection) -> Any:
    function, arguments, timeout = pipe.recv()

    def ask(*question: Any) -> Any:
        pipe.send((False, question))
        answer, error = pipe.recv()
        if error is not None:
            raise error
        return answer

    return attempt(function, (*arguments, ask), timeout)


def _answered(answer: Answer, question: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return answer(*question), None
    except Exception as error:
        return None, error
