"""A second and a third interval in one row of a sheet."""

import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks

HEAD = "Subject,Filename,OnsetF,OffsetF,Onset2F,Offset2F,Onset3F,Offset3F\n"
ROWS = "20,v1,100,120,150,175,,\n20,v2,10,35,,,,\n20,v3,5,9,20,29,40,49\n"


@pytest.mark.parametrize("role", ["truth", "predictions"])
def test_further_intervals_of_a_row_are_intervals(write, role):
    remarks = Remarks()
    given = read_intervals(write(HEAD + ROWS), role, remarks)
    found = given.intervals[["line", "video", "onset", "offset"]].to_numpy().tolist()
    assert found == [
        [2, "v1", 100, 120],
        [2, "v1", 150, 175],
        [3, "v2", 10, 35],
        [4, "v3", 5, 9],
        [4, "v3", 20, 29],
        [4, "v3", 40, 49],
    ]
    assert any(
        "3 further intervals (lines 2 and 4), in the columns Onset2F, Offset2F" in line for line in remarks.repaired
    )


@pytest.mark.parametrize("names", [("onset_2", "offset_2"), ("second onset", "second offset"), ("start2", "end2")])
def test_further_intervals_count_on_both_sides(names):
    wide = pd.DataFrame(
        {"video": ["a", "b"], "onset": [10, 8], "offset": [20, 12], names[0]: [40, None], names[1]: [50, None]}
    )
    long = pd.DataFrame({"video": ["a", "a", "b"], "onset": [10, 40, 8], "offset": [20, 50, 12]})
    for given, true in ((wide, long), (long, wide), (wide, wide)):
        micro = score(given, true, bootstrap=0).summary["spotting"]["micro"]
        assert (micro["tp"], micro["fp"], micro["fn"]) == (3, 0, 0)


def test_further_intervals_that_overlap_the_first_are_refused():
    """Two programs side by side: the second finds the same moments."""
    truth = pd.DataFrame({"video": list("abc"), "onset": [10, 40, 8], "offset": [20, 50, 22]})
    both = truth.assign(onset2=truth["onset"] + 3, offset2=truth["offset"] + 5)
    with pytest.raises(DataError, match="overlap those of 'onset' and 'offset' in 3 of 3 rows"):
        score(both, truth, bootstrap=0)
    second = {"onset": "onset2", "offset": "offset2"}
    assert score(both, truth, bootstrap=0, columns=second).summary["spotting"]["micro"]["fp"] == 0
