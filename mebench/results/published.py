"""Results printed by others, read from `leaderboards/published.csv`: one value a row, with its source and its caveats."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path

import pandas as pd

from mebench.errors import DataError, unknown
from mebench.metrics.catalogue import JOINT, METRICS
from mebench.results.published_arithmetic import contradictions
from mebench.results.published_row import CAVEATS, COUNTS, KINDS, PARTS, Published

COLUMNS = tuple(column.name for column in fields(Published) if column.name not in {"digits", "line"})
"""Columns of the file, in order."""
REQUIRED = ("method", "dataset", "task", "kind", "metric", "value", "source", "table")

_ID = (r"[a-z0-9_]*", "an id of lower-case letters, digits and underscores")
_FORMS = {
    **dict.fromkeys(("dataset", "member", "protocol"), _ID),
    "source": (
        r"[a-z]\w* (doi:10\.\d{4,}/\S+|arXiv:\d{4}\.\d{4,5}|https://\S+)",
        "a key, a blank, and doi:10.…, arXiv:… or https://…",
    ),
    "year": (r"(19\d\d|20\d\d|2100)?", "nothing or a whole number from 1900 to 2100"),
    "classes": (r"([2-9]|[1-4]\d|50)?", "nothing or a whole number from 2 to 50"),
}
"""What a cell must match, with that in words."""


def load(path: Path) -> pd.DataFrame:
    """The published rows in the order of the file, after all checks.

    Returns:
        A frame with the attributes of `Published` as columns (`year` and `classes` as nullable integers, `caveats` as
        tuples of text) and its `path` as one more.

    Raises:
        DataError: as in `read`.
    """
    rows = read(path)
    frame = pd.DataFrame([asdict(row) for row in rows], columns=[column.name for column in fields(Published)])
    return frame.astype({"year": "Int64", "classes": "Int64"}).assign(
        path=pd.Series([row.path for row in rows], dtype=object)
    )


def read(path: Path) -> list[Published]:
    """The same as a list.

    Raises:
        DataError: the file is missing or no UTF-8 table with these columns; a row lacks a field, has an unknown name or a
            value out of its range, or repeats another; values contradict each other and none carries a caveat for it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.DictReader(file, strict=True)))
    except FileNotFoundError:
        raise DataError(f"there is no file {path}: give the path of a table of published results") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a UTF-8 table of comma-separated values: {error}") from error
    except DataError as error:
        raise DataError(f"{path}, {error}") from None
    for row, words in chain(_repetitions(rows), contradictions(rows)):
        raise DataError(f"{path}, line {row.line}: {words}")
    return rows


def _rows(reader: csv.DictReader[str]) -> Iterator[Published]:
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise DataError(f"line 1: expected the columns {','.join(COLUMNS)}")
    for cells in reader:
        try:
            yield _row(cells, reader.line_num)
        except DataError as error:
            raise DataError(f"line {reader.line_num}: {error}") from None


def _row(cells: Mapping[str | None, str | None], line: int) -> Published:
    if None in cells or None in cells.values():
        raise DataError(f"expected {len(COLUMNS)} columns: quote a text that holds a comma, and end no line early")
    text = {str(name): str(cell) for name, cell in cells.items()}
    caveats = tuple(text["caveats"].split(";")) if text["caveats"] else ()
    _check(text, caveats)
    numbers = {name: int(text[name]) if text[name] else None for name in ("year", "classes")}
    value, digits = float(text["value"]), len(text["value"].partition(".")[2])
    return Published(**text | numbers | {"value": value, "digits": digits, "caveats": caveats, "line": line})  # type: ignore[arg-type]


def _check(text: Mapping[str, str], caveats: Sequence[str]) -> None:
    """What must be there is there and of its form, names are known, and a value lies in its range."""
    for name, cell in text.items():
        pattern, words = _FORMS.get(name, (".*", ""))
        if cell != cell.strip() or not cell.isprintable():
            raise DataError(f"{name} is {cell!r}: remove blanks at its ends, tabs and line breaks")
        if name in REQUIRED and not cell:
            raise DataError(f"{name} is empty: every row needs {', '.join(REQUIRED)}")
        if not re.fullmatch(pattern, cell, re.ASCII):
            raise DataError(f"{name} is {cell!r}: expected {words}")
    task, part, metric, value = (text[name] for name in ("task", "part", "metric", "value"))
    metrics = {name for name, known in METRICS.items() if known.direction} | COUNTS
    named = [("task", task, KINDS), (f"kind of {task}", text["kind"], KINDS.get(task, ())), ("metric", metric, metrics)]
    for what, name, known in (*named, *(("caveat", name, CAVEATS) for name in caveats)):
        if name not in known:
            then = "Several are separated by semicolons without blanks" if what == "caveat" else ""
            raise DataError(unknown(what, name, known, then))
    if len(set(caveats)) < len(caveats):
        raise DataError(f"caveats are {text['caveats']!r}: name each once")
    if part not in (PARTS if task == "analysis" and metric not in JOINT else ("",)):
        raise DataError(
            f"part is {part!r}: an analysis, {' and '.join(sorted(JOINT))} aside, needs {' or '.join(PARTS)}, all else needs it empty"
        )
    pattern, words = (
        (r"\d{1,9}", "a whole number") if metric in COUNTS else (r"\d{1,9}\.\d{1,9}", "digits, a point, digits")
    )
    if not re.fullmatch(pattern, value, re.ASCII):
        raise DataError(f"{metric} is {value!r}: expected {words}")
    share = metric in METRICS and METRICS[metric].scale == "share"
    if share and float(value) > 1 and "impossible" not in caveats:
        raise DataError(f"{metric} is {value}: expected 0 to 1, so divide percentages by 100")


def _repetitions(rows: Iterable[Published]) -> Iterator[tuple[Published, str]]:
    seen: dict[tuple[object, ...], Published] = {}
    for row in rows:
        first = seen.setdefault(row.key, row)
        if first is not row:
            what = f"{row.method}, {row.dataset}, {row.metric}, {row.table}"
            yield row, f"repeats line {first.line} ({what}): remove one, or tell them apart by method_variant"
