"""4DME: a drawn tree of the gray videos."""

import shutil
from collections import Counter

import pytest
from mebench.datasets.four_dme import dataset as four_dme

from mebench.annotations.drawn import write_csv
from mebench.config import resolve
from mebench.core import Expression
from mebench.errors import DataError
from mebench.inspection import dataset_summary
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("four_dme") / "tree"
    four_dme.FourDme.write_fake_tree(root)
    return root


def dataset(root, **params):
    return four_dme.FourDme(four_dme.FourDme.Params(str(root), **params))


def test_FourDme_keeps_contract(root):
    assert check_dataset("four_dme", root=str(root)) == []


def test_videos_follow_numbers_of_files(root):
    video = dataset(root).videos()[0]
    assert (video.key, video.fps, video.n_frames) == ("four_dme/S01/001_01_1", 60.0, 42)
    assert video.expressions == (
        Expression(10, 31, apex=18, emotion="negative", action_units=("AU4",), objective="III"),
    )


def test_videos_leave_out_held_units(root):
    by_clip = {(v.subject, v.id): v.expressions[0] for v in dataset(root).videos()}
    assert by_clip["S05", "001_01_1"].action_units == ("L7",)
    assert by_clip["S05", "003_02_2"].action_units == ("AUR2", "45")
    repaired = {r.row: (r.found, r.taken) for r in dataset(root).repair_rows() if r.column == "AUs"}
    assert repaired == {4: ("AU4(k)+L7", "L7"), 6: ("AUR2+12(k)+45", "AUR2+45")}


@pytest.mark.parametrize(("cell", "units"), [("AU4 (k), AU12", ("AU12",)), ("1;2(K)", ("1",)), ("6, 12", ("6", "12"))])
def test_videos_split_units_as_each_sheet(tmp_path, cell, units):
    head = ("sub_ID", "fold_name", "Onset", "Apex", "Offset", "AUs", "Emotion")
    write_csv(tmp_path / "4DME.csv", [head, ("S1", "a", 5, 7, 9, cell, "Positive")])
    (video,) = four_dme.FourDme(four_dme.FourDme.Params(annotations=str(tmp_path / "4DME.csv"))).videos()
    assert video.expressions[0].action_units == units


def test_schemes_score_two_emotions_as_one_label(root):
    set_ = dataset(root)
    labels = Counter(e.emotion for v in set_.videos() for e in v.expressions)
    assert labels == Counter(
        {"negative": 2, "positive": 1, "surprise": 1, "repression": 1, "others": 1, "positive+surprise": 2}
    )
    scored = [set_.schemes["three"].class_of(e) for v in set_.videos() for e in v.expressions]
    assert Counter(scored) == Counter({"negative": 3, "positive": 1, "surprise": 1, None: 3})
    assert sum("two emotions" in text for text in set_.repairs()) == 2
    counted = {name: of["classes"] for name, of in dataset_summary.summarise_dataset(set_)["schemes"].items()}
    assert counted["4dmr2025"] == counted["native"] | {"positive+surprise": 2}


def test_columns_may_carry_quotes(tmp_path):
    """As in an earlier sheet."""
    rows = [
        ("sub_ID'", "fold_name'", "Onset", "Apex", "Offset", "AUs", "Emotion"),
        ("S1", "a", 5, 7, 9, "4", "Negative"),
    ]
    write_csv(tmp_path / "4DME.csv", rows)
    (video,) = four_dme.FourDme(four_dme.FourDme.Params(annotations=str(tmp_path / "4DME.csv"))).videos()
    assert (video.key, video.expressions[0].onset) == ("four_dme/S1/a", 4)


def test_frames_are_never_cropped_faces(root, tmp_path):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    cropped = (tmp_path / "gray_micro").rename(tmp_path / "gray_micro_crop")
    alone, asked = dataset(tmp_path), dataset(cropped)
    with pytest.raises(DataError, match=rf"cropped by the authors: read them with dataset\.root={cropped}"):
        alone.frames(alone.videos()[0])
    assert asked.videos()[0].n_frames == 42
    assert "cropped by the authors" in asked.remark
    assert asked.revision != alone.revision


def test_method_runs_on_four_dme(root, tmp_path):
    plan = make_plan(resolve(["method=random", "dataset=four_dme", f"dataset.root={root}", f"cache={tmp_path}"]))
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (3, 8, True)
    result = host.execute_fold(plan, plan.data.folds[0])
    assert {p.video for p in result.predictions} == {"four_dme/S01/001_01_1", "four_dme/S01/002_01_1"}
