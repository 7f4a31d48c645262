"""Labels of several levels of the rows and columns of a pandas table.

In JSON `to_json` writes such a label as a list, or as text: `"('01', 'EP02')"`.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mebench.annotations.names import KNOWN, plain_name
from mebench.errors import DataError
from mebench.exchange.plain_values import parse_printed
from mebench.grouping import group_by

NAMES_OF_LEVELS = ("dataset", "subject", "video")
"""Contents of the levels of an index of rows, the last one last."""


def levels_of(label: Any) -> list[Any] | None:
    """The levels of a label that has several; None for a plain one.

    >>> levels_of("('01', 'EP02')"), levels_of(["01", "EP02"]), levels_of("EP02 (left)"), levels_of("(left)")
    (['01', 'EP02'], ['01', 'EP02'], None, None)
    """
    if isinstance(label, str) and label.startswith("(") and label.endswith(")"):
        with suppress(ValueError, DataError):
            label = parse_printed(label)
    if not isinstance(label, list) or len(label) < 2:
        return None
    are_plain = not any(isinstance(level, list | dict) for level in label)
    return label if are_plain else None


def headers_of(labels: Sequence[Any]) -> list[str]:
    """A name for each column, with its levels joined.

    The last level alone stands for them if only it is a name that is known.

    >>> headers_of(["('pred', 'onset')", ["info", "video"], ["subject", ""], "offset"])
    ['pred onset', 'video', 'subject', 'offset']
    """
    joined = [_label_in_one_word(label) for label in labels]
    last_levels = [str((levels_of(label) or [label])[-1]) for label in labels]
    headers = []
    for name, last in zip(joined, last_levels):
        stands_alone = plain_name(name) not in KNOWN and plain_name(last) in KNOWN
        headers.append(last if stands_alone and last_levels.count(last) == 1 else name)
    return headers


def _label_in_one_word(label: Any) -> str:
    """The levels of a label that are not empty, with a blank between them; a plain label as it is."""
    levels = levels_of(label)
    if levels is None:
        return str(label)
    return " ".join(str(level) for level in levels if level not in ("", None))


def cells_of_index(labels: Sequence[Any]) -> list[dict[str, Any]]:
    """The cells that the labels of rows hold: video, subject and dataset.

    A last level that counts the rows of each video from 0 holds nothing, and so do labels that count all rows.

    >>> cells_of_index(["('01', 'EP02')", "('02', 'EP02')"])
    [{'subject': '01', 'video': 'EP02'}, {'subject': '02', 'video': 'EP02'}]
    >>> cells_of_index([["EP02", 0], ["EP02", 1]]), cells_of_index(["EP02"]), cells_of_index(["0", 1])
    ([{'video': 'EP02'}, {'video': 'EP02'}], [{'video': 'EP02'}], [{}, {}])
    """
    levels = [levels_of(label) for label in labels]
    depths = {len(label) for label in levels if label is not None}
    if None in levels or len(depths) != 1:
        are_names = all(isinstance(label, str) and levels_of(label) is None and not label.isdigit() for label in labels)
        return [{"video": label} if are_names else {} for label in labels]
    named = [label for label in levels if label is not None]
    if _last_level_counts(named):
        named = [label[:-1] for label in named]
    if len(named[0]) > len(NAMES_OF_LEVELS):
        return [{} for _ in labels]
    return [dict(zip(NAMES_OF_LEVELS[-len(label) :], label)) for label in named]


def _last_level_counts(labels: Sequence[list[Any]]) -> bool:
    """Whether the last level numbers the rows of each video from 0."""
    groups = group_by(labels, key=lambda label: tuple(map(str, label[:-1])))
    return all([str(label[-1]) for label in group] == [str(n) for n in range(len(group))] for group in groups.values())
