"""Notes on settings in tables for papers: what was not as the method's paper, or its released program, has it."""

import re
from collections.abc import Sequence

from mebench.boards.rows import BoardRow
from mebench.records.changed_settings import changed_settings


def note_settings(rows: Sequence[BoardRow]) -> list[str]:
    """The changed settings of each row, see `changed_settings`; empty for levels of chance."""
    return [
        changed_settings(row.method, row.settings, str(row.facts.get("unpublished") or "")) if row.measured else ""
        for row in rows
    ]


def number_notes(notes: Sequence[str]) -> dict[str, int]:
    """The number of each different note, from 1, in their order.

    >>> number_notes(["epochs=10", "", "audit=leak", "epochs=10"])
    {'epochs=10': 1, 'audit=leak': 2}
    """
    different = dict.fromkeys(note for note in notes if note)
    return {note: number for number, note in enumerate(different, 1)}


def raised_number(number: int) -> str:
    """The number of a note, raised.

    >>> raised_number(12)
    '¹²'
    """
    return str(number).translate(_RAISED)


def raise_numbers_in_latex(text: str) -> str:
    r"""Text for LaTeX whose raised numbers fonts without these signs show, too.

    >>> print(raise_numbers_in_latex("¹² epochs=10"))
    \textsuperscript{12} epochs=10
    """
    plain = {raised: digit for digit, raised in zip(_DIGITS, _RAISED_DIGITS)}
    return re.sub(
        f"[{_RAISED_DIGITS}]+",
        lambda found: rf"\textsuperscript{{{''.join(plain[sign] for sign in found[0])}}}",
        text,
    )


_DIGITS = "0123456789"
_RAISED_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISED = str.maketrans(_DIGITS, _RAISED_DIGITS)
