"""Progress on standard error: bars on a terminal, plain lines elsewhere, and never silence for half a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

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

Show = Callable[[int, int, float], None]
"""Tells the units and the frames that are done, and the share of the work, 0 to 1."""


class Progress:
    """Shows the present work and how long it will take."""

    def __init__(self, console: rich_console.Console | None = None) -> None:
        self.console = console or console_of_text(error=True)

    def notify(self, *lines: str) -> None:
        """Each as one line."""
        for line in lines:
            self.console.print(escape_controls(line), markup=False)

    @contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[..., None]]:
        """A stage of `total` units; the function it gives is called once for each finished unit, with frames done if
        known.
        """
        finished = done
        frames = 0
        with self.frames(name, total, unit, done) as show:

            def advance(n_frames: int = 0) -> None:
                nonlocal finished, frames
                finished = finished + 1
                frames = frames + n_frames
                show(finished, frames, (finished - done) / max(total - done, 1))

            yield advance

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Work that does not tell how far it is."""
        if self.console.is_terminal:
            return self.console.status(what)
        started = time.monotonic()
        return _repeated(
            lambda: print_lines(f"{what}: {format_duration(time.monotonic() - started)}", error=True), SILENT_SECONDS
        )

    def frames(self, name: str, total: int, unit: str = "videos", before: int = 0) -> AbstractContextManager[Show]:
        """A stage over the frames of some videos.

        The function it gives takes the videos and the frames that are done and the share of the whole work, 0 to 1; it
        may be called as often as one likes.
        """
        if not self.console.is_terminal:
            return _lines(name, total, unit, before)
        return _bar(self.console, name, total, unit, before)


class Silent(Progress):
    """Tells nothing."""

    def notify(self, *lines: str) -> None:
        """Nothing."""

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def frames(self, name: str, total: int, unit: str = "videos", before: int = 0) -> AbstractContextManager[Show]:
        """Nothing."""
        return nullcontext(lambda done, frames, share: None)


@contextmanager
def _bar(console: rich_console.Console, name: str, total: int, unit: str, before: int) -> Iterator[Show]:
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
            rich_markup.escape(escape_controls(name)), total=total, completed=before, done=before, rate="", left=""
        )

        def show(done: int, frames: int, share: float) -> None:
            seconds = time.monotonic() - started
            rate = f"{frames / max(seconds, 1e-9):,.0f} frames/s" if frames else ""
            completed = before + (total - before) * share
            bar.update(task, completed=completed, done=done, rate=rate, left=_time_left(seconds, share))

        yield show


@contextmanager
def _lines(name: str, total: int, unit: str, before: int) -> Iterator[Show]:
    """Lines every few seconds while something moves, rarer ones otherwise, and a last one."""
    started = last = time.monotonic()
    now_done = before
    now_frames = 0
    now_share = 0.0

    def print_state() -> None:
        nonlocal last
        last = time.monotonic()
        seconds = max(last - started, 1e-9)
        seen = f", {now_frames} frames, {now_frames / seconds:.1f} frames/s" if now_frames else ""
        time_left = _time_left(seconds, now_share)
        left = f", {time_left}" if time_left else ""
        print_lines(f"{name}: {now_done}/{total} {unit}{seen}, {seconds:.0f} s{left}", error=True)

    def show(done: int, frames: int, share: float) -> None:
        nonlocal now_done, now_frames, now_share
        now_done = done
        now_frames = frames
        now_share = share
        if done >= total or time.monotonic() - last >= PLAIN_EVERY_SECONDS:
            print_state()

    def print_if_silent() -> None:
        if time.monotonic() - last >= SILENT_SECONDS:
            print_state()

    with _repeated(print_if_silent, LOOK_SECONDS):
        yield show


def _time_left(seconds: float, share: float) -> str:
    """The time left in words, once enough is done for an estimate; nothing at the end."""
    return f"about {format_duration(seconds * (1 - share) / share)} left" if ENOUGH <= share < 1 else ""


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
