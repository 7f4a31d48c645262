"""Another operating system for mebench's own modules, in processes with this folder in PYTHONPATH.

`FAKED_SYSTEM` is `darwin` or `win32`. `FAKED_SEATBELT` says what `sandbox_init` of macOS does (nothing: it has none), `FAKED_FAILURE` names
a function of Windows' kernel that fails. Libraries and the standard library stay those of Linux. What the other system lacks is missing
here: modules, functions, signals, `/proc`; what it counts otherwise is counted so. Backslashes, drives and real handles are not faked.
"""

import builtins
import contextlib
import ctypes
import errno
import functools
import multiprocessing
import os
import platform
import resource
import shutil
import signal
import stat
import sys
import threading
import time
import types
from pathlib import Path

import seatbelt_rules

SYSTEM = os.environ.get("FAKED_SYSTEM", "")
IS_WINDOWS = SYSTEM == "win32"
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
LACKING = {
    "os": {
        "darwin": {"sched_getaffinity", "O_PATH", "memfd_create", "pidfd_open"},
        "win32": {
            *("sched_getaffinity", "O_PATH", "memfd_create", "pidfd_open", "fork", "O_NONBLOCK", "O_CLOEXEC"),
            *("O_DIRECTORY", "O_NOFOLLOW", "getuid", "geteuid", "killpg", "sync", "mkfifo", "uname", "sysconf"),
        },
    },
    "signal": {
        "darwin": set(),
        "win32": {
            *("SIGHUP", "SIGKILL", "SIGALRM", "SIGVTALRM", "SIGUSR1", "SIGCHLD", "SIGPIPE", "SIGQUIT"),
            *("setitimer", "ITIMER_VIRTUAL", "pthread_sigmask", "SIG_BLOCK", "alarm"),
        },
    },
}
LACKING_C = {"prctl", "renameat2", "syscall", "syncfs", "mallopt", "capset"}
HIDDEN = ("/proc", "/sys", "/dev/shm", "/dev/video")
OF_LINUX = ("/proc", "/sys", "/dev")
OPEN_FILES, MOST_OPEN_FILES = 256, 10_240
BYTES_IN_KIB = 1024


def is_own(name):
    """Whether a module is mebench's."""
    return isinstance(name, str) and (name == "mebench" or name.startswith("mebench."))


class Faked(types.ModuleType):
    """A module without some names, and with others in place of its own."""

    def __init__(self, real, lacking=(), **instead):
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _lacking=frozenset(lacking), **instead)

    def __getattr__(self, name):
        if name in self.__dict__["_lacking"]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self.__dict__["_real"], name)


class CLibrary:
    """The C library without what only Linux has."""

    def __init__(self, *args, **options):
        self.real = ctypes.CDLL(*args, **options)

    def __getattr__(self, name):
        if name in LACKING_C:
            raise AttributeError(f"symbol {name} is not found")
        if name in SEATBELT and not IS_WINDOWS and KIND:
            return SEATBELT[name]
        return getattr(self.real, name)


def load_library(name=None, *args, **options):
    """`ctypes.CDLL`; on Windows a library needs a name."""
    if IS_WINDOWS and name is None:
        raise TypeError("argument of type 'NoneType' is not iterable")
    return CLibrary(name, *args, **options)


def current_process():
    """`GetCurrentProcess` of Windows' kernel32."""
    return -1


def count_memory(process, counters, size):
    """`K32GetProcessMemoryInfo` of Windows' kernel32: the peak of this process, in bytes."""
    assert size == ctypes.sizeof(counters._obj)
    counters._obj.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_IN_KIB
    return 1


def enter_seatbelt(profile, flags, told):
    """`sandbox_init` of macOS: it keeps what the profile says (`holds`), or does something else that `FAKED_SEATBELT` names."""
    assert flags == 0
    if KIND == "refuses":
        told._obj.value = b"unbound variable: lsopen"
        return -1
    if KIND == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if KIND == "hangs":
        time.sleep(600)
    RULES.extend(seatbelt_rules.read_rules(os.fsdecode(profile)))
    sys.addaudithook(refuse_events)
    os.stat, os.lstat = asked_before(os.stat), asked_before(os.lstat)
    return 0


def free_error(told):
    """`sandbox_free_error` of macOS."""
    CALLS.append(("sandbox_free_error", told.value))


def refuse(subject):
    """Raise what macOS answers to something that is not permitted."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), subject)


def check(operation, subject):
    """Refuse an operation that the rules do not allow, unless `FAKED_SEATBELT` is `lets` with its name; `starves` refuses all writing."""
    if KIND == "starves" and operation == "file-write-create":
        refuse(subject)
    if f"lets {operation}" != KIND and not is_allowed(operation, subject):
        refuse(subject)


@functools.cache
def is_allowed(operation, subject):
    """Whether the rules allow an operation."""
    return seatbelt_rules.allows(RULES, operation, subject)


def check_path(operation, path):
    """`check` with the path as macOS' kernel knows it; what only Linux has is left out."""
    if not isinstance(path, str | bytes | os.PathLike) or getattr(AT_WORK, "here", False):
        return
    AT_WORK.here = True  # the way to the real path asks for links
    try:
        real = os.path.realpath(os.fsdecode(path))
        if not real.startswith(OF_LINUX):
            check(operation, real)
    finally:
        AT_WORK.here = False


def check_program(words):
    """Refuse a program that brings privileges, and one that is given a file to read: it is confined, too."""
    if STAT(words[0]).st_mode & stat.S_ISUID and KIND != "lets privileges":
        refuse(words[0])
    for word in words[1:]:
        if word.startswith("/"):
            check_path("file-read-data", word)


def refuse_events(event, args):
    """Hold events of Python against the rules."""
    if event == "open":
        is_written = (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        check_path("file-write-create" if is_written else "file-read-data", args[0])
    elif event in EVENTS_OF_PATHS:
        check_path(EVENTS_OF_PATHS[event], args[0])
    elif event == "socket.connect":
        check("network-outbound", str(args[1]))
    elif event == "os.kill" and args[0] != os.getpid():
        check("signal", "others")
    elif event == "subprocess.Popen":
        check_program(args[1])


def asked_before(look):
    """`os.stat` or `os.lstat`, of which Python tells no event."""

    def look_if_allowed(path, *args, **options):
        check_path("file-read-metadata", path)
        return look(path, *args, **options)

    return look_if_allowed


def create_job(attributes, name):
    """`CreateJobObjectW` of Windows' kernel32."""
    CALLS.append(("CreateJobObjectW", attributes, name))
    return 0 if FAILING == "CreateJobObjectW" else JOB


def set_job(job, kind, limits, size):
    """`SetInformationJobObject` of Windows' kernel32."""
    CALLS.append(("SetInformationJobObject", job, kind, hex(limits._obj.basics.flags), size))
    return FAILING != "SetInformationJobObject"


def open_process(rights, inherits, process):
    """`OpenProcess` of Windows' kernel32; the handle is the number of the process."""
    CALLS.append(("OpenProcess", hex(rights), inherits))
    return 0 if FAILING == "OpenProcess" else process


def assign_process(job, process):
    """`AssignProcessToJobObject` of Windows' kernel32."""
    CALLS.append(("AssignProcessToJobObject", job))
    if FAILING == "AssignProcessToJobObject":
        return 0
    IN_JOB.append(process)
    return 1


def close_handle(handle):
    """`CloseHandle` of Windows' kernel32; with the last handle of a job its processes end."""
    CALLS.append(("CloseHandle", "job" if handle == JOB else "process"))
    if handle == JOB:
        for process in IN_JOB:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    return 1


CALLS = []
IN_JOB = []
JOB = (1 << 40) + 4
FAILING = os.environ.get("FAKED_FAILURE")
KIND = os.environ.get("FAKED_SEATBELT")
RULES = []
STAT = os.stat
AT_WORK = threading.local()
SEATBELT = {"sandbox_init": enter_seatbelt, "sandbox_free_error": free_error}
EVENTS_OF_PATHS = {
    **dict.fromkeys(("os.listdir", "os.scandir"), "file-read-data"),
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.rename"), "file-write-unlink"),
    "os.link": "file-link",
}


def load_kernel(name):
    """`ctypes.WinDLL`."""
    assert name == "kernel32"
    return types.SimpleNamespace(
        GetCurrentProcess=current_process,
        K32GetProcessMemoryInfo=count_memory,
        CreateJobObjectW=create_job,
        SetInformationJobObject=set_job,
        OpenProcess=open_process,
        AssignProcessToJobObject=assign_process,
        CloseHandle=close_handle,
    )


def context_of(method=None):
    """`multiprocessing.get_context`; both systems start processes afresh."""
    if IS_WINDOWS and method not in (None, "spawn"):
        raise ValueError(f"cannot find context for {method!r}")
    return multiprocessing.get_context(method or "spawn")


def sync(descriptor):
    """`os.fsync`; Windows flushes only what is open for writing."""
    import fcntl

    if IS_WINDOWS and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return os.fsync(descriptor)


def usage_of(who):
    """`resource.getrusage`; macOS counts memory in bytes."""
    used = resource.getrusage(who)
    return types.SimpleNamespace(ru_maxrss=used.ru_maxrss * BYTES_IN_KIB)


LIMITS = {"files": (OPEN_FILES, resource.RLIM_INFINITY)}


def limit_of(which):
    """`resource.getrlimit`; macOS allows 256 open files, and says that there is no end."""
    return LIMITS["files"] if which == resource.RLIMIT_NOFILE else resource.getrlimit(which)


def set_limit(which, limits):
    """`resource.setrlimit`; macOS refuses more open files than its kernel allows, and no end of them."""
    is_refused = limits[0] == resource.RLIM_INFINITY or limits[0] > MOST_OPEN_FILES
    if which != resource.RLIMIT_NOFILE:
        resource.setrlimit(which, limits)
    elif is_refused:
        raise ValueError("current limit exceeds maximum limit")
    else:
        LIMITS["files"] = limits


def faked_modules():
    """The modules that mebench sees in place of Linux'."""
    modules = {
        "os": Faked(os, LACKING["os"][SYSTEM], name="nt" if IS_WINDOWS else "posix", fsync=sync),
        "sys": Faked(sys, (), platform=SYSTEM),
        "signal": Faked(signal, LACKING["signal"][SYSTEM]),
        "ctypes": Faked(ctypes, (), CDLL=load_library, WinDLL=load_kernel),
        "platform": Faked(platform, (), system=lambda: "Windows" if IS_WINDOWS else "Darwin"),
        "multiprocessing": Faked(multiprocessing, (), get_context=context_of),
    }
    if IS_WINDOWS:
        modules["msvcrt"] = types.SimpleNamespace(
            get_osfhandle=lambda descriptor: descriptor, open_osfhandle=lambda handle, _: handle
        )
    else:
        modules["resource"] = Faked(resource, (), getrusage=usage_of, getrlimit=limit_of, setrlimit=set_limit)
    return modules


def hide(event, args):
    """Hide Linux' own places from mebench; on Windows refuse to open a folder, and to remove what is open or mapped here."""
    if (
        event not in ("open", "os.listdir", "os.scandir", "os.remove")
        or not isinstance(args[0], str | bytes | os.PathLike)
        or getattr(AT_WORK, "here", False)
        or not calls_from_mebench()
    ):
        return
    path = os.fsdecode(args[0])
    if path.startswith(HIDDEN):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    is_folder = event == "open" and args[1] is None and Path(path).is_dir()
    if IS_WINDOWS and (is_folder or (event == "os.remove" and is_in_use(path))):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def is_in_use(path):
    """Whether this process has a file open, or mapped."""
    AT_WORK.here = True  # what is looked at is hidden from mebench
    try:
        mapped = {
            line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
        }
        opened = {os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()}
    finally:
        AT_WORK.here = False
    return os.path.realpath(path) in mapped | opened


def calls_from_mebench():
    """Whether the nearest frame outside the standard library's files and paths is mebench's."""
    frame = sys._getframe()
    passed = ("sitecustomize", "pathlib", "os", "io", "contextlib", "shutil", "tempfile", "weakref")
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in passed:
        if frame.f_code.co_name == "TemporaryFile":  # Windows removes it by itself, at its end
            return False
        frame = frame.f_back
    return frame is not None and is_own(frame.f_globals.get("__name__"))


if IS_WINDOWS:
    shutil._use_fd_functions = False  # which opens folders
if SYSTEM:
    modules = faked_modules()
    real_import = builtins.__import__

    def import_faked(name, globals=None, locals=None, fromlist=(), level=0):
        """`import` of another system, for mebench alone."""
        if level or not is_own((globals or {}).get("__name__")):
            return real_import(name, globals, locals, fromlist, level)
        if IS_WINDOWS and name in POSIX_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name not in modules:
            return real_import(name, globals, locals, fromlist, level)
        if name in sys.modules:
            real_import(name, globals, locals, fromlist, level)  # its parts
        return modules[name]

    builtins.__import__ = import_faked
    sys.addaudithook(hide)
