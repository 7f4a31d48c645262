"""MMEW: drawn trees of both layouts."""

from collections import Counter

import pytest
from mebench.datasets.mmew import dataset as mmew, fake

from mebench.annotations.drawn import write_csv
from mebench.config import resolve
from mebench.core import Expression
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("mmew") / "tree"
    mmew.Mmew.write_fake_tree(root)
    return root


def dataset(root, **params):
    return mmew.Mmew(mmew.Mmew.Params(str(root), **params))


def test_Mmew_keeps_contract(root):
    assert check_dataset("mmew", root=str(root)) == []


def test_videos_find_clip_by_name(root):
    video = dataset(root).videos()[0]
    assert (video.key, video.fps, video.n_frames) == ("mmew/01/S01-01-001", 90.0, 42)
    assert video.expressions == (
        Expression(0, 41, apex=13, emotion="happiness", action_units=("6", "12"), objective="I"),
    )
    assert dataset(root).folder(video) == root / "MMEW_Final/Micro_Expression/happiness/S01-01-001"


def test_videos_ignore_folder_a_person(root, tmp_path):
    fake.write(tmp_path / "other", by_person=True)
    assert dataset(tmp_path / "other").videos() == dataset(root).videos()


def test_repairs_name_each_quirk(root):
    set_ = dataset(root)
    by_clip = {v.id: v.expressions[0] for v in set_.videos()}
    assert (by_clip["S02-02-002"].offset, by_clip["S02-02-002"].flags) == (41, ("cut",))
    assert (by_clip["S02-07-001"].apex, by_clip["S02-07-001"].flags) == (None, ("apex_outside",))
    assert (by_clip["S03-06-001"].offset, by_clip["S03-06-001"].flags) == (19, ("offset_from_apex",))
    found = {(r.row, r.found): r.taken for r in set_.repair_rows()}
    assert found[5, "54"] == "42"
    assert found[6, "50"] == "none"
    assert found[8, "0"] == "20"
    assert found[3, "S01"] == "01"


def test_people_come_from_clip_names_without_column(tmp_path):
    head = ("Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion")
    write_csv(
        tmp_path / "MMEW_Micro_Exp.csv", [head, ("S03-01-002", 2, 4, 6, "happiness"), ("S3-02-001", 1, 4, 6, "anger")]
    )
    set_ = mmew.Mmew(mmew.Mmew.Params(annotations=str(tmp_path / "MMEW_Micro_Exp.csv")))
    assert [v.key for v in set_.videos()] == ["mmew/03/S03-01-002", "mmew/03/S3-02-001"]
    assert not set_.unplaced()
    repairs = {r.row: (r.taken, r.reason) for r in set_.repair_rows() if r.column == "subject"}
    assert repairs[2] == ("03", "as the name S03-01-002 says")


def test_schemes_map_labels(root):
    set_ = dataset(root)
    for name, counts in {
        "native": {"happiness": 2, "surprise": 2, "disgust": 1, "others": 1, "sadness": 1, "anger": 1},
        "six": {"happiness": 2, "surprise": 2, "disgust": 1, "sadness": 1, "anger": 1},
        "three": {"negative": 3, "positive": 2, "surprise": 2},
    }.items():
        classes = (set_.schemes[name].class_of(e) for v in set_.videos() for e in v.expressions)
        assert Counter(filter(None, classes)) == counts


def test_missing_clip_is_named(root, tmp_path):
    sheet = str(dataset(root).annotation_file)
    (tmp_path / "Micro_Expression" / "anger" / "S09-03-001").mkdir(parents=True)
    set_ = dataset(tmp_path, annotations=sheet)
    with pytest.raises(Exception, match=r"mmew/01/S01-01-001 has no frames.*S01-01-001"):
        set_.frames(set_.videos()[0])


def test_method_runs_on_mmew(root, tmp_path):
    plan = make_plan(resolve(["method=random", "dataset=mmew", f"dataset.root={root}", f"cache={tmp_path}"]))
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (3, 8, True)
    assert {p.video for p in host.execute_fold(plan, plan.data.folds[0]).predictions} == {
        "mmew/01/S01-01-001",
        "mmew/01/S01-02-001",
    }
