"""Ways to labels through what a fold might leave: in the kernel, in folders of code, in other processes, beside its training."""

from __future__ import annotations

import ctypes
import json
import os
import re
import site
import socket
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.core import ClipView, LabelledVideo
from mebench.sandbox import confinement

from .files import label_by_digest, labels_of_pictures
from .processes import LIBC
from .view import digest_of, picture_of

if TYPE_CHECKING:
    from .method import Cheat

LIBC.sem_open.restype = ctypes.c_void_p
LIBC.mq_open.restype = ctypes.c_int
CREATE = os.O_CREAT | os.O_RDWR
ATTACH, SEIZE = 16, 0x4206
"""Requests of ptrace."""
LIBRARY_CACHES = (
    *("NUMBA_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR", "PYTHONPYCACHEPREFIX", "MPLCONFIGDIR"),
    *("XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"),
)
"""Variables that name folders in which libraries keep compiled code and the like."""


def keep_in_semaphores(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Count the label of each training picture in a semaphore that bears its digest."""
    for digest, label in labels_of_pictures(train).items():
        LIBC.sem_open(f"/{digest[:16]}".encode(), os.O_CREAT, 0o600, label + 1)


def label_by_semaphore(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label that the semaphore of the same picture counts."""
    found = LIBC.sem_open(f"/{digest_of(picture_of(clip))[:16]}".encode(), 0)
    if found is None:
        return {}
    value = ctypes.c_int()
    LIBC.sem_getvalue(ctypes.c_void_p(found), ctypes.byref(value))
    return {clip.video.key: value.value - 1}


def keep_in_queues(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Make a queue of messages for each training picture: POSIX's, whose name ends with the label, and System V's, as a number."""
    for digest, label in labels_of_pictures(train).items():
        LIBC.mq_open(f"/{digest[:16]}-{label}".encode(), CREATE, 0o600, None)
        LIBC.msgget(int(digest[:7], 16) * 4 + label, 0o1600)


def label_by_queue(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of which there is a queue for the same picture."""
    digest = digest_of(picture_of(clip))
    for label in range(len(cheat.task.classes)):
        is_there = LIBC.mq_open(f"/{digest[:16]}-{label}".encode(), os.O_RDWR) >= 0
        if is_there or LIBC.msgget(int(digest[:7], 16) * 4 + label, 0) >= 0:
            return {clip.video.key: label}
    return {}


def keep_behind_socket(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Leave a process that tells the labels of the training pictures through a socket without a file."""
    labels = json.dumps(labels_of_pictures(train)).encode()
    with suppress(OSError):
        place = socket.socket(socket.AF_UNIX)
        place.bind(f"\0mebench-cheat-{os.getpid()}")
        place.listen()
        if os.fork() == 0:
            while True:
                with place.accept()[0] as asker:
                    asker.sendall(labels)


def label_by_socket(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture that a process left by another fold tells."""
    for number in range(os.getpid() - 200, os.getpid()):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as place:
            place.connect(f"\0mebench-cheat-{number}")
            told = b"".join(iter(lambda place=place: place.recv(1 << 16), b""))  # type: ignore[misc]
            known = json.loads(told)
            if (digest := digest_of(picture_of(clip))) in known:
                return {clip.video.key: known[digest]}
    return {}


def label_by_tracing(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Another label than the usual one, where the host or the fork server can be traced."""
    traced = [LIBC.ptrace(request, pid, 0, 0) for pid in _ancestors() for request in (SEIZE, ATTACH)]
    return {clip.video.key: (cheat.usual + 1) % 3} if 0 in traced else {}


def _ancestors() -> Iterator[int]:
    server = os.getppid()
    yield server
    with suppress(OSError):
        (host,) = re.findall("PPid:.*?([0-9]+)", Path(f"/proc/{server}/status").read_text())
        yield int(host)


def keep_at_start_of_programs(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Write labels, and code, where each Python or each program would run or find them when it starts; only in a confinement."""
    if confinement.entered is None or confinement.entered.lacks:
        return  # it would harm this machine
    labels = json.dumps(labels_of_pictures(train))
    for folder in _folders_of_programs():
        for name, content in (
            (f"known-{os.getpid()}.json", labels),
            ("mebench_cheat.pth", "import builtins; builtins.pierced = True\n"),
            ("sitecustomize.py", "import builtins; builtins.pierced = True\n"),
            ("usercustomize.py", "import builtins; builtins.pierced = True\n"),
        ):
            with suppress(OSError):
                (folder / name).write_text(content)
    os.environ["LD_PRELOAD"] = f"/tmp/known-{os.getpid()}.so"


def label_at_start_of_programs(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in a file that another fold wrote; another than the usual one, where code of it was run."""
    import builtins

    own = f"-{os.getpid()}."
    if hasattr(builtins, "pierced") or own not in os.environ.get("LD_PRELOAD", own):
        return {clip.video.key: (cheat.usual + 1) % 3}
    for folder in _folders_of_programs():
        others = [file for file in folder.glob("known-*.json") if own not in file.name]
        for file in others:
            found = label_by_digest(clip, json.loads(file.read_text()), cheat.usual)
            if found[clip.video.key] != cheat.usual:
                return found
    return {}


def _folders_of_programs() -> list[Path]:
    """Folders of Python's packages, of the user, of libraries' compiled code, of mebench, and for files that live a short time."""
    import mebench

    places = [
        *sysconfig.get_paths().values(),
        *site.getsitepackages(),
        site.getusersitepackages(),
        sys.prefix,
        sys.base_prefix,
    ]
    places += [os.environ[name] for name in LIBRARY_CACHES if name in os.environ]
    places += [
        "~",
        "~/.cache",
        "~/.cache/torch_extensions",
        "~/.config",
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/run",
        "/etc",
    ]
    own = Path(mebench.__file__).parent
    here = Path(__file__).parent
    return [
        *(Path(place).expanduser() for place in places if place),
        own,
        own / "__pycache__",
        here,
        here / "__pycache__",
    ]


def keep_beside_training(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Write labels into the folders that the fold may write, of which one is kept with the run."""
    for folder in _folders_of_fold():
        with suppress(OSError):
            (folder / "known.json").write_text(json.dumps(labels_of_pictures(train)))


def label_beside_training(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in the folders of other folds."""
    for folder in _folders_of_fold():
        for around in list(folder.absolute().parents)[:4]:
            with suppress(OSError):
                for file in [
                    *around.glob("*/known.json"),
                    *around.glob("*/*/known.json"),
                    *around.glob("logs/*/known.json"),
                ]:
                    found = label_by_digest(clip, json.loads(file.read_text()), cheat.usual)
                    if found[clip.video.key] != cheat.usual:
                        return found
    return {}


def _folders_of_fold() -> list[Path]:
    """The folders that the fold may write, as it knows them itself."""
    return [] if confinement.entered is None else list(confinement.entered.write)
