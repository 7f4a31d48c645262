"""An isolated process, and the messages between it and its host.

The host starts a process, sends it a call, and answers its requests until it sends a result or ends. There are four
messages:

- host to process, once for each call: `(plugins, call, asks, grant)`: folders with more plugins, the pickled function
with its arguments, whether it may send requests, and its access from then on;
- process to host: `(QUESTION, (word, *arguments))`;
- host to process, for each question: `(answer, error)`, one of them None; a `Mapped` array brings its open file along;
- process to host, last: `(RESULT, answer or Failure)`.

What comes from the process is plain data (see `encode`): nothing that it sends is unpickled, and no code comes along.
"""

import dataclasses
import json
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from multiprocessing import forkserver, reduction
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from mebench.atomic import scratch_folder, sweep_dead_sockets
from mebench.config import registry
from mebench.core import Prediction, Timing
from mebench.core.history import Epoch
from mebench.core.peaks import Curve, ScoreCurve
from mebench.errors import MebenchError, PluginError, describe_error, find_plugin_line
from mebench.features.face_detection import NoFaceError
from mebench.features.pipeline import ComputeCost
from mebench.features.store import StoredArray
from mebench.runs import ClipPrediction, FoldResult
from mebench.sandbox import confinement
from mebench.sandbox.confinement import enter_sandbox, hide_memory, is_refusal
from mebench.sandbox.fold_output import FoldOutput, print_into
from mebench.sandbox.grant import Grant
from mebench.sandbox.inheritance import forget_host, kept_variables, only_kept_variables, untold_program
from mebench.sandbox.process import THREADS, prepare_worker
from mebench.system import (
    FORKS,
    KILLED,
    children_of,
    descriptor_of_received,
    end_with_this_process,
    handle_for_sending,
    open_untimed,
)

PRELOAD = "MEBENCH_PRELOAD"
"""The variable that tells the fork server what to import, see `mebench.runner.preload`."""
SCRATCH = "mebench-fold-"
"""Beginning of the names of the folders in which folds may write."""
LOOK_SECONDS = 1.0
"""Interval of checks while waiting for a process."""

QUESTION = "question"
RESULT = "result"
_MADE = "made of"
"""The key of a map that stands for something else."""

Request = Callable[..., Any]
"""A request of a process to its host: a word and its arguments."""
Class = TypeVar("Class", bound=type)


# -- what went wrong ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a task has no answer.

    Attributes:
        reason: one sentence.
        details: a traceback where there is one, else the reason.
        error: the task's own `MebenchError`: trying again would not help.
        raised: whether the failure was an exception, after which the process goes on.
    """

    reason: str
    details: str
    error: MebenchError | None = None
    raised: bool = False


def call_safely(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """The answer of a function, or its exception as a `Failure`."""
    try:
        return function(*arguments)
    except BaseException as error:  # SystemExit too: it would travel on and end the whole run without a word
        return failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """An exception as the reason why there is no answer."""
    cause = error if isinstance(error, MebenchError) else None
    if confinement.refused and any(e is not None and is_refusal(e) for e in (error, error.__cause__)):
        cause = PluginError(f"{describe_error(error)}; {confinement.refused}")
        error = cause.with_traceback(error.__traceback__)
    reason = describe_error(error)
    line = find_plugin_line(error)
    if cause is None and line is not None:
        reason = f"{reason} ({line})"
    return Failure(reason, "".join(traceback.format_exception(error)), cause, raised=True)


def death_reason(code: int | None) -> str:
    """Why a process ended.

    Args:
        code: its exit code, or minus the number of the signal that ended it; None where unknown.
    """
    if code is None:
        return "its worker process died"
    if KILLED is not None and code == -KILLED:
        return "its worker process was killed, as the system does when memory runs out: use fewer workers=N"
    if code >= 0:
        return f"its worker process died (exit code {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"its worker process died ({name})"


# -- plain data --------------------------------------------------------------------------------------------------------------


def plain_data(cls: Class) -> Class:
    """Register a dataclass or an error that a process may send: it is made again from its fields, or its sentence."""
    _CLASSES[_name(cls)] = cls
    return cls


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


_PLAIN: tuple[type, ...] = (
    Prediction,
    Timing,
    Epoch,
    Curve,
    ScoreCurve,
    ClipPrediction,
    FoldResult,
    ComputeCost,
    Failure,
    MebenchError,
    NoFaceError,
    *MebenchError.__subclasses__(),
)
_CLASSES = {_name(cls): cls for cls in _PLAIN}


def encode(value: Any) -> list[bytes]:
    """Plain data as JSON, followed by the bytes of arrays.

    Plain are numbers, texts, bytes, arrays, lists, maps with text keys, and classes registered by `plain_data`.

    A tuple comes back as a list, unless it is a field of a dataclass.

    Raises:
        TypeError: something else is in it.
    """
    buffers: list[bytes] = []

    def plain(value: Any) -> Any:
        """A value as JSON can hold it; bytes and arrays go into the buffers."""
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, bytes):
            buffers.append(value)
            return {_MADE: ["bytes", len(buffers)]}
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            buffers.append(value.tobytes())
            return {_MADE: ["array", len(buffers), value.dtype.str, value.shape]}
        known = next((_name(cls) for cls in type(value).__mro__ if _name(cls) in _CLASSES), None)
        if isinstance(value, MebenchError):
            return {_MADE: ["object", known, str(value)]}
        if known == _name(type(value)):
            fields = [_plain_field(getattr(value, field.name)) for field in dataclasses.fields(value)]
            return {_MADE: ["object", known, *fields]}
        raise TypeError(f"its answer is not plain data but contains {type(value)}")

    return [json.dumps(value, default=plain).encode(), *buffers]


def _plain_field(field: Any) -> Any:
    """A field for JSON, which has no tuples."""
    if isinstance(field, tuple):
        return {_MADE: ["tuple", *field]}
    return field


def decode(parts: list[bytes]) -> Any:
    """The object that was given to `encode`.

    Raises:
        Exception: the parts are not what `encode` makes.
    """
    makers: dict[str, Callable[..., Any]] = {
        "bytes": lambda place: parts[place],
        "array": lambda place, dtype, shape: np.frombuffer(bytearray(parts[place]), dtype).reshape(shape),
        "tuple": lambda *items: items,
        "object": lambda name, *fields: _CLASSES[name](*fields),
    }

    def made(plain: dict[str, Any]) -> Any:
        return makers[plain[_MADE][0]](*plain[_MADE][1:]) if _MADE in plain else plain

    return json.loads(parts[0], object_hook=made)


def send(pipe: Connection, message: Any) -> None:
    """Send plain data, see `encode`."""
    parts = encode(message)
    pipe.send_bytes(str(len(parts)).encode())
    for part in parts:
        pipe.send_bytes(part)


def receive(pipe: Connection) -> Any:
    """The object that `send` sent at the other end."""
    return decode([pipe.recv_bytes() for _ in range(int(pipe.recv_bytes()))])


@dataclasses.dataclass(frozen=True)
class Mapped:
    """An array in a file that the host has opened: the process maps the open file without learning its name.

    Attributes:
        file: its path in the host, an open file in the process.
        offset: offset of its first number, in bytes.
        shape: shape of the array.
        dtype: dtype of its numbers.
        extra: metadata.
    """

    file: Any
    offset: int
    shape: tuple[int, ...]
    dtype: str
    extra: Mapping[str, Any]

    @classmethod
    def from_entry(cls, entry: StoredArray) -> "Mapped | StoredArray":
        """In the host: of an entry of the store; the entry itself if its array is in no file."""
        array = entry.array
        extra = dict(entry.extra)
        if isinstance(array, np.memmap) and array.filename is not None:
            return cls(array.filename, array.offset, array.shape, array.dtype.str, extra)
        return StoredArray(np.asarray(array), extra)

    def open_entry(self) -> StoredArray:
        """In the process: the entry, read-only."""
        return StoredArray(np.memmap(self.file, self.dtype, "r", self.offset, self.shape), self.extra)


def _answer(pipe: Connection, host: Callable[..., Any] | None, question: tuple[Any, ...], receiver: int) -> None:
    """Send the host's answer to a question, or its error.

    Args:
        pipe: connection to the process.
        host: function that answers.
        question: arguments of the function.
        receiver: number of the process.
    """
    answer = error = None
    try:
        assert host is not None, "nobody answers"
        answer = host(*question)
    except Exception as refusal:
        error = refusal
    if not isinstance(answer, Mapped):
        return pipe.send((answer, error))
    with open_untimed(Path(answer.file)) as opened:
        pipe.send((dataclasses.replace(answer, file="follows"), None))
        reduction.send_handle(pipe, handle_for_sending(opened.fileno()), receiver)
    return None


# -- the process that hosts --------------------------------------------------------------------------------------------------


@contextmanager
def fold_scratch() -> Iterator[str]:
    """A new folder in which one fold may write, removed afterwards."""
    with scratch_folder(SCRATCH) as folder:
        yield str(folder)


class Worker:
    """A process that starts with its first call, and again after it has died. It knows only the data sent to it.

    Args:
        environment: more variables for it.
        server: the fork server to copy; None for a new program that imports only what its calls need.
        modules: `module`s that a new program imports, or `module:name()` that it calls, while it waits for its first call.

    Attributes:
        left_files: folder, on a machine that does not share that of the run, for files that stay when a call is over; None for none.
    """

    left_files: Path | None = None

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        server: "ForkServer | None" = None,
        modules: Iterable[str] = (),
    ) -> None:
        self._environment = dict(environment or {})
        self._modules = tuple(modules)
        self._server = server if FORKS else None
        self._context = multiprocessing.get_context("spawn" if self._server is None else "forkserver")
        self._process: BaseProcess | None = None
        self._pipe: Connection
        self._output: FoldOutput | None = None
        self._end_group: Callable[[], None] | None = None
        self._closed = False

    def start(self, confined: bool = False) -> None:
        """Start the process unless it runs; returns at once.

        Args:
            confined: whether all its calls will come with a grant: then it takes over nothing that it does not need.
        """
        if self._process is not None:
            if _exit_code(self._process, 0) is None:
                return
            self._ended()
        self._pipe, theirs = multiprocessing.Pipe()
        variables = self._environment
        if self._server is not None or confined:
            variables = {**os.environ, **THREADS, **self._environment}
        if confined:
            variables = kept_variables(variables)
        printed = None
        if self._server is not None:
            self._output = FoldOutput()
            printed = self._output.process_end
        arguments = theirs, printed, variables, confined, self._modules
        self._process = self._context.Process(target=_serve, args=arguments)  # type: ignore[attr-defined]
        if self._server is not None:
            self._server.start(self._process, confined)
        else:
            with _ONE_AT_A_TIME, _as_started():
                self._process.start()
            if self._process.pid is not None:
                self._end_group = end_with_this_process(self._process.pid)
        theirs.close()
        if printed is not None:
            printed.close()
        if self._closed:
            self._kill()

    def scratch_folder(self) -> AbstractContextManager[str]:
        """A new folder for the files of one call, removed afterwards."""
        return fold_scratch()

    @property
    def printed(self) -> str:
        """The beginning of what the process of a fork server has printed."""
        return "" if self._output is None else self._output.kept

    def call(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        answer: Callable[..., Any] | None = None,
        plugins: Iterable[str] = (),
        timeout: float | None = None,
        grant: Grant | None = None,
    ) -> Any:
        """The answer of `function(*arguments)` in the process, or its exception or death as a `Failure`.

        Args:
            function: importable by name.
            arguments: any picklable values.
            answer: answers requests: where it is given, the function also gets a `Request` that calls it in this
                process.
            plugins: folders with more plugins, whose classes may be among the arguments.
            timeout: seconds after which the process is ended, or None.
            grant: the access of the process, set before it unpickles its call, see `mebench.sandbox.confinement`; None for
                everything.
        """
        if grant is not None:
            hide_memory()
        call = call_safely(pickle.dumps, ((function, arguments),))
        if isinstance(call, Failure):
            return dataclasses.replace(call, reason=f"it cannot be handed to a worker process: {call.reason}")
        try:
            self.start(confined=grant is not None)
            self._pipe.send((tuple(plugins), call, answer is not None, grant))
            ends = float("inf") if timeout is None else now() + timeout
            while self._speaks(ends):
                kind, content = receive(self._pipe)
                if kind == RESULT:
                    self._show_output()
                    return content
                _answer(self._pipe, answer, content, self._process_number())
            late = now() > ends
        except (EOFError, OSError):  # it died, or the fork server did
            late = False
        except Exception as error:  # its message has the wrong form
            self._kill()
            self._ended()
            return failure_of(error)
        if late:
            self._kill()
        code = self._ended()
        reason = f"it took longer than fold_timeout={timeout:g} seconds" if late else death_reason(code)
        return Failure(reason, reason)

    def close(self) -> None:
        """End the process for good, even in the middle of a call; a thread that waits for it gets a `Failure`."""
        self._closed = True
        self._kill()
        if self._process is not None:
            self._exit_code(self._process)

    def _speaks(self, ends: float) -> bool:
        """Wait for a message; False where the process has ended or the time is over."""
        process = self._process
        prints = self._show_output()
        while process is not None and now() <= ends:
            heard: list[Any] = [self._pipe, process.sentinel, *([self._output] if prints else [])]
            ready = wait(heard, min(LOOK_SECONDS, max(ends - now(), 0)))
            prints = prints and self._show_output()
            if self._pipe in ready:
                return True
            if _exit_code(process, 0) is not None:
                return False
        return False

    def _show_output(self) -> bool:
        """Show what the process has printed; False where no more can come."""
        return self._output is not None and self._output.show()

    def _process_number(self) -> int:
        """The number of the process under which others send to it; 0 where none was started."""
        if self._process is None or self._process.pid is None:
            return 0
        return self._process.pid

    def _kill(self) -> None:
        """End the process at once, if it runs."""
        if self._process is not None and self._process.pid is not None:
            self._process.kill()

    def _ended(self) -> int | None:
        """The exit code of the process, which has ended or is about to; None where it never began."""
        process = self._process
        self._process = None
        self._pipe.close()
        code = None if process is None else self._exit_code(process)
        if self._output is not None:
            self._output.close()
        return code

    def _exit_code(self, process: BaseProcess) -> int | None:
        """The exit code of the process; what it left running is ended."""
        code = _exit_code(process)
        if self._server is not None:
            self._server.end_orphans(process.pid)
        end_group, self._end_group = self._end_group, None  # another thread may be here
        if end_group is not None:
            end_group()
        return code


def _exit_code(process: BaseProcess, seconds: float = float("inf")) -> int | None:
    """The exit code of a process if it ends within some seconds. The standard library can read it only once."""
    ends = now() + seconds
    while process.pid is not None:  # it was started
        with _ONE_AT_A_TIME:
            code = process.exitcode
        if code is not None or now() >= ends:
            return code
        wait([process.sentinel], LOOK_SECONDS)
    return None


_ONE_AT_A_TIME = threading.Lock()
"""Held while a process is started or its end is read."""
now = time.monotonic


@contextmanager
def _as_started(preload: str = "") -> Iterator[None]:
    """A context for starting programs: one thread for numeric libraries, the same modules.

    The user's script is hidden meanwhile, since the standard library would run it again in each of them.
    """
    more = {**THREADS, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), PRELOAD: preload}
    before = {name: os.environ.get(name) for name in more}
    script = sys.modules["__main__"]
    os.environ.update(more)
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class ForkServer:
    """A process with the slow imports done and no plugin code run, which `Worker` copies; it starts when first
    needed.

    Attributes:
        imports: modules that the process has imported; None while it does not run.
        copies: numbers of the processes that are copies of it.
    """

    def __init__(self) -> None:
        self._server: Any = forkserver.ForkServer()
        self._server.set_forkserver_preload(["mebench.runner.preload"])
        self.imports: set[str] | None = None
        self.copies = set[int | None]()

    def warm_up(self, imports: Iterable[str]) -> None:
        """Let it import `module`s or call `module:name()`; returns at once.

        A running server that lacks some of them is ended first, with its copies.
        """
        wanted = set(imports)
        if FORKS and (self.imports is None or not wanted <= self.imports):
            self.close()
            self.imports = wanted
            sweep_dead_sockets()
            with _ONE_AT_A_TIME, only_kept_variables(), _as_started(json.dumps(sorted(wanted))):
                self._server.ensure_running()

    def start(self, process: BaseProcess, confined: bool = False) -> None:
        """Let a process of the standard library begin as a copy of this one.

        Args:
            process: the process, not started yet.
            confined: true if it must not learn the words and the working folder of this program.
        """
        connect = forkserver.connect_to_new_process
        with _ONE_AT_A_TIME, _as_started(json.dumps(sorted(self.imports or ()))):
            vars(forkserver)["connect_to_new_process"] = self._server.connect_to_new_process
            try:
                with untold_program() if confined else nullcontext():
                    process.start()
            finally:
                vars(forkserver)["connect_to_new_process"] = connect
            self.copies.add(process.pid)

    def end_orphans(self, pid: int | None) -> None:
        """End processes that an ended copy left running: otherwise a fold could pass labels on to the next one."""
        with _ONE_AT_A_TIME:
            self.copies.discard(pid)
            with suppress(OSError):  # the server has ended
                while orphans := set(children_of(self._server._forkserver_pid)) - self.copies:
                    for orphan in orphans:
                        os.kill(orphan, signal.SIGKILL)
                    time.sleep(0.001)

    def close(self) -> None:
        """End it, if it runs, and its copies."""
        with _ONE_AT_A_TIME:
            if self._server._forkserver_pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._server._forkserver_pid, signal.SIGKILL)
                self._server._stop()
        self.imports = None
        self.copies.clear()


# -- the isolated process ----------------------------------------------------------------------------------------------------


def _serve(
    pipe: Connection, printed: Connection | None, variables: Mapping[str, str], confined: bool, modules: Iterable[str]
) -> None:
    """The program of the process: one call at a time, until the host closes the connection. Never returns.

    Args:
        pipe: connection to the host.
        printed: pipe for what is printed; None where it goes where the host prints.
        variables: variables of the environment; all that remain where the process will be confined, else further ones.
        confined: whether all calls come with a grant.
        modules: `module`s to import, or `module:name()` to call, before the first call.
    """
    try:
        if printed is not None:
            print_into(printed)
        prepare_worker()
        if confined:
            forget_host(variables, [pipe.fileno()])
        os.environ.update(variables)
        load_ahead(modules)
        while True:
            _answer_call(pipe, *pipe.recv())
    except (EOFError, OSError):  # the host is gone
        pass
    finally:
        os._exit(0)


def load_ahead(entries: Iterable[str]) -> None:
    """Import `module`s and call `module:name()`; what fails is left to the fold that needs it, which reports it."""
    for entry in entries:
        with suppress(Exception, SystemExit):
            found: Any = resolve_name(entry.removesuffix("()"))
            if entry.endswith("()"):
                found()


def _answer_call(pipe: Connection, plugins: Iterable[str], call: bytes, asks: bool, grant: Grant | None) -> None:
    """Send the result of one call, or its failure, to the host."""
    outcome = call_safely(_do_call, (pipe, plugins, call, asks, grant))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        send(pipe, (RESULT, outcome))
    except TypeError as error:
        send(pipe, (RESULT, failure_of(error)))


def _do_call(pipe: Connection, plugins: Iterable[str], call: bytes, asks: bool, grant: Grant | None) -> Any:
    """The result of one call, in a confined process where there is a grant."""
    if grant is None:
        registry.add_paths(plugins)
    elif grant != confinement.entered:
        tempfile.tempdir = os.environ["TMPDIR"] = str(grant.write[0])
        os.chdir(grant.write[0])
        enter_sandbox(grant)
    function, arguments = pickle.loads(call)
    if not asks:
        return function(*arguments)
    return function(*arguments, partial(_request, pipe))


def _request(pipe: Connection, *question: Any) -> Any:
    """The answer of the host to a question.

    Raises:
        Exception: the host refuses it.
    """
    send(pipe, (QUESTION, question))
    answer, error = pipe.recv()
    if error is not None:
        raise error
    if isinstance(answer, Mapped):
        return dataclasses.replace(answer, file=os.fdopen(descriptor_of_received(reduction.recv_handle(pipe)), "rb"))
    return answer
