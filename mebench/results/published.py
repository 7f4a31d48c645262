"""Results printed by others, read from `leaderboards/published.csv`: one value a row, with its source and its caveats."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
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

_NAME = re.compile(r"[a-z0-9_]+")
_SOURCE = re.compile(r"[a-z]\w* (doi:10\.\d{4,}/\S+|arXiv:\d{4}\.\d{4,5}|https://\S+)")


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
    _check(text)
    caveats = _caveats(text.pop("caveats"))
    value, digits = _value(text.pop("value"), text["metric"], "impossible" in caveats)
    year, classes = _whole(text, "year", 1900, 2100), _whole(text, "classes", 2, 50)
    return Published(
        **text,  # type: ignore[arg-type]  # all that is left are texts
        year=year,
        classes=classes,
        value=value,
        digits=digits,
        caveats=caveats,
        line=line,
    )


def _check(text: Mapping[str, str]) -> None:
    """The texts of a row: what must be there is, and names are known or at least names."""
    for name, cell in text.items():
        if cell != cell.strip() or not cell.isprintable():
            raise DataError(f"{name} is {cell!r}: remove blanks at its ends, tabs and line breaks")
        if name in REQUIRED and not cell:
            raise DataError(f"{name} is empty: every row needs {', '.join(REQUIRED)}")
    task, part = text["task"], text["part"]
    for what, name, known in (
        ("task", task, KINDS.keys()),
        (f"kind of {task}", text["kind"], KINDS.get(task, ())),
        ("metric", text["metric"], {name for name, metric in METRICS.items() if metric.direction} | COUNTS),
    ):
        if name not in known:
            raise DataError(unknown(what, name, known))
    if part not in (PARTS if task == "analysis" and text["metric"] not in JOINT else ("",)):
        raise DataError(
            f"part is {part!r}: an analysis, {' and '.join(sorted(JOINT))} aside, needs {' or '.join(PARTS)}, all else needs it empty"
        )
    for name in ("dataset", "member", "protocol"):
        if text[name] and not _NAME.fullmatch(text[name]):
            raise DataError(f"{name} is {text[name]!r}: expected an id of lower-case letters, digits and underscores")
    if not _SOURCE.fullmatch(text["source"]):
        raise DataError(f"source is {text['source']!r}: expected a key, a blank, and doi:10.…, arXiv:… or https://…")


def _caveats(text: str) -> tuple[str, ...]:
    caveats = tuple(text.split(";")) if text else ()
    for caveat in caveats:
        if caveat not in CAVEATS:
            raise DataError(unknown("caveat", caveat, CAVEATS, "Several are separated by semicolons without blanks"))
    if len(set(caveats)) < len(caveats):
        raise DataError(f"caveats are {text!r}: name each once")
    return caveats


def _value(text: str, metric: str, impossible: bool) -> tuple[float, int]:
    """The value and its number of decimals. Only a value with the caveat `impossible` may leave the range of a share."""
    count = metric in COUNTS
    if not re.fullmatch(r"\d{1,9}" if count else r"\d{1,9}\.\d{1,9}", text, re.ASCII):
        raise DataError(f"{metric} is {text!r}: expected {'a whole number' if count else 'digits, a point, digits'}")
    if metric in METRICS and METRICS[metric].scale == "share" and float(text) > 1 and not impossible:
        raise DataError(f"{metric} is {text}: expected 0 to 1, so divide percentages by 100")
    return float(text), len(text.partition(".")[2])


def _whole(text: dict[str, str], name: str, low: int, high: int) -> int | None:
    cell = text.pop(name)
    if cell and not (re.fullmatch(r"\d{1,4}", cell, re.ASCII) and low <= int(cell) <= high):
        raise DataError(f"{name} is {cell!r}: expected nothing or a whole number from {low} to {high}")
    return int(cell) if cell else None


def _repetitions(rows: Iterable[Published]) -> Iterator[tuple[Published, str]]:
    seen: dict[tuple[object, ...], Published] = {}
    for row in rows:
        first = seen.setdefault(row.key, row)
        if first is not row:
            what = f"{row.method}, {row.dataset}, {row.metric}, {row.table}"
            yield row, f"repeats line {first.line} ({what}): remove one, or tell them apart by method_variant"
