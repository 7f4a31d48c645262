"""What a dataset holds: every row counts, whatever the frames say."""

import pytest

from mebench.annotations import annotation
from mebench.inspection import summarise_members
from mebench.inspection.dataset_summary import summarise_dataset
from mebench.reports import dataset_report
from tests.plugins.small.dataset import Small
from tests.plugins.small.params import Params


def test_summary_counts_every_row():
    summary = summarise_dataset(Small(Params()))
    assert (summary["subjects"], summary["videos"], summary["videos_without_expressions"]) == (3, 3, 1)
    assert summary["expressions"] == {"micro": 4, "macro": 1}
    assert summary["emotions_by_kind"] == {
        "micro": {"disgust": 2, "happiness": 1, "puzzled": 1},
        "macro": {"happiness": 1},
    }
    assert list(summary["emotions"]) == ["disgust", "happiness", "puzzled"]  # the most frequent first
    assert summary["expressions_without_interval"] == 1
    assert summary["unmapped_labels"] == {"puzzled": 1}


def test_summary_durations_count_both_ends():
    # 10 frames and 20 frames at 100 fps, 25 frames at 50 fps: 100, 200 and 500 ms.
    summary = summarise_dataset(Small(Params()))
    assert summary["durations_ms"]["micro"] == {
        "n": 3,
        "min": 100.0,
        "median": 200.0,
        "mean": pytest.approx(800 / 3, abs=1e-3),
        "max": 500.0,
    }
    assert summary["durations_ms"]["macro"] == {"n": 1, **dict.fromkeys(("min", "median", "mean", "max"), 1000.0)}
    assert summary["fps"] == [50.0, 100.0]


def test_summary_schemes_list_labels_left_out():
    schemes = summarise_dataset(Small(Params()))["schemes"]
    assert schemes["native"]["classes"] == {"happiness": 1, "disgust": 1}
    assert schemes["native"]["left_out"] == {"puzzled": 1}
    assert schemes["one"]["left_out"] == {"disgust": 1, "puzzled": 1}
    assert schemes["objective"]["classes"] == {"I": 1, "VII": 1}
    assert schemes["objective"]["left_out"] == {"(none)": 1}


def test_summary_counts_action_units_once_an_expression():
    summary = summarise_dataset(Small(Params()))
    assert (summary["action_units"], summary["expressions_with_action_units"]) == ({"AU6": 1, "AU12": 2}, 2)


def test_summary_has_the_documented_keys():
    plain = summarise_dataset(Small(Params()))
    assert plain["subjects"] == 3
    assert plain["videos"] == 3
    assert plain["expressions"] == {"micro": 4, "macro": 1}
    assert plain["emotions"] == {"disgust": 2, "happiness": 2, "puzzled": 1}
    assert plain["emotions_by_kind"]["macro"] == {"happiness": 1}
    assert plain["repairs"] == []


def test_summarise_members_adds_up_counts():
    whole = summarise_members({"x": Small(Params()), "y": Small(Params())})
    assert (whole["subjects"], whole["expressions"]["micro"], whole["emotions"]["disgust"]) == (6, 8, 4)
    assert whole["members"]["x"] == summarise_dataset(Small(Params()))
    subjects, videos = ("subjects", "", "6", "x 3, y 3"), ("videos", "", "6", "x 3, y 3")
    people = ("people", "", "3", "people in several of them count once")
    assert dataset_report.total_rows(whole)[:3] == [subjects, people, videos]
    assert dataset_report.total_rows({**whole, "people": 6})[:2] == [subjects, videos]


def test_summary_counts_rows_with_and_without_frames(casme2, tree, clip, write_sheet):
    write_sheet((1, "EP02_01f", 11, 19, 31, "12", "happiness"), (2, "EP13_06f", 12, 21, 30, "4", "Disgust"))
    sheet = tree / "CASME2-coding-20140508.xlsx"
    alone = summarise_dataset(casme2(annotations=str(sheet)))
    for number in range(8, 41):  # the frames end before the expression begins
        (clip / f"img{number}.jpg").unlink()
    cut = summarise_dataset(casme2(root=str(tree)))

    assert cut["expressions"] == alone["expressions"] == {"micro": 2, "macro": 0}
    assert cut["emotions_by_kind"] == alone["emotions_by_kind"] == {"micro": {"disgust": 1, "happiness": 1}}
    assert (cut["subjects"], cut["videos"]) == (2, 2)
    assert (cut["expressions_without_interval"], alone["expressions_without_interval"]) == (1, 0)
    assert cut["hash"] == alone["hash"]
    assert len(cut["hash"]) == 64


def test_summary_names_folders_and_idle_videos(casme2, tree, clip):
    sheet = tree / "CASME2-coding-20140508.xlsx"
    (tree / "mine" / "sub02").mkdir(parents=True)
    for file in clip.iterdir():
        file.unlink()
    clip.rmdir()
    found = summarise_dataset(casme2(root=str(tree)))

    assert (found["videos"], found["videos_with_frames"]) == (4, 3)
    assert "has no frames: expected the folder" in found["first_without_frames"]
    assert found["folder_of_frames"] == str(tree / "CASME2-RAW")
    assert found["other_folders_of_frames"] == [str(tree / "mine")]
    assert dataset_report.summary_rows(found)[2][1:] == (
        "with frames",
        "3",
        f"of 4 in {tree / 'CASME2-RAW'}; not read: {tree / 'mine'}",
    )
    assert summarise_dataset(casme2(annotations=str(sheet)))["videos_with_frames"] == 0
    assert summarise_dataset(casme2(annotations=str(sheet)))["first_without_frames"] is None


def test_repair_lines_count_remarks_of_one_kind(casme2, tree, write_sheet):
    rows = [(1, f"EP{n:02d}_01f", 11, 19, 31 - 15 * (n > 3), "12", "happiness") for n in range(1, 10)]
    write_sheet(*rows, (1, "EP10_01f", 40, 39, 50, "12", "happiness"))
    apex_after, apex_before = (
        [line for line in annotation.repair_lines(casme2(root=str(tree)).repair_rows()) if f"apex lies {side}" in line]
        for side in ("after", "before")
    )

    assert len(apex_after) == 1
    assert apex_after[0].endswith("outside [11, 16] (and 5 rows like it)")
    assert len(apex_before) == 1
    assert "rows like it" not in apex_before[0]
