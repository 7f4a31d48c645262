"""The sandbox of a method's process: Landlock for files; no network, no other process, no privileges. On macOS it is Seatbelt.

Linux keeps each restriction for the rest of the process, root or not, and passes it on to whatever the process starts. Nothing is
installed and no privilege is needed: the kernel's own system calls are called by number, which is the same on every architecture
for Landlock (Linux 5.13) and given per architecture for the filter of system calls.

| part | what it keeps from the process | by |
|---|---|---|
| files | every file and folder that is not granted, `/proc/<pid>/mem` and `environ` of others among them | Landlock, ABI 1 |
| processes | tracing others, reading their memory, signalling them | Landlock (tracing), ABI 6 (signals), seccomp, undumpable |
| network | every new socket; what is open stays open | seccomp |
| terminal | typing on it, and reading it | seccomp, opened anew |
| privileges | all capabilities, and any that a program would bring | capset, `no_new_privs` |

macOS has another sandbox, see `mebench.sandbox.seatbelt`; other systems have none.

What outlives a process without being a file (queues, shared memory, keys) is refused, too. What a fold might leave at a file that the
next one reads is not: system calls and their commands are an allow list, see `mebench.sandbox.kernel_calls`, on which calls that mark a
file are pretended or unknown, and a view (`mebench.sandbox.file_view`) leaves no file in which a fold could look for marks but its own.
"""

from __future__ import annotations

import ast
import ctypes
import errno
import importlib
import os
import pkgutil
import platform
import re
import stat
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import product
from pathlib import Path

from mebench._installation import PACKAGE
from mebench.config.registry import PluginInfo
from mebench.errors import RunError, describe_error
from mebench.files import find_module_file
from mebench.runs.access_text import LANDLOCK, SEATBELT, describe_failed_trial
from mebench.sandbox.file_view import SWITCH, enter_view, is_view_possible
from mebench.sandbox.grant import Grant, Isolation
from mebench.sandbox.kernel_calls import MACHINES, filter_program
from mebench.sandbox.pipes import use_named_pipes
from mebench.sandbox.process_view import enter_process_view
from mebench.sandbox.seatbelt import find_reason_against, profile_of
from mebench.system import enter_seatbelt, isolating_system, open_descriptor

SANDBOX_PARTS = ("files", "processes", "network", "privileges")
"""The parts of a sandbox; a kernel may lack one."""

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_PATH_BENEATH = 1
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_TRUNCATE = 1 << 14
_IOCTL_DEVICE = 1 << 15
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights on files by the ABI that brought the last of them."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
"""Rights that a rule on a file, not a folder, may name."""
_SCOPE_SIGNALS = 1 << 1
_SCOPE_ABSTRACT_SOCKETS = 1 << 0

_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_FILTER = 2

REFUSED = (
    "in the sandbox a method can read Python, its own folder, the files among its settings and those that its "
    "config.yaml lists under reads, and open no connection: list the files it needs there, or use sandbox=off"
)
NO_VIEW = (
    "methods of this run cannot open files outside their reach, but can see whether they exist, how large and how old they "
    "are, and when they were read, by which one fold can tell another: their folds have no view of the files, which takes user "
    "namespaces, and neither a GPU nor Dask"
)
"""The warning of a run whose folds are confined, but by Landlock alone."""
SEEN_BESIDE_SEATBELT = (
    "methods of this run are isolated by Seatbelt, as a trial has just shown; they cannot open files outside their reach, but can "
    "see whether they exist, and the words and variables with which other programs of this user were started"
)
"""The warning of a run whose folds are confined by Seatbelt."""
MAC_FOLDERS = (
    *("/System/Library", "/System/Cryptexes", "/System/iOSSupport", "/System/Volumes/Preboot/Cryptexes"),
    *("/Library/Apple", "/Library/Frameworks", "/Library/Developer/CommandLineTools", "/private/var/db/timezone"),
    *(f"/usr/local/{name}" for name in ("opt", "Cellar", "Frameworks")),
    *(f"/opt/homebrew/{name}" for name in ("bin", "lib", "opt", "Cellar", "Frameworks", "share", "etc")),
    *(f"/opt/local/{name}" for name in ("bin", "lib", "libexec", "Library", "share", "etc")),
    *(f"{sys.base_prefix}/{name}" for name in ("Python", "Resources")),
)
"""Where macOS and its packages of programs (Homebrew, MacPorts, python.org) keep libraries, beside the usual folders."""
refused = ""
"""In a confined process: the sentence about what the system did not permit. It changes: read it from this file."""
entered: Grant | None = None
"""In a confined process: its access. It changes: read it from this file."""
LIBRARIES = ("cv2", "lightning", "mebench", "numba", "numpy", "pandas", "scipy", "sklearn", "torch")
"""Whose code may be run in a process before it is confined; of mebench not that of plugins."""


def python_files() -> tuple[Path, ...]:
    """Files that every Python program reads: the interpreter with its packages, the system's libraries, and facts about
    the machine.

    Only the folders that hold these are granted: `/usr/src` and other folders of `sys.path` may hold the runs of a user.
    """
    kept = ("bin", "lib", "lib32", "lib64", "libexec", "share", "etc", "ssl", "include", "cuda", "pyvenv.cfg")
    roots = ("/", "/usr", "/usr/local", *sorted({sys.prefix, sys.base_prefix, sys.exec_prefix}))
    packages = [place for place in sys.path if place.endswith("-packages")]
    libraries = [
        place for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if Path(place).name.startswith("lib")
    ]
    return (
        *(Path(root, name) for root, name in product(roots, kept)),
        *map(Path, ("/nix/store", *packages, *libraries)),
        *(Path("/proc", name) for name in FACTS),
        *(Path("/sys/devices/system/cpu", name) for name in ("online", "possible", "present", "kernel_max")),
        *(map(Path, MAC_FOLDERS) if sys.platform == "darwin" else ()),
    )


FACTS = (
    *(
        f"self/{name}"
        for name in ("auxv", "cmdline", "comm", "environ", "exe", "limits", "maps", "stat", "statm", "status")
    ),
    *("cpuinfo", "sys/vm/overcommit_memory", "sys/kernel/osrelease", "sys/kernel/ngroups_max"),
)
"""Files of `/proc` that tell of the process itself and of the processor. Others tell what else the machine did: by counters of processes,
of memory and of disks, by the network, by mounts. Not: `self/fd`, whose links bear numbers that the kernel counts for all.
"""
GPU_FACTS = tuple(
    map(
        Path,
        (
            *("/proc/self", "/proc/meminfo", "/proc/stat", "/proc/sys", "/proc/devices", "/proc/driver/nvidia"),
            *("/sys/devices", "/sys/class", "/sys/bus/pci", "/sys/fs/cgroup", "/sys/module"),
        ),
    )
)
"""Files and folders that drivers of GPUs read beside."""
DEVICES = tuple(Path("/dev", name) for name in ("null", "full", "random", "urandom"))
"""Devices that any calculation opens: the empty ones and sources of randomness."""
ZERO = Path("/dev/zero")
"""The device that is read alone: as memory that may be written it is a file that the kernel numbers for all."""


def gpu_devices(folder: Path = Path("/dev")) -> tuple[Path, ...]:
    """The devices of GPUs: those of NVIDIA's driver, also under WSL (`dxg`), and of AMD's."""
    return tuple(sorted(place for name in ("nvidia*", "dri", "kfd", "dxg") for place in folder.glob(name)))


def gives_view(accelerator: str) -> bool:
    """Whether folds of this machine see granted files alone; drivers of GPUs read files of many places."""
    return accelerator == "cpu" and is_view_possible()


def grant_access(
    plugins: Sequence[PluginInfo],
    reads: Iterable[Path] = (),
    modules: Iterable[str] = (),
    accelerator: str = "cpu",
) -> Grant:
    """The files that a process may read: Python, mebench, plugins, the run's grants, and the source code of imported
    user modules.

    Args:
        plugins: the plugins whose code runs there.
        reads: further files and folders.
        modules: modules of the user that a fold imports and this process has not.
        accelerator: device that trains; anything but `cpu` opens GPUs.
    """
    files = python_files() if accelerator == "cpu" else (*python_files(), *GPU_FACTS)
    known = tuple(f"{place}/" for place in (*files, PACKAGE))
    installed = set[str]()
    code = list[str]()
    for name, module in list(sys.modules.items()):
        package = name.partition(".")[0]
        if package in installed:
            continue
        file = vars(module).get("__file__")
        if isinstance(file, str) and file.startswith(known):
            installed.add(package)
        elif isinstance(file, str) and file.startswith("/") and file.endswith((".py", ".so")):
            code.append(file)
    code += [str(file) for file in map(find_module_file, modules) if file is not None]
    own = (*(info.folder for info in plugins), *map(_path, code), *reads)
    return Grant(
        read=(*files, PACKAGE, *own),
        copied=own,
        methods=tuple(info.folder.parent for info in plugins if info.module.startswith("mebench.methods.")),
        modules=tuple(map(_path, dict.fromkeys(map(os.path.dirname, code)))),
        devices=() if accelerator == "cpu" else gpu_devices(),
    )


_path = cache(Path)
"""The path of a file; each plan asks for those of all modules."""


@cache
def imports_before(folder: Path) -> tuple[str, ...]:
    """The imports of a plugin that are safe before a process is confined."""
    names = list[str]()
    for file in sorted(folder.glob("*.py")):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.Import):
                names += [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names += [f"{node.module}:{name.name}" for name in node.names]
    plugins = ("mebench.methods", "mebench.datasets", "mebench:")
    return tuple(name for name in names if re.split("[.:]", name)[0] in LIBRARIES and not name.startswith(plugins))


def find_isolation(grant: Grant | None = None, is_plain: bool = True) -> Isolation:
    """What isolates folds on this system, found without confining this process.

    Args:
        grant: their access, which macOS tries out; None for that of a method without files.
        is_plain: whether they train on the processor of this machine.
    """
    if sys.platform == "linux":
        lacks = _parts_missing_in_kernel()
        return Isolation("" if "files" in lacks else LANDLOCK, lacks)
    if sys.platform != "darwin":
        return Isolation("", SANDBOX_PARTS)
    reason = find_reason_against(grant or grant_access(()), is_plain)
    return Isolation("", SANDBOX_PARTS, reason) if reason else Isolation(SEATBELT, ())


def missing_parts() -> tuple[str, ...]:
    """The parts of `SANDBOX_PARTS` that this system does not give."""
    return find_isolation().lacks


def _parts_missing_in_kernel() -> tuple[str, ...]:
    """The parts of `SANDBOX_PARTS` that this kernel, of Linux, does not give."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Without a program a kernel that takes filters finds a bad address.
    takes_filters = libc.prctl(_PR_SET_SECCOMP, _FILTER, None, 0, 0) == -1 and ctypes.get_errno() == errno.EFAULT
    confines_calls = takes_filters and platform.machine() in MACHINES
    missing: list[str] = []
    if not landlock_version():
        missing.append("files")
    if not confines_calls:
        missing += ["processes", "network"]
    return tuple(missing)


def enter_sandbox(grant: Grant) -> None:
    """Confine this process for good, before any code of a plugin runs in it.

    Raises:
        RunError: this kernel lacks a part that the run relies on.
    """
    global refused, entered
    refused = REFUSED
    entered = grant
    _make_terminals_unreadable()
    if grant.view:
        _enter_view(grant)
    _prepare_imports(grant)
    _redirect_caches(grant.write[0])
    listed = (Path("/"),) if grant.view else ()  # it holds nothing but what is granted
    lacking = set(confine_process(grant, listed)) - set(grant.lacks)
    if lacking:
        raise RunError(
            f"a worker cannot isolate a method from {_meant(lacking)}, which the run requires: give all workers a "
            "kernel and a container that can, or use sandbox=off, after you have read the code of the method"
        )


def _prepare_imports(grant: Grant) -> None:
    """Let Python search the granted folders, and list each now, since it may not later."""
    search = importlib.import_module("mebench.methods").__path__
    search.extend(str(folder) for folder in grant.methods if str(folder) not in search)
    for folder in {*grant.methods, *grant.modules}:
        finder = pkgutil.get_importer(str(folder))
        if finder is not None:
            finder.find_spec("mebench")  # the finder keeps the list that it makes for this


def _make_terminals_unreadable() -> None:
    """Open the terminals among the standard streams for writing alone.

    A terminal keeps its answers to requests of one fold, where the next could read them.
    """
    for stream in filter(os.isatty, (0, 1, 2)):
        try:
            with Path(f"/proc/self/fd/{stream}").open("wb", 0) as unreadable:
                os.dup2(unreadable.fileno(), stream)
        except OSError:  # files of other users cannot be changed
            continue


def _redirect_caches(folder: Path) -> None:
    """Send the caches of compilers to a granted folder; compiled code of Numba is read, and nothing is stored."""
    os.environ.update(dict.fromkeys(("NUMBA_CACHE_DIR", "CUDA_CACHE_PATH", "TRITON_CACHE_DIR"), str(folder)))
    os.environ["JOBLIB_MULTIPROCESSING"] = "0"  # joblib would say in each fold that it may not share memory
    caching = sys.modules.get("numba.core.caching")
    if caching is None:
        return

    def store_nothing(*_: object) -> None:
        return None

    vars(caching)["_CacheLocator"].ensure_cache_path = store_nothing
    vars(caching)["Cache"].save_overload = store_nothing


def _enter_view(grant: Grant) -> None:
    """Let only granted files exist for this process, and of processes it alone.

    Raises:
        RunError: this system does not allow it, though it seemed to.
    """
    enter_process_view()
    try:
        enter_view(
            grant.read, (*grant.write, *grant.devices, *DEVICES, ZERO), grant.write[0], grant.copied, grant.in_memory
        )
    except OSError as error:
        raise RunError(
            f"a worker cannot hide the files outside a method's reach, as the run requires ({describe_error(error)}): set "
            f"{SWITCH}=0, and these files can be seen, but not be opened"
        ) from error


def is_refusal(error: BaseException) -> bool:
    """Whether an error is due to a file that is not granted."""
    if isinstance(error, PermissionError):
        return True
    named = error.filename if isinstance(error, FileNotFoundError) else None
    if entered is None or not entered.view or not isinstance(named, str) or not named.startswith("/"):
        return False
    return not any(Path(named).is_relative_to(place) for place in (*entered.read, *entered.write))


def confine_process(grant: Grant, listed: Sequence[Path] = ()) -> tuple[str, ...]:
    """Confine this process, its future threads and its children to the granted access; this cannot be undone.

    It takes about a millisecond. On Linux, threads that run already are not confined: call it before there are any.

    Args:
        grant: the access that remains.
        listed: further folders whose names may be listed, with all below.

    Returns:
        The parts of `SANDBOX_PARTS` that this kernel lacks; empty where the sandbox is complete.

    Raises:
        RunError: macOS refuses the profile, though a trial took it.
    """
    if grant.seatbelt and sys.platform == "darwin":
        _confine_by_seatbelt(grant, listed)
        return ()
    if sys.platform != "linux":
        return SANDBOX_PARTS
    hide_memory()
    libc = ctypes.CDLL(None, use_errno=True)
    # in this order: the filter of system calls comes last
    has_dropped_privileges = drop_privileges(libc)
    confines_files = _confine_files(libc, grant, listed)
    if grant.write and not grant.devices:
        use_named_pipes(grant.write[0])
    filters_calls = _filter_calls(libc, has_gpu=bool(grant.devices))
    confined = {
        "files": confines_files,
        "processes": filters_calls,
        "network": filters_calls,
        "privileges": has_dropped_privileges,
    }
    return tuple(part for part in SANDBOX_PARTS if not confined[part])


def _confine_by_seatbelt(grant: Grant, listed: Sequence[Path]) -> None:
    """Let Seatbelt refuse all that is not granted.

    Raises:
        RunError: it does not take the profile.
    """
    profile = profile_of(grant, (*_listable_packages(grant), *listed))
    try:
        enter_seatbelt(profile)
    except OSError as error:
        raise RunError(f"Seatbelt cannot isolate a method: {error}") from error


def _listable_packages(grant: Grant) -> list[Path]:
    """The packages among the folders to import from, whose names may be listed."""
    return [folder for folder in grant.modules if (folder / "__init__.py").is_file()]


def hide_memory() -> None:
    """Keep memory and environment of this process from others of the user, for good.

    A confined process cannot read them anyway where the kernel has Landlock; this holds without it, too. No debugger of the same user
    can attach to this process any more, and it leaves no core when it crashes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def landlock_version() -> int:
    """The Landlock version of the kernel; 0 where it has none or has it switched off."""
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, 1)))


def drop_privileges(libc: ctypes.CDLL) -> bool:
    """Give up capabilities and ways to new ones; whether the kernel agreed.

    Args:
        libc: C library of this process.
    """
    # version 3 of the interface, for this thread: two halves of three empty sets, effective, permitted, inheritable
    header = struct.pack("<Ii", 0x20080522, 0)
    nothing = bytes(24)
    dropped = libc.capset(header, nothing) == 0
    return bool(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and dropped)


def _ruleset_attributes(abi: int, handled: int) -> bytes:
    """The attributes of a ruleset, as long as this version of Landlock knows them: files, network, scopes."""
    if abi >= 6:
        return struct.pack("<QQQ", handled, 0, _SCOPE_SIGNALS | _SCOPE_ABSTRACT_SOCKETS)
    if abi >= 4:
        return struct.pack("<QQ", handled, 0)
    return struct.pack("<Q", handled)


def _add_rule(libc: ctypes.CDLL, ruleset: int, place: Path, rights: int) -> None:
    """Grant rights to a file or folder; nothing if it is not there, or not for this user."""
    with suppress(OSError), open_descriptor(place, os.O_PATH | os.O_CLOEXEC) as handle:
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        granted = rights if is_folder else rights & _OF_FILES
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("<Qi", granted, handle), 0)


def _confine_files(libc: ctypes.CDLL, grant: Grant, listed: Sequence[Path]) -> bool:
    """Let Landlock refuse all files outside a grant; False where the kernel cannot."""
    abi = landlock_version()
    if not abi:
        return False
    handled = _RIGHTS[max(version for version in _RIGHTS if version <= abi)]
    attributes = _ruleset_attributes(abi, handled)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for rights, places in (
            (_READ, (*grant.read, ZERO)),
            (_READ_DIR, (*_listable_packages(grant), *listed)),
            (handled, (*grant.write, *grant.devices, *DEVICES)),
        ):
            for place in places:
                _add_rule(libc, ruleset, place, rights & handled)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _filter_calls(libc: ctypes.CDLL, has_gpu: bool) -> bool:
    """Let a filter answer system calls in place of the kernel, see `mebench.sandbox.kernel_calls`."""
    machine = platform.machine()
    if machine not in MACHINES:
        return False
    program = filter_program(machine, has_gpu)
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, header, 0, 0) == 0)


def missing_sentence(without: Sequence[str], reason: str = "") -> str:
    """The remark of a run whose system lacks parts of the sandbox; empty where nothing is missing.

    Args:
        without: the missing ones of `SANDBOX_PARTS`.
        reason: why Seatbelt does not isolate them, if it was looked for.
    """
    if not without:
        return ""
    tried = describe_failed_trial(reason)
    return (
        f"this system does not isolate methods from {_meant(without)}{tried}: a method that searches there for labels is "
        f"not stopped; {isolating_system()} would stop it, and sandbox=on requires this"
    )


def _meant(parts: Iterable[str]) -> str:
    """Missing parts of the sandbox in words; on Linux with what would give them."""
    if sys.platform != "linux":
        plain = {"files": "files", "processes": "other processes", "network": "the network", "privileges": "privileges"}
        return ", ".join(plain[part] for part in SANDBOX_PARTS if part in parts)
    meant = {
        "files": "files (Landlock, Linux 5.13)",
        "processes": "other processes (seccomp)",
        "network": "the network (seccomp)",
        "privileges": "privileges (capset)",
    }
    return ", ".join(meant[part] for part in SANDBOX_PARTS if part in parts)
