"""Results as JSON for programs: files, standard output, single lines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mebench.errors import refused_by_system
from mebench.files import whole_file
from mebench.output.terminal import MOVING, escape_controls, print_lines


def write_json(data: Any, target: str | None, *lines: str) -> bool:
    """`data` into the file `target`, or for `-` onto standard output; nowhere for None.

    JSON lacks nan and infinity: they become null. A value of `data` may be an iterator of rows, flat mappings, each of which
    is written as soon as it is made: long tables then take no memory as text. A former file stays until all is written.

    Args:
        data: result for programs.
        target: the value of `--json`.
        lines: result for people, printed where standard output is left for them.

    Returns:
        Whether standard output is left for people.

    Raises:
        DataError: the file cannot be written.
    """
    if target is not None:
        later_pieces = _make_pieces(data)
        first_piece = next(later_pieces)  # an error here leaves the file as it is
        pieces = chain([first_piece], later_pieces)
        if target == "-":
            for piece in pieces:
                print(MOVING.sub(_escaped_for_json, piece), end="")
            return False
        with (
            refused_by_system(f"{target} cannot be written"),
            whole_file(Path(target)) as writing,
            writing.open("w", encoding="utf-8", newline="\n") as file,
        ):
            file.writelines(pieces)
    print_lines(*lines)
    return True


def _make_pieces(data: Any) -> Iterator[str]:
    """The text of data, in one piece but for the rows of iterators."""
    if not isinstance(data, dict) or not any(isinstance(value, Iterator) for value in data.values()):
        yield _indented(data) + "\n"
        return
    text_of_others = {key: _indented(value) for key, value in data.items() if not isinstance(value, Iterator)}
    before = "{\n"
    for key, value in data.items():
        yield f"{before}  {json.dumps(key, ensure_ascii=False)}: "
        if isinstance(value, Iterator):
            yield from _make_rows(value)
        else:
            yield text_of_others[key].replace("\n", "\n  ")  # texts hold no line feeds of their own
        before = ",\n"
    yield "\n}\n"


def _make_rows(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The text of rows as a value of the outermost object, row by row."""
    before = "[\n"
    for row in rows:
        cells = _CELLS.encode(_finite(row)).removeprefix("{").removesuffix("}")
        yield f"{before}    {{\n      {cells}\n    }}"
        before = ",\n"
    yield "[]" if before == "[\n" else "\n  ]"


_CELLS = json.JSONEncoder(separators=(",\n      ", ": "), ensure_ascii=False, allow_nan=False)
"""Writes a flat row as `_indented` does, in a tenth of its time: with `indent` Python's encoder is not the one in C."""


def _indented(data: Any) -> str:
    """Data as JSON for people and programs."""
    return json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False)


def _escaped_for_json(found: re.Match[str]) -> str:
    """A sign that would move the cursor, as JSON can write it; ends of lines remain."""
    sign = found[0]
    return sign if sign == "\n" else json.dumps(sign)[1:-1]


def json_line(data: Any) -> str:
    """`data` as JSON in one line, printable; nan and infinity become null."""
    return escape_controls(json.dumps(_finite(data), ensure_ascii=True, allow_nan=False))


def text_of_value(value: Any) -> str:
    """A value as the command line would take it.

    >>> text_of_value(None), text_of_value(True), text_of_value([1, "a"]), text_of_value("a b")
    ('null', 'true', '[1, "a"]', 'a b')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _finite(data: Any) -> Any:
    """Data with None in place of numbers that JSON cannot hold."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
