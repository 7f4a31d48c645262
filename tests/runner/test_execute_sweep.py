"""Sweeps: what they plan, one queue over all runs, one table, and going on where one stopped."""

import json
import re
import resource
import shutil
import statistics
from pathlib import Path

import pandas as pd
import pytest

from mebench.api import run_results
from mebench.cli.run import run_command
from mebench.config import combinations as sweep_words, resolve
from mebench.errors import ConfigError, RunError, SomeFailedError
from mebench.features import pipeline
from mebench.output.progress import Progress, Silent
from mebench.runner import execute, host, identity, make_plan
from mebench.runner.execute import execute_run
from mebench.runner.session import open_session
from mebench.runs import RunFolder
from mebench.runs.fold_files import safe_name
from tests.helpers.plugin_folders import SMALL
from tests.helpers.same_process import stand_in

pytestmark = pytest.mark.usefixtures("untracked")


def test_sweep_names_or_drops_settings_a_method_lacks():
    lists = sweep_words.lists_of_words(
        ["method=random,optical_strain", "dataset=synthetic", "method.p=0.5,0.6", "method.preset=nothing"]
    )
    with pytest.raises(ConfigError, match=r"method random has no p=0\.5, .*NAME\.p=0\.5.*--where-known"):
        run_results.plan_sweep(lists[:3], (), (), "command line")
    progress = Told()
    combinations, configs = run_results.plan_sweep(lists, (), (), "command line", progress)
    assert [c.varied for c in combinations] == [
        {"method": "random"},
        *({"method": "optical_strain", "method.p": p} for p in ("0.5", "0.6")),
    ]
    assert [c.method for c in configs] == ["random", "optical_strain", "optical_strain"]
    assert progress.lines == [
        "method random has no p=0.5: left out",
        "method random has no preset=nothing: left out",
        "method random has no p=0.6: left out",
        "method optical_strain has no preset=nothing: left out",
    ]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("optical_strain.smooth=1", r"unknown key 'method\.smooth'\. Did you mean 'method\.smoothing'\?"),
        ("method.nothing=1", r"unknown key 'method\.nothing'"),
        ("ststnet.epochs=3", "ststnet.epochs is for the method ststnet, which is not in this sweep"),
    ],
)
def test_sweep_refuses_settings_no_method_can_take(word, sentence):
    lists = sweep_words.lists_of_words(["method=random,optical_strain", "dataset=synthetic", word])
    with pytest.raises(ConfigError, match=sentence):
        run_results.plan_sweep(lists, (), (), "command line")


def test_sweep_refuses_equal_runs_in_other_words():
    words = ["dataset=synthetic", "method=optical_strain"]
    equal = [
        (["seed=0,00"], "seed=0 and seed=00"),
        (["method.p=0.5,.5", "seed=0..1"], "method.p=0.5 seed=0 and method.p=.5 seed=0"),
        (["kinds=[micro],micro"], r"kinds=\[micro\] and kinds=micro"),
    ]
    for more, named in equal:
        with pytest.raises(ConfigError, match=f"{named} are the same run: name each value once"):
            run_command([*words, *more], multirun=True, dry_run=True)


def test_sweep_prints_one_table_with_failures_last(moody, tmp_path, capsys):
    words = moody("method.trouble=[],[2=raise]", "seeds=0..1", "workers=1")
    file = tmp_path / "sweep.json"
    with pytest.raises(SomeFailedError, match="2 of 4 runs failed, for the reasons above"):
        run_command(words, multirun=True, json=str(file))
    out, err = capsys.readouterr()
    report = json.loads(file.read_text())

    assert "sweep: 4 runs, 12 folds in 4 of them to compute" in err
    assert "± standard deviation over seeds; brackets: the 95 % interval of the mean over people" in err
    assert err.count("failed: method.trouble=[2=raise] seed=") == 2
    assert "a matrix is singular" in err
    assert len(report["failures"]) == 2
    assert len(report["runs"]) == 2
    (row,) = report["rows"]
    assert row["settings"] == {"method.trouble": "[]"}
    assert row["seeds"] == [0, 1]
    singles = [run["recognition"]["scores"]["uf1"] for run in report["runs"]]
    uf1 = row["scores"]["UF1"]
    assert uf1["value"] == pytest.approx(statistics.fmean(s["value"] for s in singles))
    assert uf1["spread"] == pytest.approx(statistics.stdev(s["value"] for s in singles))
    # Three subjects show too little of each class for an interval of UF1; F1 has one.
    assert (uf1["low"], uf1["high"]) == (None, None)
    assert all("reason" in single for single in singles)
    f1 = row["scores"]["F1 micro"]
    singles = [run["spotting"]["micro"]["scores"]["f1"] for run in report["runs"]]
    assert (f1["low"], f1["high"]) == (min(s["low"] for s in singles), max(s["high"] for s in singles))
    (line,) = (line for line in out.splitlines() if line.startswith("[]"))
    assert f"{uf1['value']:.4f} ± {uf1['spread']:.4f}" in line
    assert f"{f1['value']:.4f} ± {f1['spread']:.4f} [{f1['low']:.4f}, {f1['high']:.4f}]" in line

    # The same command goes on: what is finished stands, only the two others are tried again, in their old folders.
    with pytest.raises(SomeFailedError, match="2 of 4 runs failed"):
        run_command(words, multirun=True)
    assert "sweep: 4 runs, 6 folds in 2 of them to compute; 2 finished ones are kept" in capsys.readouterr().err
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_sweep_runs_equal_runs_alone(moody, tmp_path):
    run_command(moody("seeds=0..1", "workers=1"), multirun=True, json="-")
    (swept,) = (RunFolder(path) for path in (tmp_path / "runs").glob("*seed1*"))
    alone = execute_run(resolve(moody("seed=1", "workers=1")), Progress()).folder
    assert alone.id == f"{swept.id}.2"
    for name in ("predictions.parquet", "clips.parquet", "frame_scores.parquet"):
        assert (alone.path / name).read_bytes() == (swept.path / name).read_bytes()


def test_sweep_resumed_under_other_rules_scores_all_by_them(moody, tmp_path):
    run_command(moody("seeds=0..1", "workers=1"), multirun=True)
    folders = list((tmp_path / "runs").iterdir())
    file = tmp_path / "sweep.json"
    words = moody("seeds=0..2", "workers=1", "convention=softnet2021", "bootstrap=0")
    run_command(words, multirun=True, json=str(file))
    swept = json.loads(file.read_text())["runs"]
    alone = execute_run(resolve(moody("seed=1", "workers=1", "convention=softnet2021", "bootstrap=0")), Progress())

    assert len(folders) == 2
    assert len(list((tmp_path / "runs").iterdir())) == 4
    assert [run["convention"] for run in swept] == ["softnet2021"] * 3
    assert swept[1]["spotting"] == json.loads(json.dumps(alone.summary["spotting"]))
    assert {json.loads((folder / "summary.json").read_text())["convention"] for folder in folders} == {"strict"}


def test_sweep_may_have_more_runs_than_open_files(moody, tmp_path, monkeypatch):
    """Each run holds its lock from the first moment on."""
    monkeypatch.setattr(execute, "execute_all", lambda sessions, *_: [RunError("not now")] * len(sessions))
    configs = [
        resolve(c.settings)
        for c in sweep_words.expand_lists(sweep_words.lists_of_words(moody("seeds=0..12", "workers=1")))
    ]
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = sorted({*range(1000)} - {int(file.name) for file in Path("/proc/self/fd").iterdir()})
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[10], most))
    try:
        assert len(execute.execute_sweep(configs, Silent())) == 13
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))


def test_sweep_computes_shared_features_once(own_folder, tmp_path, monkeypatch, capsys):
    computed = []
    real = pipeline.VideoSource.compute
    monkeypatch.setattr(
        pipeline.VideoSource, "compute", lambda own, *args: computed.append(own.video.key) or real(own, *args)
    )
    words = [
        *("method=optical_strain", "method.flow=dis", "dataset=synthetic", *SMALL, "seeds=0..1", "method.p=0.5,0.6"),
        *("workers=1", "bootstrap=5", f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'store'}"),
    ]
    run_command(words, multirun=True, json=str(tmp_path / "sweep.json"))
    assert sorted(computed) == [f"synthetic/s00{n}/v01" for n in (1, 2, 3)]  # 4 runs of 3 videos
    rows = json.loads((tmp_path / "sweep.json").read_text())["rows"]
    assert [row["settings"] for row in rows] == [{"method.p": "0.5"}, {"method.p": "0.6"}]
    assert rows[0]["costs"]["feature_seconds"] > 0  # charged to the first run that needed them


OWN = ("method=linear_spotter", "method.flow=dis", "dataset=synthetic", *SMALL, "bootstrap=5", "workers=1")
"""Words of a method that is trained in a moment."""


def test_sweep_trains_runs_of_other_intervals_once(own_folder, tmp_path, capsys):
    """Each is as it would be alone; one that is asked for again, and one whose threshold is learnt, are trained."""
    words = [*OWN, f"cache={tmp_path / 'store'}"]
    run_command([*words, "method.anchor=paper,middle", f"runs={tmp_path / 'runs'}"], multirun=True)
    third = execute_run(resolve([*words, "method.p=0.3", f"runs={tmp_path / 'runs'}"]), Silent()).folder  # beside both
    assert re.findall(r"3 folds trained in linear_spotter-\S+, which", capsys.readouterr().err)
    alone = execute_run(resolve([*words, "method.anchor=middle", f"runs={tmp_path / 'alone'}"]), Silent()).folder
    swept = RunFolder(tmp_path / "runs" / alone.id)
    for name in ("predictions.parquet", "frame_scores.parquet", *(f"folds/synthetic--s00{n}" for n in (1, 2, 3))):
        for one, other in zip(_files(swept.path / name), _files(alone.path / name), strict=True):
            assert one.name == other.name == "fold.json" or one.read_bytes() == other.read_bytes()
    first = next(r for r in RunFolder.list_runs(tmp_path / "runs") if r.id not in (swept.id, third.id))
    assert swept.read_json("folds.json") == first.read_json("folds.json")
    costs = [pd.read_csv(folder.path / "costs.csv")["fit_seconds"].tolist() for folder in (swept, first)]
    assert costs[0] == costs[1]  # what the training cost, wherever it was
    assert swept.read_json("audit.json")["values"][-1]["folds"] == {f"synthetic/s00{n}": first.id for n in (1, 2, 3)}
    for word in ("method.anchor=middle", "method.threshold=absolute"):
        progress = Told()
        execute_run(resolve([*words, word, f"runs={tmp_path / 'runs'}"]), progress)
        assert not any("trained in" in line for line in progress.lines)


def test_run_resumed_takes_folds_trained_elsewhere_meanwhile(own_folder, tmp_path):
    """What is lost or damaged there is trained; so is all where that run cannot say what it left out."""
    words = [*OWN, f"cache={tmp_path / 'store'}", f"runs={tmp_path / 'runs'}"]
    begun = open_session(make_plan(resolve([*words, "method.p=0.3"])))
    begun.lock.release()
    first = execute_run(resolve(words), Silent()).folder
    for fold in ("synthetic/s001", "synthetic/s002"):  # one of its models is damaged, the other one lost
        file = first.path / "folds" / safe_name(fold) / "model.safetensors"
        file.write_bytes(b"") if fold.endswith("1") else file.unlink()
    progress = Told()
    second = execute_run(resolve([*words, "method.p=0.3"]), progress).folder
    assert second.id == begun.folder.id
    reused = [line for line in progress.lines if "1 fold trained in" in line]
    assert any(first.id in line for line in reused)
    for folder in (first, second):
        (folder.path / "skipped.json").write_text("3")
    progress = Told()
    execute_run(resolve([*words, "method.p=0.4"]), progress)
    assert not any("trained in" in line for line in progress.lines)


def test_run_trains_a_fold_that_is_gone_at_its_turn(own_folder, tmp_path):
    words = [*OWN, f"cache={tmp_path / 'store'}", f"runs={tmp_path / 'runs'}"]
    first = execute_run(resolve(words), Silent()).folder
    session = open_session(make_plan(resolve([*words, "method.p=0.3"])))
    there = session.trained_elsewhere(identity.by_training(tmp_path / "runs"))
    assert set(there) == session.left
    session.lock.release()
    task = next(task for task in session.make_tasks(there) if task.key[1].key == "synthetic/s002")
    shutil.rmtree(first.path)
    found = task.function(*task.shared, *task.arguments, host.ThisProcess())
    assert found.trained_in == ""
    assert found.frame_scores
    assert found.model


def test_sweep_trains_the_next_run_where_the_first_fails(moody, tmp_path, capsys):
    """A fold that fails in one run alone: the third run takes it from the second."""
    folder = tmp_path / "mine" / "methods" / "moody"
    settings = folder / "config.yaml"
    settings.write_text(settings.read_text() + "search: {trouble: {choices: [a], acts: postprocess}}\n")
    with pytest.raises(SomeFailedError, match="1 of 3 runs failed"):
        run_command(moody("method.trouble=[2=raise],[],[9=raise]", "workers=1"), multirun=True)
    printed = capsys.readouterr().err
    assert len(re.findall(r"2 folds trained in moody-\S+, which", printed)) == 1  # by the one that fails
    assert len(re.findall(r"3 folds trained in moody-\S+", printed)) == 1


def test_run_ignores_a_search_map_without_sense(moody, tmp_path):
    settings = tmp_path / "mine" / "methods" / "moody" / "config.yaml"
    settings.write_text(settings.read_text() + "search: {gate: 3, trouble: null}\n")
    assert execute_run(resolve(moody("workers=1")), Silent()).folder.done


class Told(Silent):
    """Keeps what is reported."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def notify(self, *lines):
        self.lines += lines


def _files(path):
    return sorted(path.iterdir()) if path.is_dir() else [path]


def test_sweep_without_any_plan_fails_at_once(moody):
    with pytest.raises(ConfigError, match="unknown emotion scheme 'x'"):
        run_command(moody("scheme=x,y", "workers=1"), multirun=True)


def test_sweep_goes_on_past_a_run_without_plan(moody, capsys):
    with pytest.raises(SomeFailedError, match="1 of 2 runs failed"):
        run_command(moody("scheme=native,nonsense", "workers=1"), multirun=True)
    assert "failed: scheme=nonsense: unknown emotion scheme 'nonsense'" in capsys.readouterr().err


def test_sweep_plans_part_by_part_with_shared_data(moody, tmp_path, monkeypatch):
    """The second part is planned after the first is computed; one method and seed after the other takes the same folds."""
    stand_in(monkeypatch.setattr)
    monkeypatch.setattr(execute, "FEWEST_PLANNED", 1)
    monkeypatch.setattr(execute, "MOST_PLANNED", 6)
    order = []
    plan, compute = execute.make_plan, execute.execute_all
    monkeypatch.setattr(execute, "make_plan", lambda *args: order.append(plan(*args)) or order[-1])
    monkeypatch.setattr(execute, "execute_all", lambda part, *more: order.append(len(part)) or compute(part, *more))
    configs = [resolve(moody("workers=1", f"method.gate={name}")) for name in "abcd"]
    told = Told()
    outcomes = execute.execute_sweep(configs, told)
    assert [step if isinstance(step, int) else "plan" for step in order] == ["plan", 1, "plan", 1, "plan", "plan", 2]
    plans = [step for step in order if not isinstance(step, int)]
    assert len({id(made.data) for made in plans}) == 1
    assert [line for line in told.lines if line.startswith("sweep")] == [
        "sweep: 4 runs, 3 folds in 1 of them to compute; the next 3 are planned afterwards",
        "sweep: 4 runs, 3 folds in 1 of them to compute; the next 2 are planned afterwards",
        "sweep: 4 runs, 6 folds in 2 of them to compute",
    ]
    alone = execute_run(configs[3], Silent())
    for name in ("predictions.parquet", "clips.parquet", "frame_scores.parquet"):
        swept = outcomes[3].folder.path / name
        assert (alone.folder.path / name).read_bytes() == swept.read_bytes()
