"""Energy and carbon of folds, measured where the package codecarbon is installed."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from mebench.config import RunConfig
from mebench.runs import FoldResult

PACKAGE = "codecarbon"
PER_KILO = 1000.0
"""Watt hours of a kilowatt hour, and grams of a kilogram."""


class EnergyMeter:
    """Adds the energy that this machine has used to the costs of each fold.

    A fold has what was used since the fold before, so the sum over folds is that of the run, however many of them are computed at
    once. Nothing is added without a tracker.

    Args:
        tracker: a tracker of codecarbon, or None.
    """

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker
        self._n_laps = 0
        self._begin_lap()

    def with_energy(self, outcome: Any) -> Any:
        """The result of a fold with `energy_wh` and `carbon_g` in its costs; a failure as it is."""
        if self._tracker is None or not isinstance(outcome, FoldResult):
            return outcome
        used = self._end_lap()
        self._begin_lap()
        if used is None:
            return outcome
        costs = {"energy_wh": used.energy_consumed * PER_KILO, "carbon_g": used.emissions * PER_KILO}
        return replace(outcome, costs={**outcome.costs, **costs})

    def stop(self) -> None:
        """End the measurement."""
        if self._tracker is not None:
            self._end_lap()
            with suppress(Exception):
                self._tracker.stop()

    def _begin_lap(self) -> None:
        """Begin to measure the next fold. A tracker that fails is given up: a run does not depend on it."""
        if self._tracker is None:
            return
        self._n_laps += 1
        try:
            self._tracker.start_task(f"fold {self._n_laps}")
        except Exception:  # a package of others, which reads sensors
            self._tracker = None

    def _end_lap(self) -> Any:
        """What was used since the beginning of the lap; None if it cannot be told."""
        try:
            return self._tracker.stop_task()
        except Exception:
            self._tracker = None
            return None


@contextmanager
def measured_energy(configs: Sequence[RunConfig]) -> Iterator[EnergyMeter]:
    """A meter for the folds of some runs; it measures nothing without codecarbon, or where other machines compute."""
    is_here = all(config.executor == "local" for config in configs)
    meter = EnergyMeter(_make_tracker() if configs and is_here else None)
    try:
        yield meter
    finally:
        meter.stop()


def _make_tracker() -> Any:
    """A tracker of codecarbon that asks no server and writes no file; None if the package is missing or fails."""
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    try:
        codecarbon = importlib.import_module(PACKAGE)
        logging.getLogger(PACKAGE).setLevel(logging.CRITICAL)  # it speaks before it reads its own level
        return codecarbon.OfflineEmissionsTracker(
            save_to_file=False, save_to_api=False, log_level=logging.CRITICAL, allow_multiple_runs=True
        )
    except Exception:  # whatever it finds on this machine
        return None
