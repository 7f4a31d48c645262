"""SAMM Long Videos: a drawn tree of the release, with and without SAMM's own sheet."""

from collections import Counter

import pytest
from mebench.datasets.samm_lv import dataset as samm_lv, fake

from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import write_xlsx
from mebench.core import Expression
from mebench.errors import DataError
from tests.helpers.contracts import check_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("samm_lv") / "SAMMLV"
    samm_lv.SammLv.write_fake_tree(root)
    return root


def dataset(root, **params):
    return samm_lv.SammLv(samm_lv.SammLv.Params(None if root is None else str(root), **params))


def expressions(set_):
    return {v.id: v.expressions for v in set_.videos()}


def test_SammLv_keeps_contract(root):
    assert check_dataset("samm_lv", root=str(root)) == []


def test_videos_split_file_name_into_video_and_number(root):
    set_ = dataset(root)
    assert expressions(set_)["006_1"] == (
        Expression(7, 35, "micro", 19, "anger", ("4", "7"), "III"),
        Expression(49, 103, "macro", 70, None, ("4(B/C)", "7B"), "III"),
    )
    assert expressions(set_)["011_5"] == ()  # a video without expressions counts
    assert {v.subject for v in set_.videos()} == {"006", "007", "008", "011"}


def test_videos_pad_digits_to_five(root):
    set_ = dataset(root)
    video = next(v for v in set_.videos() if v.id == "007_3")
    assert set_.frames(video).names[49:51] == ("007_3_9999.jpg", "007_3_10000.jpg")
    assert (video.expressions[0].onset, video.expressions[0].apex) == (40, 53)  # files 9990 and 10003


@pytest.mark.parametrize(("release", "n_flagged"), [("V1", "0"), ("V2", "0"), ("V3", "1")])
def test_long_macro_is_flagged_in_each_release(tmp_path, release, n_flagged):
    file = tmp_path / "tree" / f"SAMM_LongVideos_{release}_Release.xlsx"
    fake.write(tmp_path / "tree", release)
    set_ = dataset(None, annotations=str(file))
    flagged = [e for v in set_.videos() for e in v.expressions if samm_lv.OVER_LONG in e.flags]
    assert [(e.onset, e.offset, e.kind) for e in flagged] == [(0, 97, "macro")]
    too_long = [r for r in set_.repair_rows() if "too long" in r.reason]
    kinds = [e.kind for v in set_.videos() for e in v.expressions]
    assert [r.row for r in too_long if r.found == n_flagged] == [16]
    assert Counter(kinds) == Counter(micro=5, macro=3)


def test_SammLv_reads_newest_release(tmp_path):
    fake.write(tmp_path / "tree", "V3")
    (tmp_path / "tree" / "SAMM_LongVideos_V1_Release.xlsx").write_bytes(
        (tmp_path / "tree" / "SAMM_LongVideos_V3_Release.xlsx").read_bytes()
    )
    set_ = dataset(tmp_path / "tree")
    assert set_.annotation_file.name == "SAMM_LongVideos_V3_Release.xlsx"
    assert any(r.found == "SAMM_LongVideos_V1_Release.xlsx" for r in set_.repair_rows())


def test_SammLv_takes_apex_for_offset_of_0(root):
    ended = expressions(dataset(root))["008_4"][1]
    assert (ended.apex, ended.offset, ended.flags) == (79, 79, ("offset_from_apex",))


def test_emotions_come_from_samm(root):
    found = expressions(dataset(root))
    assert [e.emotion for e in found["008_1"]] == [None, "other"]  # macro-expressions have none
    assert found["008_4"][0].emotion is None
    assert found["008_4"][0].kind == "micro"
    reason_of = {r.found: r.reason for r in dataset(root).repair_rows()}
    assert "no emotion is known" in reason_of["008_4_1"]
    assert "no such file name" in reason_of["099_1_1"]


def test_missing_samm_sheet_leaves_out_emotions(root, tmp_path):
    alone = tmp_path / "SAMM_LongVideos_V2_Release.xlsx"
    alone.write_bytes((root / alone.name).read_bytes())
    set_, full = dataset(None, annotations=str(alone)), dataset(root)
    every = [e for v in set_.videos() for e in v.expressions]
    assert len(every) == 8
    assert all(e.emotion is None for e in every)
    annotated = [e for v in full.as_annotated() for e in v.expressions]
    assert [(e.onset, e.apex, e.kind) for e in every] == [(e.onset, e.apex, e.kind) for e in annotated]
    assert any("dataset.samm_sheet=FILE" in r.reason for r in set_.repair_rows())
    given = dataset(None, annotations=str(alone), samm_sheet=str(root / "SAMM_Micro_FACS_Codes_v2.xlsx"))
    assert ground_truth_hash(given.as_annotated()) == ground_truth_hash(full.as_annotated())


def test_samm_sheet_of_other_kind_is_refused(root):
    with pytest.raises(DataError, match=r"dataset.samm_sheet=/nowhere.xlsx is not a file"):
        dataset(root, samm_sheet="/nowhere.xlsx").videos()
    long = str(root / "SAMM_LongVideos_V2_Release.xlsx")
    with pytest.raises(DataError, match=r"no sheet of .*V2_Release.xlsx contains the annotations: expected .* Emotion"):
        dataset(root, samm_sheet=long).videos()


def test_samm_sheet_is_no_sheet_of_long_videos(root, tmp_path):
    (tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx").write_bytes((root / "SAMM_Micro_FACS_Codes_v2.xlsx").read_bytes())
    with pytest.raises(DataError, match="no annotations under"):
        dataset(tmp_path).videos()


def test_published_counts_give_classes_of_mean(tmp_path):
    """MEAN, Table 1: negative 92, positive 26, surprise 15; Yap et al.: 343 and 159 of 30 people."""
    emotions = Counter(Anger=57, Other=26, Happiness=26, Surprise=15, Contempt=12, Disgust=9, Fear=8, Sadness=6)
    people = [f"{n + 6:03d}" for n in range(30)]
    micro = [(people[n % 30], f"{people[n % 30]}_1_{n}", e) for n, e in enumerate(emotions.elements())]
    macro = [(people[n % 30], f"{people[n % 30]}_2_{n}") for n in range(343)]
    head = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units")
    rows = [(s, name, 5, 9, 20, "Micro - 1/2", "4") for s, name, _ in micro]
    rows += [(s, name, 5, 50, 200, "Macro", "12") for s, name in macro]
    write_xlsx(tmp_path / "SAMM_LongVideos_V2_Release.xlsx", {"Sheet1": [*[("line",)] * 9, head, *rows]})
    samm = [(s, name, 5, 9, 20, "Micro - 1/2", e) for s, name, e in micro]
    samm_head = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Micro", "Estimated Emotion")
    write_xlsx(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [*[("line",)] * 13, samm_head, *samm]})
    set_ = dataset(tmp_path)

    every = [e for v in set_.videos() for e in v.expressions]
    assert Counter(e.kind for e in every) == set_.published.expressions
    shown = Counter(e.emotion for e in every if e.kind == "micro")
    assert shown == set_.published.emotions
    assert set(shown) == set(samm_lv.LABELS)

    scored = Counter(map(set_.schemes["mean2022"].class_of, (e for e in every if e.kind == "micro")))
    assert scored == Counter({"negative": 92, "positive": 26, "surprise": 15, None: 26})
    scored = Counter(map(set_.schemes["four"].class_of, (e for e in every if e.kind == "micro")))
    assert scored == Counter(
        {"negative": 92, "positive": 26, "surprise": 15, "others": 26}
    )  # as BoostingVRME's load_label.py
    assert len({v.subject for v in set_.videos()}) == set_.published.subjects


def test_frames_are_complete(root):
    assert {v.n_frames for v in dataset(root).videos()} == {fake.FRAMES}
