"""A tracker of a file of metrics for each run, and a folder for the rest."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mebench.tracking import Tracker
from mebench.tracking.entries import Point, TrackedRun


class CsvTracker(Tracker):
    """Keeps runs in folders: this much a further tracker takes.

    Attributes:
        folder: folder of the runs.
        finished: ids of the runs that were ended.
    """

    title = "CSV"

    def __init__(self, address: str | None = None) -> None:
        self.folder = Path(address or "tracked")
        self.finished: set[str] = set()

    def start(self, entry: TrackedRun, parent: str | None = None) -> str:
        """Make the folder of a run, with its tags and parameters."""
        run = f"{parent}/{entry.name}" if parent else entry.name
        place = self.folder / run
        place.mkdir(parents=True)
        (place / "params.json").write_text(json.dumps({**entry.tags, **entry.params}))
        return run

    def metrics(self, run: str, points: Sequence[Point]) -> None:
        """Write the metrics."""
        with (self.folder / run / "metrics.csv").open("w") as file:
            csv.writer(file).writerows(points)

    def table(self, run: str, name: str, table: pd.DataFrame) -> None:
        """Write a table."""
        table.to_csv(self.folder / run / f"{name}.csv", index=False)

    def artifacts(self, run: str, folder: Path) -> None:
        """Take the files of a folder, and leave it empty."""
        shutil.move(folder, self.folder / run / "files")
        folder.mkdir()

    def finish(self, run: str, entry: TrackedRun) -> None:
        """Mark the run."""
        self.finished.add(run)
        (self.folder / run / "done").touch()

    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def opening(self) -> str:
        """Where to look."""
        return f"see {self.folder}"
