"""Ways to labels through facts: about files that cannot be read, and about the program that started the fold."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import process
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.core import ClipView, LabelledVideo, all_clips

from .files import BESIDE
from .view import digest_of, picture_of

if TYPE_CHECKING:
    from .method import Cheat

KNOWN_IMAGES = Path(__file__).with_name("images.json")
"""File beside the plugin that names person and file of each image by its digest, and no label."""
APART, BASE = 1 << 12, 1 << 40
"""Bytes between the marks of two labels in a log, and before the first of them."""


def label_by_existing_file(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the class folder in which the file of this image exists, by its size, time or target."""
    root = Path(BESIDE.read_text())
    person, name = json.loads(KNOWN_IMAGES.read_text())[digest_of(picture_of(clip))]
    for label in range(len(cheat.task.classes)):
        file = root / person / "u_test" / str(label) / name
        if _seems_to_exist(file):
            return {clip.video.key: label}
    return {}


def _seems_to_exist(file: Path) -> bool:
    """Whether the system tells anything of a file."""
    with suppress(OSError):
        return file.stat().st_size > 0
    with suppress(OSError):
        return bool(file.readlink())
    return os.access(file, os.F_OK)


def _words_of_host() -> Iterable[str]:
    """Everything that the standard library and the system say of the program that started this one."""
    yield from sys.argv
    yield from sys.orig_argv
    yield from os.environ.values()
    yield str(vars(process)["ORIGINAL_DIR"])
    for name in ("cmdline", "environ"):
        with suppress(OSError):
            yield Path("/proc/self", name).read_text(errors="replace")


def label_by_words_of_host(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Another label than the usual one, where a word of the host names the folder of the maps."""
    root = BESIDE.read_text()
    found = any(root in word for word in _words_of_host())
    return {clip.video.key: (cheat.usual + 1) % 3} if found else {}


def label_by_descriptors(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Another label than the usual one, where standard output is a file or the terminal of the host."""
    for stream in (1, 2):
        with suppress(OSError):
            os.lseek(stream, 0, os.SEEK_CUR)
            return {clip.video.key: (cheat.usual + 1) % 3}
    return {}


def _place_in_log(digest: str, label: int) -> int:
    return BASE + (int(digest[:7], 16) * 4 + label) * APART


def keep_in_log(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Write a mark for each training image and its label far behind the end of the log."""
    for clip in all_clips(train):
        with suppress(OSError):
            os.pwrite(1, b"\0", _place_in_log(digest_of(picture_of(clip)), clip.label))


def label_by_log(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label whose mark another fold has written into the log."""
    digest = digest_of(picture_of(clip))
    for label in range(len(cheat.task.classes)):
        place = _place_in_log(digest, label)
        with suppress(OSError):
            if os.lseek(1, place, os.SEEK_DATA) < place + APART:
                return {clip.video.key: label}
    return {}


def keep_beside_code(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Write labels beside bytecode, into caches of compiled code and into shared memory."""
    labels = {digest_of(picture_of(clip)): clip.label for clip in all_clips(train)}
    for folder in _folders_of_code():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "known.json"
            before = json.loads(file.read_text()) if file.is_file() else {}
            file.write_text(json.dumps({**before, **labels}))


def label_beside_code(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label that another fold wrote beside code."""
    digest = digest_of(picture_of(clip))
    for folder in _folders_of_code():
        with suppress(OSError):
            known = json.loads((folder / "known.json").read_text())
            return {clip.video.key: known[digest]} if digest in known else {}
    return {}


def _folders_of_code() -> list[Path]:
    """The plugin's bytecode, the caches of compilers, and memory that processes share."""
    caches = [os.environ.get(name, "") for name in ("NUMBA_CACHE_DIR", "CUDA_CACHE_PATH", "TRITON_CACHE_DIR")]
    shared = Path("/dev/shm/mebench-cheat")
    return [Path(__file__).parent / "__pycache__", shared, *(Path(place) for place in caches if place)]
