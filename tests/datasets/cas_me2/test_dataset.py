"""CAS(ME)2: a drawn tree of the release, with its three sheets."""

from collections import Counter

import pytest
from mebench.datasets.cas_me2 import dataset as cas_me2, fake

from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import write_csv, write_xlsx
from mebench.core import Expression
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("cas_me2") / "CAS(ME)^2"
    cas_me2.CasMe2.write_fake_tree(root)
    return root


def dataset(root, **params):
    return cas_me2.CasMe2(cas_me2.CasMe2.Params(None if root is None else str(root), **params))


def test_CasMe2_keeps_contract(root):
    assert check_dataset("cas_me2", root=str(root)) == []


def test_videos_use_folder_of_updated_codes(root, tmp_path):
    places = {"disgust1": "s15/15_0101disgustingteeth", "anger1": "s16/16_0401childabuse"}
    rows = [(*fake.ROWS[0][:8], "disgust", 6, places["disgust1"]), (*fake.ROWS[3][:8], "anger", 9, places["anger1"])]
    write_csv(tmp_path / "CAS(ME)^2code_final(Updated).csv", rows)
    set_ = dataset(root, annotations=str(tmp_path / "CAS(ME)^2code_final(Updated).csv"))
    annotated = [v for v in set_.videos() if v.expressions]

    assert [v.key for v in annotated] == ["cas_me2/s15/15_0101", "cas_me2/s16/16_0401"]
    assert {v.key: v.expressions for v in annotated}.items() <= {
        v.key: v.expressions[:1] for v in dataset(root).videos()
    }.items()
    assert set_.folder(annotated[0]).name == "15_0101disgustingteeth"


def test_videos_use_folders_of_naming_rules(root):
    set_ = dataset(root)
    videos = {v.key: v for v in set_.videos()}
    assert list(videos) == [
        f"cas_me2/{v}"
        for v in ("s15/15_0101", "s15/15_0401", "s16/16_0401", "s16/16_0502", "s19/19_0101", "s19/19_0502")
    ]
    assert set_.folder(videos["cas_me2/s16/16_0502"]).name == "16_0502catbath"  # its code has lost a zero in the sheet
    assert videos["cas_me2/s19/19_0502"].expressions == ()  # nobody expresses anything, and it counts
    assert all(v.fps == 30.0 and v.n_frames == 100 for v in videos.values())


def test_videos_have_kinds_and_repaired_quirks(root):
    set_ = dataset(root)
    videos = {v.id: v.expressions for v in set_.videos()}
    assert videos["15_0101"] == (
        Expression(11, 21, "micro", 16, "negative", ("4", "9"), "IV"),
        Expression(39, 69, "macro", 51, "negative", ("4",), "III"),
    )
    assert (videos["16_0401"][1].apex, videos["16_0401"][1].offset) == (74, 74)  # offset 0
    assert videos["19_0101"][0].apex is None  # apex 0
    taken = {(r.row, r.column, r.found): r.taken for r in set_.repair_rows()}
    assert taken[3, "naming rule 2, column 1", "502"] == "0502"
    assert taken[5, "column 5", "0"] == "75"
    assert taken[7, "column 4", "0"] == "none"
    assert taken[None, "column 7", "Negative, negative"] == "negative"


@pytest.mark.parametrize("level", [".", "rawpic"])
def test_root_may_be_any_level(root, level):
    assert {v.n_frames for v in dataset(root / level).videos()} == {100}


def test_release_with_header_equals_other(root, tmp_path):
    head = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Emotion", "Type")
    rule1 = [(n, s, n) for n, s in ((1, "s15"), (2, "s16"), (3, "s19"))]
    rule2 = [("0101", "disgust1"), ("0401", "anger1"), ("0502", "happy1")]
    file = tmp_path / "code_final(Updated).xlsx"
    write_xlsx(file, {"codes": [head, *(row[:8] for row in fake.ROWS)], "naming rule1": rule1, "naming rule2": rule2})
    updated = dataset(None, annotations=str(file))
    assert ground_truth_hash(updated.as_annotated()) == ground_truth_hash(dataset(root).as_annotated())


def test_videos_without_rule_get_no_folder(root, tmp_path):
    """Participant 15 is not the one in the folder s15, who is participant 1; `01` is."""
    rows = [("01", *fake.ROWS[2][1:8], "x"), (15, *fake.ROWS[3][1:8], "x")]
    rules = {"naming rule1": [(1, "s15", 1)], "naming rule2": [("0401", "anger1")]}
    write_xlsx(tmp_path / "code_final.xlsx", {"CASFEcode_final": rows, **rules})
    set_ = dataset(root, annotations=str(tmp_path / "code_final.xlsx"))
    there = {v.key: v.n_frames for v in set_.videos() if v.expressions}
    assert there == {"cas_me2/s15/15_0401": 100, "cas_me2/participant 15/15_0401": None}
    (repair,) = (r for r in set_.repair_rows() if r.altered)
    assert (repair.row, repair.found) == (2, "15")
    assert "not in naming rule 1" in repair.reason


def test_videos_without_naming_rules_are_counted(tmp_path):
    write_csv(tmp_path / "codes.csv", [(*row[:8], "happy") for row in fake.ROWS])
    set_ = dataset(None, annotations=str(tmp_path / "codes.csv"))
    kinds = [e.kind for v in set_.videos() for e in v.expressions]
    assert Counter(kinds) == Counter(micro=5, macro=3)
    assert any("naming rules are missing" in r.reason for r in set_.repair_rows())


def test_scheme_mean_scores_three_classes(root):
    """MEAN, Table 1: negative 21, positive 8, surprise 9; others are left out."""
    set_ = dataset(root)
    scheme = set_.schemes["mean2022"]
    micro = [e for v in set_.videos() for e in v.expressions if e.kind == "micro"]
    assert Counter(map(scheme.class_of, micro)) == Counter(negative=2, positive=1, surprise=1) + Counter({None: 1})
    assert set_.published.emotions == {"negative": 21, "positive": 8, "surprise": 9, "others": 19}
