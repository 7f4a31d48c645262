"""The files of the challenges."""

import pandas as pd
import pytest

from mebench.annotations import sheets
from mebench.errors import DataError
from mebench.exchange import megc
from mebench.exchange.answers import read_against_truth
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from tests.helpers.outside import outside

# The layout of the organizers' log: fixed columns, one block for each dataset.
LOG = """1
019_7   -         -       277     347     FP
019_7   398       532     -       -       FN
025_5   840       937     841     920     TP
2
23_0507   -       -       2293    2312    FP
23_0507   2744    2764    -       -       FN
"""


def read(path, role):
    return read_intervals(path, role, Remarks())


def test_megc_log_is_recognized_and_holds_both_sides(write):
    assert megc.is_log(sheets.sheet_from_text(LOG, "", "it"))
    spotted, true = read(write(LOG), "predictions").intervals, read(write(LOG), "truth").intervals
    columns = ["dataset", "video", "onset", "offset"]
    assert spotted[columns].values.tolist() == [
        ["SAMM-LV", "019_7", 277, 347],
        ["SAMM-LV", "025_5", 841, 920],
        ["CAS(ME)^2", "23_0507", 2293, 2312],
    ]
    assert true[["subject", *columns[1:]]].values.tolist() == [
        ["019", "019_7", 398, 532],
        ["025", "025_5", 840, 937],
        ["23", "23_0507", 2744, 2764],
    ]


def test_megc_log_lists_videos_on_both_sides(write):
    """A video of the log was processed, also where nothing was spotted in it."""
    for role in ("truth", "predictions"):
        assert sorted(set(read(write(LOG), role).videos["video"])) == ["019_7", "025_5", "23_0507"]


@pytest.mark.parametrize("missing", ["__", "*", "_", "–", "--"])
def test_megc_log_takes_many_missing_cells(write, missing):
    other = LOG.replace(" -", f" {missing}")
    assert other != LOG
    assert megc.is_log(sheets.sheet_from_text(other, "", "it"))
    for role in ("predictions", "truth"):
        pd.testing.assert_frame_equal(read(write(other), role).intervals, read(write(LOG), role).intervals)


def test_megc_log_counts_videos_without_spotted_intervals(write, score):
    """Under the rules of the baseline a miss in a video without any spotted interval counts."""
    log = write("1\n006_1   324   403   __  __  FN\n007_2   10  20  10  20  TP\n")
    words = ["--predictions", log, "--truth", log, "--format", "megc2020", "--convention", "megc2020"]
    assert [score(*words)["spotting"]["micro"][count] for count in ("tp", "fp", "fn")] == [1, 0, 1]


KINDS = "video,onset,offset,kind\n019_7,398,532,macro\n025_5,840,937,macro\n23_0507,2744,2764,micro\n"


@pytest.mark.parametrize("log_is", ["predictions", "truth"])
def test_megc_log_beside_table_merges_kinds(write, score, log_is):
    log, table = write(LOG, "log.txt"), write(KINDS)
    files = {"predictions": ["--predictions", log, "--truth", table], "truth": ["--predictions", table, "--truth", log]}
    summary = score(*files[log_is])
    assert list(summary["spotting"]) == ["micro"]
    counts = [summary["spotting"]["micro"][count] for count in ("tp", "fp", "fn")]
    assert counts == ([1, 2, 2] if log_is == "predictions" else [3, 0, 0])
    other = "truth" if log_is == "predictions" else "predictions"
    warned = " ".join(summary["warnings"])
    assert f"{other}: 2 macro-expressions count as micro" in warned
    assert "not scored" not in warned


def test_read_against_truth_gives_log_and_table_one_truth(write):
    """Otherwise the macro-expressions would be true for one of them alone."""
    true = write(KINDS)
    remarks = Remarks()
    found = read_against_truth(true, [write(KINDS, "table.csv"), write(LOG, "log.txt")], Rules(), remarks)
    pd.testing.assert_frame_equal(found[0].tables.truths, found[1].tables.truths)
    assert [answers.kinds for answers in found] == [["micro"], ["micro"]]
    assert sum("truth: 2 macro-expressions count as micro" in line for line in remarks.warnings) == 1
    assert sum("A: predictions: 2 macro-expressions count as micro" in line for line in remarks.warnings) == 1


MDMD = {  # dataset, kind: shortest and longest interval that is kept, and the authors' TP, FP, FN
    ("ME2", "micro"): ((7, 16), (21, 5014, 36)),
    ("ME2", "macro"): ((17, 10**6), (109, 1414, 191)),
    ("SAMM_MEGC", "micro"): ((47, 105), (29, 1407, 130)),
    ("SAMM_MEGC", "macro"): ((106, 10**6), (22, 334, 321)),
}


@pytest.mark.parametrize(("dataset", "sheet"), [("ME2", "CAS(ME)^2_Sets"), ("SAMM_MEGC", "SAMM_MEGC_Sets")])
def test_megc_log_of_mdmd_scores_as_by_its_authors(dataset, sheet, write, score):
    """MDMD (He et al. 2020): its own files, those of videos in which no interval survives too."""
    home = outside("public_predictions/mdmd", "the results of the MEGC 2020 baseline, published with its code")
    lines = (home / "dataset_new/data" / sheet / "all_Info.txt").read_text().splitlines()
    true = [(s, v, kind, onset, offset) for s, v, kind, onset, _, offset in map(str.split, lines)]
    spotted = []
    for kind in ("micro", "macro"):
        shortest, longest = MDMD[dataset, kind][0]
        for file in sorted((home / "results_API" / f"{dataset}_{kind}_txtClips" / "p1").glob("*.txt")):
            video = (*file.stem.split("_"), kind)
            spotted.append((*video, "", ""))
            ends = [line.split()[:2] for line in file.read_text().splitlines()]
            spotted += [(*video, a, b) for a, b in ends if shortest <= int(b) - int(a) + 1 <= longest]
    files = [
        write("subject,video,kind,onset,offset\n" + "".join(",".join(row) + "\n" for row in rows), name)
        for name, rows in (("p", spotted), ("t", true))
    ]
    found = score("--predictions", files[0], "--truth", files[1], "--convention", "megc2020")["spotting"]
    for kind in ("micro", "macro"):
        assert tuple(found[kind][count] for count in ("tp", "fp", "fn")) == MDMD[dataset, kind][1]


def test_megc_log_warns_that_kinds_are_unknown(write):
    remarks = Remarks()
    read_intervals(write(LOG), "predictions", remarks)
    assert "does not say which intervals are micro" in remarks.warnings[0]
    assert "1 TP, 2 FP, 2 FN" in remarks.warnings[0]


def test_log_lines_equals_the_log_that_was_read():
    entries = [
        megc.Entry("CAS(ME)^2", "23_0507", (2744, 2764), None),
        megc.Entry("SAMM-LV", "019_7", None, (277, 347)),
        megc.Entry("SAMM-LV", "025_5", (840, 937), (841, 920)),
        megc.Entry("CAS(ME)^2", "23_0507", None, (2293, 2312)),
        megc.Entry("SAMM-LV", "019_7", (398, 532), None),
    ]
    assert "\n".join(megc.log_lines(entries)) + "\n" == LOG


@pytest.mark.parametrize("line", ["019_7 - - 5 FP", "019_7 5 9 - - TP", "019_7 - - 5 9 FN"])
def test_megc_log_refuses_contradicting_lines_by_number(write, line):
    with pytest.raises(DataError, match="line 3: "):
        read(write("1\n019_7 - - 277 347 FP\n" + line), "predictions")


def test_read_intervals_takes_submissions_of_megc2022_and_2023(write):
    given = read(write("vid,pred_onset,pred_offset,type\nsub01,1785,1799,me\nsub01,44,114,mae\n"), "predictions")
    assert given.intervals[["video", "onset", "offset", "kind"]].values.tolist() == [
        ["sub01", 1785, 1799, "micro"],
        ["sub01", 44, 114, "macro"],
    ]
    assert "subject" not in given.columns


def test_read_intervals_takes_submissions_of_megc2024_and_2025(write):
    given = read(write("subject,video,onset,offset,emotion\n5,anger1,482,504,negative\n"), "predictions")
    assert given.intervals[["subject", "video", "onset", "offset", "emotion"]].values.tolist() == [
        ["5", "anger1", 482, 504, "negative"]
    ]
