import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from mebench.errors import DataError
from mebench.metrics import Tables
from mebench.metrics.tables import MANY_ROWS, number_groups, sort_rows

VIDEOS = pd.DataFrame(
    {
        "video": ["d/2/a", "d/1/a"],
        "subject": ["d/2", "d/1"],
        "dataset": "d",
        "n_frames": [90, None],
        "fps": [30.0, None],
    }
)
TRUTHS = pd.DataFrame(
    {"video": ["d/2/a"], "kind": ["micro"], "onset": [3], "apex": [None], "offset": [9], "emotion": [None]}
)
PREDICTIONS = pd.DataFrame(
    {
        "video": ["d/1/a", "d/2/a", "d/2/a"],
        "kind": "micro",
        "onset": [5, 4, 1],
        "apex": pd.array([6, None, 3], dtype="Int64"),
        "offset": [8, 9, 7],
        "confidence": [0.1, 0.9, 0.1],
        "emotion": ["joy", None, None],
        "draw": 0,
    }
)


def test_Tables_ordered_ranks_predictions_and_numbers_subjects() -> None:
    ordered = Tables(VIDEOS, TRUTHS, PREDICTIONS).put_in_order()
    assert ordered.videos[["video", "unit"]].to_numpy().tolist() == [["d/1/a", 0], ["d/2/a", 1]]
    assert ordered.predictions is not None
    assert ordered.predictions["onset"].tolist() == [4, 5, 1]
    assert ordered.predictions["unit"].tolist() == [1, 0, 1]
    assert ordered.predictions["emotion"].tolist() == ["", "joy", ""]
    np.testing.assert_array_equal(ordered.predictions["apex"], [np.nan, 6, 3])


def test_Tables_ordered_leaves_its_input() -> None:
    before = PREDICTIONS.copy()
    Tables(VIDEOS, TRUTHS, PREDICTIONS).put_in_order()
    pd.testing.assert_frame_equal(PREDICTIONS, before)


@pytest.mark.parametrize(
    ("videos", "truths", "predictions", "message"),
    [
        (VIDEOS.drop(columns="fps"), TRUTHS, None, "the table of videos lacks the column 'fps'"),
        (pd.concat([VIDEOS, VIDEOS]), TRUTHS, None, "lists 'd/1/a' twice"),
        (VIDEOS, TRUTHS.assign(video="d/3/a"), None, "the table of truths names the video 'd/3/a'"),
        (VIDEOS, TRUTHS, PREDICTIONS.assign(offset=0), r"an interval \[5, 0\] in 'd/1/a'"),
    ],
)
def test_Tables_refuse_what_does_not_fit(videos, truths, predictions, message) -> None:
    with pytest.raises(DataError, match=message):
        Tables(videos, truths, predictions).put_in_order()


CELLS = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["micro", "macro", None]), st.integers(0, 2))


@given(left=st.lists(CELLS, max_size=8), right=st.lists(CELLS, max_size=8))
def test_number_groups_takes_missing_values_as_equal(left, right):
    tables = [pd.DataFrame(rows, columns=["video", "kind", "draw"]) for rows in (left, right)]
    numbers = np.concatenate(number_groups(["video", "kind", "draw"], *tables))
    rows = [*left, *right]
    assert (numbers >= 0).all()
    equal_numbers = [[n == m for n in numbers] for m in numbers]
    equal_rows = [[a == b for a in rows] for b in rows]
    assert equal_numbers == equal_rows


def test_number_groups_joins_words_of_long_tables():
    words = np.array(["b", "a", None, "c"], dtype=object)
    left, right = (pd.DataFrame({"video": pd.array(words[np.arange(n) % 4], dtype="str")}) for n in (MANY_ROWS, 7))
    of_left, of_right = number_groups(["video"], left, right)
    assert of_left[:4].tolist() == of_right[:4].tolist()
    assert len(set(of_left.tolist())) == 4


@pytest.mark.parametrize("largest", [40, 2**31, 2**63 - 1])
def test_sort_rows_of_a_long_table_as_pandas_does(largest):
    rng = np.random.default_rng(largest % 101)
    n = MANY_ROWS + 1
    numbers = rng.choice([-largest, -3, 0, 7, largest], n)
    table = pd.DataFrame(
        {
            "surest": rng.choice([-0.5, 0.25, np.nan], n),
            "video": rng.choice(np.array(["a", "b", None], dtype=object), n),
            "onset": numbers,
            "offset": rng.permutation(numbers),
            "apex": rng.choice([1.5, 2.5], n),
            "draw": rng.integers(0, 3, n).astype(np.int32),
            "row": np.arange(n),
        }
    )
    order = ["surest", "video", "onset", "offset", "apex", "draw"]
    columns = {name: table[name].to_numpy() for name in table}
    expected = table.sort_values(order, kind="stable")["row"]
    assert sort_rows(columns, order)["row"].tolist() == expected.tolist()
