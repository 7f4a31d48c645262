"""A stand-in for the package codecarbon: task n uses 2 n Wh and .5 g."""

from types import SimpleNamespace
from typing import Any


class OfflineEmissionsTracker:
    """Counts its tasks.

    Attributes:
        made: all trackers.
        options: what it was made with.
        laps: number of tasks so far; -1 once it has stopped.
    """

    made: list["OfflineEmissionsTracker"] = []  # noqa: RUF012  (all that were made)

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.laps = 0
        self.made.append(self)

    def start_task(self, name: str) -> None:
        """Begin a task."""
        self.laps += 1

    def stop_task(self) -> SimpleNamespace:
        """Kilowatt hours and kilograms of the task."""
        return SimpleNamespace(energy_consumed=0.002 * self.laps, emissions=0.0005)

    def stop(self) -> None:
        """End."""
        self.laps = -1
