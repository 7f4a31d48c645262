"""Another operating system for mebench's own modules, in processes with this folder in PYTHONPATH.

`FAKED_SYSTEM` is `darwin` or `win32`. Libraries and the standard library stay those of Linux. What the other system lacks is missing
here: modules, functions, signals, `/proc`; what it counts otherwise is counted so. Backslashes, drives and real handles are not faked.
"""

import builtins
import ctypes
import errno
import multiprocessing
import os
import platform
import resource
import shutil
import signal
import sys
import types
from pathlib import Path

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


def load_kernel(name):
    """`ctypes.WinDLL`."""
    assert name == "kernel32"
    return types.SimpleNamespace(GetCurrentProcess=current_process, K32GetProcessMemoryInfo=count_memory)


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
    """Hide Linux' own places from mebench, and refuse to open a folder on Windows."""
    if (
        event not in ("open", "os.listdir", "os.scandir")
        or not isinstance(args[0], str | bytes | os.PathLike)
        or not calls_from_mebench()
    ):
        return
    path = os.fsdecode(args[0])
    if path.startswith(HIDDEN):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if IS_WINDOWS and event == "open" and args[1] is None and Path(path).is_dir():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def calls_from_mebench():
    """Whether the nearest frame outside the standard library's files and paths is mebench's."""
    frame, passed = sys._getframe(), ("sitecustomize", "pathlib", "os", "io", "contextlib", "shutil")
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in passed:
        frame = frame.f_back
    return frame is not None and is_own(frame.f_globals.get("__name__"))


if IS_WINDOWS:
    shutil._use_fd_functions = False  # which opens folders
if SYSTEM:
    modules, real_import = faked_modules(), builtins.__import__

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
