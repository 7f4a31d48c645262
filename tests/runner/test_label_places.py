"""No place with labels may be read in a fold: neither what a method asks for, nor what it is given unasked."""

import shutil
from types import SimpleNamespace

import pytest
from sklearn.svm import LinearSVC

from mebench.api.evaluation import store_object
from mebench.config import resolve
from mebench.config.settings import PlaceSettings
from mebench.config.trainer_objects import OWN_OBJECTS
from mebench.errors import ConfigError
from mebench.runner import make_plan
from mebench.runner.label_places import find_results, label_places


@pytest.fixture
def planned(moody, tmp_path, monkeypatch):
    """A function that plans a run of `moody`, whose folder is the working folder, with words and `reads` of its own."""
    words = moody("sandbox=auto", "dataset.subjects=3")
    plugin = tmp_path / "mine" / "methods" / "moody"
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    monkeypatch.chdir(work)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def plan(*more, reads=""):
        file = plugin / "config.yaml"
        if reads:
            file.write_text(f"{file.read_text()}\nreads: [{reads}]\n")
        return make_plan(resolve([*words, *more]))

    return SimpleNamespace(plan=plan, plugin=plugin, work=work, monkeypatch=monkeypatch)


@pytest.mark.parametrize("name", ["mlartifacts", "mlflow.db", "leaderboards", "tuning"])
def test_check_reach_refuses_results_in_the_working_folder(planned, name):
    (planned.work / name).mkdir()
    with pytest.raises(ConfigError, match=f"the method may not read .*{name}, which is in .*{name}.*, where labels"):
        planned.plan(reads=planned.work / name)


def test_check_reach_refuses_a_plugin_beside_its_runs(planned):
    """The plugin's folder is the working folder, where runs and MLflow's files are written by default."""
    planned.monkeypatch.chdir(planned.plugin)
    with pytest.raises(ConfigError, match=r"may read its own folder .*moody, and so the labels below runs=runs: keep"):
        planned.plan("runs=runs")
    with pytest.raises(
        ConfigError, match=r"own folder .*moody, and so the labels below tracking, which writes .*mlflow.db"
    ):
        planned.plan()
    planned.plan("tracking=off")


def test_check_reach_refuses_a_plugin_with_results_of_others(planned):
    """They stand there already, and no setting names them."""
    truth = planned.plugin / "old" / "one" / "truth.parquet"
    truth.parent.mkdir(parents=True)
    truth.touch()
    with pytest.raises(ConfigError, match=f"own folder .*moody, and so the labels below {truth}"):
        planned.plan("tracking=off")


def test_check_reach_refuses_a_plugin_among_labels(planned, tmp_path):
    with pytest.raises(
        ConfigError, match=r"may read its own folder .*moody, which is in runs=.*, where labels are: move"
    ):
        planned.plan(f"runs={tmp_path / 'mine'}")


def test_check_reach_lets_own_objects_stand_among_runs(planned, tmp_path):
    runs = tmp_path / "runs"
    place = runs / OWN_OBJECTS
    name = store_object(LinearSVC(), None, place)
    plan = make_plan(resolve([f"method={name}", "dataset=synthetic", f"runs={runs}"], plugins=[place]))
    assert place / "methods" in plan.grant.methods


def test_check_reach_follows_links(planned, tmp_path):
    (tmp_path / "kept").mkdir()
    planned.plugin.joinpath("notes").symlink_to(tmp_path / "kept")
    with pytest.raises(ConfigError, match=r"may not read .*notes, which is in runs=.*kept, where labels are"):
        planned.plan(f"runs={tmp_path / 'kept'}", reads="notes")


def test_check_reach_lets_weights_of_a_run_be_read(planned, tmp_path):
    weights = tmp_path / "runs" / "one" / "model.safetensors"
    assert weights in planned.plan(f"runs={tmp_path / 'runs'}", reads=weights).grant.read


def test_check_reach_needs_no_confined_folds_where_they_are_open(planned):
    planned.monkeypatch.chdir(planned.plugin)
    assert planned.plan("runs=runs", "sandbox=off").grant is None


def test_label_places_names_sheets_and_trackers(planned, tmp_path):
    sheet, root = tmp_path / "sheet.csv", tmp_path / "maps"
    dataset = {"megc2019_two_phase": SimpleNamespace(root=str(root), classes=sheet, subjects=3)}
    settings = PlaceSettings(runs="runs", cache="~/store", tracking="sqlite:////data/all.db")
    found = {str(place.path) for place in label_places(dataset, settings)}
    assert {str(sheet), str(root), str(planned.work / "runs"), "/data/all.db", "/data/mlartifacts"} <= found


def test_find_results_looks_below_and_stops(planned, tmp_path, monkeypatch):
    assert find_results(planned.plugin) is None
    record = tmp_path / "far" / "records" / "one"
    record.mkdir(parents=True)
    (record / "clips.parquet").touch()
    assert find_results(tmp_path / "far") == record / "clips.parquet"
    monkeypatch.setattr("mebench.runner.label_places.MOST_ENTRIES", 0)
    assert find_results(tmp_path / "far") is None
    shutil.rmtree(tmp_path / "far")
    assert find_results(tmp_path / "far") is None
