import io
import json
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest
import urllib3.util.retry
from rich.console import Console

from mebench.cli import leaderboard, runs as verbs
from mebench.config.database_files import without_password
from mebench.errors import DataError, RunError
from mebench.intake.collect import collect_records
from mebench.metrics.score_table import ScoreTable
from mebench.output.progress import Progress
from mebench.tracking import fetch_records, mlflow_store, send_all
from mebench.tracking.entries import Point, TrackedRun
from mebench.tracking.mlflow import MLflow
from tests.helpers.nightly import nightly
from tests.helpers.run_folders import call_fold, make_run


@pytest.fixture
def printed():
    return io.StringIO()


@pytest.fixture
def progress(printed):
    return Progress(Console(file=printed, soft_wrap=True))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def mirror(folder, tracking, progress, folds=False):
    """Where a run is now, without its folds unless these are asked for; None if that failed."""
    found = send_all([folder], tracking, progress, folds=folds)
    return None if found.failed else found.place


@pytest.fixture
def database(tmp_path, blank):
    (tmp_path / "mlflow.db").write_bytes(blank)
    return tmp_path / "mlflow.db"


def runs_of(database, name="mebench/drawn/loso"):
    """(parent, nested) runs of the experiment, asked of MLflow itself."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{database}")
    found = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    nested = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    return [run for run in found if run not in nested], nested


def artifact(folder, run, name):
    return json.loads((folder / "mlartifacts" / run.info.run_id / "artifacts" / name).read_text())


def test_sync_sends_scores_and_settings(tmp_path, database, progress, printed):
    folder = make_run(tmp_path / "runs", settings={"method.p": 0.6})
    summary = folder.read_json("summary.json")
    assert mirror(folder, None, progress, None) == "mlflow.db (experiment mebench/drawn/loso)"
    (run,), nested = runs_of(database)
    scores = summary["spotting"]["micro"]["scores"]
    metrics = run.data.metrics
    short = {"F1": "f1", "AP": "ap", "AP50": "ap50", "ASR": "asr"}
    assert {name: metrics[name] for name in short} == {
        name: round(scores[path]["value"], 4) for name, path in short.items()
    }
    assert metrics["spotting.micro.f1"] == scores["f1"]["value"]
    assert metrics["analysis.strs"] == summary["analysis"]["strs"]["value"]
    assert metrics["recognition.uar"] == summary["recognition"]["scores"]["uar"]["value"]
    assert metrics["seconds"] == 1.5
    assert len(metrics) < 50

    table = artifact(tmp_path, run, "scores.json")
    rows = {row[0]: row[1:] for row in table["data"]}
    assert table["columns"] == ["score", "value", "low", "high"]
    assert rows["spotting.micro.f1"] == pytest.approx([scores["f1"][end] for end in ("value", "low", "high")])

    without_ends = [name for name in ScoreTable.read(summary).numbers() if not name.endswith((".low", ".high"))]
    assert len(rows) == len(without_ends)
    assert run.info.run_name == "spotter s0 p=0.6"
    assert run.data.tags["mebench.settings"] == "p=0.6"
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 1500
    assert run.data.params == {
        "method": "spotter",
        "dataset": "drawn",
        "protocol": "loso",
        "seed": "0",
        "method.p": "0.6",
    }

    tags = run.data.tags
    assert tags["mebench.method"] == "spotter"
    assert tags["mebench.convention"] == "strict"
    assert tags["mebench.key"] == folder.read_json("config.json")["key"]
    assert artifact(tmp_path, run, "versions.json")["torch"] == "2.13.0"

    f1 = f"| F1 | {scores['f1']['value']:.4f} | [{scores['f1']['low']:.4f}, {scores['f1']['high']:.4f}] |"
    what, _, found, *table = tags["mlflow.note.content"].splitlines()
    assert what == "**spotter** on **drawn** under **loso**, seed 0"
    assert found.startswith("It finds more micro-expressions than random intervals: F1 ")
    assert f1 in table
    assert len(nested) == 4
    assert printed.getvalue() == ""


def test_metrics_replace_refused_characters(tmp_path, database, progress, printed):
    folder = make_run(tmp_path / "runs", kinds=("micro", "macro"), shift=5)
    known = folder.read_json("summary.json")["spotting"]["micro"]["scores"]["f1@samm_lv"]["value"]
    assert mirror(folder, None, progress) == "mlflow.db (experiment mebench/drawn/loso)", printed.getvalue()
    ((run,), _) = runs_of(database)
    assert known is not None
    assert run.data.metrics["spotting.micro.f1_samm_lv"] == known


@pytest.mark.parametrize(("n_params", "n_points"), [(230, 20), (3, 1900), (5, 0)])
def test_metrics_send_all(tmp_path, database, n_params, n_points):
    """MLflow takes 100 parameters and 1,000 of all at once.

    The name is short so that each database has a path of its own: MLflow 3.9 keeps connections by path.
    """
    params = {f"p{number}": str(number) for number in range(n_params)}
    points = [Point(f"m{number}", float(number)) for number in range(n_points)]
    entry = TrackedRun("mebench/drawn/loso", "many", {"mebench.run_id": "many"}, params=params, metrics=points)
    tracker = MLflow()
    with tracker.open():
        run = tracker.start(entry)
        tracker.metrics(run, entry.metrics)
        tracker.finish(run, entry)
    ((sent,), _) = runs_of(database)
    assert sent.data.params == params
    assert sent.data.metrics == {point.name: point.value for point in points}


def test_params_replace_refused_characters(database):
    """A dataset of two frame rates has timings of `drawn@25` and `drawn@30`."""
    entry = TrackedRun(
        "mebench/drawn/loso", "rates", {"mebench.run_id": "rates"}, params={"timing.drawn@25.fps": "25.0"}
    )
    tracker = MLflow()
    with tracker.open():
        run = tracker.start(entry)
        tracker.metrics(run, entry.metrics)
        tracker.finish(run, entry)
    ((sent,), _) = runs_of(database)
    assert sent.data.params == {"timing.drawn_25.fps": "25.0"}


def test_sync_nests_folds_with_costs(tmp_path, database, progress):
    folder = make_run(tmp_path / "runs", settings={"method.p": 0.6})
    mirror(folder, None, progress, None)

    (run,), nested = runs_of(database)
    assert {n.data.tags["mlflow.parentRunId"] for n in nested} == {run.info.run_id}
    by_fold = {n.info.run_name: n for n in nested}
    third = by_fold["drawn/02"]
    metrics = third.data.metrics
    costs = {"fit_seconds": 2.0, "predict_seconds": 0.25, "peak_memory_mib": 302.0, "parameters": 1234.0}
    assert {name: metrics[name] for name in costs} == costs
    assert (metrics["n_predictions"], metrics["n_clips"]) == (4.0, 4.0)

    # Of what this fold alone answered: three of four clips, and no interval of so few people.
    clips = folder.read_table("clips.parquet").merge(
        folder.read_table("truth.parquet"), on=["video", "onset", "offset"]
    )
    own = clips[clips["fold"] == "drawn/02"]
    assert metrics["recognition.accuracy"] == (own["predicted"] == own["emotion"]).mean() < 1
    assert metrics["spotting.micro.f1"] == 1.0
    assert not any(name.endswith((".low", ".high")) for name in metrics)

    params = third.data.params
    assert (params["method.p"], params["n_train"], params["fold.seed"]) == ("0.6", "3", "7")
    assert params["timing.drawn.k_prime.micro"] == "6"
    assert third.info.status == "FINISHED"
    assert third.data.tags["mebench.test"] == "drawn/02"


def test_sync_nests_fold_named_like_missing_value(tmp_path, database, progress, printed):
    run = make_run(
        tmp_path / "runs", protocol="parts", settings={"protocol": "parts"}
    )  # loso calls a fold after a person
    mirror(call_fold(run, "drawn/02", "NA"), None, progress, None)
    assert printed.getvalue() == ""
    _, nested = runs_of(database, "mebench/drawn/parts")
    assert {n.info.run_name: n.data.metrics["fit_seconds"] for n in nested}["NA"] == 2.0


def test_sync_goes_on_after_damaged_run(tmp_path, database, progress, printed):
    folders = [make_run(tmp_path / "runs", run_id=f"run{number}") for number in range(4)]
    (folders[0].path / "summary.json").write_text("{}")
    (folders[2].path / "folds.json").unlink()
    found = send_all(folders, None, progress, folds=False)
    assert found.sent == (folders[1].id, folders[3].id)
    assert found.failed == (folders[0].id, folders[2].id)
    one, other = printed.getvalue().splitlines()
    assert one.startswith(f"warning: run {folders[0].id} is not sent: KeyError")
    assert other.startswith(f"warning: run {folders[2].id} is not sent: ")
    assert "folds.json" in other


def test_sync_sends_run_without_refused_record(tmp_path, database, progress, printed):
    folder = make_run(tmp_path / "runs")
    clips = folder.read_table("videos.parquet")
    folder.write_table("videos.parquet", clips.assign(subject=clips["subject"].replace("drawn/02", "drawn/\u200c02")))
    assert mirror(folder, None, progress)
    (run,), _ = runs_of(database)
    names = {file.name for file in Path(run.info.artifact_uri.removeprefix("file://")).iterdir()}
    assert {"config.json", "summary.json", "costs.csv"} <= names
    assert "record" not in names
    (sentence,) = printed.getvalue().splitlines()
    assert folder.id in sentence
    assert r"drawn/\u200c02" in sentence
    assert "change it in the dataset" in sentence


def test_sync_sends_curves_with_steps(tmp_path, database, progress):
    from mlflow import MlflowClient

    folder = make_run(tmp_path / "runs")
    for number, fold in enumerate(("drawn--00", "drawn--01")):
        rows = [f"{fold.replace('--', '/')},spot,{e},train,{2.0 + number - e / 100},{e / 200},," for e in range(200)]
        rows += [f"{fold.replace('--', '/')},spot,{e},valid,{3.0 + number},,{e / 400}," for e in range(200)]
        rows = [row + ",," for row in rows] + [
            f"{fold.replace('--', '/')},spot,3,train,,,,,{step},{step / 8}" for step in range(9)
        ]
        head = "fold,stage,epoch,split,loss,accuracy,uf1,uar,step,logged"
        (folder.path / "folds" / fold / "history.csv").write_text("\n".join([head, *rows]) + "\n")
    mirror(folder, None, progress, None)
    (run,), nested = runs_of(database)
    client = MlflowClient(tracking_uri=f"sqlite:///{database}")

    def curve(run, name):
        return {m.step: m.value for m in client.get_metric_history(run.info.run_id, f"training/spot/{name}")}

    assert curve(run, "logged") == {step: step / 8 for step in range(9)}  # what `self.log` gave, by step
    assert curve(run, "train_loss") == pytest.approx({epoch: 2.5 - epoch / 100 for epoch in range(200)})
    assert curve(run, "valid_uf1")[100] == 0.25
    assert len(curve(run, "valid_loss")) == 200
    assert curve(run, "valid_accuracy") == curve(run, "train_uar") == {}
    second = next(n for n in nested if n.info.run_name == "drawn/01")
    assert list(curve(second, "train_loss").items())[-1] == (199, 3.0 - 1.99)
    assert list(curve(second, "train_loss")) == list(range(3, 200, 4))  # fifty of them


def test_sync_sends_dataset_and_source(tmp_path, database, progress):
    folder = make_run(tmp_path / "runs", settings={"dataset.name": ["casme2", "samm"]}, members=("casme2", "samm"))
    stored = folder.read_json("config.json")
    folder.write_json("config.json", {**stored, "source": {"user": "ann", "commit": "0123abcd", "dirty": "true"}})
    mirror(folder, None, progress)
    (run,), _ = runs_of(database, "mebench/casme2+samm/loso")
    first, second = (given.dataset for given in run.inputs.dataset_inputs)
    assert (first.name, second.name) == ("casme2", "samm")
    assert first.digest != second.digest
    counts = json.loads(first.profile)
    assert (counts["videos"], counts["subjects"], counts["micro-expressions"]) == (4, 2, 8)
    assert json.loads(first.source) == {"uri": "/data/ann"}
    tags = run.data.tags
    assert [tags[f"mlflow.{name}"] for name in ("user", "source.name", "source.git.commit", "source.git.dirty")] == [
        "ann",
        "mebench run",
        "0123abcd",
        "true",
    ]
    assert tags["mlflow.note.content"].startswith("**spotter** on **casme2+samm** under **loso**, seed 0")


def test_sync_follows_settings_of_folds_and_weights(tmp_path, database, progress):
    """`tracking.folds=false` of the run, `tracking.models=true` later: the run that is there gets them."""
    folder = make_run(tmp_path / "runs", settings={"tracking_folds": False})
    (folder.path / "folds" / "drawn--01" / "model.safetensors").write_bytes(b"weights")
    assert send_all([folder], None, progress).sent == (folder.id,)
    (run,), nested = runs_of(database)
    weights = tmp_path / "mlartifacts" / run.info.run_id / "artifacts" / "models"
    assert nested == []
    assert not weights.exists()
    assert send_all([folder], None, progress, models=True).sent == (folder.id,)
    assert (weights / "drawn--01.safetensors").read_bytes() == b"weights"
    assert send_all([folder], None, progress, models=True).there == (folder.id,)
    assert len(runs_of(database)[0]) == 1


def test_build_from_mlflow_equals_build_from_folders(tmp_path, database, progress, printed, capsys):
    """Tables with ASR, F1, AP and STRS, byte for byte."""
    runs = tmp_path / "runs"
    about = ((0, "spotter", 0), (1, "spotter", 3), (0, "other", 5))
    folders = [make_run(runs, seed=seed, method=method, shift=shift) for seed, method, shift in about]
    send_all(folders, None, progress, folds=False)
    leaderboard.leaderboard_build_command(str(runs), out="of_folders", site=False, json="of_folders.json")
    shutil.rmtree(runs)
    leaderboard.leaderboard_build_command(
        out="of_mlflow", from_mlflow=f"sqlite:///{database}", site=False, json="of_mlflow.json"
    )
    files = {file.relative_to("of_folders") for file in Path("of_folders").rglob("*") if file.is_file()}
    of_mlflow = {file.relative_to("of_mlflow") for file in Path("of_mlflow").rglob("*") if file.is_file()}
    assert files == of_mlflow
    assert all(("of_folders" / file).read_bytes() == ("of_mlflow" / file).read_bytes() for file in files)
    assert Path("of_folders.json").read_bytes() == Path("of_mlflow.json").read_bytes()
    table = Path("of_mlflow/tables/spotting-drawn-loso.csv").read_text()
    assert all(name in table.splitlines()[0].split(",") for name in ("asr", "f1", "ap", "ap50"))
    assert "strs" in Path("of_mlflow/tables/analysis-drawn-loso.csv").read_text().splitlines()[0]
    assert printed.getvalue() == capsys.readouterr().err == ""


def test_fetch_records_names_run_without_record(tmp_path, database, progress, capsys):
    from mlflow import MlflowClient

    folder = make_run(tmp_path / "runs")
    send_all([folder], None, progress, folds=False)
    (run,), _ = runs_of(database)
    shutil.rmtree(tmp_path / "mlartifacts" / run.info.run_id / "artifacts" / "record")
    forged = make_run(tmp_path / "forged", run_id="forged")
    send_all([forged], None, progress, folds=False)
    client = MlflowClient(f"sqlite:///{database}")
    client.set_tag(
        next(r for r in runs_of(database)[0] if r.data.tags["mebench.run_id"] == "forged").info.run_id,
        mlflow_store.RUN_TAG,
        "../forged",
    )
    with pytest.raises(RunError, match=rf"no finished run in MLflow at sqlite:///{database} and no record"):
        leaderboard.leaderboard_build_command(out="boards", from_mlflow=f"sqlite:///{database}")
    errors = capsys.readouterr().err
    assert f"{folder.id} is left out: MLflow has no record of it" in errors
    assert "its id '../forged' is not a folder name" in errors
    assert not Path("boards/../forged/record.json").exists()
    with pytest.raises(DataError, match=r"there is no database none\.db: check --from-mlflow"):
        leaderboard.leaderboard_build_command(out="boards", from_mlflow="sqlite:///none.db")
    assert not Path("none.db").exists()
    Path("broken.db").write_bytes(b"no database" * 1000)
    with pytest.raises(RunError, match=r"MLflow at broken\.db does not list its runs"):
        leaderboard.leaderboard_build_command(out="boards", from_mlflow="sqlite:///broken.db")


def test_artifacts_are_beside_database(tmp_path, database, progress):
    send_all([make_run(tmp_path / "runs")], None, progress, folds=False, figures=True)
    (run,), _ = runs_of(database)
    names = {file.name for file in (tmp_path / "mlartifacts" / run.info.run_id / "artifacts").iterdir()}
    assert {"config.json", "summary.json", "costs.csv", "recognition_confusion.png", "analysis_confusion.png"} <= names
    assert sum(name.startswith("scores_") for name in names) == 3


def test_sync_twice_makes_one_run(tmp_path, database, progress):
    folder = make_run(tmp_path / "runs")
    assert mirror(folder, None, progress, None) == mirror(folder, None, progress, None)
    parents, nested = runs_of(database)
    assert (len(parents), len(nested)) == (1, 4)


def test_find_removes_partial_runs(tmp_path, database, progress, monkeypatch):
    folder = make_run(tmp_path / "runs")
    with monkeypatch.context() as patch:
        patch.setattr(MLflow, "artifacts", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mirror(folder, None, progress, None)
    assert len(runs_of(database)[0]) == 1
    mirror(folder, None, progress, None)
    parents, nested = runs_of(database)
    assert [run.info.status for run in parents] == ["FINISHED"]
    assert len(nested) == 4


def test_store_follows_words_environment_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///theirs.db")
    assert mlflow_store.Store.at_uri("sqlite:////data/x.db?timeout=5") == mlflow_store.Store(
        "sqlite:////data/x.db?timeout=5", Path("/data/x.db")
    )
    assert mlflow_store.Store.at_uri(None).database == tmp_path / "theirs.db"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert mlflow_store.Store.at_uri(None) == mlflow_store.Store(
        f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "mlflow.db"
    )
    assert mlflow_store.Store.at_uri(None).artifacts == f"file://{tmp_path}/mlartifacts"
    assert mlflow_store.Store.at_uri("http://localhost:5000") == mlflow_store.Store("http://localhost:5000", None)
    assert mlflow_store.Store.at_uri("sqlite:////data/x.db").describe() == "/data/x.db"


def test_sync_hides_password(tmp_path, database, progress, printed):
    password = "hunter2"
    secret = f"http://ann:{password}@127.0.0.1:9"
    folder = make_run(tmp_path / "runs", settings={"tracking": secret})
    assert mirror(folder, None, progress, None)
    (run,), _ = runs_of(database)
    assert artifact(tmp_path, run, "config.json")["config"]["tracking"] == without_password(secret)
    assert password not in (tmp_path / "mlartifacts" / run.info.run_id / "artifacts" / "config.json").read_text()
    assert password.encode() not in database.read_bytes()


def test_sync_omits_undefined_scores():
    undefined = {"value": None, "low": None, "high": None}
    assert ScoreTable.read(
        {
            "run_id": "x",
            "bootstrap": {"draws": 5, "skipped": {"a": 1}},
            "recognition": {"n": 3, "scores": {"uf1": undefined}, "members": {"smic": {"n": 1, "scores": {}}}},
            "chance": {"micro": {"as_many": {"f1": {"value": 0.1, "low": 0.0, "high": 0.2}}}},
        }
    ).numbers() == {
        "recognition.n": 3,
        "recognition.members.smic.n": 1,
        "chance.micro.as_many.f1": 0.1,
        "chance.micro.as_many.f1.low": 0.0,
        "chance.micro.as_many.f1.high": 0.2,
    }


def test_sync_sends_tables_to_own_experiment(tmp_path, database, monkeypatch, capsys):
    """Building it sends them, where runs are tracked; one that says something else takes the place of the former."""
    runs = tmp_path / "runs"
    for seed, method, shift in ((0, "spotter", 0), (0, "other", 5)):
        make_run(runs, seed=seed, method=method, shift=shift, settings={"tracking_folds": False})
    leaderboard.leaderboard_build_command(str(runs), out="boards", site=False)
    assert "MLflow: mlflow ui" in capsys.readouterr().out
    found, nested = runs_of(database, "mebench/leaderboards")
    (spotting,) = (run for run in found if run.info.run_name == "spotting-drawn-loso")
    assert nested == []
    assert {run.data.params["task"] for run in found} == {"spotting", "analysis", "recognition"}
    board = json.loads(Path("boards/tables/spotting-drawn-loso.json").read_text())
    place, best = next(item for item in enumerate(board["parts"][0]["rows"]) if item[1]["provenance"] == "measured")
    assert spotting.data.params["best"] == best["method"] == "spotter"
    for short, name in (("F1", "f1"), ("ASR", "asr"), ("AP", "ap")):
        assert spotting.data.metrics[short] == pytest.approx(best["scores"][name]["value"], abs=5e-5)
    table = artifact(tmp_path, spotting, "table.json")
    rows = [dict(zip(table["columns"], row)) for row in table["data"]]
    rows_of_board = [row for part in board["parts"] for row in part["rows"]]
    assert [row["method"] for row in rows] == [row["method"] for row in rows_of_board]
    ends = {name: best["scores"]["f1"][end] for name, end in (("F1", "value"), ("F1 low", "low"), ("F1 high", "high"))}
    assert {name: rows[place][name] for name in ends} == pytest.approx(ends)
    note = spotting.data.tags["mlflow.note.content"].splitlines()
    assert note[0].startswith("| part | method | settings | F1 |")
    assert "| spotter |" in note[2 + place]

    make_run(runs, method="third", shift=9, tasks=("spot",), settings={"tracking_folds": False})
    verbs.track_sync_command([], str(runs), leaderboards="boards", json="synced.json")
    names = sorted(run.info.run_name for run in found)
    synced = json.loads(Path("synced.json").read_text())
    assert sorted(synced["there"]) == names
    assert len(synced["sent"]) == 3
    assert synced["failed"] == []
    leaderboard.leaderboard_build_command(str(runs), out="boards", site=False)
    again, _ = runs_of(database, "mebench/leaderboards")
    assert sorted(run.info.run_name for run in again) == names
    anew = next(run for run in again if run.info.run_name == "spotting-drawn-loso")
    assert anew.info.run_id != spotting.info.run_id
    assert int(anew.data.params["rows"]) > int(spotting.data.params["rows"])
    one_of_others = {run.info.run_id for run in again} & {run.info.run_id for run in found}
    assert len(one_of_others) == len(names) - 1


def test_build_makes_no_database_without_tracking(tmp_path):
    make_run(tmp_path / "runs")
    leaderboard.leaderboard_build_command(str(tmp_path / "runs"), out="boards", site=False)
    assert not (tmp_path / "mlflow.db").exists()


def damaged(folder):
    (folder / "mlflow.db").write_bytes(b"no database" * 1000)


def of_another_version(folder):
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("create table experiments (experiment_id integer)")
    connection.execute("create table alembic_version (version_num varchar)")
    connection.execute("insert into alembic_version values ('of long ago')")
    connection.commit()
    connection.close()


def a_folder(folder):
    (folder / "mlflow.db").mkdir()


def server_down(_):
    return "http://ann:hunter2@127.0.0.1:9"


def nonsense(_):
    return "nonsense://x"


@pytest.mark.parametrize("break_it", [damaged, of_another_version, a_folder, server_down, nonsense])
def test_sync_reports_failure_in_one_sentence(tmp_path, progress, printed, break_it, capfd, monkeypatch):
    folder = make_run(tmp_path / "runs")
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    pauses = []
    started = time.monotonic()
    monkeypatch.setattr(urllib3.util.retry, "time", SimpleNamespace(sleep=pauses.append))  # before it is asked again
    assert mirror(folder, break_it(tmp_path), progress) is None
    assert time.monotonic() - started + sum(pauses) < 30
    assert (len(pauses) > 0) == (break_it is server_down)
    (sentence,) = printed.getvalue().splitlines()
    assert sentence.startswith("warning: MLflow at ")
    assert folder.id in sentence
    assert str(folder.path) in sentence
    assert "hunter2" not in sentence
    assert len(sentence) < 600
    assert ("file is not a database: move it away" in sentence) == (break_it is damaged)
    after = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    assert after == before
    assert "".join(capfd.readouterr()) == ""


def test_sync_is_silent_and_restores_logging(tmp_path, progress, printed, capfd):
    folder = make_run(tmp_path / "runs")
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.root.manager.disable, dict(os.environ))
    assert mirror(folder, None, progress, None)
    assert "".join(capfd.readouterr()) == printed.getvalue() == ""
    assert (list(root.handlers), root.level, logging.root.manager.disable, dict(os.environ)) == before


@nightly("`test_alone_waits_for_busy_database`")
def test_store_takes_three_processes_at_once(tmp_path, monkeypatch):
    import mlflow  # noqa: F401  (forked processes need not import it again)

    monkeypatch.setattr(mlflow_store, "LOCK_SECONDS", 120.0)  # of a machine with much else to do
    folders = [make_run(tmp_path / "runs", seed=seed) for seed in range(3)]
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        jobs = [pool.submit(mirrored, folder) for folder in folders]
        outcomes = [job.result() for job in jobs]
    assert outcomes == [("mlflow.db (experiment mebench/drawn/loso)", "")] * 3
    parents, nested = runs_of(tmp_path / "mlflow.db")
    assert {run.data.tags[mlflow_store.RUN_TAG] for run in parents} == {folder.id for folder in folders}
    assert (len(parents), len(nested)) == (3, 12)


def mirrored(folder):
    printed = io.StringIO()
    return mirror(folder, None, Progress(Console(file=printed, soft_wrap=True)), None), printed.getvalue()


def test_sync_names_composite_by_members(tmp_path, database, progress):
    folder = make_run(tmp_path / "runs", settings={"dataset.name": ["casme2", "samm"]}, members=("casme2", "samm"))
    assert mirror(folder, None, progress) == "mlflow.db (experiment mebench/casme2+samm/loso)"
    (run,), _ = runs_of(database, "mebench/casme2+samm/loso")
    assert run.data.params["dataset"] == run.data.tags["mebench.dataset"] == "casme2+samm"


def test_alone_waits_for_busy_database(tmp_path, database, progress, printed, monkeypatch):
    monkeypatch.setattr(mlflow_store, "LOCK_SECONDS", 0.5)
    folder = make_run(tmp_path / "runs")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        assert mirror(folder, None, progress) is None
        assert time.monotonic() - started < 5
    assert "database is locked" in printed.getvalue()
    assert f"mebench track sync {folder.id}" in printed.getvalue()
    assert mirror(folder, None, progress)


def test_opening_says_how_to_view_runs(tmp_path, database, progress):
    from mlflow import MlflowClient

    runs = [make_run(tmp_path / "runs", dataset=name) for name in ("drawn", "other")]
    uri = f"sqlite:///{database}"
    command = f"mlflow ui --backend-store-uri {uri}, then open http://127.0.0.1:5000/#/experiments"
    shown = "?workflowType=machine_learning"
    opening = send_all(runs[:1], None, progress, folds=False).opening
    experiment = MlflowClient(uri).get_experiment_by_name("mebench/drawn/loso")
    assert opening == f"{command}/{experiment.experiment_id}/runs{shown}&viewStateShareKey=scores"
    view = json.loads(experiment.tags["mlflow.sharedViewState.scores"])  # as the button Share writes it
    assert {f"metrics.`{name}`" for name in ("F1", "AP", "ASR", "STRS", "UF1")} <= set(view["selectedColumns"])
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert send_all(runs, None, progress, folds=False).opening == command + shown
    server = mlflow_store.Store.at_uri("https://ann:p@ss@mlflow.example.org/")
    assert server.opening("experiments") == f"open https://ann:***@mlflow.example.org/#/experiments{shown}"


def test_view_of_experiment_finds_runs_without_folds(tmp_path, database, progress):
    from mlflow import MlflowClient

    runs = [make_run(tmp_path / "runs", seed=seed) for seed in (0, 1)]
    send_all(runs, None, progress, folds=True)
    client = MlflowClient(f"sqlite:///{database}")
    experiment = client.get_experiment_by_name("mebench/drawn/loso")
    view = json.loads(experiment.tags["mlflow.sharedViewState.scores"])

    def names(search):
        return {run.info.run_name for run in client.search_runs([experiment.experiment_id], filter_string=search)}

    assert names(view["searchFilter"]) == {"spotter s0", "spotter s1"}
    assert len(names("")) > 2


def test_view_of_former_version_gets_search(tmp_path, database, progress):
    from mlflow import MlflowClient

    send_all([make_run(tmp_path / "runs", seed=0)], None, progress, folds=False)
    client = MlflowClient(f"sqlite:///{database}")
    experiment = client.get_experiment_by_name("mebench/drawn/loso")
    tag = "mlflow.sharedViewState.scores"
    former = json.loads(experiment.tags[tag])
    client.set_experiment_tag(experiment.experiment_id, tag, json.dumps({**former, "searchFilter": ""}))
    send_all([make_run(tmp_path / "runs", seed=1)], None, progress, folds=False)
    assert json.loads(client.get_experiment_by_name("mebench/drawn/loso").tags[tag]) == former


def test_alone_refuses_sqlite_on_network_drive(tmp_path, progress, printed, monkeypatch):
    monkeypatch.setattr(mlflow_store, "find_file_system", lambda path: "nfs4")
    folder = make_run(tmp_path / "runs")
    assert mirror(folder, None, progress) is None
    assert "is on a network drive (nfs4)" in printed.getvalue()
    assert "MLFLOW_TRACKING_URI=http://" in printed.getvalue()
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize(("name", "problem"), [("my%20project", "% or ?"), ("a\"b'c", "both kinds of quotation marks")])
def test_mirror_refuses_folder_that_no_address_holds(tmp_path, progress, printed, monkeypatch, name, problem):
    """SQLAlchemy takes `%20` for a blank, and all behind `?` for options: the database would lie elsewhere, or nowhere.

    MLflow quotes the folder as Python does, which is no SQL with both kinds of quotation marks.
    """
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    assert mirror(make_run(Path("runs")), None, progress) is None
    assert f"{name}/mlflow.db holds {problem}" in " ".join(printed.getvalue().split())
    assert not list(tmp_path.rglob("mlflow.db*"))


def test_file_system_equals_df(tmp_path):
    for place in (tmp_path, Path("/proc/self"), Path("/dev/shm")):
        printed = subprocess.run(["df", "--output=fstype", place], capture_output=True, text=True).stdout.split()
        if printed:
            assert mlflow_store.find_file_system(place) == printed[-1]
    assert mlflow_store.find_file_system(tmp_path / "not" / "there") == mlflow_store.find_file_system(tmp_path)


def test_file_system_takes_names_with_blank(tmp_path, monkeypatch):
    mounts = f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path}/my\\040runs nfs4 rw 0 0\n"  # as the kernel writes it
    monkeypatch.setattr(mlflow_store.Path, "read_text", lambda *_, **__: mounts)
    assert [mlflow_store.find_file_system(tmp_path / name) for name in ("my runs", "others")] == ["nfs4", "ext4"]


@contextmanager
def server(folder, port):
    """A real MLflow server on this machine, with sqlite and a folder of artifacts."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    places = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files")]
    alone = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # or it starts more processes, for jobs
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, *places], cwd=folder, env=alone, start_new_session=True, **quiet)
    # it may have a busy machine to share
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 900
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "the MLflow server does not start"
                assert time.monotonic() < end, "the MLflow server does not start"
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@nightly("the database of this machine, and a server that is down")
def test_sync_sends_to_server_what_it_missed(tmp_path, blank, progress, printed, monkeypatch, capsys):
    from mlflow import MlflowClient, artifacts

    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "server.db").write_bytes(blank)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")  # asks a server that is down again, but at once
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    runs = tmp_path / "runs"
    first, second = make_run(runs, seed=0), make_run(runs, seed=1)

    # The server is down at the end of a run: the run stands.
    assert mirror(first, None, progress, None) is None
    assert f"did not accept run {first.id}" in printed.getvalue()
    assert f"mebench track sync {first.id}" in printed.getvalue()
    with pytest.raises(RunError, match="2 of 2 were not sent"):
        verbs.track_sync_command([], str(runs))

    with server(tmp_path, port) as address:
        assert mirror(second, None, progress, None) == f"{address} (experiment mebench/drawn/loso)"
        verbs.track_sync_command([], str(runs), json=str(tmp_path / "synced.json"))
        assert json.loads((tmp_path / "synced.json").read_text()) == {
            "sent": [first.id],
            "there": [second.id],
            "failed": [],
        }
        verbs.track_sync_command([first.id], str(runs))
        assert "0 sent, 1 was there" in capsys.readouterr().out
        client = MlflowClient(tracking_uri=address)
        experiment = client.get_experiment_by_name("mebench/drawn/loso").experiment_id
        found = client.search_runs([experiment])
        parents = {r.data.tags["mebench.run_id"]: r for r in found if "mlflow.parentRunId" not in r.data.tags}
        assert set(parents) == {first.id, second.id}
        assert len(found) == 2 * (1 + 4)
        (tmp_path / "records").mkdir()
        fetch_records(address, tmp_path / "records", print)
        assert [record.id for record in collect_records(tmp_path / "records")] == sorted([first.id, second.id])
        run = parents[first.id]
        f1 = first.read_json("summary.json")["spotting"]["micro"]["scores"]["f1"]["value"]
        assert run.data.metrics["spotting.micro.f1"] == f1
        where = f"{run.info.artifact_uri}/costs.csv"
        copy = artifacts.download_artifacts(artifact_uri=where, dst_path=str(tmp_path), tracking_uri=address)
        assert Path(copy).read_text() == (first.path / "costs.csv").read_text()
    assert not (tmp_path / "mlflow.db").exists()
