"""CAS(ME)3: drawn trees of both parts and of the clips."""

from collections import Counter

import cv2
import numpy as np
import pytest
from mebench.datasets.casme3 import dataset as casme3, fake, sheets

from mebench.annotations.annotation import ground_truth_hash
from mebench.annotations.drawn import write_xlsx
from mebench.config import resolve
from mebench.core import Distractor, Expression
from mebench.core.types import number_at
from mebench.errors import ConfigError, DataError
from mebench.inspection import soundness
from mebench.runner import make_plan
from tests.helpers.contracts import check_dataset
from tests.helpers.old_excel import write_xls
from tests.helpers.warnings_of_runs import warnings_of

PICTURE = cv2.imencode(".jpg", np.zeros((4, 4, 3), np.uint8))[1].tobytes()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme3") / "CASME3"
    casme3.Casme3.write_fake_tree(root)
    return root


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Both kinds in two sheets with their emotions, without the one that the authors publish."""
    root = tmp_path_factory.mktemp("casme3") / "labels"
    fake.write(root, "labels")
    return root


def dataset(root, **params):
    return casme3.Casme3(casme3.Casme3.Params(None if root is None else str(root), **params))


def expressions(set_):
    return {f"{v.subject}/{v.id}": v.expressions for v in set_.videos()}


def count_kinds(found):
    return Counter(e.kind for of_video in found.values() for e in of_video)


@pytest.mark.parametrize("params", [{}, {"part": "C"}, {"clips": True}])
def test_Casme3_keeps_contract(root, params):
    assert check_dataset("casme3", root=str(root), **params) == []


def test_videos_join_kinds_and_emotions_of_two_sheets(root):
    set_ = dataset(root)
    found = expressions(set_)
    assert set_.annotation_file.name == "CAS(ME)3_part_A_v2.xlsx"
    assert found["spNO.1/a"] == (
        Expression(34, 46, "micro", 40, "disgust", ("4",), "III"),
        Expression(54, 91, "macro", 69, None, ("6", "12"), "VII"),
    )
    assert count_kinds(found) == Counter(micro=len(fake.MICRO) + 1, macro=len(fake.MACRO))
    assert [e.emotion for e in found["spNO.1/b"]] == ["happy", None]  # UNNAMED
    slip = found["spNO.216/d"][0]  # right in the sheet of both kinds, put right in that of the emotions
    assert (slip.onset, slip.apex, slip.offset, slip.emotion) == (47, 68, 94, "anger")


def test_repairs_list_rows_that_do_not_join(root):
    repairs = [str(r) for r in dataset(root).repair_rows() if "no row of" in r.reason]
    assert len(repairs) == 2
    assert "part_A_v2.xlsx: AU+Emotion" in repairs[0]
    assert "spNO.1/b 70" in repairs[0]
    assert "JpgIndex_v2.xlsx" in repairs[0]
    assert "JpgIndex_v2.xlsx: label" in repairs[1]
    assert "spNO.2/c 71" in repairs[1]
    assert "part_A_v2.xls" in repairs[1]


def test_repairs_name_older_versions_with_counts(root):
    reason_of = {r.found: r.reason for r in dataset(root).repair_rows() if r.column == "file"}
    assert list(reason_of) == ["CAS(ME)3_part_A_v1.xlsx", "cas(me)3_part_A_ME_label_JpgIndex_v1.xlsx"]
    assert "11 rows (Micro-expression 9, Macro-expression 2)" in reason_of["CAS(ME)3_part_A_v1.xlsx"]
    assert (
        "v2.xlsx is read, with 11 rows (Micro-expression 8, Macro-expression 3)" in reason_of["CAS(ME)3_part_A_v1.xlsx"]
    )
    assert all("dataset.annotations=FILE chooses" in reason for reason in reason_of.values())


def test_Casme3_distractors_are_blinks(root):
    set_ = dataset(root)
    videos = {f"{v.subject}/{v.id}": v for v in set_.videos()}
    assert videos["spNO.1/a"].distractors == (Distractor("blink", 19, 29), Distractor("blink", 59, 67))
    assert videos["spNO.1/a"].distractors == set_.as_annotated()[0].distractors
    numbers, (blink,) = set_.frames(videos["spNO.2/c"]).numbers, videos["spNO.2/c"].distractors
    assert (numbers[blink.onset], numbers[blink.offset]) == (21, 27)  # 20.jpg is not there
    assert not any(v.distractors for v in dataset(root, clips=True).videos())
    assert any(r.found == "1 of 4" and "blinks" in r.reason for r in set_.repair_rows())


def test_occluded_may_be_left_out_of_recognition(root, tmp_path):
    rows = [("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")]
    rows += [(*clip, clip[2] + 3, clip[2] + 9, "5", "II", "surprise") for clip in sorted(sheets.OCCLUDED)]
    rows += [("spNO.2", "e", 139, 143, 148, "1", "V", "surprise")]
    write_xlsx(tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", {"label": rows})
    sheet = str(tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx")
    sets = {choice: dataset(None, annotations=sheet, occluded=choice) for choice in ("scored", "left_out")}
    for name in ("native", "three", "four", "objective"):
        scored = {
            choice: sum(set_.schemes[name].scores(e) for v in set_.videos() for e in v.expressions)
            for choice, set_ in sets.items()
        }
        assert scored == {"scored": 16, "left_out": 1}
    assert len({set_.revision for set_ in sets.values()}) == 2
    assert sum(len(v.expressions) for v in sets["left_out"].videos()) == 16  # truths for spotting


def test_Casme3_repairs_or_flags_quirks(root):
    set_ = dataset(root)
    found = expressions(set_)
    assert [e.flags for e in found["spNO.2/a"]] == [("onset_is_apex",), ("offset_from_apex",)]
    assert found["spNO.2/a"][1].emotion == "others"
    assert found["spNO.2/a"][1].offset == 55
    assert found["spNO.10/b"][0].length == 86  # two seconds and more: kept
    assert found["spNO.10/b"][1].action_units == ("1", "4")  # a Chinese comma, and B for b
    taken = {(r.row, r.column, r.found): r.taken for r in set_.repair_rows()}
    assert taken[8, "Onset", "3647"] == "2647"


def test_micro_and_macro_may_stand_in_two_sheets(labels):
    set_ = dataset(labels)
    found = expressions(set_)
    assert found["spNO.1/a"][1] == Expression(54, 91, "macro", 69, "happy", ("6", "12"), "I")
    assert count_kinds(found) == Counter(micro=len(fake.MICRO), macro=len(fake.MACRO))
    slip = found["spNO.216/d"][0]
    assert (slip.onset, slip.apex, slip.offset) == (47, 68, 94)  # its files begin with 2600.jpg
    taken = {(r.row, r.column, r.found): r.taken for r in set_.repair_rows()}
    assert taken[8, "Onset", "3647"] == "2647"
    assert taken[4, "seq", "B"] == "b"
    assert taken[10, "all columns", "Total 7"] is None


def test_missing_frames_move_truth_inside_interval(root):
    set_ = dataset(root)
    video = next(v for v in set_.videos() if v.id == "c")
    numbers = set_.frames(video).numbers
    assert len(numbers) == video.n_frames == fake.FRAMES - 10
    micro = video.expressions[0]  # 20.jpg is not there, 21.jpg is
    assert (numbers[micro.onset], numbers[micro.apex], numbers[micro.offset]) == (21, 25, 33)
    assert "missing_frame" in micro.flags


def test_depth_is_listed_for_each_frame(root):
    set_ = dataset(root)
    videos = {v.key: v for v in set_.videos()}
    gappy = videos["casme3/spNO.2/c"]
    depth = set_.depth(gappy)
    numbers = set_.frames(gappy).numbers

    assert len(depth) == gappy.n_frames
    assert 0 < sum(path is None for path in depth) < len(depth)
    present = [(path, number) for path, number in zip(depth, numbers) if path is not None]
    assert all(int(path.stem) == number for path, number in present)
    assert cv2.imread(str(depth[0]), cv2.IMREAD_UNCHANGED).dtype == "uint16"
    assert set_.depth(videos["casme3/spNO.10/b"]) == ()
    assert any(r.found == "5 of 6 videos" for r in set_.repair_rows())


def test_part_c_has_one_video_a_person_without_apex(root):
    set_ = dataset(root, part="C")
    found = expressions(set_)
    assert list(found) == ["01/a", "02/a", "03/a"]
    assert [(e.onset, e.offset, e.apex, e.emotion) for e in found["01/a"]] == [
        (29, 43, None, "negative"),
        (59, 68, None, "positive"),
    ]
    assert count_kinds(found) == Counter(micro=len(fake.MICRO_C), macro=len(fake.MACRO_C))
    assert found["02/a"][1] == Expression(49, 89, "macro")  # kind 0 of a sheet without units and emotions
    repairs = [str(r) for r in set_.repair_rows() if "no row of" in r.reason]
    assert ["02/a 93" in text or "03/a 41" in text for text in repairs] == [True, True]
    assert found["03/a"][0].action_units == ("14", "17")
    scored = Counter(set_.schemes["three"].class_of(e) for es in found.values() for e in es if e.kind == "micro")
    assert scored == Counter({"negative": 1, "positive": 1, "surprise": 1, None: 1})
    assert all(set_.depth(v) for v in set_.videos())


@pytest.mark.parametrize("below", ["a", "color", ""])
def test_part_c_is_found_at_any_depth(root, tmp_path, below):
    """Of whom no row speaks, too."""
    (tmp_path / "CAS(ME)3_part_C_ME.xlsx").symlink_to(root / "part_C" / "CAS(ME)3_part_C_ME.xlsx")
    for person, whose in zip("1234", "1231"):
        place = tmp_path / "part_C" / person / below
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(root / "part_C/RGB_Depth/part_C/part_C" / whose / "a/color")
    set_ = dataset(tmp_path, part="C", follow_links=True)
    assert [(v.key, v.n_frames) for v in set_.videos()] == [(f"casme3/0{person}/a", fake.FRAMES) for person in "1234"]


def test_damaged_images_are_no_frames(root, tmp_path):
    """79 and 42 by the authors' list, in two videos that show no expression."""
    assert [len(numbers) for numbers in sheets.DAMAGED.values()] == [79, 42]
    home = tmp_path / "part_A" / "spNO.3" / "J" / "color"
    home.mkdir(parents=True)
    for number in range(490, 580):
        (home / f"{number}.jpg").write_bytes(b"damaged" if number in sheets.DAMAGED["spno.3", "j"] else PICTURE)
    (tmp_path / "part_A" / "spNO.1").symlink_to(next(root.rglob("spNO.1")))  # by whom the folder is known
    (tmp_path / "annotation").symlink_to(root / "part_A" / "annotation")
    set_ = dataset(tmp_path, follow_links=True)
    video = next(v for v in set_.videos() if v.subject == "spNO.3")
    assert (video.key, video.n_frames) == ("casme3/spNO.3/J", 11)
    assert number_at(8, video.first, video.numbers) == 577
    assert set_.frames(video)[10].shape == (4, 4, 3)
    assert any("spNO.3/J: 498 to 576" in text and "no frames" in text for text in set_.repairs())
    assert soundness.check_video(set_, video, (), deep=True) == (11, [])


def test_part_c_reads_one_or_two_sheets(root, labels, tmp_path):
    home = root / "part_C"
    both = dataset(None, part="C", annotations=str(home / "CAS(ME)3_part_C.xlsx"))
    kinds = Counter(e.kind for v in both.videos() for e in v.expressions)
    assert kinds == Counter(micro=len(fake.MICRO_C), macro=len(fake.MACRO_C))  # one of them is another one
    two = expressions(dataset(labels, part="C"))
    assert [e.emotion for e in two["02/a"]] == ["surprise", "positive"]


def test_clips_hold_one_expression_each(root):
    set_ = dataset(root, clips=True)
    assert set_.one_per_video
    assert set_.tasks == {"recognize"}
    assert set_.kinds == ("micro",)
    videos = {v.id: v for v in set_.videos() if v.subject == "spNO.216"}
    slip = videos["d_3647"]  # the folder is called as the sheet says
    assert (slip.n_frames, slip.expressions[0].onset, slip.expressions[0].apex) == (48, 0, 21)
    assert len(set_.depth(slip)) == 48
    assert None not in set_.depth(slip)


def test_Casme3_older_sheet_has_both_kinds_without_emotions(labels, tmp_path):
    fake.write(tmp_path / "tree", "v1")
    old, new = dataset(tmp_path / "tree"), dataset(labels)
    assert old.annotation_file.name == "CAS(ME)3_part_A_v1.xlsx"

    def intervals(set_):
        return [(v.key, e.kind, e.onset, e.apex, e.offset) for v in set_.videos() for e in v.expressions]

    assert intervals(old) == intervals(new)
    emotions = {e.emotion for v in old.videos() for e in v.expressions}
    assert emotions == {None}
    assert any("dataset.emotions=FILE" in r.reason for r in old.repair_rows())


def test_columns_of_unknown_names_go_by_position(tmp_path):
    kinds = [(row, "Micro-expression") for row in fake.MICRO] + [(row, "Macro-expression") for row in fake.MACRO]
    rows = [("s", "v", "from", "top", "to", "u", "k"), *((*row[:6], kind) for row, kind in kinds)]
    write_xls(tmp_path / "CAS(ME)3_part_A_v1.xls", {"Sheet1": rows})
    set_ = dataset(None, annotations=str(tmp_path / "CAS(ME)3_part_A_v1.xls"))
    assert count_kinds(expressions(set_)) == Counter(micro=7, macro=3)
    assert set_.unplaced() == ()  # the heading is no row


def test_missing_sheet_of_macro_is_named(labels, root, tmp_path):
    name = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    home = labels / "part_A" / "annotation"
    (tmp_path / name).write_bytes((home / name).read_bytes())
    alone = dataset(None, annotations=str(tmp_path / name))
    assert count_kinds(expressions(alone)) == Counter(micro=7)
    assert any("dataset.macro_annotations=FILE" in r.reason for r in alone.repair_rows())
    macro = str(home / "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx")
    both = dataset(None, annotations=str(tmp_path / name), macro_annotations=macro)
    assert ground_truth_hash(both.as_annotated()) == ground_truth_hash(dataset(labels).as_annotated())
    with pytest.raises(DataError, match=r"dataset.macro_annotations=/nowhere.xls is not a file"):
        dataset(labels, macro_annotations="/nowhere.xls").videos()
    of_both = str(root / "part_A" / "annotation" / "CAS(ME)3_part_A_v2.xlsx")  # its micro-expressions count once
    doubled = dataset(None, annotations=str(tmp_path / name), macro_annotations=of_both)
    assert count_kinds(expressions(doubled)) == Counter(micro=7, macro=3)


def test_Casme3_prefers_newer_sheet(labels, tmp_path):
    home = labels / "part_A" / "annotation"
    sheet = (home / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx").read_bytes()
    for name in ("v2", "v2_20250903", "v2_final", "v1"):
        (tmp_path / f"cas(me)3_part_A_ME_label_JpgIndex_{name}.xlsx").write_bytes(sheet)
    assert dataset(tmp_path).annotation_file.name.endswith("v2_20250903.xlsx")


@pytest.mark.parametrize("params", [{"part": "B"}, {"part": "C", "clips": True}, {"part": "C", "occluded": "left_out"}])
def test_Params_refuse_missing_parts(params):
    with pytest.raises(ConfigError, match=r"dataset.(part=B|clips=true|occluded applies to part A)"):
        casme3.Casme3.Params(**params)


@pytest.mark.parametrize(("scheme", "published"), [("three", "699 clips of 88"), ("seven", "860 clips of 94")])
def test_protocol_knows_clips_of_each_scheme(labels, scheme, published):
    words = ["method=majority", "dataset=casme3", f"dataset.root={labels}", "protocol=casme3", f"scheme={scheme}"]
    plan = make_plan(resolve(words))
    assert len(plan.data.folds) == 4
    assert len(plan.data.scheme.classes) == {"three": 3, "seven": 7}[scheme]
    assert f"published on {published} subjects, and this dataset has" in " ".join(warnings_of(plan))
    with pytest.raises(
        ConfigError, match=r"scores no scheme=objective: give one of three, four, seven, or all .* run -m"
    ):
        make_plan(resolve([*words[:-1], "scheme=objective"]))
