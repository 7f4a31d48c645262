"""Each way in which a copy can be wrong, and its sentence."""

import shutil
from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np
import pytest

from mebench.config import resolve
from mebench.core import Dataset, Expression, Published, Scheme, Video
from mebench.errors import DataError
from mebench.inspection import Verification, soundness, verify_dataset
from mebench.reports import dataset_report
from mebench.runner import make_plan
from mebench.runner.guard import accounts_of_data
from tests.helpers.warnings_of_runs import warnings_of

ROWS = (
    (1, "EP02_01f", 11, 19, 31, "12", "happiness"),
    (1, "EP19_06f", 8, 20, 34, "4+5+L10", "disgust"),
)


@pytest.fixture
def look(casme2, tree):
    """The findings by check, without the counts, which no small tree meets."""

    def look(**options):
        seen = verify_dataset(casme2(root=str(tree)), counts=False, **options)
        return {finding.topic: finding for finding in seen.findings}

    return look


def test_verify_finds_whole_copy_sound(casme2, tree):
    ticks = []
    seen = verify_dataset(casme2(root=str(tree)), counts=False, tick=ticks.append)
    assert (seen.findings, seen.is_sound(strict=True), seen.frames) == ((), True, 160)
    assert ticks == [40, 40, 40, 40]


def test_verify_deep_finds_whole_copy_sound(look):
    assert look(deep=True) == {}


def test_verify_names_missing_folder(look, clip):
    for file in clip.iterdir():
        file.unlink()
    clip.rmdir()
    found = look()["missing_folder"]
    assert (found.severity, found.where) == ("error", "01/EP02_01f")
    assert f"expected the folder {clip.parent / 'EP02_01f'}" in found.message


def test_verify_names_empty_folder(look, clip):
    for file in clip.iterdir():
        file.unlink()
    assert "holds no frames" in look()["missing_folder"].message


def test_verify_names_invisible_characters():
    class Odd(Described):
        schemes = {"own": Scheme("own", ("joy", "sur\u200cprise"), {})}  # noqa: RUF012

        def videos(self):
            return [
                Video("d", subject, "v\x1b1", 30.0, 100) for subject in ("01", "\u0646\u0627", "a\u202eb", "a\u202eb")
            ]

    found = [finding for finding in verify_dataset(Odd(None), counts=False).findings if finding.topic == "name"]
    assert [(f.severity, f.message.split(" holds")[0]) for f in found] == [
        ("warning", r"the video v\x1b1"),
        ("warning", r"the subject a\u202eb"),
        ("warning", r"the class sur\u200cprise"),
    ]


def test_verify_finds_altered_sheet_and_renumbered_frames(look, tree, write_sheet):
    """A number that became a date of this age is lost; one that is only shown as a date is not."""
    write_sheet((1, "EP02_01f", datetime(1900, 1, 11), 19, 31, "12", "happiness"), *ROWS[1:])
    assert look() == {}
    write_sheet((1, "EP02_01f", datetime(2024, 6, 3), 19, 31, "12", "happiness"), *ROWS[1:])
    found = look()["altered"]
    assert found.severity == "error"
    assert "row 2, OnsetFrame: '2024-06-03T00:00:00' read as 'none'" in found.message
    write_sheet((1, "EP02_01f", 111, 119, 131, "12", "happiness"), (1, "EP19_06f", 108, 120, 134, "4", "disgust"))
    text = look()["altered"].message
    assert "the files of 2 of 2 videos are numbered from 1" in text
    assert "under their released names" in text


def test_plan_warns_of_altered_copy(tree, write_sheet, tmp_path):
    words = ["method=random", "dataset=casme2", f"dataset.root={tree}", f"cache={tmp_path}"]
    there = (2, "EP13_06f", 12, 21, 30, "4", "disgust"), (3, "EP03_06", 9, 18, 28, "1+2", "surprise")
    write_sheet((1, "EP02_01f", 111, 119, 131, "12", "happiness"), *there)
    (warning,) = warnings_of(make_plan(resolve(words)))
    assert warning.startswith("1 of 3 expressions lie in no existing frames")
    assert "such as row 2 of 01/EP02_01f" in warning
    write_sheet((1, "EP02_01f", 111, 119, 131, "12", "happiness"), (2, "EP13_06f", 112, 121, 130, "4", "disgust"))
    with pytest.raises(
        DataError, match=r"none of the 2 expressions of dataset 'casme2' is inside its frames.*mebench data verify"
    ):
        make_plan(resolve(words))


def test_plan_counts_videos_without_frames(tree, tmp_path):
    def plan():
        make_plan(resolve(["method=random", "dataset=casme2", f"dataset.root={tree}", f"cache={tmp_path}"]))

    clips = tree / "CASME2-RAW" / "sub01"
    shutil.rmtree(clips / "EP02_01f")
    with pytest.raises(DataError, match=r"^casme2/01/EP02_01f has no frames: expected the"):
        plan()
    shutil.rmtree(clips / "EP19_06f")
    with pytest.raises(
        DataError, match=r"2 of 4 videos have no frames, .* casme2/01/EP02_01f has no frames: expected the"
    ):
        plan()


def test_verify_names_missing_annotated_frame(look, clip):
    (clip / "img19.jpg").unlink()  # the apex
    found = look()
    assert found["numbering_gap"].message == "file 19 is missing between 1 and 40 (1 frame)"
    assert found["missing_frames"].message == (
        "the micro-expression in frames 10 to 29 begins, peaks or ends on a frame that is missing "
        "(row 2: apex 19 read as 18)"
    )
    assert {f.severity for f in found.values()} == {"error"}


def test_verify_warns_of_stray_image(look, casme2, tree, clip):
    before = casme2(root=str(tree)).videos()
    cv2.imwrite(str(clip / "cover.jpg"), np.zeros((90, 90, 3), np.uint8))
    found = look()
    assert set(found) == {"stray_image"}
    assert found["stray_image"].severity == "warning"
    assert found["stray_image"].message == "cover.jpg skipped: the frames are named like img1.jpg"
    assert casme2(root=str(tree)).videos() == before


def test_verify_names_gaps_in_numbering(look, clip):
    for number in (3, 4, 7):
        (clip / f"img{number}.jpg").unlink()
    found = look()
    assert set(found) == {"numbering_gap"}
    assert found["numbering_gap"].message == "file 3 to 4, 7 are missing between 1 and 40 (3 frames)"


def test_verify_allows_constant_step_of_numbers(look, clip, write_sheet):
    for number in range(2, 41, 2):
        (clip / f"img{number}.jpg").unlink()
    assert "numbering_gap" not in look()


def test_verify_names_range_beyond_the_video(look, write_sheet):
    write_sheet((1, "EP02_01f", 11, 19, 44, "12", "happiness"))
    found = look()["beyond_video"]
    assert found.severity == "error"
    assert found.message == (
        "the micro-expression in frames 10 to 39 is annotated beyond the 40 existing frames "
        "(row 2: offset 44 read as 40)"
    )


def test_verify_names_row_outside_the_video(look, write_sheet):
    write_sheet((1, "EP02_01f", 61, 70, 84, "12", "happiness"), *ROWS[1:])
    found = look()["beyond_video"]
    assert found.severity == "error"
    assert "row 2 (micro) counts, but cannot be scored: the interval lies" in found.message


def test_verify_warns_of_row_without_interval(look, write_sheet):
    write_sheet(*ROWS, (3, "EP09_02", None, None, None, "4", "disgust"))
    found = look()
    assert (found["no_interval"].severity, found["no_interval"].where) == ("warning", "03/EP09_02")


def test_verify_names_truncated_image(look, clip):
    file = clip / "img7.jpg"
    file.write_bytes(file.read_bytes()[:-300])
    found = look()["unreadable_image"]
    assert (found.severity, found.message) == ("error", "img7.jpg is truncated (its end is missing): copy it again")
    assert "img7.jpg is truncated" in look(deep=True)["unreadable_image"].message


def test_verify_lists_first_unreadable_images(look, clip):
    for number in range(1, 6):
        (clip / f"img{number}.jpg").write_bytes(b"")
    text = look()["unreadable_image"].message
    assert text.startswith("img1.jpg is empty (0 bytes); img2.jpg is empty")
    assert "and 2 other images: copy them" in text


def test_verify_deep_finds_damage_inside_image(look, clip, tree):
    whole = cv2.imread(str(clip / "img7.jpg"))
    ok, png = cv2.imencode(".png", whole)
    data = bytearray(png.tobytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    (clip / "img7.jpg").write_bytes(bytes(data))  # OpenCV and Pillow go by the content, not by the name
    assert ok
    assert look() == {}
    assert "img7.jpg cannot be decoded" in look(deep=True)["unreadable_image"].message


def test_verify_names_image_of_another_size(look, clip):
    cv2.imwrite(str(clip / "img3.jpg"), np.zeros((120, 90, 3), np.uint8))
    for options in ({}, {"deep": True}):
        found = look(**options)["image_size"]
        assert found.severity == "error"
        assert found.message == "img3.jpg has 90x120, while 39 of 40 images have 160x160 pixels"


def test_verify_warns_of_overlaps_and_duplicates(look, write_sheet):
    write_sheet(*ROWS, (1, "EP02_01f", 25, 30, 38, "4", "others"), (*ROWS[1][:-1], "others"))
    found = look()
    assert found["overlap"].severity == found["duplicate"].severity == "warning"
    assert found["overlap"].message == (
        "the micro-expression in frames 24 to 37 overlaps with the micro-expression in frames 10 to 30"
    )
    assert found["duplicate"].where == "01/EP19_06f"


def test_verify_warns_of_onset_as_apex(look, write_sheet):
    write_sheet((1, "EP02_01f", 11, 11, 31, "12", "happiness"))
    assert look()["onset_is_apex"].message == "the apex of the micro-expression in frames 10 to 30 is its onset"


def test_verify_follows_links_only_on_request(casme2, tree, clip, tmp_path):
    elsewhere = tmp_path / "elsewhere.jpg"
    (clip / "img5.jpg").rename(elsewhere)
    (clip / "img5.jpg").symlink_to(elsewhere)
    closed = verify_dataset(casme2(root=str(tree)), counts=False)
    assert "dataset.follow_links=true" in closed.findings[0].message
    assert not closed.is_sound()
    assert verify_dataset(casme2(root=str(tree), follow_links=True), counts=False).is_sound(strict=True)


def test_verify_warns_without_root(casme2, tree):
    seen = verify_dataset(casme2(annotations=str(tree / "CASME2-coding-20140508.xlsx")), counts=False)
    assert [f.topic for f in seen.findings] == ["no_frames"]
    assert seen.is_sound()
    assert not seen.is_sound(strict=True)
    assert seen.frames == 0


class Described(Dataset):
    """One video of ready-made features."""

    schemes = {"native": Scheme.native(["x"])}  # noqa: RUF012
    flags: tuple[str, ...] = ()
    length = 5

    def videos(self):
        return [Video("d", "a", "1", 10.0, None, (Expression(0, self.length - 1, flags=self.flags),))]


def test_verify_warns_of_dataset_without_frames():
    assert [f.topic for f in verify_dataset(Described(None)).findings] == ["no_frames"]


@pytest.mark.parametrize(
    ("kind", "frames", "found"), [("micro", 5, 0), ("micro", 6, 1), ("macro", 40, 0), ("macro", 41, 1)]
)
def test_verify_warns_of_too_long_expressions(kind, frames, found):
    class Long(Described):
        def videos(self):  # 10 frames a second
            return [Video("d", "a", "1", 10.0, None, (Expression(3, 2 + frames, kind),))]

    assert [f.topic for f in verify_dataset(Long(None)).findings].count("too_long") == found


def test_verify_warns_of_known_defect():
    class Short(Described):
        def frames(self, video):
            return [np.zeros((4, 4), np.uint8)] * 3

    assert [f.severity for f in verify_dataset(Short(None)).findings] == ["error"]
    Short.flags = (soundness.KNOWN_DEFECT,)
    assert [f.severity for f in verify_dataset(Short(None)).findings] == ["warning"]


def test_verify_deep_decodes_any_frames():
    class Changing(Described):
        length = 2

        def frames(self, video):
            return [np.zeros((4, 4), np.uint8), np.zeros((4, 6), np.uint8)]

    class Steady(Changing):
        def frames(self, video):
            return [np.zeros((4, 6), np.uint8)] * 2

    assert verify_dataset(Steady(None), deep=True).findings == ()

    assert verify_dataset(Changing(None)).findings == ()
    assert (
        verify_dataset(Changing(None), deep=True).findings[0].message == "its frames have 2 different sizes: 4x4, 6x4"
    )


def test_differing_counts_warn_of_part_of_dataset(casme2, tree):
    almost = list(soundness.differing_counts({"subjects": (26, 26), "micro-expressions": (250, 255)}, "the paper"))
    assert [f.severity for f in almost] == ["error"]
    assert almost[0].message.startswith("micro-expressions 250 instead of 255 in the paper")
    assert not list(soundness.differing_counts({"subjects": (26, 26), "micro-expressions": (255, 255)}, "the paper"))
    seen = verify_dataset(casme2(root=str(tree)))
    assert [(f.severity, f.topic) for f in seen.findings] == [("warning", "counts")]
    assert seen.counts["subjects"] == (3, 26)
    assert seen.counts["micro: fear"] == (0, 2)


def test_verify_compares_emotions_only_if_annotated():
    class Bare(Described):
        published = Published("p", 1, {"micro": 1}, {"joy": 1})

    assert set(verify_dataset(Bare(None)).counts) == {"subjects", "micro-expressions"}


def test_finding_lines_combine_many_of_one_kind():
    video = Video("casme2", "01", "EP02", 200.0, None, tuple(Expression(n, n + 200) for n in range(0, 6000, 300)))
    few, many = (
        Verification(
            {}, (), 0, False, {}, "", tuple(soundness.odd_annotations([replace(video, expressions=shown)])), 0.0
        )
        for shown in (video.expressions[:3], video.expressions)
    )
    assert [
        line.startswith("warning: 01/EP02: ")
        for line in dataset_report.finding_lines(few)["expressions that last too long"]
    ] == [True] * 3
    assert dataset_report.finding_lines(many)["expressions that last too long"] == [
        "warning: 20 in 1 video, such as 01/EP02: the micro-expression in frames 0 to 200 lasts 1005 ms, and a "
        "micro-expression at most 500"
    ]


def test_verify_names_labels_that_no_scheme_knows(look, write_sheet):
    write_sheet(*ROWS, (2, "EP13_06f", 12, 21, 30, "4", "represion"), (3, "EP03_06", 9, 18, 28, "1+2", "surprise"))
    found = look()["unknown_label"]
    assert found.severity == "warning"
    assert found.message == (
        "the label 'represion' (1 expression) is in no emotion scheme, so it is never recognized; did you mean 'repression'?"
    )


def test_verify_names_one_recording_under_two_people(look, tree):
    shutil.rmtree(tree / "CASME2-RAW" / "sub03" / "EP03_06")
    shutil.copytree(tree / "CASME2-RAW" / "sub02" / "EP13_06f", tree / "CASME2-RAW" / "sub03" / "EP03_06")
    found = look()["one_recording"]
    assert found.severity == "error"
    assert "are one recording under two names: leave one out, or give both the same subject" in found.message


def test_plan_warns_of_labels_that_no_scheme_knows(tree, write_sheet, tmp_path):
    rows = (("repression", 2, "EP13_06f"), ("suprise", 3, "EP03_06"))
    write_sheet(*ROWS, *((who, clip, 9, 18, 28, "1", label) for label, who, clip in rows))
    words = [f"dataset.root={tree}", f"cache={tmp_path}", "protocol=kfold", "protocol.folds=2"]
    plan = make_plan(resolve(["method=lbp_chi2", "recognizer=logistic", "dataset=casme2", *words, "scheme=native"]))
    sentences = warnings_of(plan)
    assert any(
        "'suprise' (1 expression) is in no emotion scheme" in line and "'surprise'?" in line for line in sentences
    )
    clips = next(account for account in accounts_of_data(plan.data) if account.source == "recognition")
    assert (clips.held["clip"], clips.count_taken("clip")) == (4, 3)
