"""The files of the challenges."""

import pytest

from mebench.errors import DataError
from mebench.exchange.intervals import read_intervals
from mebench.exchange.megc import Entry, is_log, log_lines
from mebench.exchange.table import Remarks

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


def test_the_log_is_found_out_and_holds_both_sides(write):
    assert is_log(LOG)
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


def test_only_a_truth_says_which_videos_there_are(write):
    assert sorted(set(read(write(LOG), "truth").videos["video"])) == ["019_7", "025_5", "23_0507"]
    assert read(write(LOG), "predictions").videos.empty


def test_what_it_does_not_say_is_said(write):
    remarks = Remarks()
    read_intervals(write(LOG), "predictions", remarks)
    assert "does not say which intervals are micro" in remarks.warnings[0]
    assert "1 TP, 2 FP, 2 FN" in remarks.warnings[0]


def test_the_log_is_written_column_by_column_as_it_was_read():
    entries = [
        Entry(0, "CAS(ME)^2", "23_0507", (2744, 2764), None, "FN"),
        Entry(0, "SAMM-LV", "019_7", None, (277, 347), "FP"),
        Entry(0, "SAMM-LV", "025_5", (840, 937), (841, 920), "TP"),
        Entry(0, "CAS(ME)^2", "23_0507", None, (2293, 2312), "FP"),
        Entry(0, "SAMM-LV", "019_7", (398, 532), None, "FN"),
    ]
    assert "\n".join(log_lines(entries)) + "\n" == LOG


@pytest.mark.parametrize("line", ["019_7 - - 5 FP", "019_7 5 9 - - TP", "019_7 - - 5 9 FN"])
def test_a_line_that_contradicts_itself_is_refused_with_its_number(write, line):
    with pytest.raises(DataError, match="line 3: "):
        read(write("1\n019_7 - - 277 347 FP\n" + line), "predictions")


def test_submission_files_of_2022_and_2023(write):
    given = read(write("vid,pred_onset,pred_offset,type\nsub01,1785,1799,me\nsub01,44,114,mae\n"), "predictions")
    assert given.intervals[["video", "onset", "offset", "kind"]].values.tolist() == [
        ["sub01", 1785, 1799, "micro"],
        ["sub01", 44, 114, "macro"],
    ]
    assert "subject" not in given.columns


def test_submission_files_of_2024_and_2025(write):
    given = read(write("subject,video,onset,offset,emotion\n5,anger1,482,504,negative\n"), "predictions")
    assert given.intervals[["subject", "video", "onset", "offset", "emotion"]].values.tolist() == [
        ["5", "anger1", 482, 504, "negative"]
    ]
