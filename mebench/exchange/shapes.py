"""Files of intervals, clips or frame scores in other forms than a table with a header, recognised by their content.

JSON (one value, or one on each line), results and ground truth of temporal action detection (ActivityNet, OpenTAD), arrays and
pickles of NumPy, what a notebook printed, and rows of text without names of columns all become a table of text.
"""

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from html import unescape
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from mebench.annotations import (
    ALIASES,
    BLANK,
    KNOWN,
    SEPARATORS,
    Bare,
    Sheet,
    kind_of,
    made,
    of_text,
    plain_name,
    unpickled,
)
from mebench.errors import DataError
from mebench.exchange.row_layouts import INTERVAL_CELLS, Row, is_nested, table_of

_NUMBER = re.compile(r"[-+]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
MOST_NUMBERS = 20_000_000
"""The limit of numbers in arrays."""
_FEWEST = 3
"""The cells that locate an interval: its video, onset and offset."""
_CALLED = re.compile(
    r"(?<![\w'\"])(?:np\.|numpy\.|torch\.)?(?:array|tensor|OrderedDict|str_|bool_?|u?int\d*|float\d*)\("
)
_BRACKET = re.compile(r"^(?:\w+ *[:=] *)?(?=[\[{(]\s*[\[{(\]}\"'\d.-])", re.MULTILINE)
"""The beginning of a value in printed output; a bracket before a word, such as [INFO], does not begin one."""
_LABELLED = re.compile(r"([^\W\d]\w*) *[:=] *([^\s,;:=]+)")
"""A cell of a line such as `video: 3, onset=5`."""


def as_sheet(raw: bytes, name: str) -> Sheet | None:
    """The content of such a file as a sheet; None for any other file.

    Raises:
        DataError: it has such a form but is damaged, would execute code, or holds no such rows.
    """
    value = content(raw)
    if value is None:
        if b"\n|" in raw and b"|-" in raw and (lines := _piped(raw.decode("utf-8-sig", "replace"))):
            return of_text(lines, "", name)
        if b"\0" in raw or raw.count(b":") + raw.count(b"=") < _FEWEST:
            return None
        rows = labelled(raw.decode("utf-8-sig", "replace"))
        return sheet_of(name, rows) if rows else None
    if isinstance(value, Mapping) and {"cells", "nbformat"} <= value.keys():
        return _of_notebook(value, name)
    if (sheet := _sheet(value, name)) is None:
        raise DataError(
            "no row names a video with an interval or a class: expected a list of rows with names, or the "
            "intervals of each video, as ActivityNet writes them"
        )
    return sheet


def _sheet(value: Any, name: str) -> Sheet | None:
    """The rows of a value as a sheet; lists of cells count as lines of text without column names."""
    if isinstance(value, list) and value and all(isinstance(row, list) and not is_nested(row) for row in value):
        return (
            of_text("".join("\t".join(map(str, row)) + "\n" for row in value), "", name) if len(value[0]) > 2 else None
        )
    if isinstance(value, Mapping) and (lines := [*_wide(value)]):
        return _sheet(lines, name)
    rows = table_of(value)
    return sheet_of(name, rows) if rows else None


def _wide(value: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The rows of videos, or of a single array, with more than onset, offset and confidence, as lines without column
    names.
    """
    tables = [part for part in value.values() if isinstance(part, list) and part]
    rows = [row for part in tables for row in part]
    if len(tables) < len(value) or not rows or not all(isinstance(row, list) and not is_nested(row) for row in rows):
        return
    whole = all(len(row) == len(INTERVAL_CELLS) and row == sorted(map(_whole, row)) for row in rows)  # with an apex
    if whole or any(len(row) > len(INTERVAL_CELLS) for row in rows):
        alone = len(value) == 1 and (
            re.fullmatch(r"arr_\d+", next(iter(value))) or any(isinstance(n, str) for n in rows[0])
        )
        yield from rows if alone else ([video, *map(_whole, row)] for video, part in value.items() for row in part)


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _piped(text: str) -> str:
    """The lines of a table of Markdown with tabs between their cells."""
    lines = [
        line.split("|") for line in re.findall(r"^[ \t]*\|(.+)\|[ \t]*$", text, re.MULTILINE) if {*line} - {*"|-: "}
    ]
    return "".join("\t".join(map(str.strip, cells)) + "\n" for cells in lines)


def labelled(text: str) -> list[Row]:
    r"""The rows of lines that name each of their cells; empty if no line does. A line with only a video lists it; other
    lines are left out.

    Raises:
        DataError: a line names two cells of an interval but not all.

    >>> labelled("epoch 2 is done\n[INFO] video: a, onset: 3, offset: 9\n")
    [{'video': 'a', 'onset': '3', 'offset': '9'}]
    """
    lines = text.rstrip().splitlines()
    rows = [dict(_LABELLED.findall(line)) for line in lines]
    known = [len(KNOWN & {*map(plain_name, row)}) for row in rows]
    if max(known, default=0) < _FEWEST:
        return []
    columns = rows[known.index(max(known))]
    known[-1] = max(
        known[-1], min(len(columns.keys() & re.findall(r"\w+", lines[-1])), 2)
    )  # it may be cut before a value
    for number, names in enumerate(known, 1):
        if 1 < names < _FEWEST:
            raise DataError(
                f"line {number} names {names} of the {len(columns)} cells of the other lines: is it cut off?"
            )
    return [row for row, n in zip(rows, known) if n >= _FEWEST or {*map(plain_name, row)} & {*ALIASES["video"]}]


def content(raw: bytes) -> Any:
    """Lists, dicts, numbers and text from a file of NumPy, a pickle, JSON, lines of JSON or a notebook; None for other
    files.

    Raises:
        DataError: it is damaged, or a pickle that would execute code.
    """
    try:
        if raw.startswith(b"\x93NUMPY"):
            file = io.BytesIO(raw)
            header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
            shape, _, kind = header[np.lib.format.read_magic(file)[0]](file)
            if kind.hasobject:
                return _plain(unpickled(file))
            _few(prod(shape) * kind.itemsize // 8)
            return _plain(np.load(io.BytesIO(raw), allow_pickle=False))
        if raw.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                inside = archive.namelist()
                if all(name.endswith(".npy") for name in inside):
                    _few(sum(entry.file_size for entry in archive.infolist()) // 8)
                    return {name.removesuffix(".npy"): content(archive.read(name)) for name in inside}
                return None
    except zipfile.BadZipFile as error:  # the reader of workbooks reports this
        if b".npy" in raw[:100]:
            raise DataError("it begins like NumPy arrays but is damaged: is the file cut off?") from error
        return None
    except (ValueError, KeyError, EOFError) as error:
        raise DataError(f"it begins like a NumPy array but is damaged ({error})") from error
    if raw[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or (
        raw[:1] in (b"(", b"]", b"}") and raw.rstrip().endswith(b".")
    ):
        return _plain(unpickled(io.BytesIO(raw)))
    text = raw.decode("utf-8-sig", "replace").strip()
    if not text.startswith(("{", "[", "(")) or not _BRACKET.match(text):
        return None
    with suppress(ValueError):
        return _parsed(text)
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            values += [_parsed(line)] if line.strip() else []
        except ValueError as error:
            if text.startswith("("):  # a line of text
                return None
            if values:
                raise DataError(f"line {number} is not JSON ({error}): is the file cut off?") from error
            raise DataError(f"it begins like JSON but is not valid ({error}): is the file cut off?") from error
    return values


def _parsed(text: str) -> Any:
    """A value as JSON or Python prints it, also with arrays.

    Raises:
        ValueError: it is neither, or Python abbreviated it.

    >>> _parsed("{'a': [(np.int64(3), 9)], 'b': array([[1., 2.]], dtype=float32)}")
    {'a': [[3, 9]], 'b': [[1.0, 2.0]]}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists are nested thousands deep") from None
    except ValueError as error:
        plain = re.sub(r"\bnan\b", "None", re.sub(r", *(?:dtype|device)=[^,)]*", "", _CALLED.sub("(", text)))
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            if "..." not in plain:
                return _plain(ast.literal_eval(plain))
        raise error


def _few(numbers: int) -> None:
    """Refuse more numbers than answers have, which a small file may expand to."""
    if numbers > MOST_NUMBERS:
        raise DataError(f"it expands to {numbers:,} numbers, and {MOST_NUMBERS:,} are read: save the rows as CSV")


def _plain(value: Any) -> Any:
    """The value without arrays and objects."""
    if isinstance(value, Bare):
        return _plain(vars(value))
    if isinstance(value, np.ndarray | np.generic):
        _few(value.size)
        plain, names = value.tolist(), value.dtype.names
        return _plain(plain if names is None else [dict(zip(names, row)) for row in plain])
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple | set) else value


def _of_notebook(notebook: Mapping[str, Any], name: str) -> Sheet:
    """The longest table in the output of its cells, or else in the cells: lines of cells, lines with named cells, a
    table in Markdown or HTML, or a value as Python prints it.
    """
    sheets = [of_text(printed(notebook), "", name)]
    sources = ["".join(cell.get("source", ())) for cell in notebook["cells"]]
    outputs = _outputs(notebook, "text", "text/plain") + _outputs(notebook, "text/markdown", "text/html")
    for text in outputs + ([] if sheets[0].text.strip() else sources):
        if rows := labelled(text):
            sheets.append(sheet_of(name, rows))
        marked = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S) for row in re.findall(r"<tr.*?</tr>", text, re.S)]
        lines = _piped(text) or "".join("\t".join(map(unescape, cells)) + "\n" for cells in marked)
        sheets.append(of_text(lines, "", name))
        if (start := _BRACKET.search(text)) is not None:
            with suppress(DataError):
                value = content(text[start.end() : 1 + max(map(text.rfind, "]})"))].encode())
                sheets += [sheet] if (sheet := _sheet(value, name)) is not None else []
    return max(sheets, key=lambda sheet: sum(1 for _ in sheet.lines()))


def _outputs(notebook: Mapping[str, Any], *forms: str) -> list[str]:
    """The outputs of its cells in some forms, in order."""
    every = (
        {**o.get("data", {}), "text": o.get("text", ())} for cell in notebook["cells"] for o in cell.get("outputs", ())
    )
    return ["".join(output.get(form, ())) for output in every for form in forms]


def printed(notebook: Mapping[str, Any]) -> str:
    r"""The longest table in the output of a notebook: lines with equally many cells, two of them numbers, below a
    header.

    >>> printed({"cells": [{"outputs": [{"text": ["k = 6\n", "a,1,9,me\n", "b,4,7,me\n"]}]}]})
    'a,1,9,me\nb,4,7,me'
    """
    lines = "\n".join(_outputs(notebook, "text", "text/plain")).splitlines()

    def width(line: str) -> int:
        cells = line.replace(",", " ").replace(";", " ").split()
        return len(cells) if len(cells) >= _FEWEST and sum(map(bool, map(_NUMBER.fullmatch, cells))) >= 2 else 0

    runs = [(cells, [*some]) for cells, some in groupby(lines, width)]
    place = max(range(len(runs)), key=lambda n: len(runs[n][1]) if runs[n][0] else 0, default=0)
    above = runs[place - 1][1][-1:] if place else []
    if any(line.startswith("..") for _, near in runs[max(place - 1, 0) : place + 2] for line in (near[0], near[-1])):
        raise DataError(
            "a notebook shows only the first and the last rows of its table: print it whole, with "
            "pandas.set_option('display.max_rows', None), or save it as CSV"
        )
    header = [line for line in above if len(KNOWN & {*map(plain_name, re.split(r"[\s,;]+", line))}) > 1]
    table = header + runs[place][1] if runs and runs[place][0] else []
    if header and not re.search("[,;\t]", header[0]):  # a table of pandas, in columns of blanks, its index before them
        width_of_header = len(header[0].split())
        table = ["\t".join(line.split()[-width_of_header:]) for line in table]
    return "\n".join(table)


def sheet_of(name: str, rows: Sequence[Row]) -> Sheet:
    """Rows as a sheet of that name, with every column that occurs."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return made(name, columns, ([row.get(column) for column in columns] for row in rows))


def headed(sheet: Sheet) -> tuple[Sheet, str] | None:
    r"""Rows of intervals without column names, with names added, and these in words; None for other rows.

    The first cell names the video, or the first two the subject and the video; the first two numbers are onset and
    offset, with the apex between them if three whole numbers increase in every row that has any; a word is the kind or the
    label; the last number is the confidence.

    >>> headed(of_text("a 1.5 2.5 micro 0.5\nb 3 4 macro 0.25\n", "", "it"))[1]
    'video, onset, offset, kind, confidence'
    """
    lines = [line for line in sheet.text.splitlines() if line.strip()]
    split = ([line.split(None if sign == " " else sign) for line in lines] for sign in SEPARATORS)
    for rows in split if lines else [[list(cells) for _, cells in sheet.rows]]:
        width = len(rows[0])
        if width < _FEWEST or any(len(row) != width for row in rows):
            continue
        cells = [[row[place].strip() for row in rows] for place in range(width)]
        numeric = [all(_NUMBER.fullmatch(cell) or cell.casefold() in BLANK for cell in column) for column in cells]
        numbers = [place for place in range(1, width) if numeric[place]]
        words = [place for place in range(1, width) if not numeric[place]]
        if len(numbers) < 2:
            continue
        names = {0: "video"}
        if words[:1] == [1]:
            names |= {0: "subject", 1: "video"}
            words = words[1:]
        rising = len(numbers) > 2 and all(
            all(cell.isdigit() for cell in three) and int(three[0]) <= int(three[1]) <= int(three[2])
            for three in zip(*(cells[place] for place in numbers[:3]))
            if not BLANK.issuperset(map(str.casefold, three))  # a video without expressions
        )
        ends = ("onset", "apex", "offset") if rising else ("onset", "offset")
        names |= dict(zip(numbers, ends))
        names |= {place: "kind" if all(map(kind_of, cells[place])) else "label" for place in words[:2]}
        names |= dict.fromkeys(numbers[len(ends) :][-1:], "confidence")
        named = [names.get(place, f"column {place + 1}") for place in range(width)]
        if len(set(named)) < width:
            continue
        return made(sheet.file, named, zip(*cells)), ", ".join(named)
    return None
