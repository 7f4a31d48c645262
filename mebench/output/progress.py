"""Progress on standard error: bars on a terminal, plain lines elsewhere, and never silence for half a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import ceil
from typing import TYPE_CHECKING, Protocol

from mebench.lazy_imports import load_lazily
from mebench.output.terminal import escape_controls, format_duration, make_console as console_of_text, print_lines

if TYPE_CHECKING:
    import rich.console as rich_console
    import rich.markup as rich_markup
else:
    rich_console = load_lazily("rich.console")
    rich_markup = load_lazily("rich.markup")

PLAIN_EVERY_SECONDS = 10.0
SILENT_SECONDS = 20.0
"""Without progress, a line reports this after this time, or up to `LOOK_SECONDS` later."""
LOOK_SECONDS = 9.0
ENOUGH = 0.2
"""The share of the work from which on the time left is worth telling: before, the start of the workers is most of it.
"""

LONG_SECONDS = 120.0
ENOUGH_OF_LONG = 0.05
"""The share from which on it is after `LONG_SECONDS`: by then the start is no longer most of the time."""


class Show(Protocol):
    """Tells how far a stage is."""

    def __call__(self, done: int, frames: int, share: float, doing: str = "", /) -> None:
        """Tell it.

        Args:
            done: number of finished units.
            frames: number of finished frames.
            share: share of the work, 0 to 1.
            doing: present work, in a few words.
        """


class Progress:
    """Shows the present work and how long it will take."""

    def __init__(self, console: rich_console.Console | None = None) -> None:
        self.console = console or console_of_text(error=True)

    def notify(self, *lines: str) -> None:
        """Each as one line."""
        for line in lines:
            self.console.print(escape_controls(line), markup=False)

    @contextmanager
    def stage(
        self, name: str, total: int, unit: str, done: int = 0, at_once: int = 1, begins: str = ""
    ) -> Iterator[Callable[..., None]]:
        """A stage of some units, which take about equally long.

        The function it gives is called once for each finished unit, with frames done if known.

        Args:
            name: name of the stage.
            total: number of units.
            unit: noun of the units.
            done: number of units that were finished before.
            at_once: number of units that are worked on at the same time.
            begins: work until the first unit is finished.
        """
        finished = done
        frames = 0
        with self.frames(name, total, unit, done, begins) as show:

            def advance(n_frames: int = 0) -> None:
                nonlocal finished, frames
                finished = finished + 1
                frames = frames + n_frames
                show(finished, frames, share_of_rounds(finished - done, total - done, at_once))

            yield advance

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Work that does not tell how far it is."""
        if self.console.is_terminal:
            return self.console.status(what)
        started = time.monotonic()
        return _repeated(
            lambda: print_lines(f"{what}: {format_duration(time.monotonic() - started)}", error=True), SILENT_SECONDS
        )

    def frames(
        self, name: str, total: int, unit: str = "videos", before: int = 0, begins: str = "", of_frames: int = 0
    ) -> AbstractContextManager[Show]:
        """A stage over the frames of some videos.

        The function it gives may be called as often as one likes.

        Args:
            name: name of the stage.
            total: number of videos.
            unit: noun of the units.
            before: number of videos that were finished before.
            begins: work until something is finished.
            of_frames: number of frames of all videos; 0 if it is not known.
        """
        if not self.console.is_terminal:
            return _lines(name, total, unit, before, begins, of_frames)
        return _bar(self.console, name, total, unit, before, begins, of_frames)


class Silent(Progress):
    """Tells nothing."""

    def notify(self, *lines: str) -> None:
        """Nothing."""

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def frames(
        self, name: str, total: int, unit: str = "videos", before: int = 0, begins: str = "", of_frames: int = 0
    ) -> AbstractContextManager[Show]:
        """Nothing."""
        return nullcontext(lambda done, frames, share, doing="": None)


def share_of_rounds(done: int, total: int, at_once: int) -> float:
    """The share of the time that some of equally long units took.

    So many are worked on at once.

    The first of three units on two workers ends when the second does, and the third takes as long again. The last unit is never
    counted before it is done.

    >>> share_of_rounds(1, 3, 2), share_of_rounds(3, 4, 2), share_of_rounds(4, 4, 2)
    (0.5, 0.875, 1.0)
    """
    if done >= total:
        return 1.0
    rounds = ceil(total / max(at_once, 1))
    return min(ceil(done / max(at_once, 1)) / rounds, 1 - 0.5 / total)


@contextmanager
def _bar(
    console: rich_console.Console, name: str, total: int, unit: str, before: int, begins: str, of_frames: int
) -> Iterator[Show]:
    """A progress bar on a terminal."""
    from rich import progress

    columns = (
        progress.TextColumn("{task.description:<9}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[done]}/" + f"{total} {unit} " + "{task.fields[rate]}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[left]}"),
    )
    started = time.monotonic()
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task(
            rich_markup.escape(escape_controls(name)), total=total, completed=before, done=before, rate="", left=begins
        )

        def show(done: int, frames: int, share: float, doing: str = "", /) -> None:
            seconds = time.monotonic() - started
            count = f"{frames}/{of_frames} frames " if of_frames else ""
            rate = f"{count}{frames / max(seconds, 1e-9):,.0f} frames/s" if frames else ""
            completed = before + (total - before) * share
            has_begun = done > before or frames > 0
            told = _told(begins, doing, _time_left(seconds, share), is_beginning=not has_begun)
            bar.update(task, completed=completed, done=done, rate=rate, left=", ".join(told))

        yield show


@contextmanager
def _lines(name: str, total: int, unit: str, before: int, begins: str, of_frames: int) -> Iterator[Show]:
    """Lines every few seconds while something moves, rarer ones otherwise, and a last one."""
    started = last = time.monotonic()
    now_done = before
    now_frames = 0
    now_share = 0.0
    now_doing = ""

    def print_state() -> None:
        nonlocal last
        last = time.monotonic()
        seconds = max(last - started, 1e-9)
        count = f"{now_frames} of {of_frames}" if of_frames else f"{now_frames}"
        seen = f", {count} frames, {now_frames / seconds:.1f} frames/s" if now_frames else ""
        line = f"{name}: {now_done}/{total} {unit}{seen}, {seconds:.0f} s"
        told = _told(
            begins, now_doing, _time_left(seconds, now_share), is_beginning=now_done == before and not now_frames
        )
        print_lines(", ".join([line, *told]), error=True)

    def show(done: int, frames: int, share: float, doing: str = "", /) -> None:
        nonlocal now_done, now_frames, now_share, now_doing
        now_done = done
        now_frames = frames
        now_share = share
        now_doing = doing
        if done >= total or time.monotonic() - last >= PLAIN_EVERY_SECONDS:
            print_state()

    def print_if_silent() -> None:
        if time.monotonic() - last >= SILENT_SECONDS:
            print_state()

    with _repeated(print_if_silent, LOOK_SECONDS):
        yield show


def _told(begins: str, doing: str, time_left: str, is_beginning: bool) -> list[str]:
    """What is said after the counts: the present work, and the time left.

    Args:
        begins: work until something is finished.
        doing: present work, if it is known.
        time_left: time left, if it is known.
        is_beginning: whether nothing is finished.
    """
    if is_beginning:
        return [*filter(None, [escape_controls(doing) or begins])]
    return [*filter(None, [escape_controls(doing), time_left])]


def _time_left(seconds: float, share: float) -> str:
    """The time left in words, once enough is done for an estimate; nothing at the end."""
    enough = ENOUGH if seconds < LONG_SECONDS else ENOUGH_OF_LONG
    return f"about {format_duration(seconds * (1 - share) / share)} left" if enough <= share < 1 else ""


@contextmanager
def _repeated(act: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call a function at a fixed interval of seconds from a separate thread."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
