"""Progress on standard error: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

PLAIN_EVERY_SECONDS = 10.0

Show = Callable[[int, int, float], None]
"""Tells the units and the frames that are done, and the share of the work, 0 to 1."""


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
        finished, frames = done, 0
        with self._shown(name, total, unit, done) as show:

            def advance(n_frames: int = 0) -> None:
                nonlocal finished, frames
                finished, frames = finished + 1, frames + n_frames
                show(finished, frames, (finished - done) / max(total - done, 1))

            yield advance

    @contextmanager
    def frames(self, name: str, videos: int) -> Iterator[Show]:
        """A stage over the frames of some videos.

        The function it gives takes the videos and the frames that are done and the share of the whole work, 0 to 1; it
        may be called as often as one likes.
        """
        with self._shown(name, videos, "videos") as show:
            yield show

    @contextmanager
    def _shown(self, name: str, total: int, unit: str, before: int = 0) -> Iterator[Show]:
        if self.console.is_terminal:
            with _bar(self.console, name, total, unit, before) as show:
                yield show
        else:
            yield _lines(name, total, unit)


@contextmanager
def _bar(console: Console, name: str, total: int, unit: str, before: int) -> Iterator[Show]:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description:<9}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[done]}/" + f"{total} {unit} " + "{task.fields[rate]}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(elapsed_when_finished=False),
    )
    started = time.monotonic()
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=total, completed=before, done=before, rate="")

        def show(done: int, frames: int, share: float) -> None:
            rate = f"{frames / max(time.monotonic() - started, 1e-9):,.0f} frames/s" if frames else ""
            bar.update(task, completed=before + (total - before) * share, done=done, rate=rate)

        yield show


def _lines(name: str, total: int, unit: str) -> Show:
    """A line every few seconds, and one at the end."""
    started = last = time.monotonic()

    def show(done: int, frames: int, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if done < total and now - last < PLAIN_EVERY_SECONDS:
            return
        last, seconds = now, max(now - started, 1e-9)
        seen = f", {frames} frames, {frames / seconds:.1f} frames/s" if frames else ""
        left = f", about {seconds * (1 - share) / share:.0f} s left" if share else ""
        print(f"{name}: {done}/{total} {unit}{seen}, {seconds:.0f} s{left}", file=sys.stderr, flush=True)

    return show
