"""What was noticed about a file and what was done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN = 3
"""So many lines are named; the others are counted."""


@dataclass
class Remarks:
    """Sentences for the user, in the order of noticing; none of them names a path, so that equal files give equal ones.

    Attributes:
        warnings: what was kept as it is, though it looks wrong or changes what a score means.
        repaired: what was read otherwise than it is written.
    """

    warnings: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Something looks wrong but was kept."""
        self.warnings.append(sentence)

    def repair(self, sentence: str) -> None:
        """Something was mended."""
        self.repaired.append(sentence)


def at_lines(lines: Iterable[int]) -> str:
    """Where something is: the first few lines by number, the others counted.

    >>> at_lines([4]), at_lines([9, 4]), at_lines(range(2, 102))
    ('line 4', 'lines 4 and 9', 'lines 2, 3, 4 and 97 more')
    """
    numbers = sorted(lines)
    shown = [str(number) for number in numbers[:SHOWN]]
    if len(numbers) == 1:
        return f"line {shown[0]}"
    if len(numbers) <= SHOWN:
        return f"lines {', '.join(shown[:-1])} and {shown[-1]}"
    return f"lines {', '.join(shown)} and {len(numbers) - SHOWN} more"
