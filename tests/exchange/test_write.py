"""What is written reads back as it was, and runs nowhere."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from mebench.cli import predictions, score
from mebench.errors import ConfigError, DataError
from mebench.exchange import join as exchange_join, write as exchange_write
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.exchange.write import FORMATS, Format, guard_formula, write_predictions, write_truth

ROOT = Path(__file__).parents[2]
SCORING_PAGE = ROOT / "docs" / "how_to" / "scoring.md"
FORMATS_OF_ONE_FILE = [name for name, form in FORMATS.items() if not form.writes_folder]
DANGEROUS = ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "'=quoted", "''@x"]


@pytest.fixture
def tables(write):
    def make(predictions, truth):
        remarks = Remarks()
        true = read_intervals(write(truth, "t.csv"), "truth", remarks)
        given = read_intervals(write(predictions, "p.csv"), "predictions", remarks, rate=true.rate)
        return exchange_join.join_with_truth(true, given, Rules(), remarks)

    return make


def at_rate(made, fps):
    """The same tables, all videos of one frame rate."""
    return replace(made, videos=made.videos.assign(fps=fps))


TRUTH = "subject,video,kind,onset,offset\n1,a,me,10,20\n1,b,mae,5,95\n2,a,me,30,40\n"
SPOTTED = (
    "subject,video,kind,onset,apex,offset,confidence,emotion\n1,a,me,11,13,21,0.5,joy\n2,a,mae,-5,30,60,0.25,fear\n"
)


@given(st.text(st.sampled_from("=+-@\t\r'aB1 ."), min_size=1, max_size=6))
def test_guard_formula_leaves_no_formula(text):
    cell = str(guard_formula(text))
    assert cell[0] not in "=+-@\t\r"
    assert cell in (text, "'" + text)


@pytest.mark.parametrize("name", DANGEROUS)
def test_guard_formula_survives_writing_and_reading(tables, write, tmp_path, name):
    truth = f'subject,video,onset,offset\n1,"{guard_formula(name)}",10,20\n'
    out = tmp_path / "out.csv"
    made = tables(truth, truth)
    assert made.videos["video"].tolist() == [f"data/1/{name}"]
    write_predictions(out, "csv", made, Remarks())
    (row,) = csv.DictReader(out.open())
    assert row["video"] == guard_formula(name)
    assert read_intervals(out, "predictions", Remarks()).intervals["video"].tolist() == [name]


def test_write_predictions_keeps_numbers_below_zero(tables, tmp_path):
    write_predictions(tmp_path / "out.csv", "csv", tables(SPOTTED, TRUTH), Remarks())
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "subject,video,kind,onset,apex,offset,confidence,emotion",
        "1,a,micro,11,13,21,0.5,joy",
        "2,a,macro,-5,30,60,0.25,fear",
    ]


def test_write_predictions_formats_equal_those_by_hand(tables, tmp_path):
    made = at_rate(tables(SPOTTED, TRUTH), 10.0)
    remarks = Remarks()
    text = {}

    for form in FORMATS_OF_ONE_FILE:
        write_predictions(tmp_path / form, form, made, remarks)
        text[form] = (tmp_path / form).read_text()
    assert text["strs"] == "subject,video,onset,offset,emotion\n1,a,11,21,joy\n"
    assert text["megc2023"] == "vid,pred_onset,pred_offset,type\n1_a,11,21,me\n2_a,-5,60,mae\n"
    assert [line.split() for line in text["megc2020"].splitlines()] == [
        ["data"],
        ["1_a", "10", "20", "11", "21", "TP"],
        ["1_b", "5", "95", "-", "-", "FN"],
        ["2_a", "-", "-", "-5", "60", "FP"],
        ["2_a", "30", "40", "-", "-", "FN"],
    ]

    segment = {"segment": [1.1, 2.1], "label": "micro", "score": 0.5}
    assert json.loads(text["activitynet"])["results"]["1_a"] == [segment]
    assert text["thumos"].splitlines()[:2] == ["video t-start t-end label score", "1_a 1.100000 2.100000 micro 0.5"]
    assert json.loads(text["jsonl"].splitlines()[0]) == {
        "subject": "1",
        "video": "a",
        "kind": "micro",
        "onset": 11,
        "apex": 13,
        "offset": 21,
        "confidence": 0.5,
        "emotion": "joy",
    }
    assert len(remarks.warnings) == 4  # strs has no kind, and three forms no subject


@pytest.mark.parametrize("form", FORMATS_OF_ONE_FILE)
def test_write_predictions_scores_as_before(tables, write, tmp_path, form):
    spotted = SPOTTED.splitlines()
    only_micro = "\n".join([spotted[0], spotted[1]]) + "\n"
    truth = "subject,video,onset,offset,fps\n1,a,10,20,30\n1,b,5,95,30\n2,a,30,40,30\n"
    before = tables(only_micro, truth)
    write_predictions(tmp_path / "out.txt", form, before, Remarks())
    after = tables((tmp_path / "out.txt").read_text(), truth)
    same = ["video", "kind", "onset", "offset"]
    pd.testing.assert_frame_equal(before.predictions[same], after.predictions[same])


TWO_SETS = "dataset,subject,video,onset,offset\nhs,1,a,10,20\nvis,1,a,30,40\n"


@pytest.mark.parametrize("form", FORMATS)
def test_write_predictions_keeps_equal_names_of_two_datasets(tables, tmp_path, form):
    made = tables(TWO_SETS, TWO_SETS)
    remarks = Remarks()
    write_predictions(
        tmp_path / "out", form, made.__class__(**{**vars(made), "videos": made.videos.assign(fps=25.0)}), remarks
    )
    if form == "activitynet":
        assert list(json.loads((tmp_path / "out").read_text())["results"]) == ["hs_1_a", "vis_1_a"]
    elif FORMATS[form].writes_folder:
        assert sorted(file.stem for file in (tmp_path / "out").iterdir()) == ["hs_1_a", "vis_1_a"]
    else:
        lines = [line for line in (tmp_path / "out").read_text().splitlines() if any(c.isdigit() for c in line)]
        assert len({line.replace("30", "10").replace("40", "20") for line in lines}) == 2 or form == "megc2020"
    assert form in ("csv", "jsonl", "megc2020") or "different datasets have one name" in remarks.warnings[-1]


def test_write_predictions_refuses_two_videos_of_one_file_name(tables, tmp_path):
    text = "subject,video,onset,offset\n1,a b,10,20\n1,a_b,30,40\n"
    made = tables(text, text)
    made = made.__class__(**{**vars(made), "videos": made.videos.assign(fps=25.0)})
    with pytest.raises(
        DataError, match=r"two videos of the run would both be called data_1_a_b in .*: choose the format csv"
    ):
        write_predictions(tmp_path / "out", "eaf", made, Remarks())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("form", "kind", "reason"),
    [
        ("strss", ConfigError, r"unknown format 'strss'. Did you mean 'strs'"),
        ("activitynet", DataError, "the frame rate of data/1/a is unknown, and the format counts seconds"),
    ],
)
def test_write_predictions_refuses_other_formats_and_no_rate(tables, tmp_path, form, kind, reason):
    with pytest.raises(kind, match=reason):
        write_predictions(tmp_path / "out.json", form, tables(SPOTTED, TRUTH), Remarks())


def test_write_predictions_keeps_detection_files_by_the_frame(write, tmp_path):
    """In seconds, by each video's frame rate; a video in which nothing was spotted stays in the results."""
    truth = "subject,video,kind,onset,offset,fps,n_frames\n1,a,me,10,20,30,300\n1,b,mae,5,95,30,300\n2,c,,,,30,90\n"
    spotted = "subject,video,kind,onset,offset,confidence\n1,a,me,11,21,0.5\n1,b,mae,7,94,0.25\n"
    remarks = Remarks()
    given = read_intervals(write(spotted, "p.csv"), "predictions", remarks)
    made = exchange_join.join_with_truth(
        read_intervals(write(truth, "t.csv"), "truth", remarks), given, Rules(), remarks
    )
    out, true = tmp_path / "out.json", tmp_path / "truth.json"
    write_predictions(out, "activitynet", made, remarks)

    write_truth(true, made, "activitynet")
    assert json.loads(out.read_text())["results"]["a"] == [
        {"segment": [11 / 30, 21 / 30], "label": "micro", "score": 0.5}
    ]
    assert json.loads(true.read_text())["database"]["b"]["annotations"][0]["segment"] == [5 / 30, 95 / 30]

    again = read_intervals(true, "truth", Remarks())
    assert again.intervals[["video", "kind", "onset", "offset"]].to_numpy().tolist() == [
        ["a", "micro", 10, 20],
        ["b", "macro", 5, 95],
    ]
    assert again.videos["video"].tolist() == ["a", "b", "c"]
    assert again.rate == 30
    for form in ("activitynet", "thumos"):
        write_predictions(out, form, made, remarks)
        back = read_intervals(out, "predictions", Remarks(), rate=again.rate).intervals
        assert back[["video", "kind", "onset", "offset", "confidence"]].to_numpy().tolist() == [
            ["a", "micro", 11, 21, 0.5],
            ["b", "macro", 7, 94, 0.25],
        ]


def test_write_predictions_refuses_seconds_of_several_rates(write, tmp_path):
    truth = "subject,video,onset,offset,fps\n1,a,10,20,30\n1,b,40,95,200\n"
    spotted = "subject,video,kind,onset,offset\n1,a,me,11,21\n1,b,me,42,94\n"
    true = read_intervals(write(truth, "t.csv"), "truth", Remarks())
    remarks = Remarks()
    made = exchange_join.join_with_truth(
        true, read_intervals(write(spotted, "p.csv"), "predictions", remarks), Rules(), remarks
    )
    for form in ("activitynet", "thumos"):
        write_predictions(tmp_path / "out.txt", form, made, remarks)
        with pytest.raises(DataError, match="or write frames, if the videos have different rates"):
            read_intervals(tmp_path / "out.txt", "predictions", Remarks(), rate=true.rate)
    write_predictions(tmp_path / "out.csv", "csv", made, remarks)
    back = read_intervals(tmp_path / "out.csv", "predictions", Remarks(), rate=true.rate).intervals

    assert back[["onset", "offset"]].to_numpy().tolist() == [[11, 21], [42, 94]]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/dev/full", "/dev/full cannot be written: No space left on device: make room there, or name another place"),
        ("no/such.csv", "no/such.csv cannot be written: No such file or directory"),
    ],
)
def test_write_predictions_says_why_the_system_refuses(tables, place, reason):
    with pytest.raises(DataError) as refusal:
        write_predictions(Path(place), "csv", tables(SPOTTED, TRUTH), Remarks())
    assert str(refusal.value) == reason


@pytest.fixture
def tsv(monkeypatch):
    """The format that CONTRIBUTING writes out, among the others."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(def _write_tsv.*?)^```", text, re.MULTILINE | re.DOTALL)
    names = dict(vars(exchange_write))
    exec(code.replace("    ...,\n", ""), names)
    monkeypatch.setitem(FORMATS, "tsv", names["FORMATS"]["tsv"])


def test_write_predictions_takes_an_added_format(tsv, tables, tmp_path):
    before = tables(SPOTTED, TRUTH)
    write_predictions(tmp_path / "out.tsv", "tsv", before, Remarks())
    rows = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    assert rows[["onset", "offset"]].to_numpy().tolist() == before.predictions[["onset", "offset"]].to_numpy().tolist()


@pytest.mark.parametrize(("app", "words"), [(predictions.app, ["export"]), (score.app, [])])
def test_help_lists_an_added_format(tsv, app, words):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).output
    assert "|tsv" in shown


def formats_missing_in_documentation():
    """The formats that the documentation does not list with what they hold, or not in their order."""
    lines = SCORING_PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| format | what it holds |") + 2
    expected = [f"| `{name}` | {form.summary} |" for name, form in FORMATS.items()]
    return [line for place, line in enumerate(expected, start) if line not in lines[place : place + 1]]


def test_scoring_page_lists_the_formats():
    assert formats_missing_in_documentation() == []


def test_scoring_page_lacks_a_format_that_is_added(monkeypatch):
    monkeypatch.setitem(FORMATS, "names", Format("the videos", lambda export: None))
    assert formats_missing_in_documentation() == ["| `names` | the videos |"]
