"""Progress on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

PLAIN_EVERY_SECONDS = 10.0


class Progress:
    """Tells what is going on and how long it will take."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, soft_wrap=True, highlight=False)

    def say(self, line: str) -> None:
        """One line."""
        self.console.print(line, markup=False)

    @contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[..., None]]:
        """A stage of `total` units; the function it gives is called once for each finished unit, with frames done if known."""
        if self.console.is_terminal:
            with _bar(self.console, name, total, unit, done) as advance:
                yield advance
        else:
            yield _PlainLines(name, total, unit, done).advance

    @contextmanager
    def frames(self, name: str, videos: int) -> Iterator[Callable[[int, int, float], None]]:
        """A stage over the frames of some videos.

        The function it gives takes the videos and the frames that are done and the share of the whole work, 0 to 1; it
        may be called as often as one likes.
        """
        if self.console.is_terminal:
            with _frame_bar(self.console, name, videos) as show:
                yield show
        else:
            yield _FrameLines(name, videos).show


@contextmanager
def _bar(console: Console, name: str, total: int, unit: str, done: int) -> Iterator[Callable[..., None]]:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description:<9}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn(unit + " {task.fields[rate]}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(elapsed_when_finished=False),
    )
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=total, completed=done, rate="")
        started, frames = time.monotonic(), 0

        def advance(n_frames: int = 0) -> None:
            nonlocal frames
            frames += n_frames
            rate = f"{frames / max(time.monotonic() - started, 1e-9):,.0f} frames/s" if frames else ""
            bar.update(task, advance=1, rate=rate)

        yield advance


@contextmanager
def _frame_bar(console: Console, name: str, videos: int) -> Iterator[Callable[[int, int, float], None]]:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description:<9}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[done]}/" + f"{videos} videos " + "{task.fields[rate]:,.0f} frames/s"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(elapsed_when_finished=False),
    )
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=1.0, done=0, rate=0.0)
        started = time.monotonic()

        def show(done: int, frames: int, share: float) -> None:
            rate = frames / max(time.monotonic() - started, 1e-9)
            bar.update(task, completed=share, done=done, rate=rate)

        yield show


class _FrameLines:
    """A line every few seconds, and one at the end."""

    def __init__(self, name: str, videos: int) -> None:
        self.name, self.videos = name, videos
        self.started = self.last = time.monotonic()

    def show(self, done: int, frames: int, share: float) -> None:
        """So much is done now."""
        now = time.monotonic()
        if done < self.videos and now - self.last < PLAIN_EVERY_SECONDS:
            return
        self.last, seconds = now, max(now - self.started, 1e-9)
        left = f", about {seconds * (1 - share) / share:.0f} s left" if share else ""
        print(
            f"{self.name}: {done}/{self.videos} videos, {frames} frames, {frames / seconds:.1f} frames/s, "
            f"{seconds:.0f} s{left}",
            file=sys.stderr,
            flush=True,
        )


class _PlainLines:
    """A line every few seconds, and one at the end."""

    def __init__(self, name: str, total: int, unit: str, done: int) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.before = self.done = done
        self.started = self.last = time.monotonic()
        self.frames = 0

    def advance(self, n_frames: int = 0) -> None:
        """One unit more."""
        self.done += 1
        self.frames += n_frames
        now = time.monotonic()
        if self.done < self.total and now - self.last < PLAIN_EVERY_SECONDS:
            return
        self.last = now
        seconds = now - self.started
        rate = f", {self.frames / max(seconds, 1e-9):.0f} frames/s" if self.frames else ""
        left = (self.total - self.done) * seconds / max(self.done - self.before, 1)
        print(
            f"{self.name}: {self.done}/{self.total} {self.unit}{rate}, {seconds:.0f} s, about {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
