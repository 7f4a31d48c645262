"""Sending of finished runs and tables of leaderboards to a tracker.

The folders of runs remain the source: failures here are reported and change nothing.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mebench.config.database_files import without_password
from mebench.errors import MebenchError, find_plugin_line
from mebench.output.progress import Progress
from mebench.records.record import DAMAGE
from mebench.runs import RunFolder
from mebench.tracking.entries import MODELS_TAG, TrackedRun, copy_models, read_board_table, read_run, read_run_head
from mebench.tracking.tracker import DEFAULT, Tracker, find_tracker, tracker_of

LONGEST = 200
"""Most letters of an error in a sentence."""


@dataclass(frozen=True)
class Synced:
    """The outcome of sending runs to a tracker.

    Attributes:
        title: title of the tracker; empty without one.
        place: address of the runs there, in words.
        sent: ids of the newly sent runs.
        there: ids of runs that it had already.
        failed: ids of runs that could not be sent.
        opening: how to view them, in words; empty without a tracker.
    """

    title: str = ""
    place: str = ""
    sent: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    opening: str = ""


class _Item(NamedTuple):
    """An item to send: its kind and name, its source on disk, its head, and a function for the rest."""

    kind: str
    name: str
    kept: str
    head: Callable[[], TrackedRun]
    whole: Callable[[TrackedRun, Path], TrackedRun] = lambda head, room: head
    folder: RunFolder | None = None


def send_all(
    folders: Sequence[RunFolder],
    tracking: str | bool | None,
    progress: Progress,
    folds: bool | None = None,
    models: bool | None = None,
    figures: bool | None = None,
    boards: Sequence[Path] = (),
) -> Synced:
    """Send finished runs and tables of leaderboards to a tracker, each as a run.

    Repeating this changes nothing. A tracker that is down is tried once: nothing is raised, and one sentence lists what was not sent.

    Args:
        folders: folders of the runs.
        tracking: value of the setting, see `tracker_of`.
        progress: shows failures.
        folds: whether each fold becomes a nested run; None takes the run's own `tracking.folds`.
        models: whether weights are sent, also for a run that was sent without them; None takes the run's own
            `tracking.models`.
        figures: whether figures are sent; None takes the run's own `tracking.figures`.
        boards: tables of leaderboards, as JSON.
    """
    choices = {"tracking_folds": folds, "tracking_models": models, "tracking_figures": figures}
    chosen = {name: choice for name, choice in choices.items() if choice is not None}
    items = [_item_of_run(folder, chosen, progress) for folder in folders]
    items += [_Item("table", file.stem, f"it is kept in {file}", partial(read_board_table, file)) for file in boards]
    sent: list[str] = []
    present: list[str] = []
    failed = [item.name for item in items]
    title = str(tracking or DEFAULT).partition(":")[0]
    place = ""
    try:
        tracker = tracker_of(tracking)
        if tracker is None or not items:
            return Synced()
        title = tracker.title
        place = f" at {tracker.place()}"
        # Texts of tables are Python's: Arrow's, one by one, take a fourth of the time of reading a run.
        with pd.option_context("mode.string_storage", "python"), tracker.open():
            for item in items:
                try:
                    is_new = _send(tracker, item)
                except _DamagedError as error:
                    progress.notify(f"warning: {item.kind} {item.name} is not sent: {error}")
                    continue
                (sent if is_new else present).append(item.name)
                failed.remove(item.name)
            return Synced(title, tracker.place(), tuple(sent), tuple(present), tuple(failed), tracker.opening())
    except Exception as error:  # a server, a database, a file system and a stranger's tracker fail in their own ways
        unsent = [item for item in items if item.name in failed]
        reason = f"{shorten_error(error)}{_place_in_tracker(error, tracking)}"
        progress.notify(f"warning: {title}{place} did not accept {_unsent_in_words(unsent, len(items), reason)}")
    return Synced(title, place, tuple(sent), tuple(present), tuple(failed))


def _item_of_run(folder: RunFolder, chosen: Mapping[str, bool], progress: Progress) -> _Item:
    """A run to send."""
    head = partial(read_run_head, folder, chosen)
    whole = partial(read_run, folder, chosen, progress.notify)
    return _Item("run", folder.id, f"the run is complete in {folder.path}", head, whole, folder)


class _DamagedError(Exception):
    """An item cannot be read; the others may be sound."""


def _read(make: Callable[[], TrackedRun]) -> TrackedRun:
    """Read one entry.

    Raises:
        _DamagedError: its source is damaged.
    """
    try:
        return make()
    except DAMAGE as error:
        raise _DamagedError(_reason(error)) from error


def _send(tracker: Tracker, item: _Item) -> bool:
    """Send an item unless the tracker has it, and return whether anything was sent.

    Raises:
        _DamagedError: it cannot be read.
    """
    head = _read(item.head)
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        earlier = tracker.find(head)
        if earlier is None:
            _hand_over(tracker, _read(partial(item.whole, head, room)))
            return True
        wants_models = head.tags.get(MODELS_TAG) == "true"
        lacks_models = wants_models and earlier.tags.get(MODELS_TAG) != "true"
        if lacks_models and item.folder is not None:
            copy_models(item.folder, room)
            tracker.artifacts(earlier.run, room)
            tracker.finish(earlier.run, head)
        return lacks_models


def _unsent_in_words(unsent: Sequence[_Item], n_items: int, reason: str) -> str:
    """What a tracker did not accept and why, and how to send it later."""
    first = unsent[0]
    what = f"{first.kind} {first.name}"
    command = "mebench track sync"
    if len(unsent) > 1:
        what = f"{len(unsent)} of {n_items}, {what} first"
    elif first.folder:
        command += f" {first.name}"
    return f"{what} ({reason}): {first.kept}; send it later with {command}"


def _hand_over(tracker: Tracker, entry: TrackedRun, parent: str | None = None) -> None:
    """Send a run with all its content. It is finished last: until then it does not count as sent."""
    run = tracker.start(entry, parent)
    tracker.metrics(run, entry.metrics)
    for name, table in entry.tables.items():
        tracker.table(run, name, table)
    if entry.files is not None:
        tracker.artifacts(run, entry.files)
    for nested in entry.nested:
        _hand_over(tracker, nested, run)
    tracker.finish(run, entry)


def _reason(error: Exception) -> str:
    """The sentence of an error of mebench; of others their type, too."""
    return str(error) if isinstance(error, MebenchError) else f"{type(error).__name__}: {error}"


def _place_in_tracker(error: Exception, tracking: str | bool | None) -> str:
    """The last line of somebody's tracker that an error passed, after its sentence; empty for MLflow's, and if there is none."""
    try:
        found = find_tracker(tracking)
    except MebenchError:
        return ""
    package = "mebench" if found is None else found[0].module.partition(".")[0]
    if package == "mebench":
        return ""
    line = find_plugin_line(error, lambda file: package in (file.stem, *file.parts))
    return "" if line is None else f" ({line})"


def shorten_error(error: Exception) -> str:
    """The first `LONGEST` letters of an error's first line, without a password."""
    line = next(iter(without_password(_reason(error)).strip().splitlines()), "").rstrip(". ")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
