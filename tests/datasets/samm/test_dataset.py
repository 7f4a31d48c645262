"""SAMM: a drawn tree of the release."""

from collections import Counter

import pytest
from mebench.datasets.samm.dataset import LABELS, Samm
from mebench.datasets.samm.params import Params

from mebench.annotations.drawn import write_xlsx
from mebench.core import Expression
from mebench.testing import check_dataset
from tests.outside import flow_maps


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("samm") / "tree"
    Samm.write_fake_tree(root)
    return root


def dataset(root):
    return Samm(Params(str(root)))


def expressions(set_):
    return {v.id: v.expressions[0] for v in set_.videos()}


def test_the_contract_holds(root):
    assert check_dataset("samm", root=str(root)) == []


def test_file_numbers_of_the_recording_become_positions_in_the_clip(root):
    set_ = dataset(root)
    assert expressions(set_)["006_1_2"] == Expression(
        6, 34, apex=18, emotion="anger", action_units=("4", "7"), objective="III"
    )
    crossing = next(v for v in set_.videos() if v.id == "007_3_1")  # its files go from 006_09984.jpg to 006_10018.jpg
    assert set_.frames(crossing).numbers == tuple(range(9984, 10019)) and crossing.n_frames == 35


def test_each_quirk_is_mended_and_said(root):
    set_ = dataset(root)
    found = expressions(set_)
    assert (found["007_5_3"].apex, found["007_5_3"].offset) == (16, 16) and found["007_5_3"].flags == (
        "offset_from_apex",
    )
    assert found["011_1_1"].apex is None and found["011_1_1"].flags == ("apex_outside",)
    assert found["011_2_2"].emotion == "other" and found["011_2_2"].action_units == ("7 or 4",)
    said = {(r.row, r.column): (r.found, r.taken) for r in set_.repair_rows()}
    assert said[18, "Offset Frame"] == ("0", "111") and said[19, "Apex Frame"] == ("4945", "none")
    assert said[16, "Subject"] == ("6", "006") and said[20, "Estimated Emotion"] == ("Others", "other")
    assert said[22, "all columns"] == ("Total 6", None)


def test_the_published_counts_give_the_published_classes(tmp_path):
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
    assert counted["native"] == set_.published.emotions and set(counted["native"]) == set(LABELS)
    assert counted["megc2019"] == Counter(negative=92, positive=26, surprise=15)
    assert counted["objective"] == Counter(I=24, II=13, III=20, IV=8, V=3, VI=7, VII=84)
    assert len({v.subject for v in set_.videos()}) == set_.published.subjects


def test_subjects_and_clips_are_called_as_in_the_challenge():
    """The maps are named subject_clip, 006_006_1_2: the first word is the subject of the sheet, the rest the file name."""
    names = [p.stem.strip() for p in flow_maps().glob("[0-9]*/u_test/*/*.png")]
    assert len(names) == 133
    assert all(name.split("_", 1)[1].startswith(name.split("_")[0]) for name in names)
