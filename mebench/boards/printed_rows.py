"""Values that papers print, for a table of measured rows: which lines, their names, digits and marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mebench.boards.rows import PublishedLine
from mebench.output.number_format import NONE
from mebench.records.published import CAVEATS

MARKS = ("†", "‡", "††", "‡‡", "†††", "‡‡‡")
"""The marks of caveats, in the order of `CAVEATS`."""


def select_lines(
    lines: Sequence[PublishedLine], metrics: Sequence[str], names: Sequence[str] = ()
) -> list[PublishedLine]:
    """The lines that print one of some scores, by year.

    Args:
        lines: published lines of a part of a table.
        metrics: scores of the table.
        names: methods that are wanted; all by default.
    """
    printed = [line for line in lines if not line.values.keys().isdisjoint(metrics)]
    wanted = [line for line in printed if not names or any(is_named(line, name) for name in names)]
    return sorted(wanted, key=lambda line: (line.year is None, line.year or 0))


def is_named(line: PublishedLine, name: str) -> bool:
    """Whether a name means the method of a line, by letters and digits alone.

    >>> line = PublishedLine("OFF-ApexNet (user's run)", 2019, "", "loso", 3, {}, {}, "a", "Table 2", "")
    >>> is_named(line, "off_apexnet"), is_named(line, "ststnet")
    (True, False)
    """
    method = line.method.partition(" (")[0]
    return _plain_letters(method) == _plain_letters(name)


def _plain_letters(name: str) -> str:
    """The letters and digits of a name, small."""
    return re.sub(r"[\W_]", "", name.casefold())


def name_lines(lines: Sequence[PublishedLine]) -> list[str]:
    """The name of each line: method and year, and the number of classes where lines differ in it."""
    has_several = len({line.classes for line in lines}) > 1
    names = []
    for line in lines:
        method, _, variant = line.method.removesuffix(")").partition(" (")
        year = str(line.year or "")
        classes = f"{line.classes} classes" if has_several and line.classes else ""
        about = ", ".join(filter(None, [variant, year, classes]))
        names.append(f"{method} ({about})" if about else method)
    return names


def mark_caveats(lines: Sequence[PublishedLine], metrics: Sequence[str]) -> dict[str, str]:
    """The mark of each caveat that a shown value of some lines has."""
    found: set[str] = set()
    for line in lines:
        for metric in metrics:
            found.update(line.caveats.get(metric, ()))
    return dict(zip((caveat for caveat in CAVEATS if caveat in found), MARKS))


def values_in_print(line: PublishedLine, metrics: Sequence[str], marks: Mapping[str, str]) -> dict[str, str]:
    """The values of a line with the source's digits and the marks of caveats."""
    texts = {}
    for metric in metrics:
        caveats = line.caveats.get(metric, ())
        texts[metric] = line.values.get(metric, NONE) + ",".join(marks[caveat] for caveat in caveats)
    return texts
