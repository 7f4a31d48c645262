"""Whole tunings: who is touched, what comes out, and that it goes on where it stopped."""

import json
import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, strategies as st

import mebench
from mebench.config import resolve
from mebench.errors import ConfigError, RunError
from mebench.features.face_detection import NoFaceError
from mebench.intake import collect as boards_collect, export as boards_export
from mebench.metrics.conventions import CONVENTIONS
from mebench.output.progress import Progress
from mebench.records import record
from mebench.reports import compare_runs
from mebench.runner import make_plan, session
from mebench.runner.prepare import Prepared
from mebench.runs import RunFolder
from mebench.sandbox import isolation
from mebench.tuning import outcome, run_studies as module, splits
from mebench.tuning.records import TuneOptions
from mebench.tuning.space import Dimension, Space
from tests.helpers.nightly import nightly


def learnt_from(file):
    """The subjects of each training, in order."""
    return [line.split() for line in file.read_text().splitlines()]


@pytest.fixture
def stages(monkeypatch):
    """What each stage of progress is told, by its name."""
    seen = {}
    stage = Progress.stage

    def recorded(self, name, *args, **options):
        seen[name] = options
        return stage(self, name, *args, **options)

    monkeypatch.setattr(Progress, "stage", recorded)
    return seen


def test_tune_of_postprocessing_trains_nothing_again(go, tmp_path, stages):
    log = tmp_path / "log"
    searched = ("p={choices: [0.2, 0.0]}", "shift={choices: [8, 0]}")
    found = go(f"method.log={log}", "method.lr=0.1", acts=("postprocess",), params=searched, sampler="bruteforce")
    (study,) = found.plain["studies"].values()
    assert study["best"]["params"] == {"method.p": 0.0, "method.shift": 0}
    assert study["trials"]["complete"] == 4
    score = found.plain["scores"]["spotting.micro.f1"]
    assert score["inner"]["default"] == pytest.approx(2 / (1 + 1 + 2)), "p=0.2 adds two wrong ones to each video"
    assert score["inner"]["tuned"] == score["outer"]["tuned"]["value"] == 1.0
    assert score["flattered"] == 0.0
    assert score["outer"]["gain"]["value"] > 0.4
    assert len(learnt_from(log)) == 3 + 5, "the inner folds once, and the outer ones of the default: no trial trained"
    outer = {name: (told["at_once"], told["begins"]) for name, told in stages.items()}
    first = "the first folds are being computed"
    assert outer == {"outer default": (1, first), "outer tuned": (1, first)}, "rounds of folds, as many as workers"


def test_tune_measures_values_of_an_edited_study_again(go):
    """Whoever edits the database chooses other values; the score on outer people is still that of these values."""
    searched = ("p={choices: [0.2, 0.0]}", "shift={choices: [8, 0]}")
    options = {"acts": ("postprocess",), "params": searched, "sampler": "bruteforce"}
    first = go("method.lr=0.1", **options)
    with closing(sqlite3.connect(Path("tuning", "optuna.db"))) as database, database:
        ((worst, _),) = database.execute("SELECT trial_id, MIN(value) FROM trial_values").fetchall()
        database.execute("UPDATE trial_values SET value = 2 WHERE trial_id = ?", (worst,))
    edited = go("method.lr=0.1", **options)
    (before,), (after,) = first.plain["studies"].values(), edited.plain["studies"].values()
    assert before["best"]["params"] == {"method.p": 0.0, "method.shift": 0}
    assert after["best"]["params"] != before["best"]["params"]
    score = edited.plain["scores"]["spotting.micro.f1"]
    assert score["inner"]["tuned"] == 2
    assert score["outer"]["tuned"]["value"] < 0.5
    assert score["flattered"] > 1.5


def test_tune_shows_no_outer_subject_to_trials(go, tmp_path):
    log = tmp_path / "log"
    found = go("dataset.subjects=5", f"method.log={log}", params=("lr",), trials=2)
    (study,) = found.plain["studies"].values()
    tuned_on = {subject.partition("/")[2] for subject in study["subjects"]}
    outer = {f"{s:02d}" for s in range(1, 6)} - tuned_on
    folder = RunFolder(Path(found.plain["runs"]["tuned"]))
    tested = [s for fold in folder.read_json("folds.json")["folds"] for s in fold["test"]]
    assert sorted(s.partition("/")[2] for s in tested) == sorted(outer)
    trials = learnt_from(log)[: -2 * len(outer)]
    assert trials
    assert all(set(seen) <= tuned_on for seen in trials)


def test_tune_nested_tunes_in_each_fold_without_its_subject(go, tmp_path):
    log = tmp_path / "log"
    found = go("dataset.subjects=3", f"method.log={log}", params=("lr",), trials=2, nested=True, inner_folds=2)
    assert set(found.plain["studies"]) == {f"toy_places/{s:02d}" for s in range(1, 4)}
    for name, study in found.plain["studies"].items():
        assert name not in study["subjects"]
        assert len(study["subjects"]) == 2
    assert found.plain["outer_subjects"] == 3
    values = json.loads((Path(found.plain["runs"]["tuned"]) / "tuned.json").read_text())
    assert {key: study["best"]["params"] for key, study in found.plain["studies"].items()} == values


def test_tune_outer_runs_are_no_plain_runs(go, tmp_path):
    """Its folds have values of their own: nothing else goes on with it, takes its settings for a plain run's, or publishes it."""
    words = {"params": ("lr",), "trials": 1, "nested": True, "inner_folds": 2}
    found = go("dataset.subjects=3", **words)
    folders = {name: RunFolder(Path(path)) for name, path in found.plain["runs"].items()}
    scores = found.plain["scores"]
    sides = [compare_runs.Side.of_record(record.read_record(folders[name])) for name in ("tuned", "default")]
    remarks = compare_runs.remarks_on_comparison(
        compare_runs.compare_sides(*sides, "strict", ("all",)), *sides, CONVENTIONS["strict"]
    )
    assert not any("same settings" in line for line in remarks)
    assert sum("outer run of a study" in line for line in remarks) == 2
    with pytest.raises(RunError, match=r"cannot be published: .* mebench tune --write FILE"):
        boards_export.export_record(folders["tuned"], tmp_path / "records")
    assert boards_collect.collect_finished_runs(folders["tuned"].path.parent, (messages := []).append) == []
    assert len(messages) == 2
    (folders["tuned"].path / "DONE").unlink()
    shutil.rmtree(folders["tuned"].path / "folds" / next(os.walk(folders["tuned"].path / "folds"))[1][0])
    with pytest.raises(RunError, match=r"belongs to a study.*: continue with the same mebench tune"):
        mebench.resume(folders["tuned"].path)
    assert go("dataset.subjects=3", **words).plain["scores"] == scores


def test_tune_goes_on_by_the_same_command(go, begin):
    options = {"acts": ("postprocess",), "inner_folds": 2}
    begin("dataset.subjects=5", trials=1, **options)
    (table,) = Path("tuning").rglob("trials.csv")
    first = pd.read_csv(table)
    found = go("dataset.subjects=5", trials=2, **options)
    (study,) = found.plain["studies"].values()
    assert (len(first), study["trials"]["complete"]) == (1, 2)
    assert found.plain["study"] == table.parent.name
    pd.testing.assert_frame_equal(pd.read_csv(table)[:1], first, check_dtype=False)


@nightly("`test_tune_goes_on_by_the_same_command`")
def test_tune_trials_do_not_depend_on_stopping(go, tmp_path):
    tables = []
    for storage, steps in (("a.db", (4,)), ("b.db", (2, 4))):
        for trials in steps:
            found = go(acts=("postprocess",), trials=trials, storage=storage, study="same", out=f"out-{storage}")
        tables.append(pd.read_csv(f"{found.plain['folder']}/trials.csv").drop(columns="seconds"))
    pd.testing.assert_frame_equal(*tables)


def test_write_tuned_gives_a_file_that_runs(go, toy, tmp_path):
    found = go("dataset.subjects=5", acts=("postprocess",), trials=3)
    remarks = outcome.write_tuned(found, tmp_path / "tuned.yaml")
    text = (tmp_path / "tuned.yaml").read_text()
    assert text.startswith("# Tuned by mebench")
    assert any("too high" in line for line in remarks)
    config = resolve([word for word in toy() if not word.startswith(("method", "dataset"))], [tmp_path / "tuned.yaml"])
    best = next(iter(found.best.values())).params
    assert (config.method_params.p, config.method_params.shift) == (best["method.p"], best["method.shift"])
    assert set(yaml.safe_load(text)) & {"runs", "cache", "workers", "plugins"} == set()


@nightly("the middle of values, below")
def test_write_tuned_of_nested_values_takes_the_middle(go, tmp_path):
    found = go("dataset.subjects=4", acts=("postprocess",), trials=5, nested=True)
    remarks = outcome.write_tuned(found, tmp_path / "tuned.yaml")
    written = yaml.safe_load((tmp_path / "tuned.yaml").read_text())["method"]
    shifts = sorted(trial.params["method.shift"] for trial in found.best.values())
    assert written["shift"] == shifts[1]
    assert any("median" in line for line in remarks)


def test_write_tuned_holds_a_default_that_wins_outside_choices(go, tmp_path):
    found = go("dataset.subjects=3", params=("shift={choices: [7, 8]}",), nested=True, trials=2, inner_folds=2)
    outcome.write_tuned(found, tmp_path / "tuned.yaml")
    assert {trial.params["method.shift"] for trial in found.best.values()} == {0}
    assert yaml.safe_load((tmp_path / "tuned.yaml").read_text())["method"]["shift"] == 0


def middle_of(dimension, *values):
    return outcome.middle_values(Space((dimension,)), [{dimension.key: value} for value in values])[dimension.key]


@given(st.lists(st.sampled_from(["b", "a", "own"]), min_size=1, max_size=7))
def test_middle_of_choices_is_the_most_frequent(values):
    found = middle_of(Dimension("method.x", "training", "own", choices=("b", "a")), *values)
    counts = Counter(values)
    rivals = [value for value in ("b", "a", "own") if counts[value] == max(counts.values())]
    assert found == rivals[0], "of equally frequent ones the first, the default last"


@given(st.lists(st.none() | st.floats(0.1, 0.9), min_size=1, max_size=7))
def test_middle_of_keeps_a_default_that_is_no_number(values):
    found = middle_of(Dimension("method.nms", "postprocess", None, 0.1, 0.9), *values)
    numbers = [*filter(None, values)]
    most = len(numbers) < len(values) / 2
    assert found == (None if most else np.percentile(numbers, 50, method="lower"))


def test_tune_of_several_objectives_gives_a_front(go):
    options = {"objectives": ("recall", "fp_per_minute", "cost"), "pruner": "median"}
    found = go("dataset.subjects=5", acts=("postprocess",), trials=8, **options)
    (study,) = found.plain["studies"].values()
    values = [tuple(trial["values"].values()) for trial in study["front"]]
    assert len(study["front"][0]["values"]) == 3
    for a in values:
        assert not any(b[0] >= a[0] and b[1] <= a[1] and b[2] <= a[2] and a != b for b in values)
    assert set(found.plain["scores"]) == {"spotting.micro.recall", "spotting.micro.fp_per_minute"}


@nightly("`test_figures`, and the command that writes them")
def test_tune_writes_figures_and_trials_into_the_folder(go):
    found = go(shown=True, acts=("postprocess",), objectives=("recall", "fp_per_minute"), trials=6)
    folder = Path(found.plain["folder"])
    assert {file.name for file in folder.glob("*.*g")} >= {"history.png", "importance.png", "slices.png", "pareto.png"}
    assert len(pd.read_csv(folder / "trials.csv")) == 6


@nightly("`test_study` prunes")
def test_tune_prunes_poor_trials_as_folds_come_in(go):
    log = Path("log")  # of the test's own folder; a path of its own would name another study, which draws other values
    found = go(
        f"method.log={log}",
        "method.p=0.0",
        "method.lr=0.1",
        params=("lr={low: 0.1, high: 10, log: true}",),
        sampler="random",  # half of what it draws is worse than the median, whatever the study is called
        trials=12,
        tuning_subjects=6,
    )
    (study,) = found.plain["studies"].values()
    assert study["trials"]["pruned"] > 0
    assert study["trials"]["complete"] + study["trials"]["pruned"] == 12
    assert len(learnt_from(log)) < 12 * 5 + 2 * 2


def test_tune_fails_one_trial_of_impossible_values(begin):
    searched = ("kind", "shift={choices: [0, 6]}")
    begin("dataset.subjects=5", params=searched, sampler="grid", trials=50, inner_folds=2)
    (table,) = Path("tuning").rglob("trials.csv")
    states = Counter(pd.read_csv(table)["state"])
    assert states["failed"] == 1
    assert states["complete"] >= 3


def test_tune_of_a_pair_tunes_the_named_recognizer_alone(go, tmp_path):
    log = tmp_path / "log"
    found = go(
        "recognizer=namer",
        "dataset.subjects=5",
        f"method.log={log}",
        params=("recognizer.c={low: 0, high: 2}",),
        objectives=("uf1",),
        sampler="bruteforce",
    )
    (study,) = found.plain["studies"].values()
    assert study["best"]["params"] == {"recognizer.c": 1}
    score = found.plain["scores"]["recognition.uf1"]
    assert score["inner"]["tuned"] == score["outer"]["tuned"]["value"] == 1 > score["outer"]["default"]["value"]
    assert len(learnt_from(log)) == 2 * 3, "the spotter learns in the outer folds alone"


def test_tune_of_clips_tunes_only_what_acts_on_them(go):
    found = go("dataset=toy_clips", "dataset.subjects=5", trials=1)
    assert set(found.plain["parameters"]) == {"method.kind", "method.lr"}
    with pytest.raises(ConfigError, match=r"method.p acts on frame scores, and this run spots nothing"):
        go("dataset=toy_clips", params=("p",))


def test_tune_never_takes_results_of_other_people(go, tmp_path):
    log = tmp_path / "log"
    words = ("dataset.subjects=6", f"method.log={log}", "method.lr=0.1")
    seen = []
    for place, size in enumerate((2, 3)):
        found = go(*words, acts=("postprocess",), trials=1, study="same", storage=f"{place}.db", tuning_subjects=size)
        seen.append(found.plain["outer_subjects"])
    assert seen == [4, 3]
    assert len(learnt_from(log)) == (2 + 4) + (3 + 3), "inner and outer folds of both"


@nightly("studies of other settings, annotations and people, below and above")
def test_tune_by_another_convention_is_another_study(go):
    options = {"params": ("p",), "sampler": "random", "trials": 2, "inner_folds": 2, "objectives": ("ap",)}
    words = ("method.lr=0.1", "dataset.subjects=5", "convention=mean2022")
    strict, again, fresh = go(*words[:2], **options), go(*words, **options), go(*words, out="fresh", **options)
    assert again.plain["scores"] == fresh.plain["scores"] != strict.plain["scores"]
    go(*words[:2], study="mine", **options)
    with pytest.raises(ConfigError, match=r"study 'mine' in .* was begun with convention strict, not mean2022"):
        go(*words, study="mine", **options)


def test_tune_of_changed_annotations_is_another_study(go, tmp_path):
    log = tmp_path / "log"
    words = ("dataset.later=moved", "dataset.subjects=4", "method.p=0.0", "method.lr=0.1", f"method.log={log}")

    def tuned(frames, **options):
        Path("moved").write_text(frames)
        found = go(*words, params=("p",), trials=1, tuning_subjects=2, **options)
        score = found.plain["scores"]["spotting.micro.f1"]
        return score["inner"]["default"], score["outer"]["default"]["value"]

    assert [tuned(frames) for frames in "080"] == [(1, 1), (0, 0), (1, 1)], "8 of 10 frames away nothing is hit"
    assert len(learnt_from(log)) == 2 * (2 + 2), "inner and outer folds of both, nothing a third time"
    assert [tuned(frames, study="mine", storage=f"{frames}.db") for frames in "08"] == [(1, 1), (0, 0)]
    with pytest.raises(ConfigError, match=r"study 'mine' in .* was begun with annotations"):
        tuned("8", study="mine", storage="0.db")


def test_tune_refuses_other_frames_and_files_in_a_study(go, begin, monkeypatch):
    monkeypatch.setattr(module, "hash_contents", lambda *_: ["one"])
    options = {"params": ("p",), "trials": 1, "inner_folds": 2, "study": "mine"}
    begin("dataset.subjects=5", **options)
    monkeypatch.setattr(module, "hash_contents", lambda *_: ["other"])
    with pytest.raises(ConfigError, match=r"study 'mine' in .* was begun with frames or files one, not other"):
        go("dataset.subjects=5", **options)


@nightly("`test_sweep_resumed_under_other_rules_scores_all_by_them`")
def test_tune_scores_earlier_outer_runs_by_present_rules(go, tmp_path):
    log = tmp_path / "log"
    options = {"params": ("p",), "trials": 1, "study": "same"}
    go("dataset.subjects=5", f"method.log={log}", storage="strict.db", **options)
    before = len(learnt_from(log))
    words = ("dataset.subjects=5", f"method.log={log}", "convention=mean2022", "bootstrap=10")
    found = [go(*words, storage="mean2022.db", **options)]
    assert len(learnt_from(log)) == before, "nothing is trained again"
    found.append(go(*words, out="fresh", **options))
    for name in ("default", "tuned"):
        again, fresh = (RunFolder(Path(one.plain["runs"][name])) for one in found)
        for file in ("summary.json", "config.json", "folds.json"):
            assert again.read_json(file) == fresh.read_json(file)


def test_tune_counts_a_video_without_face_as_missed(go, monkeypatch, capsys):
    black = "toy_places/02/v1"
    why = isolation.Failure("no face found", "", NoFaceError("no face found"))

    def prepare(plans, *_):
        return Prepared(
            0, {}, {("toy_places", video.key): why for video in plans[0].features.data.videos if video.key == black}
        )

    monkeypatch.setattr(module, "prepare_features", prepare)
    words = ("dataset.subjects=4", "no_face=skip", "method.p=0.0", "method.lr=0.1")
    found = go(*words, acts=("postprocess",), trials=1, nested=True)
    score = found.plain["scores"]["spotting.micro.f1"]
    assert score["inner"]["default"] == pytest.approx((3 * 10 / 11 + 1) / 4), "of 6 videos one is missed, or none"
    assert score["outer"]["default"]["value"] == pytest.approx(14 / 15), "of 8 videos one is missed, nothing else"
    warnings = capsys.readouterr().err
    line = f"no face in 1 of 8 videos, left out of training and counted as missed: {black}"
    for name, path in found.plain["runs"].items():
        folder = RunFolder(Path(path))
        assert session.read_skipped(folder) == {black: "no face found"}
        assert line in folder.read_json("folds.json")["warnings"]
        assert f"outer {name}: {line}" in warnings
        assert len(folder.read_table("frame_scores.parquet")["video"].unique()) == 7


def test_tune_ends_if_a_method_always_fails(go):
    with pytest.raises(RunError, match=r"3 trials failed one after another; trial 2: .*a matrix is singular"):
        go("method.trouble=raise", params=("lr",))


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        ([], {"nested": True, "tuning_subjects": 3}, "choose one of them"),
        ([], {"tuning_subjects": 8}, "leaves 8 of 8 subjects to tune on and 0 to judge by"),
        ([], {"tuning_subjects": 2.5}, "a number of subjects, or a share below 1, not 2.5"),
        ([], {"tuning_subjects": 0.01}, "leaves 0 of 8"),
        ([], {"trials": 0}, "--trials must be 1 or more"),
        ([], {"inner_folds": 1}, "--inner-folds must be 2 or more"),
        ([], {"sampler": "tpee"}, "unknown sampler 'tpee'. Did you mean 'tpe'"),
        ([], {"sampler": "grid"}, "tries all values, but method.lr has infinitely many"),
        ([], {"pruner": "mediann"}, "Did you mean 'median'"),
        ([], {"objectives": ("f2",)}, "unknown score of this task 'f2'. Did you mean 'f1'"),
        ([], {"objectives": ("f1:up",)}, "unknown direction 'up'"),
        ([], {"objectives": ("f1", "spotting.micro.f1")}, "is named twice"),
        (["audit=leak"], {}, "audit=leak lets tested subjects influence a run"),
        (["protocol=lovo"], {}, "tests its own training people"),
    ],
)
def test_tune_refuses_a_bad_wish_in_one_sentence(go, words, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        go(*words, **options)


def test_tune_joins_no_study_of_something_else(go, begin, toy):
    options = {"trials": 1, "study": "mine", "inner_folds": 2}
    begin("dataset.subjects=5", acts=("postprocess",), **options)
    (noted,) = Path.cwd().rglob("study.json")
    before = noted.read_text()
    with pytest.raises(ConfigError, match=r"study 'mine' in .*optuna.db was begun with parameters"):
        go("dataset.subjects=5", params=("p",), **options)
    with pytest.raises(ConfigError, match=r"was begun with setting method\.nap 0\.0, not 0\.001"):
        go("dataset.subjects=5", "method.nap=0.001", acts=("postprocess",), **options)
    with pytest.raises(ConfigError, match="was begun with method tunable, not random"):
        module.tune_and_judge(
            resolve([*toy()[1:], "method=random"]),
            TuneOptions(params=("draws={low: 1, high: 3}",), study="mine"),
            Progress(),
        )
    assert noted.read_text() == before


def test_tune_refuses_a_bad_storage_in_one_sentence(go, begin, tmp_path):
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"nonsense" * 200)
    with pytest.raises(RunError, match=r"the storage .*damaged.db is damaged"):
        go(trials=1, storage=str(damaged))
    with pytest.raises(ConfigError, match="is not an address of a database"):
        go(trials=1, storage="nodb://somewhere/x")
    with pytest.raises(ConfigError, match="needs a Python package that is not installed"):
        go(trials=1, storage="mysql+pymysql://ann:secret@127.0.0.1/x")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        go(trials=1, storage=str(tmp_path / "file" / "x.db"))
    begin("dataset.subjects=5", trials=1, inner_folds=2, acts=("postprocess",), storage=str(tmp_path / "held.db"))
    holder = sqlite3.connect(tmp_path / "held.db")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RunError, match=r"held.db.* is locked"):
        go(trials=2, acts=("postprocess",), storage=f"sqlite:///{tmp_path / 'held.db'}?timeout=0.2")
    holder.close()


def test_splits_are_by_subject_and_disjoint(toy):
    plan = make_plan(resolve(toy("protocol=kfold", "protocol.folds=4")))
    (split,) = splits.tuning_set(plan, 0.5, 3)
    tuned = set(split.subjects)
    tests = [s for fold in split.outer for s in fold.test]
    assert len(tuned) == 4
    assert set(tests) == {v.subject_key for v in plan.data.videos} - tuned
    assert len(tests) == len(set(tests))
    inner = [s for fold in split.inner.data.folds for s in fold.test]
    assert sorted(inner) == sorted(tuned)
    assert {v.subject_key for v in split.inner.data.videos} == tuned
    for split in splits.nested_studies(plan, 3):
        (outer,) = split.outer
        assert not set(split.subjects) & set(outer.test)
        assert {v.subject_key for v in split.inner.data.videos} == set(split.subjects)
