"""The system calls that a confined process may use. The filter of system calls (seccomp) is made of them here, too.

Everything is on a list. What is on none fails as if the kernel did not know it: libraries then take another way, as on older kernels.
So a call or a command that a later kernel brings is closed until somebody adds it here. The lists hold what Python, NumPy, PyTorch,
OpenCV and numba were seen to need (`benchmarks/kernel_calls.py`, `benchmarks/kernel_calls.json`), and their nearest relatives.

| a call is | if |
|---|---|
| heard | it is in `HEARD`, and the argument that `LIMITS` names has a value from there |
| pretended: success without effect | it would leave a mark that another fold can read, and honest code may ask for it |
| refused: no permission | it reaches other processes, the network, or what outlives the process; a sentence tells the user |
| unknown | it is on no list |

Numbers of calls are those of Linux' headers, by architecture.
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

Numbers = dict[str, tuple[int | None, int | None]]
"""Calls by name, with their numbers on x86_64 and aarch64; None where the architecture has no such call."""
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""The number that the kernel gives to each architecture, in the order of `Numbers`."""

_FILES: Numbers = {
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "open": (2, None),
    "openat": (257, 56),
    "creat": (85, None),
    "close": (3, 57),
    "close_range": (436, 436),
    "lseek": (8, 62),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "link": (86, None),
    "linkat": (265, 37),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "truncate": (76, 45),
    "ftruncate": (77, 46),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "copy_file_range": (326, 285),
    "sendfile": (40, 71),
    "splice": (275, 76),
    "tee": (276, 77),
    "umask": (95, 166),
    "getxattr": (191, 8),
    "lgetxattr": (192, 9),
    "fgetxattr": (193, 10),
    "listxattr": (194, 11),
    "llistxattr": (195, 12),
    "flistxattr": (196, 13),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "preadv2": (327, 286),
    "pwritev2": (328, 287),
}
"""Files and what goes through descriptors."""
_WAITING: Numbers = {
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "eventfd": (284, None),
    "eventfd2": (290, 19),
    "signalfd": (282, None),
    "signalfd4": (289, 74),
    "pause": (34, None),
}
"""Waiting for descriptors."""
_MEMORY: Numbers = {
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "msync": (26, 227),
    "mlock": (149, 228),
    "mlock2": (325, 284),
    "munlock": (150, 229),
    "membarrier": (324, 283),
}
"""Memory of the process."""
_PROCESSES: Numbers = {
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getpgid": (121, 155),
    "getpgrp": (111, None),
    "setpgid": (109, 154),
    "getsid": (124, 156),
    "setsid": (112, 157),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "rseq": (334, 293),
    "futex": (202, 98),
    "prctl": (157, 167),
    "arch_prctl": (158, None),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    "prlimit64": (302, 261),
    "getrusage": (98, 165),
    "times": (100, 153),
    "uname": (63, 160),
    "capget": (125, 90),
    "capset": (126, 91),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_getattr": (315, 275),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "getpriority": (140, 141),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "restart_syscall": (219, 128),
}
"""The process, its threads, its children, and facts about the machine."""
_SIGNALS: Numbers = {
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigqueueinfo": (129, 138),
    "rt_sigsuspend": (130, 133),
    "rt_tgsigqueueinfo": (297, 240),
    "sigaltstack": (131, 132),
}
"""Signals."""
_TIME: Numbers = {
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "alarm": (37, None),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "timer_create": (222, 107),
    "timer_settime": (223, 110),
    "timer_gettime": (224, 108),
    "timer_getoverrun": (225, 109),
    "timer_delete": (226, 111),
    "timerfd_create": (283, 85),
    "timerfd_settime": (286, 86),
    "timerfd_gettime": (287, 87),
}
"""Time."""
_MESSAGES: Numbers = {
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "getsockname": (51, 204),
    "getpeername": (52, 205),
    "getsockopt": (55, 209),
    "setsockopt": (54, 208),
}
"""Messages through connections that are open."""
HEARD: Numbers = {**_FILES, **_MEMORY, **_PROCESSES, **_WAITING, **_SIGNALS, **_TIME, **_MESSAGES}
"""Calls that reach the kernel."""
PRETENDED: Numbers = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "flock": (73, 32),
    "fadvise64": (221, 223),
    "readahead": (187, 213),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "sync_file_range": (277, 84),
}
"""Owners, times, modes and attributes of files, locks, what is kept in memory of a file, priorities and processors: nothing is done."""
REFUSED: Numbers = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "inotify_init": (253, None),
    "inotify_add_watch": (254, 27),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
}
"""New sockets, which are counted for all; what reads or drives another process; what outlives the process; what tells which files others
open.
"""


class Limit(NamedTuple):
    """The values of an argument with which a call reaches the kernel.

    Attributes:
        argument: place of the argument, from 0.
        error: error of all other values, as of a kernel that does not know them.
        values: values that are heard.
        flags: bits that may be set; None where single values count.
        never: bits that may not be set together.
        pretended: values that report success and do nothing.
    """

    argument: int
    error: int
    values: tuple[int, ...] = ()
    flags: int | None = None
    never: int = 0
    pretended: tuple[int, ...] = ()


def _open_flags() -> int:
    """All flags with which a file may be opened, as bits of this system; those that it lacks, as Windows does, are 0."""
    names = (
        *("O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL", "O_NOCTTY", "O_TRUNC", "O_APPEND", "O_NONBLOCK", "O_DSYNC"),
        *("O_SYNC", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_PATH", "O_TMPFILE"),
    )
    bits = _LARGE_FILES
    for name in names:
        bits |= int(getattr(os, name, 0))
    return bits


_LARGE_FILES = 0x8000 | 0x20000
"""O_LARGEFILE of x86_64 and of aarch64, which changes nothing on either; the other value is there O_NOFOLLOW."""
_NEW_NAMESPACES = 0x7E020000
"""Flags of `clone` that make a process with other mounts, users, networks or numbers of processes."""
_DESCRIPTOR_OF_PROCESS = 0x1000
_WHOLE = 0xFFFFFFFF
_SHARED, _WITHOUT_FILE = 0x1, 0x20
_MAP_FLAGS = _SHARED | 0x2 | 0x10 | _WITHOUT_FILE | 0x100 | 0x800 | 0x4000 | 0x20000 | 0x100000
"""Shared, private, fixed, anonymous, growing down, denying writers (an old no-op), without reserve, stack, fixed without replacing.

Not: filling with what is in memory already, which would tell what is.
"""
_NO_OPERATION = errno.EOPNOTSUPP
_OF_THIS_PROCESS, _BY_WALL_CLOCK = 0x80, 0x100
"""Flags of `futex`: only threads of this process meet, and by which clock one waits."""
_OWN_PROCESS_CLOCK, _OWN_THREAD_CLOCK = 0xFFFFFFFA, 0xFFFFFFFE
"""The clocks of the processor's time that a process and a thread have used themselves, as numbers of 32 bits."""

LIMITS: dict[str, Limit] = {
    "open": Limit(1, errno.EINVAL, flags=_open_flags()),
    "openat": Limit(2, errno.EINVAL, flags=_open_flags()),
    # Not memory without a file that a process shares with its children: the kernel numbers it as a file, for all.
    "mmap": Limit(3, _NO_OPERATION, flags=_MAP_FLAGS, never=_SHARED | _WITHOUT_FILE),
    "preadv2": Limit(5, _NO_OPERATION, flags=0),
    "pwritev2": Limit(5, _NO_OPERATION, flags=0),
    # Not with a descriptor of the new process, whose number the kernel counts for all.
    "clone": Limit(0, errno.EINVAL, flags=_WHOLE & ~_NEW_NAMESPACES & ~_DESCRIPTOR_OF_PROCESS),
    # Their own memory: normal, random, sequential, don't need, free, (don't) fork, (no) huge pages, (don't) dump, wipe, guards.
    # Pretended: will need, cold, page out, which load or drop pages that others share.
    "madvise": Limit(
        2, errno.EINVAL, values=(4, 8, 14, 15, 0, 1, 2, 10, 11, 16, 17, 18, 19, 102, 103), pretended=(3, 20, 21)
    ),
    # Doubles, flags of descriptors, and which an open file has. Pretended: locks, which other folds would see. Not: changed flags of an
    # open file, among them that reading leaves no time.
    "fcntl": Limit(1, errno.EINVAL, values=(0, 1030, 1, 2, 3), pretended=(6, 7, 37, 38)),
    # Waiting among the threads of this process. Whoever waits at a place of a file that folds share is waited for in vain: nobody is
    # woken there, and who would wait is told to look again. So it is with the end of a thread (`pthread_join`), which looks until it comes.
    "futex": Limit(
        1,
        errno.EAGAIN,
        values=(
            *range(_OF_THIS_PROCESS, _OF_THIS_PROCESS + 14),
            *range(_OF_THIS_PROCESS | _BY_WALL_CLOCK, (_OF_THIS_PROCESS | _BY_WALL_CLOCK) + 14),
        ),
        pretended=(1, 10),
    ),
    # What a terminal is (TCGETS, TIOCGWINSZ), closing on exec, waiting bytes, without blocking.
    "ioctl": Limit(1, errno.ENOTTY, values=(0x5401, 0x5413, 0x5451, 0x5450, 0x541B, 0x5421)),
    # An end with the parent, names of threads, what may be dumped, bounds of capabilities, no new privileges.
    "prctl": Limit(0, errno.EINVAL, values=(1, 2, 3, 15, 16, 23, 38, 39)),
    # Of the process itself alone: a limit, a session or a group of another one tells what that does.
    "prlimit64": Limit(0, errno.EPERM, values=(0,)),
    "getsid": Limit(0, errno.EPERM, values=(0,)),
    "getpgid": Limit(0, errno.EPERM, values=(0,)),
    # The machine's clocks and those of the process itself. Other numbers are clocks of other processes: what a host has worked.
    **{
        name: Limit(0, errno.EINVAL, values=(*range(12), _OWN_PROCESS_CLOCK, _OWN_THREAD_CLOCK))
        for name in ("clock_gettime", "clock_getres", "clock_nanosleep", "timer_create")
    },
    # Type, error, sizes of buffers, who is at the other end, whether it listens, protocol, domain. Not: the cookie, a number that the
    # kernel counts for all.
    "getsockopt": Limit(2, errno.ENOPROTOOPT, values=(3, 4, 7, 8, 17, 30, 38, 39)),
}
"""The values of arguments that are heard: of other values the kernel seems to know nothing. What is asked of another process is refused."""
GPU_COMMANDS = (ord("F"), ord("d"), ord("K"), ord("G"), 0)
"""Kinds of `ioctl` that drivers of GPUs use: NVIDIA's, the common one, AMD's, that of WSL; and unnamed ones of NVIDIA's memory."""
GPU_CALLS: Numbers = {
    "pipe": (22, None),
    "pipe2": (293, 59),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "get_mempolicy": (239, 236),
    "set_mempolicy": (238, 237),
    "mbind": (237, 235),
    "memfd_create": (319, 279),
}
"""Further calls that drivers of GPUs make: pipes and waiting for them, where memory lies, and files in memory. The kernel counts pipes and
these files for all."""

Instruction = tuple[int, int, int, int]
"""Operation, instructions to skip if true and if false, and a value."""
_LOAD = 0x20
_AND = 0x54
_EQUAL = 0x15
_AT_LEAST = 0x35
_ANSWER = 0x06
_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000
_COMMAND_KIND = 0xFF00


def filter_program(machine: str, has_gpu: bool = False) -> list[Instruction]:
    """The filter of an architecture, one of `MACHINES`.

    Args:
        machine: name of the architecture.
        has_gpu: whether devices of GPUs are granted, whose drivers use commands of their own.
    """
    place = list(MACHINES).index(machine)
    number, first_argument = 0, 16
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, MACHINES[machine]), (_ANSWER, 0, 0, _KILL), (_LOAD, 0, 0, number)]
    if machine == "x86_64":  # the same calls have other numbers in the 32-bit interface of 64-bit programs
        program += [(_AT_LEAST, 0, 1, 0x40000000), (_ANSWER, 0, 0, _KILL)]
    heard = {**HEARD, **GPU_CALLS} if has_gpu else HEARD
    for calls, verdict in ((heard, _ALLOW), (PRETENDED, _FAIL), (REFUSED, _FAIL | errno.EPERM)):
        for name, numbers in calls.items():
            called = numbers[place]
            if called is None:
                continue
            answer: list[Instruction] = [(_ANSWER, 0, 0, verdict)]
            if name in LIMITS:
                limit = LIMITS[name]._replace(never=0) if has_gpu else LIMITS[name]
                answer = _answer_to_values(limit, first_argument + 8 * limit.argument, has_gpu and name == "ioctl")
            program += [(_EQUAL, 0, len(answer), called), *answer]
    return [*program, (_ANSWER, 0, 0, _FAIL | errno.ENOSYS)]


def _answer_to_values(limit: Limit, place: int, is_gpu_command: bool) -> list[Instruction]:
    """The answer to a call by the value of its argument. The kernel reads the lower half of that.

    Args:
        limit: the values.
        place: place of the argument in what the filter sees.
        is_gpu_command: whether commands of GPUs are heard, too.
    """
    program: list[Instruction] = [(_LOAD, 0, 0, place)]
    if limit.never:
        program += [(_AND, 0, 0, limit.never), (_EQUAL, 0, 1, limit.never), (_ANSWER, 0, 0, _FAIL | limit.error)]
        program.append((_LOAD, 0, 0, place))
    for values, verdict in ((limit.values, _ALLOW), (limit.pretended, _FAIL)):
        for value in values:
            program += [(_EQUAL, 0, 1, value), (_ANSWER, 0, 0, verdict)]
    if limit.flags is not None:
        program += [(_AND, 0, 0, _WHOLE & ~limit.flags), (_EQUAL, 0, 1, 0), (_ANSWER, 0, 0, _ALLOW)]
    if is_gpu_command:
        program.append((_AND, 0, 0, _COMMAND_KIND))
        for kind in GPU_COMMANDS:
            program += [(_EQUAL, 0, 1, kind << 8), (_ANSWER, 0, 0, _ALLOW)]
    return [*program, (_ANSWER, 0, 0, _FAIL | limit.error)]
