"""What is drawn once by all test processes: frames of stand-ins, copied in a tenth of the time, and features of the smallest dataset."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from mebench.annotations import drawn
from mebench.testing import checks

KEPT = "MEBENCH_TEST_DRAWN"
"""The folder of what is drawn: the first process makes it, tells those that it starts, and removes it at its end."""
PYTESTS_ROOT = "PYTEST_DEBUG_TEMPROOT"
"""Names the folder in which pytest makes those of `tmp_path`."""


def draw_once() -> None:
    """Let `write_frames` do so, for whoever imports it afterwards."""
    if KEPT not in os.environ:
        os.environ[KEPT] = tempfile.mkdtemp(prefix=PREFIX, dir=_find_memory())
        atexit.register(shutil.rmtree, os.environ[KEPT], ignore_errors=True)
    drawn.write_frames = _copying(drawn.write_frames)


def put_folders_in_memory() -> None:
    """Let pytest make the folders of `tmp_path` in memory, if there is room; its processes tell those that they start."""
    memory = None if PYTESTS_ROOT in os.environ else _find_memory()
    if memory is not None:
        os.environ[PYTESTS_ROOT] = str(memory)


def _find_memory() -> Path | None:
    """A folder that no disk holds, if it has room: some disks take milliseconds to remove a folder, and a session makes 30,000.

    Where `TMPDIR` names a place for what is temporary, that place is taken.
    """
    memory = Path("/dev/shm")
    is_free = "TMPDIR" not in os.environ and memory.is_dir() and os.access(memory, os.W_OK)
    if not is_free or shutil.disk_usage(memory).free < ROOM:
        return None
    _remove_old(memory)
    return memory


def _remove_old(memory: Path) -> None:
    """Remove what sessions left that were killed."""
    for folder in memory.glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another process was first
            if time.time() - folder.stat().st_mtime > DAY:
                shutil.rmtree(folder, ignore_errors=True)


PREFIX = "mebench-drawn-"
DAY = 24 * 3600
ROOM = 4 << 30
"""Bytes that must be free; the tests of `datasets/` alone put 91 MiB there."""


def once(name: str, make: Callable[[Path], object]) -> Path:
    """A folder that one of all test processes fills.

    Args:
        name: of the folder, among all that they share.
        make: fills an empty one.
    """
    whole = Path(os.environ[KEPT]) / name
    if not whole.is_dir():
        whole.parent.mkdir(exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=whole.parent))
        make(unfinished)
        with contextlib.suppress(OSError):  # another process was first
            unfinished.rename(whole)
    return whole


def _copying(write: Callable[..., None]) -> Callable[..., None]:
    draw, store = drawn.draw_face, cv2.imwrite

    @functools.wraps(write)
    def write_frames(
        folder: Path,
        pattern: str,
        numbers: Iterable[int],
        spans: Sequence[drawn.Span] = (),
        person: int = 0,
        gray: bool = False,
    ) -> None:
        numbers = list(numbers)
        if drawn.draw_face is not draw or cv2.imwrite is not store:  # a test draws something else, or nothing
            return write(folder, pattern, numbers, spans, person, gray)
        named = folder.parts[-2:], pattern, numbers, list(spans), person, gray  # the noise is that of these names
        mine = once(
            f"frames/{hashlib.sha256(repr(named).encode()).hexdigest()}",
            lambda place: write(place.joinpath(*folder.parts[-2:]), pattern, numbers, spans, person, gray),
        )
        shutil.copytree(mine.joinpath(*folder.parts[-2:]), folder, copy_function=shutil.copyfile)
        return None

    return write_frames


def share_features() -> None:
    """Let all test processes keep features in one folder, see `mebench.testing.scratch`; call `draw_once` before."""
    folder = Path(os.environ[KEPT]) / "features"
    folder.mkdir(exist_ok=True)
    checks.temporary_folder = lambda: SimpleNamespace(name=str(folder))


def remembering(getitem: Callable[[Any, int], np.ndarray]) -> Callable[[Any, int], np.ndarray]:
    """A frame's `__getitem__` that draws each frame of `synthetic` once."""

    @functools.wraps(getitem)
    def again(self: Any, index: int) -> np.ndarray:
        key = self._params, self._place, index
        if key in _FRAMES:
            return _FRAMES[key].copy()
        frame = getitem(self, index)
        if frame.nbytes <= LARGEST:
            _FRAMES[key] = frame.copy()
            if len(_FRAMES) > MOST:
                del _FRAMES[next(iter(_FRAMES))]
        return frame

    return again


MOST = 3000
"""Frames that a process remembers, of 27 KB mostly."""
LARGEST = 1 << 16
"""Bytes of one that is remembered."""
_FRAMES: dict[Any, np.ndarray] = {}
