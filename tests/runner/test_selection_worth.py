"""The papers' own way is a named switch: it marks the run, and shows what it bought."""

import json

import pytest
from typer.testing import CliRunner

from mebench.cli import app
from mebench.config import resolve
from mebench.output.progress import Progress
from mebench.runner import fold
from mebench.runner.execute import execute_run, leak_gain
from mebench.tracking import mlflow_store
from mebench.training import fit
from tests.plugins.counter.method import Counter
from tests.plugins.counter.params import Params


def judged(*answers, rule="leak"):
    """The epochs that stay if each epoch of each stage is judged by its answer, from 0 to 1."""
    method = Counter(Params(len(answers)))

    def score():
        stage = int(method.stage)
        return answers[stage](int(method.epochs[stage]))

    fit(method, [], [], after_epoch=None if None in answers else fold.best_epoch_check(method, score, rule))
    return method.epochs.tolist()


def test_fit_keeps_the_best_epoch_by_score():
    assert judged(None) == [6]
    assert judged(lambda epoch: 1 / (1 + abs(epoch - 3))) == [3]
    assert judged(lambda epoch: 0.5) == [1]  # of equal ones the first


def test_fit_keeps_a_best_epoch_for_each_stage():
    assert judged(lambda epoch: 1.0, lambda epoch: 0.1 * (epoch == 4)) == [1, 4]


def test_fit_keeps_first_or_last_of_equal_epochs_by_rule():
    scores = [0.0, 0.5, 1.0, 0.5, 1.0, 0.0]
    kept = {rule: judged(lambda epoch: scores[epoch - 1], rule=rule) for rule in ("leak", "leak_last", "leak_stop")}
    assert kept == {"leak": [3], "leak_last": [5], "leak_stop": [3]}
    assert judged(lambda epoch: 0.5, rule="leak_last") == [6]


def test_leak_gain_is_the_difference_of_two_runs(moody):
    honest = execute_run(resolve(moody("tracking=null")), Progress())
    config = resolve(moody("audit=leak"))
    leak = execute_run(config, Progress())
    assert leak.folder.id.rpartition("-")[0].endswith("seed0-leak")
    found = leak_gain(config, leak.summary, Progress())
    assert found["honest"] == honest.folder.id  # it was there already
    f1 = [outcome.summary["spotting"]["micro"]["scores"]["f1"]["value"] for outcome in (honest, leak)]
    score = found["scores"]["spotting.micro.f1"]
    assert (score["honest"], score["leak"]) == tuple(f1)
    assert score["points"] == pytest.approx(100 * (f1[1] - f1[0]))
    assert {"analysis.strs", "recognition.uf1"} <= set(found["scores"])


def test_run_audit_leak_executes_both_and_marks_the_row(moody, monkeypatch, tmp_path, blank):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ml.db").write_bytes(blank)
    words = moody("audit=leak", "method=random", "method.draws=2", "dataset.macro=false", "tracking=sqlite:///ml.db")
    found = CliRunner().invoke(app, ["run", *words, "--json", "out.json"], catch_exceptions=False)
    assert "gain from the leak" in found.stdout
    assert "selection: test" in found.stdout
    assert found.output.count("audit=leak: k' is that of all subjects") == 1
    runs = {path.name.rpartition("-")[0] for path in (tmp_path / "runs").iterdir()}
    assert runs == {"random-toy-loso-seed0", "random-toy-loso-seed0-leak"}
    assert set(json.loads((tmp_path / "out.json").read_text())["leak"]) == {"honest", "scores", "differences"}
    from mlflow import MlflowClient  # half a second

    client = MlflowClient("sqlite:///ml.db")
    experiment = client.get_experiment_by_name("mebench/toy/loso").experiment_id
    mirrored = {
        found.data.tags[mlflow_store.RUN_TAG]
        for found in client.search_runs([experiment])
        if mlflow_store.RUN_TAG in found.data.tags
    }
    assert mirrored == {path.name for path in (tmp_path / "runs").iterdir()}
