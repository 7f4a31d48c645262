"""Why a score has no interval: as data, in the words that a summary keeps, and read back for those who word it otherwise."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from mebench.output.terminal import format_count

SAME_WITHOUT_ANY = "it is the same whoever is left out, which says nothing of others"
ONE_SUBJECT_EACH = "there is one subject of each dataset, so nothing says how others would score"
MOVES_IN_STEPS = (
    "it moves in steps as a median does, so leaving people out gives it no interval: its metric needs kind='order'"
)
UNDEFINED_WITHOUT_ONE = "without one of the subjects it is undefined"


class ThinSupport(NamedTuple):
    """The too small data behind a score, or behind one class of it.

    Attributes:
        owner: name of the class, after the name of the part if parts are scored by themselves; `it` for the score itself.
        amount: number of samples, subjects or people, in words.
    """

    owner: str
    amount: str

    @classmethod
    def of_class(cls, name: str, samples: int, subjects: int) -> "ThinSupport":
        """The samples of a class, and the subjects who show it."""
        return cls(name, f"{format_count(samples, 'sample')} of {format_count(subjects, 'subject')}")


_STORED = re.compile(r"(.+?) rests on (no subject|\d+ people|\d+ samples? of \d+ subjects?)(; |, |$)")


def store_supports(supports: Iterable[ThinSupport]) -> str:
    """The reason in a summary, from what is too little.

    >>> store_supports([ThinSupport.of_class("fear", 2, 1)])
    'fear rests on 2 samples of 1 subject'
    """
    return ", ".join(f"{support.owner} rests on {support.amount}" for support in supports)


def read_supports(reason: str) -> list[tuple[ThinSupport, str]]:
    """The too small supports of a reason in a summary, each with its separator.

    The separator is the one after it. Empty for another reason.

    >>> read_supports("fear rests on 2 samples of 1 subject")
    [(ThinSupport(owner='fear', amount='2 samples of 1 subject'), '')]
    >>> read_supports(SAME_WITHOUT_ANY)
    []
    """
    found = [(ThinSupport(owner, amount), separator) for owner, amount, separator in _STORED.findall(reason)]
    return found if found and found[-1][1] == "" else []
