"""A video without a face: a clear error, or left out of training and counted as missed."""

from dataclasses import replace
from pathlib import Path

import pytest

from mebench.boards.site.site_pages import Site
from mebench.config import resolve
from mebench.core import SubjectKey
from mebench.core.types import Fold
from mebench.errors import DataError, RunError
from mebench.features.face_detection import NoFaceError
from mebench.intake import export as boards_export
from mebench.output.progress import Progress
from mebench.records import record as records_record
from mebench.reports.scores import print_outcome
from mebench.runner import host, make_plan
from mebench.runner.execute import execute_run, leak_gain
from mebench.runner.session import Session
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from tests.helpers.plugin_folders import blind_words

BLACK = "synthetic/s002/v01"
MEAN = ("method=mean", "method.flow=dis", "method.epochs_spot=1", "method.epochs_recognition=1", "bootstrap=10")


@pytest.fixture
def words(own_folder, tmp_path):
    return [*MEAN, "workers=1", *blind_words(tmp_path)]


@pytest.fixture
def of_any(words):
    """Words for what concerns no method more than another: of one that trains in no time."""
    return ["method=logistic", "method.epochs=2", *(word for word in words if not word.startswith("method"))]


def test_run_stops_and_names_video_without_face(of_any):
    with pytest.raises(NoFaceError, match=f"no face found in {BLACK} .*no_face=skip"):
        execute_run(resolve(of_any), Progress())


def test_run_no_face_skip_counts_the_video_as_missed(words, tmp_path, capsys):
    outcome = execute_run(resolve([*words, "no_face=skip"]), Progress())
    folder = outcome.folder
    assert list(folder.read_json("skipped.json")) == [BLACK]
    assert f"no face in 1 of 3 videos, left out of training and counted as missed: {BLACK}" in capsys.readouterr().err

    print_outcome(folder, outcome.summary, None)
    assert capsys.readouterr().out.count(f"counted as missed: {BLACK}") == 1
    record = records_record.read_record(
        RunFolder(boards_export.export_record(folder, tmp_path / "records"))
    )  # on the leaderboard's page of the run, too
    page = next(text for path, text in Site([], [record], []).make_pages() if path == f"runs/{record.id}.html")
    assert f"counted as missed: {BLACK}" in page

    # Its truths stay: spotting misses them, and its clip is answered wrongly.
    micro = outcome.summary["spotting"]["micro"]
    assert micro["tp"] + micro["fn"] == 3
    assert micro["fn"] >= 1
    assert BLACK not in set(folder.read_table("predictions.parquet")["video"])

    clips = read_tables(folder).clips
    assert len(clips) == outcome.summary["recognition"]["n"] == 3
    assert clips.set_index("video")["predicted"].isna().to_dict() == {
        f"synthetic/s00{n}/v01": n == 2 for n in (1, 2, 3)
    }


def test_run_no_face_skip_takes_spotters_of_clips(words):
    """Before its folds nothing else is computed of a video: these would fail, one after the other."""
    others = [word for word in words if not word.startswith("method")]
    outcome = execute_run(resolve([*others, "method=of_fd", "no_face=skip"]), Progress())
    assert list(outcome.folder.read_json("skipped.json")) == [BLACK]
    assert not list(outcome.folder.path.glob("failed/*"))


def test_leak_gain_skips_the_videos_of_the_honest_run(of_any):
    """Subject s002 has no other video, so that nobody is asked anything in its fold."""
    config = resolve([*of_any, "no_face=skip", "audit=leak"])
    outcome = execute_run(config, Progress())
    gain = leak_gain(config, outcome.summary, Progress())
    honest = RunFolder(outcome.folder.path.with_name(gain["honest"]))
    assert outcome.folder.read_json("skipped.json") == honest.read_json("skipped.json") != {}
    assert any(f"counted as missed: {BLACK}" in line for line in outcome.folder.read_json("folds.json")["warnings"])
    assert outcome.summary["recognition"]["n"] == 3
    scores, last = gain["scores"]["recognition.uf1"], gain["curve"][-1]
    assert (last["uf1_honest"], last["uf1_leak"]) == (scores["honest"], scores["leak"])


def test_run_with_all_faces_skips_nothing(of_any):
    folder = execute_run(resolve([*of_any, "dataset.blind=nobody", "no_face=skip"]), Progress()).folder
    assert folder.read_json("skipped.json") == {}


def test_run_refuses_videos_without_any_face(of_any):
    with pytest.raises(DataError, match=r"none of the 3 videos shows a face\. no face found in"):
        execute_run(resolve([*of_any, "dataset.blind=all", "no_face=skip"]), Progress())


def test_run_resumed_refuses_other_skipped_videos(of_any, monkeypatch):
    monkeypatch.setattr(Session, "finish", lambda _: (_ for _ in ()).throw(RunError("stopped at the end")))
    with pytest.raises(RunError, match="stopped at the end"):
        execute_run(resolve([*of_any, "no_face=skip"]), Progress())
    (folder,) = Path(resolve(of_any).runs).iterdir()
    (folder / "skipped.json").write_text('{"synthetic/s001/v01": "no face"}')
    with pytest.raises(RunError, match="other videos than before have no face"):
        execute_run(resolve([*of_any, "no_face=skip"]), Progress())


def test_FoldHost_trains_on_no_skipped_video(words):
    plan = make_plan(resolve(words))
    plan = replace(plan, data=replace(plan.data, skipped={BLACK: "no face"}))
    fold = plan.data.folds[0]
    job = host.FoldHost.for_fold(plan, fold).job
    assert BLACK in {v.key for v in plan.data.videos}
    assert BLACK in {v.key for v in plan.data.split_videos(fold).train}
    assert BLACK not in {v.key for v in (*job.train, *job.valid, *job.test)}
    subject = SubjectKey("synthetic", "s002")
    alone = Fold("only the faceless one trains", (subject,), (), (SubjectKey("synthetic", "s001"),))
    with pytest.raises(DataError, match="nothing to train on"):
        host.execute_fold(plan, alone)
