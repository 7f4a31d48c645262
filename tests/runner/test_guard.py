"""Leaks that somebody planted are caught, or buy nothing."""

import shutil
from dataclasses import replace

import cv2
import pytest

from mebench.cli import runs
from mebench.config import resolve
from mebench.config.registry import load_plugin
from mebench.core import Scheme, SubjectKey
from mebench.core.types import Fold
from mebench.errors import DataError, MebenchError, PluginError, RunError
from mebench.inspection.soundness import verify_dataset
from mebench.output.progress import Progress
from mebench.runner import guard, host, make_plan
from mebench.runner.execute import execute_run
from mebench.runner.guard import find_frame_warnings
from mebench.runner.job import reads_of
from mebench.runner.plan import check_people
from mebench.runner.session import open_session
from mebench.sandbox import confinement
from mebench.sandbox.grant import Isolation
from tests.helpers.empty_trees import write_empty_tree
from tests.helpers.warnings_of_runs import warnings_of

CHANCE = 1 / 3


def check_duplicates(config):
    """Plan a run, and refuse copies of one recording on two sides."""
    plan = make_plan(config)
    guard.check_duplicate_people(plan.features, plan.config.dataset_params)


def accuracy(plan):
    """Share of right answers over all folds, executed one after the other in this process."""
    truth = {(v.key, e.onset): plan.data.scheme.class_of(e) for v in plan.data.videos for e in v.expressions}
    answers = [c for fold in plan.data.folds for c in host.execute_fold(plan, fold).clips]
    return sum(c.predicted == truth[c.video, c.onset] for c in answers) / len(answers)


def test_loso_gives_nothing_for_remembered_subjects(planted):
    assert accuracy(make_plan(resolve(planted()))) <= CHANCE
    beside = make_plan(resolve(planted("protocol=lovo")))
    assert accuracy(beside) == 1.0
    assert beside.data.subject_dependent
    assert "tests people whom it trains on" in warnings_of(beside)[0]


@pytest.mark.processes
def test_run_forgets_what_a_module_remembers_of_a_fold(planted):
    three_folds = ("protocol=kfold", "protocol.folds=3")
    config = resolve(planted("method.remembers=for_ever", "workers=1", "tracking=null", *three_folds))
    outcome = execute_run(config, Progress())
    assert outcome.summary["recognition"]["scores"]["accuracy"]["value"] <= CHANCE
    assert accuracy(make_plan(config)) <= CHANCE  # in one process neither: people bear other names in each fold


def test_execute_refuses_views_of_an_earlier_fold(planted):
    plan = make_plan(resolve(planted("method.remembers=views")))
    host.execute_fold(plan, plan.data.folds[0])
    with pytest.raises(PluginError, match="after the fold of that view was over: that is a leak"):
        host.execute_fold(plan, plan.data.folds[1])


def test_run_cannot_learn_labels_shuffled_within_subjects(planted):
    words = planted("method.remembers=clips", "dataset.moods=false")
    assert accuracy(make_plan(resolve(words))) == 1.0
    assert accuracy(make_plan(resolve([*words, "dataset.shuffled=true"]))) == pytest.approx(CHANCE, abs=0.15)


def test_run_refuses_one_recording_under_two_ids(planted):
    config = resolve(planted("dataset.twins=true"))
    with pytest.raises(DataError, match=r"herd/(4|copy)/v\d and herd/(4|copy)/v\d are one recording under two names"):
        execute_run(config, Progress())
    check_duplicates(resolve(planted()))


def test_check_duplicate_people_compares_frames(tmp_path):
    """The copy has other names of folder and files."""
    load_plugin("dataset", "cas_me2").write_fake_tree(tmp_path)
    words = ["method=random", "dataset=cas_me2", f"dataset.root={tmp_path}"]
    check_duplicates(resolve(words))
    copy = shutil.copytree(
        tmp_path / "rawpic" / "s15" / "15_0101disgustingteeth", tmp_path / "rawpic" / "s99" / "99_0101x"
    )
    for file in copy.iterdir():
        file.rename(copy / f"copy{file.name}")
    with pytest.raises(DataError, match=r"cas_me2/s\d\d/.*_0101 and .* are one recording under two names"):
        check_duplicates(resolve(words))
    for file in copy.iterdir():  # another recording takes its place, under the same names
        cv2.imwrite(str(file), 255 - cv2.imread(str(file)))
    check_duplicates(resolve(words))


def test_check_people_refuses_a_person_on_two_sides(planted):
    from dataclasses import replace

    plan = make_plan(resolve(planted()))
    one, two = SubjectKey("herd", "1"), SubjectKey("herd", "2")
    alike = replace(plan.data, folds=(Fold("both", (one,), (), (two,)),))
    check_people(alike)
    alike.dataset.person = lambda key: SubjectKey("everybody", "1")
    with pytest.raises(RunError, match="fold 'both' of protocol 'loso' trains and tests on everybody/1"):
        check_people(replace(alike))  # a plan asks a dataset once for each person


def test_find_run_warnings_names_classes_without_training_clips(moody):
    """Subject 1 of the toy shows others and fear, 2 fear and disgust."""
    plan = make_plan(resolve(moody("sandbox=auto", "dataset.subjects=2")))
    (warning,) = warnings_of(plan)
    assert "in 1 of 2 folds a tested class has no training clip" in warning
    assert "(fold 'toy/2': disgust, 1 clip); more subjects would close the gap" in warning
    plan.data.dataset.schemes = {"both": Scheme("both", ("a", "b"), {"fear": "a", "disgust": "b", "others": "b"})}
    assert warnings_of(plan)[0].endswith("scheme=both has no such gap")
    assert not warnings_of(make_plan(resolve(moody("dataset.subjects=3", "sandbox=auto"))))


def test_find_frame_warnings_tells_what_verify_tells(tmp_path):
    folder = write_empty_tree("cas_me2", tmp_path) / "rawpic" / "s15" / "15_0101disgustingteeth"
    images = sorted(folder.iterdir(), key=lambda path: int(path.stem.removeprefix("img")))
    for image in images[20:23]:
        image.unlink()
    images[3].with_suffix(".png").touch()
    words = ["dataset=cas_me2", f"dataset.root={tmp_path}"]
    plan = make_plan(resolve(["method=optical_strain", *words]))
    verified = {f"{f.where}: {f.message}" for f in verify_dataset(plan.data.dataset).findings}
    told = [w for w in map(str, find_frame_warnings(plan.features)) if "missing between" in w or "another format" in w]
    assert len(told) == 2
    assert {*told} <= verified
    assert not find_frame_warnings(make_plan(resolve(["method=random", *words])).features)


@pytest.mark.parametrize(
    ("isolation", "expected"),
    [
        (Isolation("Seatbelt", ()), "isolated by Seatbelt, as a trial has just shown"),
        (
            Isolation("", confinement.SANDBOX_PARTS, "its trial broke off"),
            " (Seatbelt: its trial broke off): a method that searches there",
        ),
    ],
)
def test_find_run_warnings_says_what_seatbelt_does(moody, isolation, expected):
    plan = make_plan(resolve(moody("sandbox=auto", "dataset.subjects=3")))
    access = replace(plan.access, isolation=isolation)
    sentences = [finding.message for finding in guard.find_run_warnings(plan.data, access)]
    assert any(expected in sentence for sentence in sentences)


def test_reads_of_a_method_are_told_and_kept(moody, tmp_path, capsys):
    words = moody("sandbox=auto", "dataset.subjects=3")
    file = tmp_path / "mine" / "methods" / "moody" / "config.yaml"
    file.write_text(file.read_text() + f"\nreads: [weights.bin, {tmp_path / 'face.dat'}]\n")
    plan = make_plan(resolve(words))
    declared = (file.with_name("weights.bin"), tmp_path / "face.dat")
    assert set(declared) <= set(reads_of(plan.methods)) <= set(plan.grant.read)
    assert warnings_of(plan) == ["'moody' asks to read more than code in its folds: weights.bin, face.dat"]
    session = open_session(plan)
    session.lock.release()
    kept = session.folder.read_json("sandbox.json")
    asked = {"reads": sorted(map(str, declared)), "devices": [], "view": plan.grant.view}
    assert {**kept, **asked, "asked": "auto", "lacks": list(confinement.missing_parts())} == kept
    assert kept.get("by", "") == confinement.find_isolation().by
    assert f"the method's folder {file.parent}" in kept["given"]
    assert "PATH" in kept["inherited"]
    runs.runs_show_command(str(session.folder.path), str(tmp_path))
    assert f"besides code its method could read {', '.join(kept['reads'])}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        (
            "[/]",
            "the method may read /, and so the labels below runs=.*: let it name less under reads in its config.yaml",
        ),
        (
            "[~/runs/one/truth.parquet]",
            "may not read .*truth.parquet, which is in runs=.*, where labels are: move or copy it to another folder and name it",
        ),
        ("/data", "reads must be a list of files and folders, not '/data'"),
    ],
)
def test_make_plan_refuses_reads_that_open_labels(moody, tmp_path, monkeypatch, reads, message):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = moody("sandbox=auto", f"runs={tmp_path / 'runs'}")
    file = tmp_path / "mine" / "methods" / "moody" / "config.yaml"
    file.write_text(file.read_text() + f"\nreads: {reads}\n")
    with pytest.raises(MebenchError, match=message):
        make_plan(resolve(words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=moody"], "audit=leak: k' is that of all subjects: no result"),
        (["recognizer=ststnet"], "k' is that of all subjects, and each training keeps the epoch that tested best: no"),
        (["method=ststnet"], "audit=leak: each training keeps the epoch that tested best: no result"),
        (["method=majority"], "though this method uses nothing of them"),
    ],
)
def test_find_run_warnings_says_what_leaks(moody, words, message):
    assert message in warnings_of(make_plan(resolve(moody(*words, "audit=leak", "sandbox=auto"))))[0]
