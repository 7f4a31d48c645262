"""Which difference between two rows of a board would have been found: what a tie leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from mebench.boards.named_boards import BoardContent
from mebench.boards.rows import BoardRow
from mebench.lazy_imports import load_lazily
from mebench.metrics.catalogue import find_metric
from mebench.metrics.compared_tables import LEVEL, detectable_difference

if TYPE_CHECKING:
    import numpy as np
    import scipy
else:
    np = load_lazily("numpy")
    scipy = load_lazily("scipy")

LEAST_ERRORS, MOST_ERRORS = 0.5, 2.5
"""Pairs whose difference is so many standard errors show the error: of nearer ones it is a small number over a small number,
and of farther ones hardly a draw of people says otherwise."""
MANY = 10**6
"""Degrees of freedom of normal quantiles: a table does not hold the number of its people."""


@dataclass(frozen=True)
class Detectable:
    """True differences that a board finds in 4 of 5 cases. They are in the units of its score.

    Attributes:
        of_pair: between two rows, if they alone are compared.
        of_all: between two rows, if all pairs of the board are.
        n_pairs: number of these pairs.
        label: label of the score.
    """

    of_pair: float
    of_all: float
    n_pairs: int
    label: str


def find_detectable(content: BoardContent) -> Detectable | None:
    """What a board can find; None where that is not known. It follows from how often draws of other people turn its pairs round.

    The share of draws in which one row is better gives their difference in standard errors (`docs/reference/ranks.md`, *Several
    datasets*), and with it the error. The typical error is the median over pairs that say it well. For all pairs together the
    level of each test is divided by their number, which is never too small.
    """
    errors = list(_errors_of_pairs(content))
    if not errors:
        return None
    typical = float(np.median(errors))
    n_pairs = len(content.rows) * (len(content.rows) - 1) // 2
    of_pair = detectable_difference(typical, MANY)
    of_all = detectable_difference(typical, MANY, LEVEL / n_pairs)
    if of_pair is None or of_all is None:
        return None
    return Detectable(of_pair, of_all, n_pairs, find_metric(content.score).label)


def _errors_of_pairs(content: BoardContent) -> Iterator[float]:
    """The standard error of the difference of each pair of rows that says it well."""
    for first, second in combinations(content.rows, 2):
        share = share_of_draws(content, first, second)
        one, other = content.value(first), content.value(second)
        if share is None or one is None or other is None or not 0 < share < 1:
            continue
        n_errors = float(scipy.special.ndtri(share))
        if LEAST_ERRORS <= abs(n_errors) <= MOST_ERRORS:
            yield abs((one - other) / n_errors)


def share_of_draws(content: BoardContent, first: BoardRow, second: BoardRow) -> float | None:
    """The share of draws of people in which one row is better than another. A tie counts half; None if they were not drawn together."""
    for part in content.parts:
        rivals = [id(row) for row in part.find_rivals(first)]
        if id(first) in rivals and id(second) in rivals:
            return first.beats[rivals.index(id(second))]
    return None


def mean_rank(content: BoardContent, row: BoardRow) -> float | None:
    """The mean rank of a row over draws of other people. It is taken among the rows of the board; None if some were not drawn together.

    It is one more than the mean number of rows of the board that are better in a draw.
    """
    shares = [share_of_draws(content, row, other) for other in content.rows if other is not row]
    known = [share for share in shares if share is not None]
    if not known or len(known) < len(shares):
        return None
    return 1 + sum(1 - share for share in known)


def power_sentence(content: BoardContent, tied: str = "*Tied*") -> str:
    """What a tie on a board leaves open, as a sentence; empty where nothing is tied or known.

    Args:
        content: the board.
        tied: how the page writes the word.
    """
    is_tied = any(content.tied_ranks(place) for place in content.places)
    found = find_detectable(content) if is_tied else None
    if found is None:
        return ""
    of_pair, of_all = _shortly(found.of_pair), _shortly(found.of_all)
    return (
        f"{tied} is not equal: with these people a true difference of about {of_pair} {found.label} between two rows shows in 4 of 5 "
        f"cases (reliably) if they alone are compared, of about {of_all} among all {found.n_pairs} pairs, and smaller ones less often."
    )


def power_words(content: BoardContent) -> str:
    """The least true difference that a board finds in 4 of 5 cases, in words; empty where that is not known."""
    found = find_detectable(content)
    return f"a true difference shows reliably from about {_shortly(found.of_all)} on" if found else ""


def _shortly(value: float) -> str:
    """A difference with two digits after the point; a larger one with one.

    >>> _shortly(0.0783), _shortly(12.34)
    ('0.08', '12.3')
    """
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"
