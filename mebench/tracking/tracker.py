"""The interface of trackers, and the tracker that a setting names."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple, Protocol

import pandas as pd

from mebench.config.tracking_address import OFF
from mebench.errors import ConfigError, unknown
from mebench.tracking.entries import Point, TrackedRun

GROUP = "mebench.trackers"
"""The entry points of trackers: each is a class that takes an address, or None for the one it chooses itself."""
DEFAULT = "mlflow"
_BUILT_IN = [EntryPoint(DEFAULT, "mebench.tracking.mlflow:MLflow", GROUP)]
"""The tracker that exists even in a checkout with older installed metadata."""


class SentRun(NamedTuple):
    """A run in a tracker: its id there, and its tags."""

    run: str
    tags: dict[str, str]


class Tracker(Protocol):
    """The calls that a tracker gets, with defaults for those it may lack.

    Derive from it to take the defaults, and name the class in an entry point of the group `mebench.trackers`. For each run `start` is
    called, then the methods for its contents and nested runs, and `finish` last.
    """

    title: str = "tracker"

    def open(self) -> AbstractContextManager[object]:
        """A context that is entered before the first call and left after the last."""
        return nullcontext()

    def find(self, entry: TrackedRun) -> SentRun | None:
        """The tracker's finished copy of this run, or None to have it sent."""
        return None

    def start(self, entry: TrackedRun, parent: str | None = None) -> str:
        """Begin a run with its name, tags and parameters, and return its id.

        Args:
            entry: run to begin.
            parent: id of the run that it is nested in.
        """
        ...

    def metrics(self, run: str, points: Sequence[Point]) -> None:
        """Store metrics of a run, with steps."""

    def table(self, run: str, name: str, table: pd.DataFrame) -> None:
        """Store a table of a run."""

    def artifacts(self, run: str, folder: Path) -> None:
        """Store the files of a folder with a run."""

    def finish(self, run: str, entry: TrackedRun) -> None:
        """End a run, with its tags: from now on it counts as handed over."""

    def place(self) -> str:
        """The address of the runs, without a password."""
        ...

    def opening(self) -> str:
        """The command that shows the runs that were sent or found."""
        return self.place()


def tracker_of(tracking: str | bool | None) -> Tracker | None:
    """The tracker that a setting names.

    `NAME` or `NAME:ADDRESS` is one of an entry point, and any other address is MLflow's.

    Args:
        tracking: value of the setting; False and `off` turn it off, None is MLflow at `$MLFLOW_TRACKING_URI`, else in the working folder.

    Raises:
        ConfigError: there is no such tracker.
        ImportError: a package is missing. A broken tracker raises its own error.
    """
    found = find_tracker(tracking)
    if found is None:
        return None
    entry_point, address = found
    make: Callable[[str | None], Tracker] = entry_point.load()
    return make(address)


def find_tracker(tracking: str | bool | None) -> tuple[EntryPoint, str | None] | None:
    """The entry point that a setting names, see `tracker_of`, and the address for it; nothing is imported."""
    if tracking in OFF:
        return None
    setting = tracking if isinstance(tracking, str) else None
    known = {point.name: point for point in (*_BUILT_IN, *entry_points(group=GROUP))}
    name, _, address = (setting or DEFAULT).partition(":")
    if name in known:
        return known[name], address or None
    is_single_word = name.isidentifier() and not address
    is_address_of_mlflow = name == "databricks" or Path(name).exists()
    if is_single_word and not is_address_of_mlflow:
        raise ConfigError(unknown("tracker", name, [*known, "off"], "An address of MLflow's is one, too"))
    return known[DEFAULT], setting
