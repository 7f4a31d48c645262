"""CASME: drawn trees of both layouts and formats."""

from collections import Counter

import pytest
from mebench.datasets.casme import dataset as casme, fake

from mebench.annotations.annotation import ground_truth_hash
from mebench.config import resolve
from mebench.core import Expression
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme") / "tree"
    casme.Casme.write_fake_tree(root)
    return root


def dataset(root, **params):
    return casme.Casme(casme.Casme.Params(str(root), **params))


def test_Casme_keeps_contract(root):
    assert check_dataset("casme", root=str(root)) == []


def test_videos_read_onset_as_frame(root):
    """The sheet has `OnsetF` 73 and `Onset` 133.3 ms."""
    video = dataset(root).videos()[0]
    assert (video.key, video.fps, video.n_frames) == ("casme/01/EP01_12", 60.0, 50)
    assert video.expressions == (Expression(12, 30, apex=20, emotion="tense", action_units=("4",), objective="III"),)


def test_videos_of_one_name_belong_to_their_people(root):
    same = [v for v in dataset(root).videos() if v.id == "EP01_5"]
    assert [(v.subject, v.expressions[0].emotion) for v in same] == [("01", "happiness"), ("02", "disgust")]
    first, second = (dataset(root).folder(v) for v in same)
    assert (first.parent.name, second.parent.name) == ("sub01", "sub02")


def test_repairs_name_each_quirk(root):
    set_ = dataset(root)
    by_clip = {(v.subject, v.id): v.expressions[0] for v in set_.videos()}
    assert by_clip["02", "EP02_2f"].apex is None
    assert (by_clip["02", "EP07_3"].offset, by_clip["02", "EP07_3"].flags) == (19, ("offset_from_apex",))
    assert by_clip["11", "EP15_4"].emotion == "happiness"
    found = {(r.row, r.found): r.taken for r in set_.repair_rows()}
    assert found[6, "0"] == "none"
    assert found[7, "12"] == "20"
    assert found[9, "Amusement"] == "happiness"
    assert found[11, "Note:"] is None


def test_sections_and_formats_are_equal(root, tmp_path):
    fake.write(tmp_path / "other", release="short", sections=True)
    other = dataset(tmp_path / "other")
    assert other.annotation_file.name == "casme.xlsx"
    assert other.videos() == dataset(root).videos()
    assert ground_truth_hash(other.as_annotated()) == ground_truth_hash(dataset(root).as_annotated())


@pytest.mark.parametrize("level", [".", "..", "CASME_raw_selected"])
def test_root_may_be_any_level(root, level):
    assert [v.n_frames for v in dataset(root / level).videos()] == [50] * 8


@pytest.mark.parametrize("shape", ["{subject}/{video}", "sub{subject}_{video}", "{subject}_{video}"])
def test_folders_of_circulating_copies_are_found(root, tmp_path, shape):
    for clip in root.glob("CASME_raw_selected/sub*/*"):
        copy = tmp_path / "copy" / shape.format(subject=clip.parent.name.removeprefix("sub"), video=clip.name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(clip)
    other = dataset(tmp_path, annotations=str(dataset(root).annotation_file), follow_links=True)
    assert [(v.key, v.n_frames) for v in other.videos()] == [(v.key, v.n_frames) for v in dataset(root).videos()]


def test_schemes_map_labels(root):
    set_ = dataset(root)
    scored = {
        name: Counter(filter(None, (scheme.class_of(e) for v in set_.videos() for e in v.expressions)))
        for name, scheme in set_.schemes.items()
    }
    assert scored["native"] == Counter(tense=1, happiness=2, repression=1, disgust=2, surprise=1, contempt=1)
    assert scored["three"] == Counter(negative=4, positive=2, surprise=1)  # tense is left out
    assert sum(scored["objective"].values()) == 8


def test_method_runs_on_casme(root, tmp_path):
    plan = make_plan(resolve(["method=random", "dataset=casme", f"dataset.root={root}", f"cache={tmp_path}"]))
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (3, 8, True)
    assert {p.video for p in host.execute_fold(plan, plan.data.folds[2]).predictions} == {
        "casme/11/EP12_1",
        "casme/11/EP15_4",
    }


def test_frames_are_never_cropped_faces(root, tmp_path):
    (tmp_path / "Cropped").symlink_to(root)
    alone = dataset(tmp_path, annotations=str(dataset(root).annotation_file), follow_links=True)
    assert not any(v.n_frames for v in alone.videos())
    assert any("are not raw frames" in text for text in alone.repairs())
