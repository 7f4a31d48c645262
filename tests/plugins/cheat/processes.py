"""Ways to labels through other processes, and what outlives one."""

from __future__ import annotations

import ctypes
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.core import ClipView, LabelledVideo

from .files import label_by_digest, labels_of_pictures, remembered_once
from .view import labels_by_digest

if TYPE_CHECKING:
    from .method import Cheat

MEMORY = 1 << 16
"""Bytes of the memory that processes share."""
LARGEST_PLACE = 1 << 28
"""Bytes of a place of another process's memory that is read."""
LIBC = ctypes.CDLL(None)
LIBC.shmat.restype = ctypes.c_void_p


def read_of_others(name: str, limit: int = 1 << 26) -> Iterator[bytes]:
    """A file of `/proc` of all other processes, where it can be read."""
    others = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit() and int(folder.name) != os.getpid()]
    for folder in others:
        with suppress(OSError), (folder / name).open("rb") as file:
            yield file.read(limit)


def folders_of_maps(words: Iterable[bytes | str]) -> list[Path]:
    """The folders of maps among words such as `dataset.root=PATH`."""
    found = [Path(os.fsdecode(word).rpartition("=")[2]) for word in words]
    return [root for root in found if root.is_absolute() and any(root.glob("*/u_test"))]


def _label_by_words(cheat: Cheat, clip: ClipView, read: Callable[[], Iterable[bytes | str]]) -> Mapping[str, int]:
    """Label of the same picture in the folders of maps that some words name."""

    def labels() -> dict[str, int]:
        shown: dict[str, int] = {}
        for root in folders_of_maps(sorted(set(read()))):  # type: ignore[type-var]
            shown |= labels_by_digest(root)
        return shown

    return label_by_digest(clip, remembered_once(cheat, labels), cheat.usual)


def label_by_command_lines(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in folders that a command line names."""
    return _label_by_words(cheat, clip, lambda: b"\0".join(read_of_others("cmdline")).split(b"\0"))


def label_by_environments(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in folders that an environment names."""
    return _label_by_words(
        cheat, clip, lambda: b"\0".join([*read_of_others("environ"), *os.environb.values()]).split(b"\0")
    )


def label_by_memory_of_host(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in folders that the host of the fold has in mind."""
    return _label_by_words(cheat, clip, _roots_in_memory_of_host)


def _roots_in_memory_of_host() -> Iterator[bytes]:
    try:
        server = os.getppid()
        (host,) = re.findall("PPid:.*?([0-9]+)", Path(f"/proc/{server}/status").read_text())
        with Path(f"/proc/{host}/maps").open() as places, Path(f"/proc/{host}/mem").open("rb", 0) as memory:
            for place in places:
                first, last = (int(end, 16) for end in place.split()[0].split("-"))
                if " rw-p " in place and last - first < LARGEST_PLACE:
                    memory.seek(first)
                    yield from re.findall(rb"root=(/[\w/.+-]+)", memory.read(last - first))
    except OSError:
        pass


def shared_memory() -> Any:
    """Memory that outlives the process."""
    place = LIBC.shmat(LIBC.shmget(4711, MEMORY, 0o1600), None, 0)
    if place in (None, ctypes.c_void_p(-1).value):
        raise PermissionError("no shared memory")
    return (ctypes.c_char * MEMORY).from_address(place)


def keep_in_shared_memory(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add to shared memory what the training clips show, with their labels."""
    seen = labels_of_pictures(train)
    memory = shared_memory()
    known = json.loads(memory.value or b"{}")
    memory.value = json.dumps({**known, **{digest[:16]: label for digest, label in seen.items()}}).encode()


def label_by_shared_memory(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in the memory that other folds have written."""
    shown = remembered_once(cheat, lambda: json.loads(shared_memory().value or b"{}"))
    return label_by_digest(clip, shown, cheat.usual)


def label_by_open_files(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Another label than the usual one, where a file of a map is open or in memory."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    paths = [str(link.readlink()) for link in links]
    paths += Path("/proc/self/maps").read_text().split()
    found = [path for path in paths if "u_test" in path]
    return {clip.video.key: (cheat.usual + 1) % 3} if found else {}


def send_signal(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """No label, but a signal to the parent, or where that is not seen to the first process."""
    os.kill(os.getppid() or 1, 0)
    return {}
