"""Layouts of rows in JSON, arrays and pickles: each by itself, their order, and their list in the documentation."""

import ast
import doctest
import json
from pathlib import Path

import pytest

from mebench.exchange import row_layouts
from mebench.exchange.row_layouts import (
    LIST_LAYOUTS,
    OBJECT_LAYOUTS,
    rows_from_column_lists,
    rows_from_detection_results,
    rows_from_intervals_by_video,
    rows_from_list_of_rows,
    rows_from_nested_tables,
    rows_from_pandas_columns,
    rows_from_pandas_split,
    rows_from_parallel_lists,
    rows_from_predictions_by_video,
    rows_from_row_by_video,
    rows_from_scores_by_video,
    rows_from_single_row,
    rows_from_tables_by_kind,
    rows_from_video_pairs,
    table_of,
)

LAYOUTS = (*OBJECT_LAYOUTS, *LIST_LAYOUTS)
LAYOUTS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "layouts.md"


def first_example(layout):
    """The value that the first example in a layout's docstring reads."""
    (found,) = doctest.DocTestFinder(recurse=False).find(layout, layout.__name__, module=False)
    call = ast.parse(found.examples[0].source, mode="eval").body
    return ast.literal_eval(call.args[0])


def line_of_documentation(layout):
    """The row of the documentation's table: name, sentence, example."""
    name = layout.__name__.removeprefix("rows_from_").replace("_", " ")
    sentence = layout.__doc__.partition("\n")[0].removesuffix(".")
    return f"| {name} | {sentence} | `{json.dumps(first_example(layout))}` |"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_example_is_read_by_its_own_layout(layout):
    value = first_example(layout)
    layouts = OBJECT_LAYOUTS if isinstance(value, dict) else LIST_LAYOUTS

    first_fitting = next(other for other in layouts if other(value) is not None)

    assert first_fitting is layout
    assert table_of(value) == layout(value)


@pytest.mark.parametrize("layout", [layout for layout in OBJECT_LAYOUTS if layout is not rows_from_nested_tables])
@pytest.mark.parametrize("value", [{}, {"model": "mine"}], ids=["empty", "without rows"])
def test_object_layouts_decline_what_holds_no_rows(layout, value):
    assert layout(value) is None


@pytest.mark.parametrize("value", [[3, 9], ["a", "b"], [[1, 2, 3]]])
def test_list_layouts_decline_plain_cells(value):
    assert [layout(value) for layout in LIST_LAYOUTS] == [None] * len(LIST_LAYOUTS)


def test_table_of_other_values_is_empty():
    assert table_of({}) == table_of([]) == table_of("epoch 3") == table_of(None) == []


INTERVAL = {"onset": 3, "offset": 9}
ORDERED = [
    # A published format wins over the forms of its parts.
    (rows_from_detection_results, rows_from_nested_tables, {"database": {"a": {"frame": 900, "annotations": [{"segment": [1, 2]}]}}}),
    (rows_from_detection_results, rows_from_column_lists, {"label": ["micro"], "database": {"a": [[3, 9]]}}),
    (rows_from_detection_results, rows_from_pandas_split, {"results": {"a": [[3, 9]]}, "columns": ["video"], "data": []}),
    (rows_from_pandas_split, rows_from_column_lists, {"columns": ["video"], "data": [["a"]], "video": ["b"]}),
    # A kind is no video and no column.
    (rows_from_tables_by_kind, rows_from_row_by_video, {"micro": INTERVAL, "macro": INTERVAL}),
    (rows_from_tables_by_kind, rows_from_nested_tables, {"micro": {"a": [[3, 9]]}}),
    (rows_from_tables_by_kind, rows_from_intervals_by_video, {"micro": [[3, 9]]}),
    # Names of columns outside are stronger than those inside.
    (rows_from_pandas_columns, rows_from_row_by_video, {"onset": {"onset": 3, "offset": 4}, "offset": {"onset": 9, "offset": 8}}),
    (rows_from_row_by_video, rows_from_nested_tables, {"pred": INTERVAL}),
    # Lists of intervals are taken apart before their neighbours become columns.
    (rows_from_parallel_lists, rows_from_column_lists, {"video": ["a"], "intervals": [[[3, 9]]]}),
    (rows_from_parallel_lists, rows_from_intervals_by_video, {"video": [["a", "b"]], "intervals": [[3, 9]]}),
    (rows_from_column_lists, rows_from_scores_by_video, {"score": [0.5, 0.25]}),
    (rows_from_column_lists, rows_from_nested_tables, {"pred": [0, 2], "x": [{"video": "a", "onset": 3}]}),
    (rows_from_intervals_by_video, rows_from_nested_tables, {"a": [[3, 9]], "b": []}),
    # A name of predictions inside is no video.
    (rows_from_predictions_by_video, rows_from_nested_tables, {"a": {"pred": [[3, 9]]}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "later", "value"), ORDERED, ids=[f"{a.__name__[10:]}, {b.__name__[10:]}" for a, b, _ in ORDERED]
)
def test_table_of_tries_layouts_in_their_order(earlier, later, value):
    assert OBJECT_LAYOUTS.index(earlier) < OBJECT_LAYOUTS.index(later)
    assert table_of(value) == earlier(value) != later(value)
    assert later(value) is not None


def test_rows_from_predictions_by_video_keep_facts_of_videos():
    value = {"a": {"pred": [[3, 9], [20, 30]], "note": "x"}, "b": {"pred": [], "note": "y"}}

    rows = table_of({"model": "mine", "answers": value})

    assert rows == [
        {"video": "a", "note": "x", "onset": 3, "offset": 9},
        {"video": "a", "note": "x", "onset": 20, "offset": 30},
        {"video": "b", "note": "y", "onset": "", "offset": ""},
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"predictions": {"results": [[3, 9]]}},
        {"a": {"pred": [[3, 9]], "gt": [[3, 9]]}},
        {"a": {"pred": [3, 9]}},
        {"a": {"pred": [[3, 9]]}, "b": [[3, 9]]},
    ],
    ids=["wrapper", "truth", "cells", "mixed"],
)
def test_rows_from_predictions_by_video_declines_others(value):
    assert rows_from_predictions_by_video(value) is None


def test_single_row_keeps_its_cells():
    row = {"video": "a", "onset": 3, "model": "mine"}
    assert rows_from_single_row(row) == [row]


def test_scores_by_video_declines_truth_values():
    assert rows_from_scores_by_video({"a": [True, False]}) is None


def test_rows_from_list_of_rows_prefers_first_of_two_lists():
    row = {"video": "a", "intervals": [{"score": 0.5, "onset": 3}], "scores": [0.25]}
    assert rows_from_list_of_rows([row]) == [{"video": "a", "score": 0.5, "onset": 3}]


@pytest.mark.parametrize("lists", [("gt", "pred"), ("pred", "gt")])
def test_rows_from_list_of_rows_says_whose_each_list_is(lists):
    intervals = {"gt": [[3, 9]], "pred": [[4, 8]]}
    (row,) = table_of([{"video": "a", **{name: intervals[name] for name in lists}}])
    assert row == {"video": "a", "gt onset": 3, "gt offset": 9, "pred onset": 4, "pred offset": 8}


def test_video_pairs_decline_longer_lists():
    assert rows_from_video_pairs([["a", [[3, 9]], 0.5]]) is None


def test_row_layouts_hold_every_layout():
    named = {layout for name, layout in vars(row_layouts).items() if name.startswith("rows_from_")}
    assert named == {*LAYOUTS}


def test_row_layouts_are_listed_in_their_order():
    lines = LAYOUTS_PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| layout | what it holds | example |") + 2
    assert lines[start : start + len(LAYOUTS)] == [line_of_documentation(layout) for layout in LAYOUTS]


PEOPLE = {"01": {"a": [[3, 9]], "b": [[20, 30]]}, "02": {"a": [[5, 8]]}}
ROWS_OF_PEOPLE = {("01", "a", 3, 9), ("01", "b", 20, 30), ("02", "a", 5, 8)}
NESTED = {
    "beside a name": {"model": "mine", "results": PEOPLE},
    "lists of cells for each video": {
        person: {
            video: {"onset": [on for on, _ in ends], "offset": [off for _, off in ends]}
            for video, ends in videos.items()
        }
        for person, videos in PEOPLE.items()
    },
    "the person inside each fold": {
        f"fold{n}": {"subject": person, "predictions": videos} for n, (person, videos) in enumerate(PEOPLE.items())
    },
    "videos as objects": [
        {"subject": person, "videos": [{"name": video, "intervals": ends} for video, ends in videos.items()]}
        for person, videos in PEOPLE.items()
    ],
}


@pytest.mark.parametrize("name", NESTED)
def test_table_of_keeps_people_above_videos(name):
    rows = table_of(NESTED[name])
    people = [row.get("subject", row.get("key")) for row in rows]
    found = {(person, row["video"], row["onset"], row["offset"]) for person, row in zip(people, rows)}
    assert found == ROWS_OF_PEOPLE
