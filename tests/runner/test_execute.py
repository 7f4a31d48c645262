"""Whole runs: the same answer however they are made, and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import lightning
import numpy as np
import pandas as pd
import pytest

from mebench.config import from_plain, resolve, resolve_dataset
from mebench.errors import ConfigError, RunError
from mebench.inference import predict
from mebench.inference.film_progress import FilmReport
from mebench.inference.models import model_of_fold
from mebench.inference.predict import fitted_method
from mebench.output.progress import Progress
from mebench.runner import host, make_plan
from mebench.runner.execute import InterruptedRunError, execute_run, stopped_by_signals
from mebench.runner.session import Session
from mebench.runs import RunFolder
from mebench.sandbox import isolation
from tests.helpers import programs
from tests.helpers.nightly import nightly
from tests.helpers.same_process import stand_in

pytestmark = pytest.mark.processes
TABLES = ("predictions.parquet", "clips.parquet", "frame_scores.parquet")
SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background
from mebench._fast_imports import speed_up_imports
speed_up_imports()  # as the program does
from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.output.progress import Progress
from mebench.runner.execute import run
try:
    run(resolve(sys.argv[1:]), Progress())
except MebenchError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture(autouse=True)
def workers_find_mebench(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


@pytest.fixture
def in_this_process(monkeypatch):
    stand_in(monkeypatch.setattr)


def go(words, run_id=None):
    return execute_run(resolve(words), Progress(), run_id)


def same_answers(one, two):
    for name in TABLES:
        pd.testing.assert_frame_equal(one.read_table(name), two.read_table(name), check_exact=True)


def only_run(runs):
    (folder,) = runs.iterdir()
    return RunFolder(folder)


def without_names(summary):
    return {key: value for key, value in summary.items() if key not in ("run_id", "seconds")}


@pytest.fixture(scope="module")
def mean_runs(tiny, tmp_path_factory):
    """MEAN, trained for two epochs, in this process, with a copy apart for each fold, and by two workers."""
    root = tmp_path_factory.mktemp("mean")
    words = [
        "method=mean",
        *tiny,
        "method.epochs_spot=2",
        "method.epochs_recognition=2",
        "bootstrap=20",
        f"runs={root}",
    ]
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        with pytest.MonkeyPatch.context() as patch:
            stand_in(patch.setattr)
            alone = go([*words, "workers=1"])
        return [alone, go([*words, "workers=2"])]
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


def test_run_again_gives_the_same_bits_by_two_workers(mean_runs):
    one, two = mean_runs
    assert two.folder.id == f"{one.folder.id}.2"  # the same run, but the first is finished and left alone
    same_answers(one.folder, two.folder)
    assert without_names(one.summary) == without_names(two.summary)
    models = [sorted(o.folder.path.glob("folds/*/model.safetensors")) for o in mean_runs]
    assert len(models[0]) == 3
    assert [m.read_bytes() for m in models[0]] == [m.read_bytes() for m in models[1]]


def test_predict_all_of_a_fold_equals_the_run(mean_runs, tiny, in_this_process):
    folder = mean_runs[0].folder
    fold = "synthetic/s002"
    predicted = predict.predict_all([model_of_fold(folder, fold)], resolve_dataset(tiny[:-1]), 1, Progress())
    again, failed = predicted.make_tables().predictions, predicted.failed
    own = folder.read_table("predictions.parquet")
    assert not failed
    assert set(again["video"]) == {f"synthetic/s00{n}/v01" for n in (1, 2, 3)}
    of_test = again[again["video"].str.contains("/s002/")].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_test, own[own["fold"] == fold].reset_index(drop=True), check_exact=True)


def test_predict_of_all_folds_averages_their_scores(mean_runs, tiny):
    folder = mean_runs[0].folder
    folds = ("synthetic/s001", "synthetic/s003")
    models = [model_of_fold(folder, fold) for fold in folds]
    *single, job = (
        predict.plan_prediction(some, resolve_dataset(tiny[:-1]))[0] for some in (models[:1], models[1:], models)
    )
    both = predict.Ensemble(job)
    video = job.test[1]
    assert job.timings["synthetic"].k_prime["micro"] == round(
        np.mean([one.timings["synthetic"].k_prime["micro"] for one in single])
    )
    (found,) = both.answer(video, FilmReport(None, 0, video.n_frames)).predictions
    methods = [fitted_method(model_of_fold(folder, fold)) for fold in folds]
    view = both.folds[0][0].views.hide_labels(video)
    scores = np.mean([method.score_frames(view) for method in methods], axis=0)
    (expected,) = methods[0].propose(view, scores)
    classes = np.mean([m.classify([view.clip(found.onset, found.apex, found.offset)]) for m in methods], axis=0)
    assert (found.onset, found.apex, found.offset) == (expected.onset, expected.apex, expected.offset)
    assert found.confidence == pytest.approx(expected.confidence, abs=1e-12)
    assert found.probabilities == pytest.approx(classes[0], abs=1e-12)
    assert found.emotion == job.parts[-1].task.classes[int(classes.argmax())]


def test_run_folder_holds_all_that_its_reader_needs(mean_runs):
    outcome = mean_runs[0]
    folder = outcome.folder
    assert folder.done
    assert folder.finished_folds() == {f"synthetic/s00{n}" for n in (1, 2, 3)}
    assert folder.read_json("summary.json") == json.loads(json.dumps(outcome.summary))
    assert {"spotting", "recognition", "analysis", "chance"} <= set(outcome.summary)
    about = folder.read_json("folds.json")
    assert about["transductive"] == "video"
    assert not about["comparable"]
    assert about["remark"]
    assert [f["test"] for f in about["folds"]] == [[f"synthetic/s00{n}"] for n in (1, 2, 3)]
    assert len(folder.read_table("videos.parquet")) == len(folder.read_table("truth.parquet")) == 3
    assert folder.read_json("features.json")["seconds"] >= 0
    costs = pd.read_csv(folder.path / "costs.csv")
    assert (costs["parameters"] == 8394).all()
    assert (costs["fit_seconds"] > 0).all()
    assert costs["feature_seconds"].sum() == pytest.approx(folder.read_json("features.json")["seconds"], abs=1e-4)
    assert (costs["peak_memory_mib"] > 100).all()


def test_run_keeps_the_curves_of_its_peaks(mean_runs):
    folder = mean_runs[0].folder
    curves, found = folder.read_table("curves.parquet"), folder.read_table("predictions.parquet")
    scores = folder.read_table("frame_scores.parquet")
    at_peaks = found.merge(
        curves, left_on=["fold", "video", "kind", "apex"], right_on=["fold", "video", "kind", "frame"]
    )
    assert len(at_peaks) == len(found) > 0
    pd.testing.assert_series_equal(at_peaks["smoothed"], at_peaks["confidence"], check_names=False, check_exact=True)
    for (fold, video), own in curves.groupby(["fold", "video"]):
        k_prime = folder.fold_record(fold)["timing"]["synthetic"]["k_prime"]["micro"]
        of_frames = scores[scores["video"] == video].sort_values("frame")["score"].dropna()
        expected = of_frames.rolling(2 * k_prime + 1, center=True).mean().dropna().to_numpy()
        np.testing.assert_allclose(own["smoothed"], expected, atol=1e-12)
        assert own["level"].nunique() == 1
        if np.isfinite(own["level"]).all():
            mean, most = expected.mean(), expected.max()
            np.testing.assert_allclose(own["level"], mean + 0.55 * (most - mean))
    pd.testing.assert_frame_equal(curves, mean_runs[1].folder.read_table("curves.parquet"), check_exact=True)


def test_run_by_a_worker_equals_execute_of_a_fold(mean_runs):
    folder = mean_runs[0].folder
    plan = make_plan(from_plain(folder.read_json("config.json")["config"]))
    result = host.execute_fold(plan, plan.data.folds[1])
    stored = folder.path / "folds" / "synthetic--s002"
    assert (stored / "model.safetensors").read_bytes() == result.model
    confidences = pd.read_parquet(stored / "predictions.parquet")["confidence"].tolist()
    assert confidences == [p.confidence for p in result.predictions]


def test_execute_of_a_fold_inside_slurm_is_alone(mean_runs, monkeypatch):
    job = {"JOB_ID": 7, "JOB_NAME": "loso", "NTASKS": 4, "PROCID": 2, "LOCALID": 2, "NODEID": 0}
    for name, value in job.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    # Lightning that is told nothing takes the tasks of the job for its own.
    with pytest.raises(RuntimeError, match="ntasks=4"):
        lightning.Trainer(accelerator="cpu", devices=1, barebones=True)
    folder = mean_runs[0].folder
    plan = make_plan(from_plain(folder.read_json("config.json")["config"]))
    stored = folder.path / "folds" / "synthetic--s003" / "model.safetensors"
    assert host.execute_fold(plan, plan.data.folds[2]).model == stored.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_stopped_by_a_signal_says_so_and_restores_it(moody, tmp_path, in_this_process, monkeypatch, number):
    keep = Session.store_fold

    def keep_and_stop(self, fold, outcome):
        keep(self, fold, outcome)
        signal.raise_signal(number)

    monkeypatch.setattr(Session, "store_fold", keep_and_stop)
    before = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with pytest.raises(InterruptedRunError) as error:
            go(moody())
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    stopped = only_run(tmp_path / "runs")
    assert error.value.exit_code == 128 + number
    assert str(error.value) == (
        f"stopped: 1 of 3 folds are finished and kept in {stopped.path}. Continue with: mebench resume {stopped.path}"
    )


def test_stopped_by_signals_under_nohup_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def stopped_by(how, words, runs, output, program):
    """A run that is told to stop after its first fold: its folder, what it said and its exit code."""
    if program:
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, *words],
                stdout=file,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        code = process.poll
        end = process.wait
    else:
        process = programs.started(words, output)
        code = partial(getattr, process, "exitcode")
        end = process.join
    try:
        _wait_for(lambda: list(runs.glob("*/folds/toy--1/fold.json")), code, output)
        os.killpg(process.pid, how)  # to the workers too
        end(300)
    finally:
        if code() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return only_run(runs), output.read_text(), code()


REAL = pytest.param(True, marks=nightly("the same in a copy of a program"), id="from nothing")


@pytest.mark.parametrize("program", [pytest.param(False, id="a copy"), REAL])
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(
            signal.SIGTERM,
            id="SIGTERM",
            marks=nightly("`test_run_stopped_by_a_signal_says_so_and_restores_it` has it in this process"),
        ),
    ],
)
def test_run_that_was_stopped_resumes_to_equal_results(moody, tmp_path, in_this_process, number, program):
    gate = tmp_path / "gate"
    words = moody("method.trouble=[2=wait]", f"method.gate={gate}", "workers=1")
    stopped, printed, code = stopped_by(number, words, tmp_path / "runs", tmp_path / "said.txt", program)
    assert code == 128 + number
    assert (
        f"1 of 3 folds are finished and kept in {stopped.path}. Continue with: mebench resume {stopped.path}" in printed
    )
    assert not stopped.done
    assert stopped.finished_folds() == {"toy/1"}
    kept = (stopped.path / "folds" / "toy--1").stat()

    gate.touch()
    resumed = go(words, stopped.id)

    assert resumed.folder.path == stopped.path
    assert resumed.folder.done
    again = (stopped.path / "folds" / "toy--1").stat()
    assert (again.st_ino, again.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    plan = make_plan(resolve(moody()))
    whole = [host.execute_fold(plan, fold) for fold in plan.data.folds]
    found = resumed.folder.read_table("predictions.parquet")
    expected = sorted(
        (p.video, p.kind, p.onset, p.offset, p.confidence, p.emotion) for r in whole for p in r.predictions
    )
    assert sorted(zip(*(found[c] for c in ("video", "kind", "onset", "offset", "confidence", "emotion")))) == expected
    scores = resumed.folder.read_table("frame_scores.parquet")
    expected_scores = []
    for result in whole:
        for key in sorted(result.frame_scores):
            expected_scores += result.frame_scores[key][:, 0].tolist()
    assert scores["score"].tolist() == expected_scores


def _wait_for(condition, code, output, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert code() is None, f"the run ended before: {output.read_text()}"
        assert time.monotonic() < end, "the run does not get on"
        time.sleep(0.05)


def test_run_keeps_the_trouble_of_a_fold_to_itself(moody, tmp_path, monkeypatch):
    """A hang, and a fold that dies once; two workers, and what else can go wrong, are in `test_pool`."""
    words = moody(
        *("method.trouble=[2=die once, 3=hang]", f"method.gate={tmp_path / 'mark'}"),
        *("workers=1", "fold_timeout=500"),
    )

    def hurried():
        """Whenever a fold hangs its time passes quickly, so that a test need not wait."""
        return time.monotonic() + 1000 * len(list(tmp_path.glob("mark.hung.*")))

    monkeypatch.setattr(isolation, "now", hurried)
    with pytest.raises(RunError) as error:
        go(words)

    folder = only_run(tmp_path / "runs")
    assert "1 of 3 folds failed; fold 'toy/3': it took longer than fold_timeout=500 seconds" in str(error.value)
    # The one whose worker died was tried again, alone, and all others went on.
    assert folder.finished_folds() == {"toy/1", "toy/2"}
    assert not folder.done
    (reason,) = (folder.path / "failed").iterdir()
    assert reason.name == "toy--3"
    assert reason.read_text().startswith("it took longer than fold_timeout=500 seconds")


def test_run_leaves_out_failing_fold_and_resumes_it(moody, tmp_path, in_this_process):
    words = moody("dataset.subjects=4", "method.trouble=[2=raise]")
    with pytest.raises(RunError) as error:
        go(words)

    folder = only_run(tmp_path / "runs")
    assert (
        "1 of 4 folds failed; fold 'toy/2': ValueError: a matrix is singular (methods/moody/method.py, line 37)"
        in str(error.value)
    )
    assert f"mebench resume {folder.path}" in str(error.value)
    assert folder.finished_folds() == {"toy/1", "toy/3", "toy/4"}
    assert not folder.done
    (reason,) = (folder.path / "failed").iterdir()
    assert reason.name == "toy--2"
    assert "a matrix is singular" in reason.read_text()
    assert "method.py" in reason.read_text()

    versions = folder.read_json("versions.json")
    folder.write_json("versions.json", versions | {"processor": "an old one"})
    with pytest.raises(RunError, match=f"run '{folder.id}' began on another kind of processor .an old one; here it is"):
        go(words, folder.id)
    folder.write_json("versions.json", versions)

    method = tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.write_text(method.read_text() + "\nanother = 'method now'\n")
    with pytest.raises(
        RunError, match=r"cannot continue: code of methods/moody was \w{8} and is \w{8}, and its folds must not mix"
    ):
        go(words, folder.id)


def test_run_refuses_an_impossible_plan_without_workers(moody):
    started = time.monotonic()
    with pytest.raises(ConfigError, match="unknown emotion scheme"):
        go(moody("scheme=nonsense"))
    assert time.monotonic() - started < 10
