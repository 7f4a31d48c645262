"""All that differs between operating systems: locks, disks, limits, signals, ends of processes, memory.

No other file asks for the platform. On Linux everything is there. macOS has no end together with the parent, another sandbox and another
unit of memory; Windows has no locks of folders, no limits and fewer signals, and each of these has its substitute here, or nothing.
"""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

if sys.platform == "win32":
    import msvcrt
    import subprocess

    from filelock import FileLock, Timeout
else:
    import fcntl
    import resource

FORKS = sys.platform == "linux"
"""Whether a process may be forked once its libraries are loaded. On macOS libraries of the system abort in forked processes; Windows
cannot. There each process is started afresh, which takes seconds.
"""
STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""Signals beside Ctrl-C that ask the program to end: of a batch system, of a terminal that closes."""
KILLED = getattr(signal, "SIGKILL", None)
"""The signal that no process survives, sent where memory runs out; Windows has none."""
CAMERA_FORMAT = "v4l2" if sys.platform == "linux" else None
"""FFmpeg's name of the system's cameras, Video4Linux; None where nobody tried one."""
OPEN_FILES = (65_536, 10_240, 4_096)
"""Numbers of open files that are tried where the highest one is refused, as by macOS."""
WATCHED_EACH = 0.02
"""Seconds between two looks at a limit that the system does not keep."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Numbers of Linux' `prctl`."""
KILL_ON_JOB_CLOSE = 0x2000
"""Windows ends the processes of a job object whose last handle is closed, as it is when its owner dies."""
EXTENDED_LIMITS = 9
"""The number of `JobLimits` among what `SetInformationJobObject` sets."""
RIGHTS_TO_ASSIGN = 0x0001 | 0x0100
"""Rights to a process that its way into a job object takes: to end it, and to set its quota."""


class JobBasics(ctypes.Structure):
    """Windows' `JOBOBJECT_BASIC_LIMIT_INFORMATION`."""

    _fields_ = (
        ("seconds_of_process", ctypes.c_int64),
        ("seconds_of_job", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("most_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )


class JobTransfers(ctypes.Structure):
    """Windows' `IO_COUNTERS`."""

    _fields_ = tuple(
        (f"{unit}_{kind}", ctypes.c_uint64) for unit in ("calls", "bytes") for kind in ("read", "written", "other")
    )


class JobLimits(ctypes.Structure):
    """Windows' `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`."""

    _fields_ = (
        ("basics", JobBasics),
        ("transfers", JobTransfers),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_of_process", ctypes.c_size_t),
        ("peak_of_job", ctypes.c_size_t),
    )


def limits_of_system() -> str:
    """What mebench lacks on this system, and where it is complete; empty on Linux."""
    if sys.platform == "linux":
        return ""
    if sys.platform == "win32":
        return "methods are not kept in a sandbox here; WSL 2 is a Linux, where they are. All else works"
    if sys.platform == "darwin":
        return "Seatbelt isolates methods where a trial before the run shows it; nobody has seen it on a Mac. All else works"
    return f"nobody tried mebench on {sys.platform}; Linux has everything"


def isolating_system() -> str:
    """Where a method would be isolated from the labels, as the beginning of a sentence."""
    if sys.platform == "win32":
        return "WSL 2, which is a Linux,"
    if sys.platform == "darwin":
        return "a container with Linux"
    return "a kernel with Landlock, or a container that allows its calls and seccomp,"


def join_words(words: Iterable[str]) -> str:
    r"""A command with its words quoted as the system's shell needs it.

    A sign that moves the cursor, such as a line feed in the name of a folder, is written as bash and zsh read it.

    >>> join_words(["mebench", "resume", "my run", "a\nb"])
    "mebench resume 'my run' $'a\\nb'"
    """
    if sys.platform == "win32":
        return subprocess.list2cmdline(words)
    return " ".join(map(_quote_word, words))


def _quote_word(word: str) -> str:
    """A word for a POSIX shell."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(_ESCAPED.get(sign, sign) for sign in word)
    return f"$'{escaped}'"


_ESCAPED = {
    "\\": r"\\",
    "'": r"\'",
    **{chr(code): f"\\x{code:02x}" for code in (*range(32), 127)},
    "\n": r"\n",
    "\t": r"\t",
}
"""Signs within `$'…'`."""


def c_function(name: str) -> Any:
    """A function of the C library; None where there is none of that name."""
    if sys.platform == "win32":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


def has_seatbelt() -> bool:
    """Whether the system offers macOS' sandbox."""
    return sys.platform == "darwin" and c_function("sandbox_init") is not None


def enter_seatbelt(profile: str) -> None:
    """Confine this process and its children for good, by macOS' sandbox.

    Apple's headers have called `sandbox_init` deprecated since 2016 and name nothing else for programs outside the App Store. It may be
    gone in a later macOS, or change without a word: see `mebench.sandbox.seatbelt` for the trial that comes first.

    Args:
        profile: the rules, see `mebench.sandbox.seatbelt.profile_of`.

    Raises:
        OSError: the system refuses the profile, or has no such sandbox.
    """
    sandbox_init = c_function("sandbox_init")
    if sandbox_init is None:
        raise OSError("this system has no sandbox_init")
    sandbox_init.argtypes = (ctypes.c_char_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_char_p))
    sandbox_init.restype = ctypes.c_int
    error = ctypes.c_char_p()
    if sandbox_init(os.fsencode(profile), 0, ctypes.byref(error)) == 0:
        return
    reason = "no reason given" if error.value is None else error.value.decode(errors="replace").strip()
    sandbox_free_error = c_function("sandbox_free_error")
    if error.value is not None and sandbox_free_error is not None:
        sandbox_free_error.argtypes = (ctypes.c_char_p,)
        sandbox_free_error.restype = None
        sandbox_free_error(error)
    raise OSError(f"sandbox_init refuses the profile: {reason}")


def path_of_kernel(place: Path) -> Path:
    """The path of an existing file or folder as the kernel writes it: without links, on macOS in the case and form of the disk."""
    if sys.platform == "darwin" and hasattr(fcntl, "F_GETPATH"):
        with suppress(OSError), open_descriptor(place) as handle:
            return Path(os.fsdecode(fcntl.fcntl(handle, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))
    return Path(os.path.realpath(place))


@contextmanager
def open_descriptor(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """The descriptor of a file or folder, open within the block.

    Raises:
        OSError: it cannot be opened.
    """
    handle = os.open(path, flags)
    try:
        yield handle
    finally:
        os.close(handle)


def open_untimed(path: Path) -> BufferedReader:
    """A file opened for reading that keeps no time of it, where the system can.

    Raises:
        OSError: it cannot be opened.
    """
    return open(os.fspath(path), "rb", opener=_open_untimed)  # an array that is mapped from it knows the path as text


def _open_untimed(name: str, flags: int) -> int:
    """A descriptor by which reading leaves no time, unless the file is another user's."""
    with suppress(OSError):
        return os.open(name, flags | getattr(os, "O_NOATIME", 0))
    return os.open(name, flags)


def sync_to_disk(path: Path) -> None:
    """Write a file, or the names in a folder, through to disk.

    Windows writes names by itself, and flushes only what is open for writing.

    Raises:
        OSError: the disk is full, or fails.
    """
    if sys.platform == "win32":
        if path.is_dir():
            return
        with open_descriptor(path, os.O_RDWR) as handle:
            os.fsync(handle)
        return
    with open_descriptor(path) as handle:
        if sys.platform == "darwin" and hasattr(fcntl, "F_FULLFSYNC"):  # there fsync ends at the memory of the disk
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        else:
            os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Write all files below a folder through to disk, as far as possible.

    Raises:
        OSError: the disk fails.
    """
    if sys.platform == "win32":
        for file in folder.rglob("*"):
            if file.is_file():
                sync_to_disk(file)
        return
    syncfs = c_function("syncfs")
    with open_descriptor(folder) as handle:
        if syncfs is None or syncfs(handle) != 0:
            os.sync()


def listening_sockets() -> set[str] | None:
    """The paths of all sockets in use; None where the system does not tell.

    They are not asked by connecting: a fork server ends when a stranger does.
    """
    try:
        lines = Path("/proc/net/unix").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return {line.partition("/")[1] + line.partition("/")[2] for line in lines}


@contextmanager
def lock_folder(folder: Path, wait: bool = False) -> Iterator[None]:
    """Lock a folder within the block. Where a folder cannot be opened, a file beside it is locked.

    Raises:
        OSError: another process has the lock, or this is no folder.
    """
    if sys.platform == "win32":
        if not folder.is_dir():
            raise NotADirectoryError(str(folder))
        lock = FileLock(folder.with_name(f"{folder.name}.lock"), timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            raise BlockingIOError(f"another process has {folder}") from None
        try:
            yield
        finally:
            lock.release()
            with suppress(OSError):  # another process waits for it
                Path(lock.lock_file).unlink(missing_ok=True)
        return
    with open_descriptor(folder, os.O_RDONLY | os.O_DIRECTORY) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def exchange_names(one: Path, other: Path) -> bool:
    """Exchange the names of two folders at once; False where the system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    exchange = 2
    if sys.platform == "darwin":
        renamex_np = c_function("renamex_np")
        return renamex_np is not None and renamex_np(*names, exchange) == 0
    at_cwd = -100
    renameat2 = c_function("renameat2")
    return renameat2 is not None and renameat2(at_cwd, names[0], at_cwd, names[1], exchange) == 0


def peak_memory() -> float:
    """The most memory that this process had so far, in MiB."""
    if sys.platform == "win32":
        return _peak_working_set() / (1 << 20)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)  # macOS counts bytes, Linux KiB


def _peak_working_set() -> int:
    """The largest working set of this process on Windows, in bytes."""

    class Counters(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in ("peak", "now", *"abcdef")),
        )

    counters = Counters(size=ctypes.sizeof(Counters))
    kernel: Any = getattr(ctypes, "WinDLL", ctypes.CDLL)("kernel32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size)
    return int(counters.peak)


def limit_of_open_files() -> int | None:
    """Number of files that this process may open; None without a limit."""
    if sys.platform == "win32":
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


def open_many_files() -> None:
    """Raise the limit of open files, usually 1024, as far as the system allows.

    Each memory-mapped feature of a training video holds one, and so does the lock of each run of a sweep.
    """
    if sys.platform == "win32":
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (most, *OPEN_FILES):
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            return


@contextmanager
def limited_data(more: int) -> Iterator[None]:
    """Limit the memory of this process within the block.

    Only Linux keeps to such a limit. Elsewhere the peak is watched: whoever goes beyond gets a `MemoryError` as soon as Python runs again.

    Args:
        more: bytes beyond those that it has, on other systems than Linux beyond the most that it had.
    """
    if sys.platform != "linux":
        limit = peak_memory() + more / (1 << 20)
        with _raised_once(lambda: peak_memory() > limit, MemoryError):
            yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        with suppress(OSError, ValueError):
            lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
            about = dict(line.split(":", 1) for line in lines)
            resource.setrlimit(resource.RLIMIT_DATA, (int(about["VmData"].split()[0]) * 1024 + more, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@contextmanager
def limited_seconds(seconds: float, error: type[BaseException]) -> Iterator[None]:
    """Raise an error after so many seconds of the processor within the block.

    Only the main thread is limited. Windows has no such clock: there the time is watched.

    Args:
        seconds: their number; 0 for no limit.
        error: class of the error.
    """

    def stop(number: int, frame: Any) -> None:
        raise error

    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return
    if not hasattr(signal, "setitimer"):
        limit = time.process_time() + seconds
        with _raised_once(lambda: time.process_time() > limit, error):
            yield
        return
    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _raised_once(is_reached: Callable[[], bool], error: type[BaseException]) -> Iterator[None]:
    """Raise an error in this thread once a limit is reached within the block.

    Args:
        is_reached: function that says whether it is, called again and again by another thread.
        error: class of the error.
    """
    limited = ctypes.c_ulong(threading.get_ident())
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCHED_EACH):
            if is_reached():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(limited, ctypes.py_object(error))
                return

    watcher = threading.Thread(target=watch, daemon=True, name="mebench-limit")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def ignore_stops() -> None:
    """Ignore Ctrl-C and the other signals that ask to end; the parent decides."""
    with suppress(ValueError):  # not the main thread
        deaf = (signal.SIGINT, *STOPPING)
        for number in deaf:
            signal.signal(number, signal.SIG_IGN)
        if hasattr(signal, "pthread_sigmask"):  # Lightning installs its own handler during training
            signal.pthread_sigmask(signal.SIG_BLOCK, deaf)


def end_with_parent(parent: BaseProcess | None) -> None:
    """End this process together with its parent: a killed run leaves no workers.

    Args:
        parent: the process that started this one, of `multiprocessing.parent_process`; None for the main process.
    """
    prctl = c_function("prctl")
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, KILLED)
    elif parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True, name="mebench-parent").start()
    if parent is not None and not parent.is_alive():  # killed before these lines
        os._exit(1)


def _end_after(parent: BaseProcess) -> None:
    """Wait for the parent's end, then end this process."""
    parent.join()
    os._exit(1)


def end_with_this_process(process: int) -> Callable[[], None]:
    """Let Windows end a process, and all that it starts, with this one.

    They are put into a job object, which ends them when its handle is closed, even if this process is killed. Where a call fails, and on
    other systems, nothing changes: the process itself watches its parent, see `end_with_parent`.

    Args:
        process: number of a process that this one has started.

    Returns:
        What ends all of them at once; it does nothing where there is no job object.
    """
    if sys.platform != "win32":
        return _end_nothing
    kernel = _kernel_of_windows()
    job = kernel.CreateJobObjectW(None, None)
    if not job:
        return _end_nothing
    close_job = partial(kernel.CloseHandle, job)
    if _join_job(kernel, job, process):
        return close_job
    close_job()
    return _end_nothing


def _end_nothing() -> None:
    """End no process."""


def _join_job(kernel: Any, job: int, process: int) -> bool:
    """Put a process into a job object that ends with its handle; whether Windows agreed."""
    limits = JobLimits()
    limits.basics.flags = KILL_ON_JOB_CLOSE
    size = ctypes.sizeof(limits)
    if not kernel.SetInformationJobObject(job, EXTENDED_LIMITS, ctypes.byref(limits), size):
        return False
    handle = kernel.OpenProcess(RIGHTS_TO_ASSIGN, False, process)
    if not handle:
        return False
    joined = bool(kernel.AssignProcessToJobObject(job, handle))
    kernel.CloseHandle(handle)
    return joined


def _kernel_of_windows() -> Any:
    """Windows' kernel32, whose functions of job objects have their types: a handle has 64 bits."""
    kernel: Any = getattr(ctypes, "WinDLL", ctypes.CDLL)("kernel32")
    handle = ctypes.c_void_p
    number = ctypes.c_uint32
    truth = ctypes.c_int
    types: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "CreateJobObjectW": (handle, (ctypes.c_void_p, ctypes.c_wchar_p)),
        "SetInformationJobObject": (truth, (handle, ctypes.c_int, ctypes.c_void_p, number)),
        "OpenProcess": (handle, (number, truth, number)),
        "AssignProcessToJobObject": (truth, (handle, handle)),
        "CloseHandle": (truth, (handle,)),
    }
    for name, (result, arguments) in types.items():
        function = getattr(kernel, name)
        function.restype = result
        function.argtypes = arguments
    return kernel


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent ends, where the system allows it."""
    prctl = c_function("prctl")
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children_of(process: int) -> list[int]:
    """The running processes that a process started; none where the system does not tell."""
    try:
        return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split())]
    except (OSError, ValueError):
        return []


def keep_freed_memory() -> None:
    """Keep the memory that training frees: faulting it in again costs a fifth of a step."""
    m_mmap_threshold = -3
    m_trim_threshold = -1
    one_gib = 1 << 30
    mallopt = c_function("mallopt")
    if mallopt is not None:  # with another C library only time is lost
        mallopt(m_mmap_threshold, one_gib)
        mallopt(m_trim_threshold, one_gib)


def has_instructions(word: str) -> bool | None:
    """Whether the processor lists instructions of a name; None where this is unknown."""
    try:
        return word in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None


def mounted_systems() -> list[tuple[Path, str]]:
    """Places and kinds of mounted file systems; none where the system does not tell."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    mounted = []
    for _, point, kind, *_ in map(str.split, lines):
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)
        mounted.append((Path(place), kind))
    return mounted


def handle_for_sending(descriptor: int) -> int:
    """What another process gets of an open file: on Windows a handle."""
    if sys.platform == "win32":
        return msvcrt.get_osfhandle(descriptor)
    return descriptor


def descriptor_of_received(handle: int) -> int:
    """The descriptor of an open file that another process gave."""
    if sys.platform == "win32":
        return msvcrt.open_osfhandle(handle, os.O_RDONLY)
    return handle
