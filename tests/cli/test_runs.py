"""`mebench runs list|show|prune`: what lies in the folder of runs, and making room there."""

import errno
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from mebench.cli import runs as verbs
from mebench.errors import ConfigError, RunError
from mebench.runner import guard, selection_worth
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run


@pytest.fixture
def runs(tmp_path):
    """A perfect run, two worse ones, an unfinished one, and one whose fold failed."""
    folder = tmp_path / "runs"
    make_run(folder, "perfect", shift=0)
    make_run(folder, "late", shift=4)
    make_run(folder, "lost", method="loser", shift=100, seed=3)
    make_run(folder, "half", seed=1, done=False)
    make_run(folder, "broken", seed=2, done=False).write_failure("drawn/02", "Traceback …\nValueError: singular")
    for days, name in enumerate(("perfect", "late", "lost", "half", "broken")):
        age(folder / name, 10 * days)
    return folder


def age(folder, days):
    then = time.time() - days * 86400
    for file in folder.rglob("*"):
        os.utime(file, (then, then))


def listed(runs, capsys):
    verbs.runs_list_command(str(runs), "-")
    return {run["id"]: run for run in json.loads(capsys.readouterr().out)}


def prune(runs, **given):
    verbs.runs_prune_command(str(runs), **given)


def names(runs):
    return {folder.name for folder in runs.iterdir()}


def test_runs_list_tells_what_each_run_is(runs, capsys):
    found = listed(runs, capsys)
    assert list(found) == ["perfect", "late", "lost", "half", "broken"]  # the latest first
    assert [run["status"] for run in found.values()] == ["finished", "finished", "finished", "unfinished", "failed"]
    perfect = found["perfect"]
    assert (perfect["method"], perfect["dataset"], perfect["protocol"], perfect["seed"]) == (
        "spotter",
        "drawn",
        "loso",
        0,
    )
    assert (perfect["done"], perfect["folds"], perfect["failed"]) == (4, 4, 0)
    assert perfect["scores"]["F1 micro"] == 1
    assert found["lost"]["scores"]["F1 micro"] == 0
    assert set(perfect["scores"]) == {"F1 micro", "STRS", "UF1", "UAR"}
    assert found["half"]["scores"] == {}
    assert found["half"]["days"] == pytest.approx(30, abs=0.01)
    files = [file for file in (runs / "late").rglob("*") if file.is_file() and file.name != ".lock"]
    assert found["late"]["bytes"] == sum(file.stat().st_size for file in files)


def test_runs_list_has_one_line_a_run(runs, capsys):
    verbs.runs_list_command(str(runs))
    head, *lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert head == ["run", "status", "scores", "age", "size"]
    assert [line[1] for line in lines] == [
        *["finished"] * 3,
        "unfinished, 4 of 4 folds",
        "failed, 4 of 4 folds, 1 failed",
    ]
    assert lines[0][2].startswith("F1 micro 1.0000, STRS ")
    assert lines[3][2:4] == ["-", "30 d"]


def test_runs_list_calls_a_run_without_tables_damaged(runs, capsys):
    (runs / "late" / "clips.parquet").unlink()
    (runs / "late" / "summary.json").unlink()
    assert listed(runs, capsys)["late"]["lost"] == ["clips.parquet", "summary.json"]
    verbs.runs_list_command(str(runs))
    assert "late\tdamaged: clips.parquet, summary.json\t-" in capsys.readouterr().out
    verbs.runs_show_command("late", str(runs))
    assert f"4 of 4 folds are whole; repair it with: mebench resume {runs / 'late'}" in capsys.readouterr().out
    prune(runs, unfinished=True)
    assert names(runs) == {"perfect", "late", "lost"}


def test_runs_list_counts_no_folds_before_they_are_planned(runs, capsys):
    (runs / "half" / "folds.json").unlink()
    assert listed(runs, capsys)["half"]["folds"] == 0


def test_runs_list_calls_a_locked_run_running(runs, capsys):
    lock = RunFolder(runs / "half").lock()
    assert listed(runs, capsys)["half"]["status"] == "running"
    prune(runs, unfinished=True)
    assert names(runs) == {"perfect", "late", "lost", "half"}
    lock.release()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_runs_list_and_show_read_runs_of_others(runs, capsys, monkeypatch, number):
    def refused(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(RunFolder, "lock", refused)
    assert [run["status"] for run in listed(runs, capsys).values()] == [*["finished"] * 3, "unfinished", "failed"]
    verbs.runs_show_command("half", str(runs))


def test_runs_list_passes_over_files_that_change_meanwhile(runs, capsys, monkeypatch):
    before = listed(runs, capsys)["half"]
    fold = next((runs / "half" / "folds").iterdir())
    shutil.copytree(fold, fold.with_name(".writing-x1"))
    (runs / "half" / ".writing-costs.csv").write_text("fold")
    real = Path.stat

    def stat(path, **kwargs):
        """One file is removed just before it is looked at."""
        if path == fold / "fold.json":
            raise FileNotFoundError(errno.ENOENT, "gone", str(path))
        return real(path, **kwargs)

    n_bytes = (fold / "fold.json").stat().st_size
    monkeypatch.setattr(Path, "stat", stat)
    after = listed(runs, capsys)["half"]
    assert after["bytes"] == before["bytes"] - n_bytes
    assert after["days"] == pytest.approx(before["days"], abs=0.01)


def test_runs_show_tells_scores_failures_and_costs(runs, capsys, tmp_path):
    verbs.runs_show_command("perf", str(runs), json=str(tmp_path / "run.json"))
    out = capsys.readouterr().out
    assert out.startswith("perfect: finished, 0 min old")
    assert "spotting, micro" in out
    assert "drawn/02\t2.0\t0.2\t302.0\t1,234" in out
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["summary"]["spotting"]["micro"]["tp"] == 16
    assert len(report["costs"]) == 4

    verbs.runs_show_command("broken", str(runs))
    out = capsys.readouterr().out
    assert "failed: drawn--02: ValueError: singular" in out
    assert f"continue with: mebench resume {runs / 'broken'}" in out
    with pytest.raises(RunError, match=r"2 runs begin with 'l': late \(the newest\), lost"):
        verbs.runs_show_command("l", str(runs))
    with pytest.raises(RunError, match="Did you mean 'perfect'"):
        verbs.runs_show_command("perfekt", str(runs))


def test_runs_show_states_all_seeds_as_one(tmp_path, capsys):
    for seed in (0, 1):
        make_run(tmp_path, f"spotter-{seed}", method="spotter", seed=seed, shift=0)
    verbs.runs_show_command("spotter", str(tmp_path), json="-")
    found = json.loads(capsys.readouterr().out)
    of_seeds = [json.loads((tmp_path / f"spotter-{seed}" / "summary.json").read_text()) for seed in (0, 1)]
    values = [one["spotting"]["micro"]["scores"]["f1"]["value"] for one in of_seeds]
    assert (found["runs"], found["seeds"]) == (["spotter-0", "spotter-1"], [0, 1])
    assert found["scores"]["F1 micro"]["value"] == pytest.approx(sum(values) / 2)
    assert "seeds 0, 1: F1 micro" in found["result"]
    verbs.runs_show_command("spotter", str(tmp_path))
    assert capsys.readouterr().out.splitlines()[-1].endswith("spotter-0")


def test_runs_show_names_runs_that_begin_alike_in_order(tmp_path):
    names = [f"run{n}" for n in (4, 1, 7, 2, 8, 3, 6, 5)]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    age(tmp_path, 1)
    (tmp_path / "run6" / "config.json").touch()
    told = ", ".join(sorted(names)).replace("run6", r"run6 \(the newest\)")
    with pytest.raises(RunError, match=f"8 runs begin with 'ru': {told}. Give more of the id"):
        verbs.runs_show_command("ru", str(tmp_path))


@pytest.mark.parametrize(
    ("conditions", "gone"),
    [
        ({"unfinished": True}, {"half", "broken"}),
        ({"older_than": "15d"}, {"lost", "half", "broken"}),
        ({"unfinished": True, "older_than": "35d"}, {"broken"}),
        ({"keep_best": 1}, {"late", "lost"}),
        ({"keep_best": 2, "metric": "UF1", "older_than": "5d"}, {"lost"}),
        ({"keep_best": 0, "older_than": "15d"}, {"lost"}),
    ],
)
def test_runs_prune_removes_what_all_conditions_hold_for(runs, capsys, conditions, gone):
    before = names(runs)
    prune(runs, **conditions, dry_run=True)
    assert names(runs) == before
    assert f"would remove {len(gone)} of 5 runs" in capsys.readouterr().out
    prune(runs, **conditions)
    assert before - names(runs) == gone


def test_runs_prune_keeps_runs_dated_later_than_the_clock(runs, capsys):
    """A clock that was set back makes no run old."""
    for file in (runs / "late").rglob("*"):
        os.utime(file, (4e9, 4e9))
    assert listed(runs, capsys)["late"]["days"] == 0
    prune(runs, older_than="1d")
    assert "late" in names(runs)


def test_runs_prune_keeps_the_honest_run_of_a_leak(runs, capsys):
    """The leaking run scores higher; what looking was worth is read beside the honest one."""
    shutil.rmtree(runs / "perfect")
    leaking = make_run(runs, "leaking", method="late", settings={"audit": "leak"})
    leaking.write_json(guard.FILE, {"values": [{"name": selection_worth.NAME, "value": {"honest": "late"}}]})
    found = listed(runs, capsys)
    assert (found["leaking"]["audit"], found["leaking"]["honest"]) == ("leak", "late")
    assert (found["late"]["audit"], found["late"]["honest"]) == ("guard", "")
    prune(runs, older_than="5d")  # the leaking one is new, and the honest one older
    assert names(runs) == {"late", "leaking"}
    prune(runs, keep_best=1)
    assert names(runs) == {"late"}


@pytest.mark.parametrize(
    ("conditions", "sentence"),
    [
        ({}, "name the runs with"),
        ({"unfinished": True, "keep_best": 1}, "--keep-best selects finished runs"),
        ({"unfinished": True, "metric": "UF1"}, "add --keep-best N"),
        ({"keep_best": -1}, "0 or more"),
        ({"keep_best": 1, "metric": "UFO"}, "unknown score 'UFO'. Did you mean 'UF1'"),
        ({"older_than": "soon"}, "--older-than must be a number"),
    ],
)
def test_runs_prune_refuses_conditions_without_sense(runs, conditions, sentence):
    before = names(runs)
    with pytest.raises(ConfigError, match=sentence):
        prune(runs, **conditions)
    assert names(runs) == before


def test_runs_list_leaves_out_a_damaged_run(runs, capsys):
    (runs / "late" / "config.json").write_text("{")
    verbs.runs_list_command(str(runs), "-")
    captured = capsys.readouterr()
    assert "run late is damaged and left out" in captured.err
    assert len(json.loads(captured.out)) == 4


def test_runs_list_of_no_runs_is_empty(tmp_path, capsys):
    assert listed(tmp_path, capsys) == {}
    with pytest.raises(RunError, match=r"there is no folder .*nowhere: name the folder of your runs with --runs"):
        listed(tmp_path / "nowhere", capsys)
