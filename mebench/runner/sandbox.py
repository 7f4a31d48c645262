"""What a process that runs a method may reach: Landlock for files, and no network, no other process, no privileges.

Linux keeps each restriction for the rest of the process, root or not, and passes it on to whatever the process starts. Nothing is
installed and no privilege is needed: the kernel's own system calls are called by number, which is the same on every architecture
for Landlock (Linux 5.13) and given per architecture for the filter of system calls.

| part | what it keeps from the process | by |
|---|---|---|
| files | every file and folder that is not granted, `/proc/<pid>/mem` and `environ` of others among them | Landlock, ABI 1 |
| processes | tracing others, reading their memory, signalling them | Landlock (tracing), ABI 6 (signals), seccomp |
| network | every new socket; what is open stays open | seccomp |
| privileges | all capabilities, and any that a program would bring | capset, `no_new_privs` |
"""

from __future__ import annotations

import ctypes
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PARTS = ("files", "processes", "network", "privileges")
"""What a sandbox holds; a kernel may lack a part."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights on files by the ABI that brought the last of them."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
"""Rights that a rule on a file, not a folder, may name."""
_SCOPE_SIGNALS, _SCOPE_ABSTRACT_SOCKETS = 1 << 1, 1 << 0

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_FILTER, _ALLOW, _ERRNO_EPERM, _KILL = 2, 0x7FFF0000, 0x00050001, 0x80000000
_ARCHITECTURES = {
    # audit number; socket, ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd, io_uring_setup, bpf, perf_event_open, add_key
    "x86_64": (0xC000003E, (41, 101, 310, 311, 312, 438, 425, 321, 298, 248)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271, 272, 438, 425, 280, 241, 217)),
}
"""System calls that are refused: a new socket, and what reads or drives another process, or does so on its behalf."""


@dataclass(frozen=True)
class Grant:
    """What a confined process may still reach.

    Attributes:
        read: files and folders (with all below) to read and to run programs from; those that do not exist are passed over.
        write: folders to read and write, the first of them for temporary files; the usual devices are always among them.
    """

    read: tuple[Path, ...]
    write: tuple[Path, ...]


def python_files() -> tuple[Path, ...]:
    """What every Python program reads: the interpreter with its packages, the system's libraries, and facts about the machine.

    The folders of `sys.path` are not among them: in a checkout one of them holds runs and records.
    """
    system = (
        "/usr",
        "/bin",
        "/lib",
        "/lib64",
        "/etc",
        "/nix/store",
        "/proc/self",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
    )
    kernel = (
        "/proc/sys",
        "/proc/driver/nvidia",
        "/sys/devices",
        "/sys/class",
        "/sys/bus/pci",
        "/sys/fs/cgroup",
        "/sys/module/nvidia",
    )
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    return tuple(Path(place) for place in (*system, *kernel, *sorted(prefixes)))


def devices() -> tuple[Path, ...]:
    """The devices that a calculation opens: nothing, randomness, shared memory of its own, and NVIDIA's GPUs."""
    named = [Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom", "tty")]
    return (*named, *sorted(Path("/dev").glob("nvidia*")), *sorted(Path("/dev").glob("dri")))


def granted(plugins: Iterable[Path], reads: Iterable[Path] = ()) -> tuple[Path, ...]:
    """What a process reads in which plugins are at work: Python, mebench, the folders of the plugins, and what a run grants beside."""
    return (*python_files(), Path(__file__).parent.parent, *plugins, *reads)


def lacking() -> tuple[str, ...]:
    """The parts of `PARTS` that this kernel does not give, without confining anything; all of them where it is not Linux."""
    if sys.platform != "linux":
        return PARTS
    without = []
    if _landlock_abi() < 1:
        without.append("files")
    if platform.machine() not in _ARCHITECTURES or not Path("/proc/sys/kernel/seccomp").exists():
        without += ["processes", "network"]
    return tuple(without)


def confine(grant: Grant) -> tuple[str, ...]:
    """Confine this process, with all its threads to come and all that it starts, to what is granted; this cannot be taken back.

    It takes about a millisecond. Threads that run already are not confined: call it before there are any.

    Args:
        grant: what stays in reach.

    Returns:
        The parts of `PARTS` that this kernel does not give; empty where the sandbox is whole.
    """
    if sys.platform != "linux":
        return PARTS
    libc = ctypes.CDLL(None, use_errno=True)
    without = [] if _drop_privileges(libc) else ["privileges"]
    if not _confine_files(libc, grant):
        without.append("files")
    if not _filter_calls(libc):
        without += ["processes", "network"]
    return tuple(part for part in PARTS if part in without)


def hide_memory() -> None:
    """Keep the memory and environment of this process, which knows labels, from other processes of the same user.

    A confined process cannot read them anyway where the kernel has Landlock; this holds without it, too.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _landlock_abi() -> int:
    """The version of Landlock that the kernel speaks; 0 where it has none or has it switched off."""
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, 1)))


def _drop_privileges(libc: ctypes.CDLL) -> bool:
    # version 3 of the interface, for this thread: two halves of three empty sets, effective, permitted, inheritable
    header, nothing = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    dropped = libc.capset(header, nothing) == 0
    return bool(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and dropped)


def _confine_files(libc: ctypes.CDLL, grant: Grant) -> bool:
    abi = _landlock_abi()
    if not abi:
        return False
    handled = _RIGHTS[max(version for version in _RIGHTS if version <= abi)]
    scoped = _SCOPE_SIGNALS | _SCOPE_ABSTRACT_SOCKETS if abi >= 6 else 0
    attributes = struct.pack("<QQQ", handled, 0, scoped)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for rights, places in ((_READ, grant.read), (handled, (*grant.write, *devices()))):
            _allow(libc, ruleset, rights & handled, places)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, rights: int, places: Iterable[Path]) -> None:
    for place in places:
        with suppress(OSError):  # it is not there, or not for this user: nothing to grant
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
            try:
                of_it = rights if stat.S_ISDIR(os.fstat(opened).st_mode) else rights & _OF_FILES
                libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("<Qi", of_it, opened), 0)
            finally:
                os.close(opened)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """Refuse new sockets and what reads or drives other processes, by a filter in the kernel's classic BPF."""
    if (machine := platform.machine()) not in _ARCHITECTURES:
        return False
    audit, refused = _ARCHITECTURES[machine]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    program = [(load, 0, 0, 4), (equal, 1, 0, audit), (answer, 0, 0, _KILL), (load, 0, 0, 0)]
    if machine == "x86_64":  # the same calls have other numbers in the 32-bit interface of 64-bit programs
        program += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, _KILL)]
    program += [(equal, len(refused) - place, 0, number) for place, number in enumerate(refused)]
    program += [(answer, 0, 0, _ALLOW), (answer, 0, 0, _ERRNO_EPERM)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, header, 0, 0) == 0)


def missing_sentence(without: Sequence[str]) -> str:
    """What a run says where its kernel lacks parts of a sandbox; empty where nothing is missing."""
    if not without:
        return ""
    meant = {
        "files": "files (Landlock, Linux 5.13)",
        "processes": "other processes (seccomp)",
        "network": "the network (seccomp)",
        "privileges": "privileges (capset)",
    }
    parts = ", ".join(meant[part] for part in without)
    return f"this system does not keep methods from {parts}: a method that looks there for labels is not stopped"
