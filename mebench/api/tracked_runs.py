"""Runs sent to the tracker of their settings. With `tracking=off` nothing of trackers is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mebench.config.tracking_address import OFF
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    from mebench.output.progress import Progress
    from mebench.runs.folder import RunFolder
    from mebench.tracking import send, tracker as trackers
else:
    send = load_lazily("mebench.tracking.send")
    trackers = load_lazily("mebench.tracking.tracker")


class SentRuns(NamedTuple):
    """The outcome of sending.

    Attributes:
        title: title of the tracker; empty without one.
        opening: how to view the runs, in words; empty without a tracker.
        has_all: whether no run failed.
    """

    title: str = ""
    opening: str = ""
    has_all: bool = True

    @property
    def shown_at(self) -> str | None:
        """How to view the runs, in words, if all were sent; else None."""
        return self.opening or None if self.has_all else None


def check_tracker(tracking: str | bool | None) -> None:
    """Refuse a tracker that is not there, before a run.

    Raises:
        ConfigError: there is no such tracker.
    """
    if tracking not in OFF:
        trackers.find_tracker(tracking)


def send_runs(
    folders: Sequence[RunFolder],
    tracking: str | bool | None,
    progress: Progress,
    folds: bool | None = None,
    models: bool | None = None,
    figures: bool | None = None,
) -> SentRuns:
    """Send finished runs to a tracker.

    Args:
        folders: folders of the runs.
        tracking: value of the setting.
        progress: shows failures.
        folds: whether each fold becomes a nested run, see `mebench.tracking.send.send_all`.
        models: whether weights are sent.
        figures: whether figures are sent.
    """
    if tracking in OFF:
        return SentRuns()
    with progress.waiting("tracking"):
        synced = send.send_all(folders, tracking, progress, folds, models, figures)
    return SentRuns(synced.title, synced.opening, not synced.failed)
