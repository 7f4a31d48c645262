"""Where a value from JSON, NumPy or a pickle keeps the rows of a table: one function for each layout.

`table_of` tries the functions of `OBJECT_LAYOUTS` or `LIST_LAYOUTS` in their order. Each returns the rows, or None if the value has another
layout. Published formats and layouts with tell-tale names come first, then layouts that are known by their form alone, and last the
search for tables inside the value. A new layout is one more function, with an example, in one of the two tuples.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from textwrap import shorten
from typing import Any, TypeGuard

from mebench.annotations.names import ALIASES, ALONE, KNOWN, kind_of, plain_name
from mebench.errors import DataError
from mebench.exchange.pandas_labels import cells_of_index, headers_of, levels_of

ReadRow = Mapping[str, Any]
"""The cells of a row by the names of their columns."""
TRUTHS = frozenset({"gt", "truth", "truths", "groundtruth", "target", "targets", "label", "labels", "true"})
"""Names of a truth, without punctuation, in a file that also holds predictions."""
NAMES_OF_PREDICTIONS = frozenset(
    {
        "pred",
        "preds",
        "predicted",
        "prediction",
        "predictions",
        "spotted",
        "detected",
        "detections",
        "intervals",
        "results",
    }
)
"""Names of a list of spotted intervals, without punctuation, among the facts of a video. No video is called so."""
INTERVAL_CELLS = ("onset", "offset", "score")
"""The columns of an interval that is a plain list."""
DETECTION_RESULTS = ("results", "database")
"""Names under which results or the ground truth of temporal action detection stand."""
EXPECTED = "expected [onset, offset] or [onset, offset, confidence], or names with cells"
MOST_SHOWN = 60
"""Most characters of an item in a message."""


def table_of(value: Any) -> list[ReadRow]:
    """Find the rows of a value by its layout; empty if it has none of the known ones.

    >>> table_of({"results": {"a": [{"segment": [1.5, 2], "label": "micro", "score": 0.5}]}})
    [{'video': 'a', 't-start': 1.5, 't-end': 2, 'label': 'micro', 'score': 0.5}]
    >>> table_of("epoch 3")
    []
    """
    return rows_by_layout(value)[0]


Layout = Callable[[Any], "list[ReadRow] | None"]
"""A function that returns the rows of a value, or None if it has another layout."""


def rows_by_layout(value: Any) -> tuple[list[ReadRow], Layout | None]:
    """The rows by the first layout that the value has, and that layout; no rows if it has none."""
    layouts: Sequence[Layout] = ()
    if isinstance(value, Mapping):
        layouts = OBJECT_LAYOUTS
    elif isinstance(value, list):
        layouts = LIST_LAYOUTS
    for rows_from_layout in layouts:
        rows = rows_from_layout(value)
        if rows is not None:
            return rows, rows_from_layout
    return [], None


def rows_from_detection_results(value: ReadRow) -> list[ReadRow] | None:
    """Results or ground truth of temporal action detection (ActivityNet, OpenTAD).

    >>> rows_from_detection_results({"database": {"a": {"fps": 30, "annotations": [{"segment": [1, 2]}]}}})
    [{'video': 'a', 'fps': 30, 't-start': 1, 't-end': 2}]
    """
    for key in DETECTION_RESULTS:
        videos = value.get(key)
        if isinstance(videos, Mapping) and not any(map(_holds_videos, videos.values())):
            return [row for video, entry in videos.items() for row in _rows_of_video(video, entry)]
    return None


def _holds_videos(entry: Any) -> bool:
    """Whether an entry of results is a person or a fold above videos."""
    if not isinstance(entry, Mapping) or "annotations" in entry:
        return False
    return any(isinstance(part, list | Mapping) for part in entry.values())


def rows_from_numbered_videos(value: ReadRow) -> list[ReadRow] | None:
    """Annotations that name their video and class by number, beside lists of these (COCO, YouTube-VIS).

    >>> rows_from_numbered_videos({"videos": [{"id": 7, "name": "a.mp4"}], "annotations": [{"video_id": 7, "start": 3, "end": 9}]})
    [{'video': 'a', 'start': 3, 'end': 9}]
    """
    videos = value.get("videos")
    annotations = value.get("annotations")
    if not _are_objects(videos) or not _are_objects(annotations):
        return None
    names = {video.get("id"): _name_of_video(video) for video in videos}
    classes = value.get("categories")
    labels = {one.get("id"): one.get("name") for one in classes} if _are_objects(classes) else {}
    rows: list[ReadRow] = []
    for annotation in annotations:
        number = annotation.get("video_id")
        if names.get(number) is None:
            raise DataError(f"the annotation {_shown(annotation)} is of no video in the list of videos")
        cells = {name: cell for name, cell in annotation.items() if name not in ("id", "video_id")}
        if cells.get("category_id") in labels:
            cells["label"] = labels[cells.pop("category_id")]
        rows += _rows_of_lists({"video": names[number], **cells})
    annotated = {annotation["video_id"] for annotation in annotations}
    empty = [name for number, name in names.items() if number not in annotated]
    return [*rows, *({"video": name} for name in empty)]


def _are_objects(items: Any) -> TypeGuard[list[ReadRow]]:
    """Whether something is a list of objects, not empty."""
    return isinstance(items, list) and bool(items) and all(isinstance(item, Mapping) for item in items)


def _name_of_video(video: ReadRow) -> str | None:
    """The name of a numbered video, without the ending of a file; None if it has none."""
    name = next((video[key] for key in ("name", "file_name", "video_name", "video") if key in video), None)
    return None if name is None else re.sub(r"\.(avi|mp4|mov|mkv|wmv|mpe?g)$", "", str(name), flags=re.IGNORECASE)


def rows_from_pandas_split(value: ReadRow) -> list[ReadRow] | None:
    """A table as `DataFrame.to_json(orient="split")` writes it: the names of columns, then the rows.

    >>> rows_from_pandas_split({"columns": ["video", "onset"], "index": [0], "data": [["a", 3]]})
    [{'video': 'a', 'onset': 3}]

    An index of names is the videos, if no column names them.

    >>> rows_from_pandas_split({"columns": ["onset"], "index": ["a"], "data": [[3]]})
    [{'video': 'a', 'onset': 3}]
    >>> rows_from_pandas_split({"columns": [["pred", "onset"]], "index": [["01", "a"]], "data": [[3]]})
    [{'subject': '01', 'video': 'a', 'pred onset': 3}]
    """
    if "columns" not in value or "data" not in value:
        return None
    columns = value["columns"]
    data = value["data"]
    if not isinstance(columns, list) or not isinstance(data, list):
        wrong = "columns" if not isinstance(columns, list) else "data"
        raise DataError(
            f"{wrong} is {_shown(value[wrong])}, not a list: expected names under columns and rows under data"
        )
    for number, cells in enumerate(data):
        if not isinstance(cells, list) or len(cells) != len(columns):
            raise DataError(
                f"item {number} of data is {_shown(cells)}: expected a list with a cell for each of {len(columns)} columns"
            )
    headers = headers_of(columns)
    rows: list[ReadRow] = [dict(zip(headers, cells)) for cells in data]
    index = value.get("index")
    if not isinstance(index, list) or len(index) != len(rows):
        return rows
    return _with_index(index, rows)


def _with_index(labels: Sequence[Any], rows: Sequence[ReadRow]) -> list[ReadRow]:
    """The rows with the names of a pandas index, unless they name their videos themselves."""
    if not rows or names_column("video", rows[0]):
        return [*rows]
    return [{**cells, **row} for cells, row in zip(cells_of_index(labels), rows)]


def rows_from_tables_by_kind(value: ReadRow) -> list[ReadRow] | None:
    """A table, or a list of intervals, for each kind of expression.

    >>> rows_from_tables_by_kind({"micro": {"a": [[3, 9]]}, "macro": {}})
    [{'video': 'a', 'onset': 3, 'offset': 9, 'kind': 'micro'}]
    """
    if not value or not all(kind_of(name) for name in value):
        return None
    rows: list[ReadRow] = []
    for kind, part in value.items():
        rows_of_kind = table_of(part)
        if not rows_of_kind and part:  # the intervals of a single video
            rows_of_kind = _rows_of_video("", part)
        for row in rows_of_kind:
            filled = {column: cell for column, cell in row.items() if cell != ""}
            rows.append({**filled, "kind": kind})
    return rows


def rows_from_pandas_columns(value: ReadRow) -> list[ReadRow] | None:
    """A table as `DataFrame.to_json(orient="columns")` writes it: cells by column, then by row.

    >>> rows_from_pandas_columns({"video": {"0": "a", "1": "b"}, "onset": {"0": 3, "1": 20}})
    [{'video': 'a', 'onset': 3}, {'video': 'b', 'onset': 20}]
    """
    value = dict(zip(headers_of([*value]), value.values()))
    if not _holds_flat_objects(value) or not names_several_columns(value):
        return None
    rows_of_columns = {name: list(cells) for name, cells in value.items()}
    first, rows = next(iter(rows_of_columns.items()))
    for name, others in rows_of_columns.items():
        if set(others) != set(rows):
            raise DataError(
                f"the columns {first!r} and {name!r} have different rows: each must have a cell for every row"
            )
    return _with_index(rows, [{name: cells[row] for name, cells in value.items()} for row in rows])


def rows_from_row_by_video(value: ReadRow) -> list[ReadRow] | None:
    """A row for each video, as `DataFrame.to_json(orient="index")` writes it.

    >>> rows_from_row_by_video({"a": {"onset": 3, "offset": 9}})
    [{'video': 'a', 'onset': 3, 'offset': 9}]
    """
    if not _holds_flat_objects(value):
        return None
    names = dict.fromkeys(name for row in value.values() for name in row)
    headers = dict(zip(names, headers_of([*names])))
    rows: list[ReadRow] = [{headers[name]: cell for name, cell in row.items()} for row in value.values()]
    if not names_several_columns(rows[0]):
        return None
    has_levels = any(levels_of(label) for label in value)
    if has_levels:
        return _with_index([*value], rows)
    return [_with_video(video, row) for video, row in zip(value, rows)]


def rows_from_parallel_lists(value: ReadRow) -> list[ReadRow] | None:
    """Lists with an item for each video, at least one of them with its intervals.

    >>> rows_from_parallel_lists({"videos": ["a", "b"], "intervals": [[[3, 9]], []]})
    [{'video': 'a', 'onset': 3, 'offset': 9}, {'video': 'b', 'onset': '', 'offset': ''}]
    """
    if not all(isinstance(items, list) for items in value.values()):
        return None
    names_videos = any(plain_name(name).removesuffix("s") in ALIASES["video"] for name in value)
    same_length = len({len(items) for items in value.values()}) == 1
    holds_intervals = any(is_nested(items) for items in value.values())
    if not (names_videos and same_length and holds_intervals):
        return None
    columns: list[str] = []
    for name, items in value.items():
        columns.append(name if is_nested(items) else name.removesuffix("s"))
    return rows_from_list_of_rows([dict(zip(columns, items)) for items in zip(*value.values())])


def rows_from_column_lists(value: ReadRow) -> list[ReadRow] | None:
    """A list of cells for each column.

    Parts that are no such lists are ignored. Videos without names are numbered from 1, unless the lists hold intervals.

    >>> rows_from_column_lists({"y_pred": [0, 2], "model": "mine"})
    [{'video': 1, 'y_pred': 0}, {'video': 2, 'y_pred': 2}]
    """
    lists = _flat_lists(value)
    columns = dict(zip(headers_of([*lists]), lists.values()))
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) != 1 or not known_columns(columns):
        return None
    if not names_column("video", columns) and not names_column("onset", columns):
        (n_rows,) = lengths
        columns = {"video": list(range(1, n_rows + 1)), **columns}
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def rows_from_lists_by_person(value: ReadRow) -> list[ReadRow] | None:
    """True classes and answers of each person or fold, as lists.

    Where the true classes of all parts are equal, these are runs over the same clips, which is another layout.

    >>> rows_from_lists_by_person({"s1": {"y_true": [0], "y_pred": [1]}, "s2": {"y_true": [2], "y_pred": [2]}})
    [{'subject': 's1', 'video': 's1/1', 'y_true': 0, 'y_pred': 1}, {'subject': 's2', 'video': 's2/1', 'y_true': 2, 'y_pred': 2}]
    """
    parts = [part for part in value.values() if isinstance(part, Mapping)]
    if len(parts) < 2:
        return None
    lists = [{name: items for name, items in _flat_lists(part).items() if _names_class(name)} for part in parts]
    names = {frozenset(of_part) for of_part in lists}
    if len(names) > 1 or len(lists[0]) < 2 or any(names_column("video", part) for part in parts):
        return None
    true_classes = [items for name, items in lists[0].items() if plain_name(name) in ALONE["truth"]]
    are_runs = bool(true_classes) and all(true_classes[0] in of_part.values() for of_part in lists)
    if are_runs:
        return None
    people = [name for name, part in value.items() if isinstance(part, Mapping)]
    owner = "subject" if all(map(_PERSON.fullmatch, people)) else NAMES_OF_PARTS[0]
    rows: list[ReadRow] = []
    for person, of_person in zip(people, lists):
        rows += _rows_of_clips({owner: person}, str(person), of_person)
    return rows


_PERSON = re.compile(r"(?:subject|subj|sub|s|person|participant|p)[\s_-]*\d+", re.IGNORECASE)


def _names_class(name: str) -> bool:
    """Whether a list is called after classes: the true ones or answers."""
    plain = plain_name(name)
    return any(plain in ALONE[role] for role in ALONE) or plain in ALIASES["emotion"]


def _rows_of_clips(shared: ReadRow, owner: str, lists: Mapping[str, list[Any]]) -> list[ReadRow]:
    """A row for each clip of a person or fold, numbered from 1.

    Raises:
        DataError: the lists differ in length.
    """
    lengths = {name: len(items) for name, items in lists.items()}
    if len({*lengths.values()}) > 1:
        counts = ", ".join(f"{n} under {name!r}" for name, n in lengths.items())
        raise DataError(f"{owner!r} has {counts}: one item of each is needed for every clip")
    clips = enumerate(zip(*lists.values()), 1)
    return [{**shared, "video": f"{owner}/{number}", **dict(zip(lists, cells))} for number, cells in clips]


def rows_from_scores_by_video(value: ReadRow) -> list[ReadRow] | None:
    """The score of each frame of each video, from frame 0.

    >>> rows_from_scores_by_video({"a": [0.5, 0.25]})
    [{'video': 'a', 'frame': 0, 'score': 0.5}, {'video': 'a', 'frame': 1, 'score': 0.25}]
    """
    scores_of_videos = _flat_lists(value)
    if not value or len(scores_of_videos) < len(value):
        return None
    rows: list[ReadRow] = []
    for video, scores in scores_of_videos.items():
        if any(type(score) not in (int, float) for score in scores):  # bool is no score
            return None
        rows += [{"video": video, "frame": frame, "score": score} for frame, score in enumerate(scores)]
    return rows


def rows_from_intervals_by_video(value: ReadRow) -> list[ReadRow] | None:
    """A list of intervals for each video.

    If the intervals name their videos themselves, the names above are those of their parts. A truth beside predictions is no video
    (`TRUTHS`).

    >>> rows_from_intervals_by_video({"a": [[3, 9, 0.5]], "b": []})
    [{'video': 'a', 'onset': 3, 'offset': 9, 'score': 0.5}, {'video': 'b', 'onset': '', 'offset': ''}]
    >>> rows_from_intervals_by_video({"truth": [[3, 9]], "found": [[4, 9]]}) is None
    True
    """
    holds_truth = any(plain_name(name) in TRUTHS for name in value)
    holds_intervals = all(isinstance(part, list) and (not part or is_nested(part)) for part in value.values())
    if not value or holds_truth or not holds_intervals:
        return None
    intervals = [interval for part in value.values() for interval in part]
    if any(isinstance(interval, list) and is_nested(interval) for interval in intervals):  # tables by fold
        return None
    objects = [interval for interval in intervals if isinstance(interval, Mapping)]
    if any(names_column("video", interval) for interval in objects):
        rows: list[ReadRow] = []
        for name, part in value.items():
            _refuse_lists_among_objects(name, part)
            rows += [_with_key(name, row) for row in rows_from_list_of_rows(part) or ()]
        return rows
    return rows_from_video_pairs([[video, part] for video, part in value.items()])


def _refuse_lists_among_objects(name: str, intervals: Sequence[Any]) -> None:
    """Refuse an interval that is no object, so that it cannot name its video."""
    for number, interval in enumerate(intervals):
        if not isinstance(interval, Mapping):
            raise DataError(f"{name!r}, item {number}: {_shown(interval)} names no video, unlike the other items")


def rows_from_predictions_by_video(value: ReadRow) -> list[ReadRow] | None:
    """An object for each video, whose list of intervals has a name of its own.

    Intervals that name their videos themselves are those of other videos, and their object is none of these.

    >>> rows_from_predictions_by_video({"a": {"pred": [[3, 9]]}, "b": {"pred": []}})
    [{'video': 'a', 'onset': 3, 'offset': 9}, {'video': 'b', 'onset': '', 'offset': ''}]
    >>> rows_from_predictions_by_video({"fold 1": {"pred": [{"video": "a", "onset": 3}]}}) is None
    True
    """
    are_videos = not any(plain_name(name) in NAMES_OF_PREDICTIONS for name in value)
    hold_predictions = all(_holds_one_named_list(part) for part in value.values())
    if not value or not are_videos or not hold_predictions:
        return None
    return rows_from_list_of_rows([{"video": video, **part} for video, part in value.items()])


def _holds_one_named_list(part: Any) -> bool:
    """Whether a part holds plain cells and one list of intervals without videos."""
    if not isinstance(part, Mapping) or names_column("video", part):
        return False
    nested = [name for name, cell in part.items() if isinstance(cell, list | Mapping)]
    if len(nested) != 1 or plain_name(nested[0]) not in NAMES_OF_PREDICTIONS:
        return False
    intervals = part[nested[0]]
    if not isinstance(intervals, list) or (intervals and not is_nested(intervals)):
        return False
    return not any(isinstance(interval, Mapping) and names_column("video", interval) for interval in intervals)


def rows_from_single_row(value: ReadRow) -> list[ReadRow] | None:
    """The cells of one row, such as one line of JSON lines.

    >>> rows_from_single_row({"video": "a", "onset": 3, "offset": 9})
    [{'video': 'a', 'onset': 3, 'offset': 9}]
    """
    if not names_several_columns(value) or is_nested(value.values()):
        return None
    return [value]


def rows_from_nested_tables(value: ReadRow) -> list[ReadRow]:
    """Any other object: a table somewhere inside it, or a table for each video, person, fold or run.

    Where the tables name videos, the name above each becomes a column `key`; whether it is a person, a fold or a run, its videos
    say (`repeated_videos`).

    Raises:
        DataError: several tables name videos, and are of different kinds or a truth beside answers.

    >>> rows_from_nested_tables({"model": "mine", "answers": {"video": ["a"], "onset": [3]}})
    [{'video': 'a', 'onset': 3}]
    >>> rows_from_nested_tables({"subject": "01", "pred": {"a": [[3, 9]]}})
    [{'subject': '01', 'video': 'a', 'onset': 3, 'offset': 9}]
    >>> rows_from_nested_tables({"a": [{"onset": 3, "offset": 9}], "b": [{"onset": 20, "offset": 30}]})[1]
    {'video': 'b', 'onset': 20, 'offset': 30}
    >>> rows_from_nested_tables({"s1": {"a": [[3, 9]]}, "s2": {"b": [[2, 5]]}})[1]
    {'key': 's2', 'video': 'b', 'onset': 2, 'offset': 5}
    """
    tables = _tables_within(value)
    if len(tables) < 2:
        shared = _cells_beside_table(value)
        rows: list[ReadRow] = [{**_not_named_in(row, shared), **row} for row in next(iter(tables.values()), [])]
        is_video = len(value) == 1 and plain_name(next(iter(value))) not in NAMES_OF_PREDICTIONS
        if is_video and rows and names_column("onset", rows[0]):
            return [_with_video(next(iter(value)), row) for row in rows]
        return rows
    if not any(names_column("video", rows[0]) for rows in tables.values()):
        return [_with_video(video, row) for video, rows in tables.items() for row in rows]
    holds_sides = any(plain_name(name) in {*TRUTHS, *NAMES_OF_PREDICTIONS} for name in tables)
    if holds_sides or len({known_columns(rows[0]) for rows in tables.values()}) > 1:
        names = ", ".join(list(tables)[:5])
        raise DataError(f"it holds several tables ({names}): save the right one as a separate file")
    return [_with_key(name, row) for name, rows in tables.items() for row in rows]


def _cells_beside_table(value: ReadRow) -> ReadRow:
    """The subject, video, kind and rate of an object, for every row of its table."""
    cells: dict[str, Any] = {}
    for name, cell in value.items():
        is_name = isinstance(cell, str | int) and any(names_column(column, [name]) for column in ("subject", "video"))
        is_kind = isinstance(cell, str) and names_column("kind", [name]) and kind_of(cell) is not None
        is_rate = isinstance(cell, int | float) and names_column("fps", [name])
        if is_name or is_kind or is_rate:
            cells[name] = cell
    return cells


def _not_named_in(row: ReadRow, cells: ReadRow) -> ReadRow:
    """Those of some cells whose column a row does not name itself."""
    columns = [{column for column in ALIASES if names_column(column, [name])} for name in cells]
    return {
        name: cell
        for (name, cell), held in zip(cells.items(), columns)
        if not any(names_column(column, row) for column in held)
    }


NAMES_OF_PARTS = ("key", "key of key", "sheet")
"""Columns that hold the name above each part of an object, above the parts of a part, and of each sheet of a workbook."""


def _with_key(name: Any, row: ReadRow) -> ReadRow:
    """The row with the name of its part in front, as a column."""
    inner, outer, _ = NAMES_OF_PARTS
    return {outer if inner in row else inner: name, **row}


def _tables_within(value: ReadRow) -> dict[str, list[ReadRow]]:
    """The rows of each part of an object that is a table."""
    found = {name: table_of(part) for name, part in value.items()}
    tables = {name: rows for name, rows in found.items() if rows}
    with_columns = {name: rows for name, rows in tables.items() if names_several_columns(rows[0])}
    return with_columns or tables  # where some name columns, the others only look like tables


def rows_from_objects_by_video(value: list[Any]) -> list[ReadRow] | None:
    """Objects with the intervals of some videos each, such as lines of JSON.

    >>> rows_from_objects_by_video([{"a": [[3, 9]]}, {"a": [[20, 30]]}])
    [{'key': 1, 'video': 'a', 'onset': 3, 'offset': 9}, {'key': 2, 'video': 'a', 'onset': 20, 'offset': 30}]
    >>> rows_from_objects_by_video([{"video": "a", "intervals": [[3, 9]]}]) is None
    True
    """
    if not value or not all(isinstance(item, Mapping) and not known_columns(item) for item in value):
        return None
    rows: list[ReadRow] = []
    for number, item in enumerate(value, 1):
        rows_of_item = rows_from_intervals_by_video(item)
        if rows_of_item is None:
            return None
        rows += [_with_key(number, row) for row in rows_of_item] if len(value) > 1 else rows_of_item
    return rows


def rows_from_clips_by_fold(value: list[Any]) -> list[ReadRow] | None:
    """An object for each person or fold, with lists of its true classes and answers.

    >>> rows_from_clips_by_fold([{"subject": "1", "y_true": [0, 1], "y_pred": [0, 0]}])
    [{'subject': '1', 'video': '1/1', 'y_true': 0, 'y_pred': 0}, {'subject': '1', 'video': '1/2', 'y_true': 1, 'y_pred': 0}]
    """
    if not _are_objects(value):
        return None
    rows: list[ReadRow] = []
    for number, part in enumerate(value, 1):
        lists = {name: items for name, items in _flat_lists(part).items() if _names_class(name)}
        if len(lists) < 2 or names_column("video", part):
            return None
        shared = {name: cell for name, cell in part.items() if not isinstance(cell, list | Mapping)}
        owner = next((cell for name, cell in shared.items() if names_column("subject", [name])), number)
        rows += _rows_of_clips(shared, str(owner), lists)
    return rows


def rows_from_list_of_rows(value: list[Any]) -> list[ReadRow] | None:
    """Rows with named cells; a row with a list of intervals stands for several rows.

    >>> rows_from_list_of_rows([{"video": "a", "intervals": [[3, 9], [20, 30]]}])
    [{'video': 'a', 'onset': 3, 'offset': 9}, {'video': 'a', 'onset': 20, 'offset': 30}]
    """
    if not value or not all(isinstance(row, Mapping) for row in value):
        return None
    return [row for listed in value for one in _rows_of_videos(listed) for row in _rows_of_lists(one)]


def _rows_of_videos(row: ReadRow) -> list[ReadRow]:
    """A row for each video that a row lists as an object; else the row itself.

    >>> _rows_of_videos({"subject": "01", "videos": [{"name": "a", "intervals": [[3, 9]]}]})
    [{'subject': '01', 'video': 'a', 'intervals': [[3, 9]]}]
    """
    listed = next((name for name, cell in row.items() if _are_objects(cell) and _names_videos(name)), None)
    if listed is None:
        return [row]
    shared = {name: cell for name, cell in row.items() if name != listed}
    rows: list[ReadRow] = []
    for video in row[listed]:
        name = _name_of_video(video) or video.get("id")
        if names_column("video", video) or name is None:
            rows.append({**shared, **video})
        else:
            facts = {key: cell for key, cell in video.items() if key not in ("name", "file_name", "id")}
            rows.append({**shared, "video": name, **facts})
    return rows


def _names_videos(name: str) -> bool:
    """Whether a name is a plural of one for a video: `videos`, `clips`."""
    plain = plain_name(name)
    return plain.endswith("s") and plain.removesuffix("s") in ALIASES["video"]


def rows_from_video_pairs(value: list[Any]) -> list[ReadRow] | None:
    """Pairs of a video and its intervals.

    >>> rows_from_video_pairs([["a", [[3, 9]]], ["b", []]])
    [{'video': 'a', 'onset': 3, 'offset': 9}, {'video': 'b', 'onset': '', 'offset': ''}]
    """
    if not all(isinstance(pair, list) and len(pair) == 2 and is_nested(pair[1:]) for pair in value):
        return None
    rows: list[ReadRow] = []
    for video, intervals in value:
        rows += _rows_of_video(video, intervals or [["", ""]])
    return rows


def rows_from_list_of_tables(value: list[Any]) -> list[ReadRow] | None:
    """A table for each fold or run, one after the other, each with its number.

    >>> rows_from_list_of_tables([[{"video": "a", "onset": 3}], [{"video": "b", "onset": 5}]])
    [{'key': 1, 'video': 'a', 'onset': 3}, {'key': 2, 'video': 'b', 'onset': 5}]
    """
    if len(value) < 2 or not all(isinstance(part, list | Mapping) and part for part in value):
        return None
    tables = [table_of(part) for part in value]
    if not all(rows and names_column("video", rows[0]) for rows in tables):
        return None
    return [_with_key(number, row) for number, rows in enumerate(tables, 1) for row in rows]


OBJECT_LAYOUTS = (
    rows_from_detection_results,
    rows_from_numbered_videos,
    rows_from_pandas_split,
    rows_from_tables_by_kind,
    rows_from_pandas_columns,
    rows_from_row_by_video,
    rows_from_parallel_lists,
    rows_from_column_lists,
    rows_from_lists_by_person,
    rows_from_scores_by_video,
    rows_from_intervals_by_video,
    rows_from_predictions_by_video,
    rows_from_single_row,
    rows_from_nested_tables,
)
"""The layouts of an object with names (a dict), in the order in which they are tried."""
LIST_LAYOUTS = (
    rows_from_objects_by_video,
    rows_from_clips_by_fold,
    rows_from_list_of_rows,
    rows_from_video_pairs,
    rows_from_list_of_tables,
)
"""The layouts of a list, in the order in which they are tried."""


def _rows_of_video(video: Any, entry: Any) -> list[ReadRow]:
    """A row for each interval of a video; one row without an interval if there are none.

    Args:
        video: name of the video.
        entry: list of the intervals, or the entry of a ground truth with `annotations` and perhaps `fps` and `frame`.
    """
    cells_of_video: dict[str, Any] = {"video": video}
    intervals = entry
    if isinstance(entry, Mapping):
        intervals = entry.get("annotations", [])
        if "fps" in entry:
            cells_of_video["fps"] = entry["fps"]
        if "frame" in entry:
            cells_of_video["n_frames"] = entry["frame"]
    if not isinstance(intervals, list):
        raise DataError(f"video {video!r}: {_shown(intervals)} is not a list of intervals")
    rows: list[ReadRow] = []
    for number, interval in enumerate(intervals or [{}]):
        cells = cells_of_interval(interval)
        if cells is None:
            raise DataError(f"video {video!r}, item {number}: {_shown(interval)} is not an interval: {EXPECTED}")
        rows.append({**cells_of_video, **cells})
    return rows


def cells_of_interval(interval: Any) -> ReadRow | None:
    """The cells of an interval: a list, or an object, perhaps with a `segment`; None for anything else.

    >>> cells_of_interval([3, 9]), cells_of_interval({"segment": [0.1, 0.3], "label": "micro"})
    ({'onset': 3, 'offset': 9}, {'t-start': 0.1, 't-end': 0.3, 'label': 'micro'})
    >>> cells_of_interval(3), cells_of_interval([3]), cells_of_interval({"segment": [1]})
    (None, None, None)
    """
    if isinstance(interval, list):
        is_complete = 2 <= len(interval) <= len(INTERVAL_CELLS) and not is_nested(interval)
        return dict(zip(INTERVAL_CELLS, interval)) if is_complete else None
    if not isinstance(interval, Mapping):
        return None
    if not interval:
        return {"t-start": "", "t-end": ""}
    if "segment" not in interval:
        return interval
    segment = interval["segment"]
    if not isinstance(segment, list) or len(segment) != 2 or is_nested(segment):
        return None
    other_cells = {name: cell for name, cell in interval.items() if name != "segment"}
    return {"t-start": segment[0], "t-end": segment[1], **other_cells}


def _rows_of_lists(row: ReadRow) -> list[ReadRow]:
    """A row for each interval that a row lists.

    The row itself if it has an onset of its own, or lists no intervals. A pair of numbers under a name such as `interval` is one;
    a `segment` is in seconds, as in ActivityNet.

    >>> _rows_of_lists({"video": "a", "intervals": []})
    [{'video': 'a', 'onset': '', 'offset': ''}]
    >>> _rows_of_lists({"video": "a", "interval": [3, 9]})
    [{'video': 'a', 'onset': 3, 'offset': 9}]
    """
    lists = {name: cell for name, cell in row.items() if isinstance(cell, list)}
    pair = next((name for name in lists if plain_name(name) in _NAMES_OF_PAIRS), None)
    if pair is not None and _is_pair_of_numbers(lists[pair]) and not names_column("onset", row):
        ends = {"segment": lists[pair]} if plain_name(pair) == "segment" else dict(zip(INTERVAL_CELLS, lists[pair]))
        other_cells = {name: cell for name, cell in row.items() if name != pair}
        return [{**other_cells, **(cells_of_interval(ends) or {})}]
    shared_cells = {name: cell for name, cell in row.items() if not isinstance(cell, list)}
    lengths = {len(items) for items in lists.values()}
    lists_intervals = any(not items or is_nested(items) for items in lists.values())
    if len(lengths) != 1 or not lists_intervals or names_column("onset", shared_cells):
        return [row]
    if lengths == {0}:
        return [{**shared_cells, "onset": "", "offset": ""}]
    rows: list[ReadRow] = []
    hold_intervals = [name for name, items in lists.items() if is_nested(items)]
    for items in zip(*lists.values()):
        cells: dict[str, Any] = {}
        for name, item in reversed(list(zip(lists, items))):
            of_item = _cells_of_item(name, item)
            if of_item is None:
                raise DataError(f"{_shown(shared_cells)}: {_shown(item)} among {name!r} is not an interval: {EXPECTED}")
            # Of several lists of intervals each cell says whose it is, such as `pred onset` beside `gt onset`.
            if len(hold_intervals) > 1 and name in hold_intervals:
                of_item = {f"{name} {cell}": value for cell, value in of_item.items()}
            cells.update(of_item)
        rows.append({**shared_cells, **cells})
    return rows


_NAMES_OF_PAIRS = frozenset({"segment", "interval", "span", "window", "range", "framerange", "predinterval", "frames"})
"""Names of the two ends of one interval, without punctuation."""


def _is_pair_of_numbers(items: Sequence[Any]) -> bool:
    """Whether a list holds two numbers."""
    return len(items) == 2 and all(isinstance(item, int | float) for item in items)


def _cells_of_item(name: str, item: Any) -> ReadRow | None:
    """The cells of an interval, None where a list is none; of a plain item one cell, named after its list."""
    if isinstance(item, Mapping):
        return item
    if isinstance(item, list):
        return cells_of_interval(item)
    return {name.removesuffix("s"): item}


def _with_video(video: str, row: ReadRow) -> ReadRow:
    """The row with its video in front, unless it names one itself."""
    if names_column("video", row):
        return row
    return {"video": video, **row}


def names_column(column: str, names: Iterable[str]) -> bool:
    """Whether one of the names is a name of the column."""
    return any(plain_name(name) in ALIASES[column] for name in names)


def known_columns(names: Iterable[str]) -> frozenset[str]:
    """Those of the names that name any column, in plain letters."""
    return KNOWN.intersection(plain_name(name) for name in names)


def names_several_columns(names: Iterable[str]) -> bool:
    """Whether at least two of the names name columns. A single one may be chance, such as `label` or `frame`."""
    return len(known_columns(names)) >= 2


def is_nested(cells: Iterable[Any]) -> bool:
    """Whether one of the cells is itself a list or an object."""
    return any(isinstance(cell, list | Mapping) for cell in cells)


def parts_without_rows(value: Any, layout: Layout | None) -> list[str]:
    """The names in an object that its layout does not read.

    A name within a part is written `part.name`. Only the layouts of `UNREAD_NAMES` ignore names.

    >>> parts_without_rows({"version": 1, "results": {"a": [[3, 9]]}}, rows_from_detection_results)
    ['version']
    >>> parts_without_rows({"model": "mine", "it": {"video": ["a"], "onset": [3], "seed": 1}}, rows_from_nested_tables)
    ['model', 'it.seed']
    """
    if layout is None or layout not in UNREAD_NAMES:
        return []
    return UNREAD_NAMES[layout](value)


def _unread_beside_results(value: ReadRow) -> list[str]:
    """The names beside the one of the results."""
    read = next(key for key in DETECTION_RESULTS if isinstance(value.get(key), Mapping))
    return [name for name in value if name != read]


def _unread_beside_split(value: ReadRow) -> list[str]:
    """The names beside those of a table that is split into columns and data."""
    return [name for name in value if name not in ("columns", "data", "index")]


def _unread_beside_columns(value: ReadRow) -> list[str]:
    """The names of parts that are no lists of cells."""
    columns = _flat_lists(value)
    return [name for name in value if name not in columns]


def _unread_beside_tables(value: ReadRow) -> list[str]:
    """The names of parts that are no tables, and those that tables leave unread."""
    tables = _tables_within(value)
    read = {*tables, *(_cells_beside_table(value) if len(tables) == 1 else ())}
    unread = [name for name in value if name not in read]
    for name in tables:
        _, layout_of_part = rows_by_layout(value[name])
        unread += [f"{name}.{inner}" for inner in parts_without_rows(value[name], layout_of_part)]
    return unread


UNREAD_NAMES: Mapping[Layout, Callable[[ReadRow], list[str]]] = {
    rows_from_detection_results: _unread_beside_results,
    rows_from_pandas_split: _unread_beside_split,
    rows_from_column_lists: _unread_beside_columns,
    rows_from_nested_tables: _unread_beside_tables,
}
"""The layouts of `OBJECT_LAYOUTS` that ignore names, and what gives these. The other layouts take every name."""


def _flat_lists(value: ReadRow) -> dict[str, list[Any]]:
    """The parts of an object that are lists of plain cells."""
    return {name: part for name, part in value.items() if isinstance(part, list) and not is_nested(part)}


def _shown(item: Any) -> str:
    """An item in a message, cut."""
    return shorten(repr(item), MOST_SHOWN, placeholder="…")


def _holds_flat_objects(value: ReadRow) -> bool:
    """Whether all parts of an object are objects of plain cells, none of them empty."""
    parts = list(value.values())
    return bool(parts) and all(isinstance(part, Mapping) and part and not is_nested(part.values()) for part in parts)
