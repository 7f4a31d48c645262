"""Any tracker: chosen by its name, handed what a run is, and never in the way of a run."""

import io
import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from mebench import tracking
from mebench.cli import doctor
from mebench.config import resolve
from mebench.errors import ConfigError
from mebench.output.progress import Progress
from mebench.tracking import mlflow, tracker as trackers
from tests.helpers.run_folders import make_run
from tests.plugins.csv_tracker.tracker import CsvTracker


class Broken(CsvTracker):
    """Raises in the middle, at the end, or wherever a test says."""

    def finish(self, run, entry):
        raise OSError("the disk went away")


class Odd(CsvTracker):
    def metrics(self, run, points):
        raise KeyError("no such meter")


@pytest.fixture
def printed():
    return io.StringIO()


@pytest.fixture
def progress(printed):
    return Progress(Console(file=printed, soft_wrap=True))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names = {"csv": "CsvTracker", "broken": "Broken", "odd": "Odd", "missing": "NoSuch"}
    known = [EntryPoint(name, f"{__name__}:{value}", trackers.GROUP) for name, value in names.items()]
    known.append(EntryPoint("lame", "no_such_package:Tracker", trackers.GROUP))
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or sys.modules[CsvTracker.__module__])
    monkeypatch.setattr(trackers, "entry_points", lambda group: [point for point in known if point.group == group])


def test_sync_gives_second_tracker_whole_run(tmp_path, progress, printed):
    folder = make_run(tmp_path / "runs")
    found = tracking.send_all([folder], "csv:mine", progress)
    assert (found.title, found.place, found.opening) == ("CSV", "mine", "see mine")
    assert found.sent == (folder.id,)
    assert printed.getvalue() == ""
    place = Path("mine") / folder.id
    metrics = pd.read_csv(place / "metrics.csv", names=["name", "value", "step"]).set_index("name")["value"]
    summary = folder.read_json("summary.json")
    assert metrics["F1"] == round(summary["spotting"]["micro"]["scores"]["f1"]["value"], 4)
    assert list(metrics.index[:4]) == ["F1", "AP", "AP50", "ASR"]
    params = json.loads((place / "params.json").read_text())
    assert params["mebench.run_id"] == folder.id
    assert params["method"] == "spotter"
    assert {"score", "value"} <= set(pd.read_csv(place / "scores.csv"))
    files = {file.name for file in (place / "files").iterdir()}
    assert files == {"config.json", "summary.json", "versions.json", "costs.csv", "record"}
    assert len(list(place.glob("**/done"))) == 5  # and of four folds
    assert "mlflow.db" not in {file.name for file in tmp_path.iterdir()}


def test_sync_sends_logged_values_by_step(tmp_path, progress):
    """Rows of `self.log` and of `LearningRateMonitor`: of each fold, and the mean over folds."""
    folder = make_run(tmp_path / "runs")
    for number, fold in enumerate(("drawn--00", "drawn--01")):
        rows = [f"{fold.replace('--', '/')},spot,{s // 5},train,,,,,{s},{2.0 + number - s / 10}," for s in range(10)]
        rows += [f"{fold.replace('--', '/')},spot,{s // 5},valid,,,,,{s},,{0.5 + number}" for s in (4, 9)]
        head = "fold,stage,epoch,split,loss,accuracy,uf1,uar,step,my/loss,val_f1"
        (folder.path / "folds" / fold / "history.csv").write_text("\n".join([head, *rows]) + "\n")
    tracking.send_all([folder], "csv:mine", progress)

    def logged(place):
        table = pd.read_csv(place / "metrics.csv", names=["name", "value", "step"])
        return {name: dict(zip(own["step"], own["value"])) for name, own in table.groupby("name") if "training" in name}

    found = logged(Path("mine") / folder.id)
    assert {*found} == {"training/spot/my/loss", "training/spot/val_f1"}
    assert found["training/spot/my/loss"] == pytest.approx({step: 2.5 - step / 10 for step in range(10)})
    second = logged(Path("mine") / folder.id / "drawn/01")
    assert second["training/spot/val_f1"] == {4: 1.5, 9: 1.5}
    assert len(second["training/spot/my/loss"]) == 10


def statements(cls):
    import ast
    import inspect

    return sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(inspect.getsource(cls))))


def test_tracker_takes_less_than_60_statements():
    assert statements(CsvTracker) < 60


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "CSV at tracked did not accept run {id} (OSError: the disk went away (tests/"),
        ("odd", "CSV at tracked did not accept run {id} (KeyError: 'no such meter' (tests/"),
        ("missing", "missing did not accept run {id} (AttributeError: "),
        ("lame", "lame did not accept run {id} (ModuleNotFoundError: No module named 'no_such_package'): the run is"),
        (
            "wandb",
            "wandb did not accept run {id} (unknown tracker 'wandb'. Known: broken, csv, lame, missing, mlflow, odd, off",
        ),
    ],
)
def test_sync_reports_failing_tracker(tmp_path, progress, printed, name, words):
    folder = make_run(tmp_path / "runs")
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    found = tracking.send_all([folder], name, progress)
    assert found.failed == (folder.id,)
    assert found.sent == found.there == ()
    assert found.opening == ""
    (sentence,) = printed.getvalue().splitlines()
    assert sentence.startswith(f"warning: {words.format(id=folder.id, path=folder.path)}")
    assert f"): the run is complete in {folder.path}" in sentence
    assert sentence.endswith(f"mebench track sync {folder.id}")
    after = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    assert after == before


def test_find_tracker_takes_names_and_addresses(tmp_path):
    assert isinstance(trackers.tracker_of("csv"), CsvTracker)
    assert trackers.tracker_of("csv:a/b").folder == Path("a/b")
    (tmp_path / "mlruns").mkdir()
    places = {None: "mlflow.db", "mlflow": "mlflow.db", "http://h:5": "http://h:5", "sqlite:///x.db": "x.db"}
    places |= {"mlruns": "mlruns", "databricks": "databricks", "mlflow:sqlite:///x.db": "x.db", True: "mlflow.db"}
    for words, place in places.items():
        tracker = trackers.tracker_of(words)
        assert isinstance(tracker, mlflow.MLflow)
        assert tracker.place() == place
    assert trackers.tracker_of(False) is trackers.tracker_of("off") is None
    with pytest.raises(ConfigError, match=r"unknown tracker 'mlfow'\. Did you mean 'mlflow'"):
        trackers.tracker_of("mlfow")


def test_find_tracker_knows_mlflow_without_metadata(monkeypatch):
    monkeypatch.setattr(trackers, "entry_points", lambda group: [])
    assert isinstance(trackers.tracker_of(None), mlflow.MLflow)


def test_find_tracker_of_mlflow_is_its_entry_point(monkeypatch):
    import tomllib

    entry_points = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["entry-points"]
    (point,) = (EntryPoint(name, value, trackers.GROUP) for name, value in entry_points[trackers.GROUP].items())
    assert point.load() is mlflow.MLflow
    monkeypatch.setattr(trackers, "entry_points", lambda group: [])
    assert trackers.find_tracker("mlflow") == (point, None)


@pytest.mark.parametrize("word", ["tracking=off", "tracking=false"])
def test_tracker_of_takes_off_and_null(word):
    words = ["method=random", "dataset=synthetic"]
    assert resolve([*words, word]).tracking is False
    assert resolve([*words, "tracking=null"]).tracking is None
    assert resolve([*words, "tracking=mlflow"]).tracking == "mlflow"


def test_tracking_off_in_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.yaml").write_text("tracking: off\n")
    assert resolve(["method=random", "dataset=synthetic"], [tmp_path / "mine.yaml"]).tracking is False
    monkeypatch.setenv("MEBENCH_CONFIG", str(tmp_path / "mine.yaml"))
    doctor.doctor_command(json="-")
    (place,) = (f for f in json.loads(capsys.readouterr().out)["findings"] if f["name"] == "MLflow")
    assert place["detail"] == "off"


def test_tracking_off_imports_no_mlflow(tmp_path):
    folder = make_run(tmp_path / "runs")
    (tmp_path / "work").mkdir()
    code = f"""
import sys
from pathlib import Path
from mebench.output.progress import Progress
from mebench.runs.folder import RunFolder
from mebench.tracking import send_all
found = send_all([RunFolder(Path({str(folder.path)!r}))], False, Progress())
assert found.sent == found.failed == () and found.opening == ""
assert not [name for name in sys.modules if name.partition(".")[0] in ("mlflow", "sqlalchemy", "alembic")]
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "work", check=True)
    assert list((tmp_path / "work").iterdir()) == []
