"""Two plugins as one system, several datasets as one, several frame rates in one dataset."""

import json

import numpy as np
import pytest

from mebench.annotations import drawn
from mebench.config import resolve
from mebench.config.registry import load_plugin
from mebench.core import Expression, Video
from mebench.errors import ConfigError
from mebench.inspection import open_members, summarise_members
from mebench.output.progress import Progress
from mebench.runner import host, make_plan
from mebench.runner.execute import execute_run
from mebench.runner.timing import fold_timings, rate_groups
from mebench.testing import TINY

LONG = [word for word in TINY if "short_videos" not in word]


def config(tmp_path, *words, data=LONG):
    return resolve([*data, f"cache={tmp_path}/cache", f"runs={tmp_path}/runs", "bootstrap=0", *words])


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_pair_spots_with_one_and_names_with_the_other(tmp_path):
    words = ("method=random", "method.draws=20")
    spotter, pair = make_plan(config(tmp_path, *words)), make_plan(config(tmp_path, *words, "recognizer=majority"))
    assert pair.data.task.tasks == {"spot", "recognize"}
    one, both = host.execute_fold(spotter, spotter.data.folds[0]), host.execute_fold(pair, pair.data.folds[0])
    intervals = [[(p.video, p.kind, p.onset, p.offset, p.confidence) for p in r.predictions] for r in (one, both)]
    assert intervals[0] == intervals[1] != []  # a recognizer changes nothing of what is spotted
    names = {p.emotion for p in both.predictions} | {c.predicted for c in both.clips}
    assert len(names) == 1
    assert names <= set(pair.data.task.classes)
    assert both.clips
    assert not one.clips


def test_pair_trains_its_spotter_as_alone(tmp_path):
    words = ("method=softnet", "method.epochs=1", "method.flow=farneback")
    spotter, pair = make_plan(config(tmp_path, *words)), make_plan(config(tmp_path, *words, "recognizer=majority"))
    one, both = host.execute_fold(spotter, spotter.data.folds[0]), host.execute_fold(pair, pair.data.folds[0])
    assert one.frame_scores.keys() == both.frame_scores.keys()
    for video, scores in one.frame_scores.items():
        np.testing.assert_array_equal(scores, both.frame_scores[video])


def test_pair_run_has_analysis_and_names_both_methods(tmp_path):
    outcome = execute_run(
        config(tmp_path, "method=random", "method.draws=20", "recognizer=majority", "workers=1"), Progress()
    )
    assert {"spotting", "analysis", "recognition"} <= set(outcome.summary)
    assert outcome.folder.id.startswith("random+majority-synthetic")
    stored = json.loads((outcome.folder.path / "config.json").read_text())["config"]
    assert (stored["method"]["name"], stored["recognizer"]["name"]) == ("random", "majority")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("method=majority", "recognizer=majority"), "'majority' can only recognize: choose another that spots"),
        (("method=random", "recognizer=random"), "'random' can only spot: choose another that recognizes"),
    ],
)
def test_pair_needs_a_spotter_and_a_recognizer(tmp_path, words, part):
    with pytest.raises(ConfigError, match=part):
        make_plan(config(tmp_path, *words))


def video(dataset, id_, fps, *expressions):
    return Video(dataset, "1", id_, fps, 5000, tuple(Expression(a, b) for a, b in expressions))


def test_rate_groups_join_videos_of_one_rate():
    videos = [video("dfme", "a", 200.0), video("dfme", "b", 500.0), video("samm", "a", 200.0)]
    assert rate_groups(videos) == {"dfme/1/a": "dfme@200", "dfme/1/b": "dfme@500", "samm/1/a": "samm"}


def test_fold_timings_use_one_duration_for_all_rates():
    videos = [video("dfme", "a", 200.0, (0, 60)), video("dfme", "b", 500.0, (0, 250)), video("dfme", "c", 300.0)]
    timings = fold_timings(videos, videos, ["micro"])
    mean = np.mean([60 / 200, 250 / 500])
    assert {g: t.k_prime["micro"] for g, t in timings.items()} == {
        f"dfme@{fps}": int((mean * fps + 1) / 2) for fps in (200, 300, 500)
    }
    assert [timings[f"dfme@{fps}"].k for fps in (200, 300, 500)] == [20, 30, 50]


NINE = ("cas_me2", "casme", "casme2", "casme3", "dfme", "four_dme", "mmew", "samm", "samm_lv")


@pytest.fixture
def nine(tmp_path, monkeypatch):
    """The words that name the stand-ins of nine datasets. Nobody looks for a face in them: they are small pictures of noise."""
    random = np.random.default_rng(0)
    monkeypatch.setattr(drawn, "draw_face", lambda *_: random.integers(0, 255, (8, 8, 3), np.uint8))
    for name in NINE:
        load_plugin("dataset", name).write_fake_tree(tmp_path / name)
    return [f"dataset=[{','.join(NINE)}]", *(f"dataset.{name}.root={tmp_path / name}" for name in NINE)]


def test_run_takes_nine_datasets_of_six_rates(tmp_path, nine):
    words = [*nine, "method=random", "method.draws=2", "recognizer=majority", "protocol=lodo", "workers=1"]
    settings = config(tmp_path, *words, data=[])

    summary = summarise_members(open_members(settings.dataset_params))
    assert list(summary["members"]) == sorted(NINE)
    assert summary["fps"] == [30.0, 60.0, 90.0, 200.0, 300.0, 500.0]
    assert summary["expressions"]["micro"] == sum(m["expressions"]["micro"] for m in summary["members"].values())
    assert (summary["subjects"], summary["people"]) == (31, 29)  # 006 and 007 are in samm and in samm_lv

    plan = make_plan(settings)
    assert [fold.key for fold in plan.data.folds] == sorted(NINE)
    tested = next(fold for fold in plan.data.folds if fold.key == "samm")
    people = {s.subject for s in tested.test}
    shared = {v.subject for v in plan.data.videos if v.dataset == "samm_lv"} & people
    assert shared

    trained_of_samm_lv = {s.subject for s in (*tested.train, *tested.valid) if s.dataset == "samm_lv"}
    assert trained_of_samm_lv.isdisjoint(shared)
    outcome = execute_run(settings, Progress())
    spotted = outcome.summary["spotting"]["micro"]
    kinds = [e.kind for v in plan.data.videos for e in v.expressions]
    assert spotted["tp"] + spotted["fn"] == kinds.count("micro")
    assert set(outcome.summary["members"]) == set(NINE)
    assert outcome.folder.read_table("distractors.parquet")["kind"].unique().tolist() == ["blink"]
