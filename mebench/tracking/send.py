"""Trackers, and handing finished runs over to one. The folders of runs stay the truth: what goes wrong here is said and costs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple, Protocol

import pandas as pd

from mebench.errors import ConfigError, MebenchError, unknown
from mebench.progress import Progress
from mebench.records.record import DAMAGE
from mebench.runs.folder import RunFolder
from mebench.tracking.entries import MODELS_TAG, Entry, Point, copy_models, head_of, of_board, of_run
from mebench.tracking.mlflow_store import OFF, without_password

GROUP = "mebench.trackers"
"""The entry points of trackers: each is a class that takes an address, or None for the one it chooses itself."""
DEFAULT = "mlflow"
LONGEST = 200
_BUILT_IN = [EntryPoint(DEFAULT, "mebench.tracking.mlflow:MLflow", GROUP)]
"""What is there in a checkout too whose installed metadata are older."""


class Found(NamedTuple):
    """A run that a tracker has from before: what it calls it, and its tags."""

    run: str
    tags: dict[str, str]


class Tracker(Protocol):
    """Keeps runs for people to look at: derive from it, and name the class in an entry point of the group `mebench.trackers`.

    For each run `start` is called, then what has come of it is handed over, the runs nested in it likewise, and `finish` last.
    """

    title: str = "tracker"

    def open(self) -> AbstractContextManager[object]:
        """Entered before anything is asked, left at the end."""
        return nullcontext()

    def find(self, entry: Entry) -> Found | None:
        """The same run as it was handed over before, to its end; None lets it be handed over."""
        return None

    def start(self, entry: Entry, parent: str | None = None) -> str:
        """A run begins, with its name, tags and parameters; what to call it.

        Args:
            entry: the run.
            parent: the run that it is nested in.
        """
        ...

    def metrics(self, run: str, points: Sequence[Point]) -> None:
        """Its metrics, with steps."""

    def table(self, run: str, name: str, table: pd.DataFrame) -> None:
        """A table of it."""

    def artifacts(self, run: str, folder: Path) -> None:
        """Its files, whatever lies in a folder."""

    def finish(self, run: str, entry: Entry) -> None:
        """It has ended, with these tags: from now on it counts as handed over."""

    def place(self) -> str:
        """Where the runs are, for people, without a password."""
        ...

    def opening(self) -> str:
        """What a user does to see the runs that were handed over or found."""
        return self.place()


def tracker_of(tracking: str | bool | None) -> Tracker | None:
    """The tracker that a setting names: `NAME` or `NAME:ADDRESS` is one of an entry point, and any address MLflow's.

    Args:
        tracking: False and `off` are none; None is MLflow at `$MLFLOW_TRACKING_URI`, else in the working folder.

    Raises:
        ConfigError: there is no such tracker.
        ImportError: it lacks something; a broken one raises whatever it does.
    """
    if tracking in OFF:
        return None
    tracking = tracking if isinstance(tracking, str) else None
    known = {point.name: point for point in (*_BUILT_IN, *entry_points(group=GROUP))}
    name, _, address = (tracking or DEFAULT).partition(":")
    if name in known:
        made: Tracker = known[name].load()(address or None)
        return made
    if name.isidentifier() and not address and name != "databricks" and not Path(name).exists():
        raise ConfigError(unknown("tracker", name, [*known, "off"], "An address of MLflow's is one, too"))
    mlflow: Tracker = known[DEFAULT].load()(tracking)
    return mlflow


@dataclass(frozen=True)
class Synced:
    """What came of sending runs to a tracker.

    Attributes:
        title: of the tracker; empty where none is asked.
        place: where they are, for people.
        sent: ids of those that it has now.
        there: ids of those that it had.
        failed: ids of those that it did not take.
        opening: how to see them there, in words; empty where none is asked.
    """

    title: str = ""
    place: str = ""
    sent: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    opening: str = ""


class _Thing(NamedTuple):
    """One that is to be sent: what it is and its name, where it is kept whatever happens, its head, and what makes the rest of it."""

    kind: str
    name: str
    kept: str
    head: Callable[[], Entry]
    whole: Callable[[Entry, Path], Entry] = lambda head, room: head
    folder: RunFolder | None = None


def sync(
    folders: Sequence[RunFolder],
    tracking: str | bool | None,
    progress: Progress,
    folds: bool | None = None,
    models: bool | None = None,
    figures: bool | None = None,
    boards: Sequence[Path] = (),
) -> Synced:
    """Hand finished runs and tables of leaderboards over to a tracker, each as a run; doing it again changes nothing.

    One that is down is asked once: nothing is raised, and one sentence says what it did not take.

    Args:
        folders: the runs.
        tracking: see `tracker_of`.
        progress: where to tell what did not work.
        folds: whether each fold becomes a nested run; None takes the run's own `tracking.folds`.
        models: whether the weights go along; None takes the run's own `tracking.models`. A run that is there without gets them.
        figures: whether figures go along; None takes the run's own `tracking.figures`.
        boards: tables of leaderboards, as JSON.
    """
    things = [_of_run(folder, folds, models, figures, progress) for folder in folders]
    things += [_Thing("table", file.stem, f"it is kept in {file}", partial(of_board, file)) for file in boards]
    sent, there, failed = list[str](), list[str](), [thing.name for thing in things]

    def read(thing: _Thing, make: Callable[[], Entry]) -> Entry | None:
        """What is read of one; if it is damaged that is said, and the others may be sound."""
        try:
            return make()
        except DAMAGE as error:
            progress.say(f"warning: {thing.kind} {thing.name} is not sent: {_reason(error)}")
            return None

    title, place = str(tracking or DEFAULT).partition(":")[0], ""
    tracker: Tracker | None = None
    try:
        if (tracker := tracker_of(tracking)) is None or not things:
            return Synced()
        title, place = tracker.title, f" at {tracker.place()}"
        with tracker.open():
            for thing in things:
                with tempfile.TemporaryDirectory() as folder:
                    room = Path(folder)
                    if (head := read(thing, thing.head)) is None:
                        continue
                    found = tracker.find(head)
                    lacks = found is not None and head.tags.get(MODELS_TAG) == "true" != found.tags.get(MODELS_TAG)
                    if found is None:
                        if (entry := read(thing, partial(thing.whole, head, room))) is None:
                            continue
                        _hand_over(tracker, entry)
                    elif lacks and thing.folder is not None:
                        copy_models(thing.folder, room)
                        tracker.artifacts(found.run, room)
                        tracker.finish(found.run, head)
                (sent if found is None or lacks else there).append(thing.name)
                failed.remove(thing.name)
            return Synced(title, tracker.place(), tuple(sent), tuple(there), tuple(failed), tracker.opening())
    except (
        Exception
    ) as error:  # a server, a database, a file system and a stranger's tracker fail in their own many ways
        first = next(thing for thing in things if thing.name in failed)
        one = len(failed) == 1
        what = (
            f"{first.kind} {first.name}" if one else f"{len(failed)} of {len(things)}, {first.kind} {first.name} first"
        )
        progress.say(
            f"warning: {title}{place} did not take {what} ({short(without_password(_reason(error)))}): {first.kept} all the same; "
            f"send it later with mebench track sync {first.name if one and first.folder else ''}".rstrip()
        )
    return Synced(title, place, tuple(sent), tuple(there), tuple(failed))


def _of_run(
    folder: RunFolder, folds: bool | None, models: bool | None, figures: bool | None, progress: Progress
) -> _Thing:
    def asked(choice: bool | None, key: str, default: bool) -> bool:
        return bool(folder.read_json("config.json")["config"].get(key, default) if choice is None else choice)

    return _Thing(
        "run",
        folder.id,
        f"the run is complete in {folder.path}",
        lambda: head_of(folder, asked(models, "tracking_models", False)),
        lambda head, room: of_run(
            folder,
            head,
            room,
            progress.say,
            asked(folds, "tracking_folds", True),
            asked(figures, "tracking_figures", False),
        ),
        folder,
    )


def _hand_over(tracker: Tracker, entry: Entry, parent: str | None = None) -> None:
    """A run with all that is in it. It is finished last: until then it does not count as handed over."""
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
    return str(error) if isinstance(error, MebenchError) else f"{type(error).__name__}: {error}"


def short(message: str) -> str:
    """The first line of an error, no longer than a sentence should be."""
    line = next(iter(message.strip().splitlines()), "").rstrip(". ")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
