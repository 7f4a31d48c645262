"""CASME II: drawn trees of both releases."""

from collections import Counter

import pytest
from mebench.datasets.casme2 import dataset as casme2, fake

from mebench.annotations import OBJECTIVE_CLASSES
from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import write_xlsx
from mebench.config import resolve
from mebench.config.registry import load_plugin
from mebench.core import Expression
from mebench.errors import DataError
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset
from tests.helpers.outside import flow_maps


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme2") / "tree"
    casme2.Casme2.write_fake_tree(root)
    return root


def dataset(root, **params):
    return casme2.Casme2(casme2.Casme2.Params(str(root), **params))


def test_Casme2_keeps_contract(root):
    assert check_dataset("casme2", root=str(root)) == []


def test_videos_count_from_zero_and_keep_sides(root):
    video = next(v for v in dataset(root).videos() if v.id == "EP19_06f")
    assert (video.key, video.fps, video.n_frames) == ("casme2/01/EP19_06f", 200.0, 48)
    assert video.expressions == (
        Expression(7, 33, apex=19, emotion="disgust", action_units=("4", "5", "L10"), objective="VII"),
    )


def test_repairs_name_each_quirk(root):
    set_ = dataset(root)
    by_clip = {v.id: v.expressions[0] for v in set_.videos()}
    assert by_clip["EP12_01f"].apex is None
    assert by_clip["EP09_05f"].flags[0] == "onset_is_apex"
    assert (by_clip["EP01_08"].offset, by_clip["EP01_08"].flags) == (39, ("cut",))
    found = {(r.row, r.found): r.taken for r in set_.repair_rows()}
    assert found[4, "/"] == "none"
    assert found[9, "EP04_02f "] == "EP04_02f"
    assert found[8, "46"] == "40"
    assert found[2, "1"] == "01"
    assert found[11, "Note: the frame rate is 200 fps"] is None
    assert [(s, v) for s, v, _ in set_.unannotated()] == [("04", "EP02_02f")]


def test_Casme2_releases_of_sheet_are_equal(root, tmp_path):
    fake.write(tmp_path / "old", release="label")
    old = dataset(tmp_path / "old")
    assert old.annotation_file.name == "CASME2_label_Ver_2.xlsx"
    assert ground_truth_hash(old.as_annotated()) == ground_truth_hash(dataset(root).as_annotated())
    assert old.videos() == dataset(root).videos()


@pytest.mark.parametrize("level", [".", "..", "CASME2-RAW"])
def test_root_may_be_any_level(root, level):
    assert [v.n_frames for v in dataset(root / level).videos()] == [48, 48, 48, 48, 48, 48, 40, 48]


def scored(set_, name):
    labels = (set_.schemes[name].class_of(e) for v in set_.videos() for e in v.expressions)
    return Counter(label for label in labels if label)


def test_schemes_leave_out_clips_of_papers(root):
    set_ = dataset(root)
    assert scored(set_, "native") == Counter(disgust=3, happiness=1, repression=1, surprise=1, others=1, sadness=1)
    assert scored(set_, "megc2019") == Counter(negative=2, positive=1, surprise=1)  # two of three disgusts are out
    assert scored(set_, "five") == Counter(disgust=3, happiness=1, repression=1, surprise=1, others=1)
    assert scored(set_, "five_mean2022") == Counter(disgust=2, happiness=1, repression=1, surprise=1, others=1)
    assert scored(set_, "objective") == Counter(I=1, II=1, III=3, V=1, VII=2)


def test_published_counts_give_published_classes(tmp_path):
    """MEGC 2019: 145 clips, 88, 32 and 25; MEAN, Table 1: 244; the usual five classes: 246."""
    fake.write_sheet(tmp_path / "CASME2-coding-20140508.xlsx")
    set_ = dataset(tmp_path)
    assert scored(set_, "native") == set_.published.emotions
    assert sum(scored(set_, "native").values()) == set_.published.expressions["micro"] == 255
    assert len({v.subject for v in set_.videos()}) == set_.published.subjects == 26
    assert scored(set_, "megc2019") == Counter(negative=88, positive=32, surprise=25)
    assert scored(set_, "five_mean2022") == Counter(disgust=61, happiness=32, others=99, surprise=25, repression=27)
    assert sum(scored(set_, "five").values()) == 246


def test_megc2019_has_145_clips_with_sheet_of_2019(tmp_path):
    """It moves three clips of sadness to surprise: 148 clips, and a composite of 445, if they were not left out."""
    for year, name in (("2014", "20140508"), ("2019", "20190701")):
        (tmp_path / year).mkdir()
        fake.write_sheet(tmp_path / year / f"CASME2-coding-{name}.xlsx", year)
    old, new = dataset(tmp_path / "2014"), dataset(tmp_path / "2019")
    assert scored(new, "native") - scored(old, "native") == Counter(surprise=3)
    assert scored(new, "native") == new.published.emotions  # `verify` does not complain about either sheet
    assert scored(new, "megc2019") == scored(old, "megc2019") == Counter(negative=88, positive=32, surprise=25)
    left_out = {(v.subject, v.id) for v in new.videos() for e in v.expressions if "not_in_megc2019" in e.flags}
    assert set(casme2.MOVED) < left_out
    repair = next(text for text in new.repairs() if "moves them from sadness" in text)
    assert all(f"{subject}/{clip}" in repair for subject, clip in casme2.MOVED)


@pytest.mark.parametrize(("year", "name"), [("2014", "20140508"), ("2019", "20190701")])
def test_composite_has_442_clips_with_either_sheet(tmp_path, year, name):
    """SMIC 164, CASME II 145, SAMM 133."""
    places = {id_: tmp_path / id_ for id_ in ("smic_hs", "casme2", "samm")}
    for n, (code, label) in enumerate(
        [("ne", "negative")] * 70 + [("po", "positive")] * 51 + [("sur", "surprise")] * 43
    ):
        subject = n % 16 + 1
        clip = places["smic_hs"] / f"HS/s{subject}/micro/{label}/s{subject}_{code}_{n:02d}"
        clip.mkdir(parents=True)
        (clip / "image1.bmp").touch()
    places["casme2"].mkdir()
    fake.write_sheet(places["casme2"] / f"CASME2-coding-{name}.xlsx", year)
    labels = Counter(load_plugin("dataset", "samm").published.emotions).elements()
    head = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion")
    rows = [(f"{6 + n % 29:03d}", f"{6 + n % 29:03d}_1_{n}", 11, 20, 40, "4", label) for n, label in enumerate(labels)]
    places["samm"].mkdir()
    write_xlsx(places["samm"] / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [head, *rows]})
    words = [f"dataset={[*places]}", *(f"dataset.{id_}.root={place}" for id_, place in places.items())]
    plan = make_plan(resolve(["method=majority", "protocol=megc2019_cde", f"cache={tmp_path}", *words]))
    clips = Counter((v.dataset, plan.data.scheme.class_of(e)) for v in plan.data.videos for e in v.expressions)
    classes = plan.data.task.classes
    of_datasets = {id_: sum(clips[id_, name] for name in classes) for id_ in places}

    of_classes = [sum(clips[id_, name] for id_ in places) for name in classes]
    assert of_datasets == {"smic_hs": 164, "casme2": 145, "samm": 133}
    assert of_classes == [250, 109, 83]  # 442


@pytest.mark.parametrize(("year", "in_megc2018"), [("2014", 172), ("2019", 174)])
def test_objective_classes_equal_sheet(tmp_path, year, in_megc2018):
    """In 2014 they follow from the units, in 2019 they have a column; MEGC 2018 counts 185 clips of I to V."""
    fake.write_sheet(tmp_path / "CASME2-coding.xlsx", year)
    classes = scored(dataset(tmp_path), "objective")
    assert tuple(classes[name] for name in OBJECTIVE_CLASSES) == fake.CLASSES[year]
    assert classes.total() - classes["VI"] - classes["VII"] == in_megc2018


def test_frames_are_never_cropped_faces(root, tmp_path):
    (tmp_path / "CASME2").mkdir()
    for sheet in root.glob("*.xlsx"):
        (tmp_path / "CASME2" / sheet.name).write_bytes(sheet.read_bytes())
    cropped, raw = tmp_path / "CASME2" / "Cropped", tmp_path / "CASME2" / "RAW_selected"
    cropped.symlink_to(root / "CASME2-RAW")
    alone = dataset(tmp_path / "CASME2", follow_links=True)
    assert all(v.n_frames is None for v in alone.videos())
    with pytest.raises(DataError, match=rf"cropped by the authors: read them with dataset\.root={cropped}"):
        alone.frames(alone.videos()[0])
    assert any("are not raw frames" in text for text in alone.repairs())
    raw.symlink_to(root / "CASME2-RAW")
    both = dataset(tmp_path / "CASME2", follow_links=True)
    assert both.folder(both.videos()[0]).parent.parent == raw
    assert both.remark == ""
    asked = dataset(cropped, annotations=str(next(root.glob("*.xlsx"))), follow_links=True)
    assert asked.videos()[0].n_frames == 48
    assert "cropped by the authors" in asked.remark
    assert asked.revision != both.revision


def test_megc2019_keeps_clips_of_challenge():
    """The maps of the challenge's composite are named after its 145 clips of CASME II."""
    clips = {
        p.stem.strip()[3:].split("_", 1)[0] + "/" + p.stem.strip().split("_", 1)[1]
        for p in flow_maps().glob("sub*/u_test/*/*.png")
    }
    assert len(clips) == 145
    left_out = {"/".join(clip) for clip, flags in casme2.Casme2.marks.items() if "not_in_megc2019" in flags}
    assert not left_out & clips


def test_method_runs_on_casme2(root, tmp_path):
    config = resolve(["method=random", "dataset=casme2", f"dataset.root={root}", f"cache={tmp_path}"])
    plan = make_plan(config)
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (4, 8, True)
    result = host.execute_fold(plan, plan.data.folds[0])
    assert {p.video for p in result.predictions} == {"casme2/01/EP02_01f", "casme2/01/EP19_06f"}


def test_Casme2_extended_by_a_plugin_has_stand_in(tmp_path):
    class Mine(casme2.Casme2):
        id = "mine"

    Mine.write_fake_tree(tmp_path / "drawn")
    assert (tmp_path / "drawn" / "CASME2-coding-20140508.xlsx").is_file()
