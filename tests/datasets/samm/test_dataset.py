"""SAMM: a drawn tree of the release."""

from collections import Counter

import pytest
from mebench.datasets.samm import dataset as samm, fake

from mebench.annotations import schemes
from mebench.annotations.drawn import write_xlsx
from mebench.core import Expression
from mebench.inspection.dataset_summary import summarise_dataset
from tests.helpers.contracts import check_dataset
from tests.helpers.outside import flow_maps


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("samm") / "tree"
    samm.Samm.write_fake_tree(root)
    return root


def dataset(root):
    return samm.Samm(samm.Samm.Params(str(root)))


def expressions(set_):
    return {v.id: v.expressions[0] for v in set_.videos()}


def test_Samm_keeps_contract(root):
    assert check_dataset("samm", root=str(root)) == []


def test_videos_turn_file_numbers_into_positions(root):
    set_ = dataset(root)
    assert expressions(set_)["006_1_2"] == Expression(
        6, 34, apex=18, emotion="anger", action_units=("4", "7"), objective="III"
    )
    crossing = next(v for v in set_.videos() if v.id == "007_3_1")  # its files go from 006_09984.jpg to 006_10018.jpg
    assert set_.frames(crossing).numbers == tuple(range(9984, 10019))
    assert crossing.n_frames == 35


def test_repairs_name_each_quirk(root):
    set_ = dataset(root)
    found = expressions(set_)
    assert (found["007_5_3"].apex, found["007_5_3"].offset) == (16, 16)
    assert found["007_5_3"].flags == ("offset_from_apex",)
    assert found["011_1_1"].apex is None
    assert found["011_1_1"].flags == ("apex_outside",)
    assert found["011_2_2"].emotion == "other"
    assert found["011_2_2"].action_units == ("7 or 4",)
    repairs = {(r.row, r.column): (r.found, r.taken) for r in set_.repair_rows()}
    assert repairs[18, "Offset Frame"] == ("0", "111")
    assert repairs[19, "Apex Frame"] == ("4945", "none")
    assert repairs[16, "Subject"] == ("6", "006")
    assert repairs[20, "Estimated Emotion"] == ("Others", "other")
    assert repairs[22, "all columns"] == ("Total 6", None)


def test_published_counts_give_published_classes(tmp_path):
    """MEGC 2019: 133 clips, 92, 26 and 15; objective classes as in Davison et al. 2018: 24, 13, 20, 8, 3, 7, 84."""
    emotions = Counter(Anger=57, Other=26, Happiness=26, Surprise=15, Contempt=12, Disgust=9, Fear=8, Sadness=6)
    classes = Counter({1: 24, 2: 13, 3: 20, 4: 8, 5: 3, 6: 7, 7: 84})
    head = (
        "Subject",
        "Filename",
        "Onset Frame",
        "Apex Frame",
        "Offset Frame",
        "Micro",
        "Estimated Emotion",
        "Objective Classes",
    )
    rows = [
        (f"{n % 29 + 6:03d}", f"{n % 29 + 6:03d}_1_{n}", 5, 9, 20, "Micro - 1/2", emotion, number)
        for n, (emotion, number) in enumerate(zip(emotions.elements(), classes.elements(), strict=True))
    ]
    write_xlsx(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [*[("line",)] * 13, head, *rows]})
    set_ = dataset(tmp_path)
    all_ = [e for v in set_.videos() for e in v.expressions]
    counted = {name: Counter(filter(None, map(scheme.class_of, all_))) for name, scheme in set_.schemes.items()}

    assert counted["native"] == set_.published.emotions
    assert set(counted["native"]) == set(samm.LABELS)
    assert counted["megc2019"] == Counter(negative=92, positive=26, surprise=15)
    assert counted["objective"] == Counter(I=24, II=13, III=20, IV=8, V=3, VI=7, VII=84)
    assert len({v.subject for v in set_.videos()}) == set_.published.subjects


def test_units_count_in_each_written_form(tmp_path):
    """The forms of `SAMM_Micro_FACS_Codes_v2.xlsx`; AU12 in 30 micro-expressions, AU1 in 6, AU6 in 5, AU9 in 5, AU14 in 13."""
    fake.write_forms(tmp_path)
    summary = summarise_dataset(dataset(tmp_path))
    units = summary["action_units"]
    assert {name: units[name] for name in ("AU12", "AU1", "AU6", "AU9", "AU14")} == {
        "AU12": 30, "AU1": 6, "AU6": 5, "AU9": 5, "AU14": 13
    }  # fmt: skip
    assert summary["expressions_with_action_units"] == summary["expressions"]["micro"] == len(fake.FORMS)
    assert not any("not an action unit" in repair["reason"] for repair in summary["repairs"])
    remark = next(r for r in summary["repairs"] if r["found"] == "SOFT FOCUS")
    assert remark["taken"] == "none"
    videos = dataset(tmp_path).videos()
    scheme = schemes.one_unit(12, videos)
    scored = Counter(scheme.class_of(e) for v in videos for e in v.expressions)
    assert scored == {"AU12": 30, "absent": len(fake.FORMS) - 30}


def test_unreadable_unit_is_named_and_left_out(root):
    fake.write_forms(root.parent / "odd", ("4+chin", "12", "4"))
    set_ = dataset(root.parent / "odd")
    repair = next(r for r in set_.repair_rows() if r.found == "CHIN")
    assert repair.row == 15
    assert "leave it out" in repair.reason
    scheme = schemes.one_unit(12, set_.videos())
    expressions = [e for v in set_.videos() for e in v.expressions]
    assert [scheme.class_of(e) for e in expressions] == [None, "AU12", "absent"]


def test_names_equal_challenge():
    """The maps are named subject_clip, 006_006_1_2: the first word is the subject of the sheet, the rest the file name."""
    names = [p.stem.strip() for p in flow_maps().glob("[0-9]*/u_test/*/*.png")]
    assert len(names) == 133
    assert all(name.split("_", 1)[1].startswith(name.split("_")[0]) for name in names)
