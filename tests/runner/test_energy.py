"""Energy of folds, with a package in the place of codecarbon whose sensors say what the test wants."""

import sys
from types import SimpleNamespace

import pandas as pd
import pytest

import mebench
from mebench.output.progress import Silent
from mebench.records.costs import COSTS
from mebench.records.record import record_from_run
from mebench.reports.report import gather_page_facts
from mebench.runner.energy import EnergyMeter, measured_energy
from mebench.runs import FoldResult
from mebench.sandbox.isolation import Failure
from tests.helpers.plugin_folders import copy_own_code


@pytest.fixture
def codecarbon(tmp_path, monkeypatch):
    """A stand-in for the package: fold n uses 2 n Wh and .5 g."""
    (tmp_path / "packages").mkdir()
    copy_own_code(tmp_path / "packages", "codecarbon")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    yield
    sys.modules.pop("codecarbon", None)


def fold(key):
    return FoldResult(key, [], [], {}, {}, 0, {"fit_seconds": 1.0}, b"")


def config(executor="local"):
    return SimpleNamespace(executor=executor)


def test_measured_energy_adds_what_each_fold_used(codecarbon):
    with measured_energy([config()]) as meter:
        costs = [meter.with_energy(fold(key)).costs for key in "ab"]
    assert costs == [
        {"fit_seconds": 1.0, "energy_wh": 2.0, "carbon_g": 0.5},
        {"fit_seconds": 1.0, "energy_wh": 4.0, "carbon_g": 0.5},
    ]
    (tracker,) = sys.modules["codecarbon"].OfflineEmissionsTracker.made
    assert tracker.options["save_to_file"] is tracker.options["save_to_api"] is False
    assert tracker.laps == -1


def test_measured_energy_gives_that_of_failed_folds_to_the_next(codecarbon):
    with measured_energy([config()]) as meter:
        failure = Failure("it failed", "")
        assert meter.with_energy(failure) is failure
        assert meter.with_energy(fold("a")).costs["energy_wh"] == 2.0


def test_measured_energy_needs_the_package_and_this_machine(codecarbon, monkeypatch):
    with measured_energy([config("dask")]) as meter:
        assert meter.with_energy(fold("a")).costs == {"fit_seconds": 1.0}
    monkeypatch.undo()
    sys.modules.pop("codecarbon", None)
    monkeypatch.setattr("mebench.runner.energy.PACKAGE", "no_such_package")
    with measured_energy([config()]) as meter:
        assert meter.with_energy(fold("a")).costs == {"fit_seconds": 1.0}


@pytest.mark.parametrize("failing", ["start_task", "stop_task"])
def test_EnergyMeter_gives_up_a_tracker_that_fails(failing):
    def fail(*_):
        raise OSError("no sensor")

    tracker = SimpleNamespace(start_task=lambda name: None, stop_task=lambda: None, stop=lambda: None)
    setattr(tracker, failing, fail)
    meter = EnergyMeter(tracker)
    assert [meter.with_energy(fold(key)).costs for key in "ab"] == [{"fit_seconds": 1.0}] * 2
    meter.stop()


def test_COSTS_have_energy_only_where_each_fold_has():
    folds = pd.DataFrame({"energy_wh": [1.0, 2.5]})
    assert COSTS["energy_wh"].recorded_value(folds, 0.0) == 3.5
    assert COSTS["energy_wh"].recorded_value(folds.assign(energy_wh=[1.0, None]), 0.0) is None


def test_run_reports_its_energy(codecarbon, untracked, own_folder, tiny):
    run = mebench.run(*tiny, "method=random", "method.draws=2", "workers=1", "bootstrap=0", progress=Silent())
    assert list(run.folds["carbon_g"]) == [0.5] * 3
    record = record_from_run(run.folder)
    assert record.costs["energy_wh"] == 12.0
    assert (
        "of carbon dioxide equivalents of that electricity, as codecarbon estimates them",
        "1.50 g CO2e",
    ) in gather_page_facts(record, None)["costs"]
