"""Tables of pandas with several levels in their index or columns, as files of predictions."""

import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError

ROWS = pd.DataFrame(
    [("01", "a", 10, 24), ("01", "b", 31, 45), ("02", "a", 50, 61)], columns=["subject", "video", "onset", "offset"]
)
INDEXED = ROWS.set_index(["subject", "video"])
OF_LEVELS = ROWS.set_axis(
    pd.MultiIndex.from_tuples([("info", "subject"), ("info", "video"), ("pred", "onset"), ("pred", "offset")]), axis=1
)
BOTH = OF_LEVELS.set_index([("info", "subject"), ("info", "video")])


def count_spotted(file):
    micro = score(truth=ROWS, predictions=str(file), bootstrap=0).summary["spotting"]["micro"]
    return micro["tp"], micro["fp"], micro["fn"]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
def test_index_of_two_levels_names_subject_and_video(write, orient):
    assert count_spotted(write(INDEXED.to_json(orient=orient), "it.json")) == (3, 0, 0)


@pytest.mark.parametrize("orient", ["columns", "index", "split", "records"])
def test_columns_of_two_levels_are_read(write, orient):
    assert count_spotted(write(OF_LEVELS.to_json(orient=orient), "it.json")) == (3, 0, 0)


@pytest.mark.parametrize("orient", ["columns", "index", "split"])
def test_index_and_columns_of_two_levels_are_read(write, orient):
    assert count_spotted(write(BOTH.to_json(orient=orient), "it.json")) == (3, 0, 0)


def test_index_that_counts_intervals_names_no_video(write):
    numbered = pd.concat(
        {"01_a": ROWS[["onset", "offset"]].iloc[:1], "01_b": ROWS[["onset", "offset"]].iloc[1:2].reset_index()}
    )
    assert count_spotted(write(numbered.to_json(orient="split"), "it.json")) == (2, 0, 1)


def test_records_without_their_index_are_refused(write):
    with pytest.raises(DataError, match="Add a column that names the video"):
        count_spotted(write(INDEXED.to_json(orient="records"), "it.json"))


@pytest.mark.parametrize("table", [INDEXED, OF_LEVELS, BOTH], ids=["index", "columns", "both"])
def test_pickled_levels_are_read(tmp_path, table):
    table = table.rename_axis(index={("info", "subject"): "subject", ("info", "video"): "video"})
    if isinstance(table.index, pd.MultiIndex):
        table.index = table.index.set_names(["subject", "video"])
    table.to_pickle(tmp_path / "it.pkl")
    assert count_spotted(tmp_path / "it.pkl") == (3, 0, 0)
