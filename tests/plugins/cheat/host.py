"""Ways to labels through the host of the fold: code that it would run, names that it gives, files that it opens, the time that it takes."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.core import ClipView, LabelledVideo

from .processes import LIBC
from .view import picture_of, request_of, views_of

if TYPE_CHECKING:
    from .method import Cheat

WATCHED = [f"s{n:02}" for n in range(1, 21)] + [f"sub{n:02}" for n in range(1, 27)] + [f"{n:03}" for n in range(1, 40)]
"""Names that the folders of people may have in the maps."""
OPENED = 0x21
"""Events of inotify: a file is opened or read."""


class Runs:
    """An object that runs code where it is unpickled."""

    def __reduce__(self) -> Any:
        return exec, ("import mebench; mebench.pierced = True",)


class Word(str):
    """A text that runs code where it is unpickled."""

    __reduce__ = Runs.__reduce__  # type: ignore[assignment]


def note_object(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Hand over an object as a note of the fold."""
    notes: dict[str, Any] = cheat.notes
    notes["threshold"] = Runs()


def send_object(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """No label, but an object in a question to the host."""
    request_of(clip.video)("provided", clip.video.key, Runs())
    return {}


def send_text_object(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """No label, but an object that is a text in a question to the host."""
    request_of(clip.video)("provided", clip.video.key, Word("maps"))
    return {}


def labels_of_host(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels that the host knows, where it can be reached: in a test without worker processes."""
    views = views_of(clip.video)
    answers = request_of(clip.video).__closure__
    host = next(c.cell_contents.__self__ for c in answers if hasattr(c.cell_contents, "__self__"))
    return {host.aliases.key(v.key): views.job.scheme.of(v.expressions[0]) for v in host.aliases.tested}


def answer_for_others(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """No label, but the right answers for the training clips among the fold's results."""
    from mebench.runner import fold

    module: Any = fold
    result = module.FoldResult
    classes = cheat.task.classes

    def answer(taught: tuple[str, int, int, str]) -> Any:
        scores = tuple(float(taught[3] == name) for name in classes)
        return module.ClipPrediction(*taught, scores)

    def result_with_others(*, clips: Any, **rest: Any) -> Any:
        return result(clips=[*map(answer, cheat.taught), *clips], **rest)

    if not hasattr(module, "kept"):
        module.kept = result
        module.FoldResult = result_with_others
    return {}


def label_by_opened_folder(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the folder in which the host opens a file for this clip."""
    if not hasattr(cheat, "watch"):
        _watch_folders(cheat)
    picture_of(clip)
    try:
        opened = os.read(cheat.watch, 1 << 16)
    except BlockingIOError:
        return {}
    folder = cheat.folders[int.from_bytes(opened[:4], "little")]
    return {clip.video.key: int(folder[-1])}


def _watch_folders(cheat: Cheat) -> None:
    cheat.watch = LIBC.inotify_init1(os.O_NONBLOCK)
    if cheat.watch < 0:
        raise PermissionError("no events of files")
    place = cheat.params.place
    folders = [str(folder) for folder in Path(place).glob("*/u_test/*")]
    if not folders:
        folders = [f"{place}/{person}/u_test/{label}" for person in WATCHED for label in range(3)]
    cheat.folders = {LIBC.inotify_add_watch(cheat.watch, name.encode(), OPENED): name for name in folders}


def labels_by_name(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of a training clip whose video's name ends alike."""
    return {clip.video.key: cheat.by_name.get(clip.video.key.split("/")[-1][-2:], cheat.usual)}


def label_by_time(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """A label from the time that the host takes for an answer."""
    began = time.perf_counter()
    picture_of(clip)
    return {clip.video.key: int(1e7 * (time.perf_counter() - began)) % 3}


def open_connection(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """No label, but a connection."""
    socket.create_connection(("localhost", 9))
    return {}
