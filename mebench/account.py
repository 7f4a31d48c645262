"""What a source holds, what is taken of it, and why not all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNSAID = "for a reason that no reader gave"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things of a source that are not taken, for one reason.

    Attributes:
        unit: name of one such thing, `row`, `key`, `sheet`, `file`.
        n: their number.
        reason: the reason, in words.
        which: names or lines of the first of them.
    """

    unit: str
    n: int
    reason: str
    which: str = ""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What became of a column of a source.

    Attributes:
        column: its name in the source.
        use: content, as it is read; empty where it is not read.
        why: how that was known.
    """

    column: str
    use: str
    why: str


@dataclass
class Account:
    """The number of things that a source holds, and of those that are taken.

    What it holds is counted before it is interpreted, so that nothing gets lost between: taken and left out are all that is held.

    Attributes:
        source: name of the source: `predictions`, `truth`, a folder.
        held: number of things by their unit.
        left_out: things that are not taken.
        columns: its columns, in their order.
    """

    source: str
    held: dict[str, int] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    columns: list[ColumnUse] = field(default_factory=list)

    def hold(self, unit: str, n: int) -> None:
        """Count things that the source holds."""
        self.held[unit] = self.held.get(unit, 0) + n

    def leave_out(self, unit: str, n: int, reason: str, which: str = "") -> None:
        """Tell that some of them are not taken."""
        if n:
            self.left_out.append(LeftOut(unit, n, reason, which))

    def close(self, unit: str, taken: int) -> None:
        """Compare the number of things that were taken with those that should be: what is missing is left out, too."""
        self.leave_out(unit, self.count_taken(unit) - taken, UNSAID)

    def count_taken(self, unit: str) -> int:
        """Number of things that are taken."""
        return self.held.get(unit, 0) - sum(part.n for part in self.left_out if part.unit == unit)

    def plain(self) -> list[dict[str, Any]]:
        """Plain data for JSON, an entry for each unit."""
        return [
            {
                "source": self.source,
                "unit": unit,
                "held": held,
                "taken": self.count_taken(unit),
                "left_out": [
                    {"n": part.n, "reason": part.reason, "which": part.which}
                    for part in self.left_out
                    if part.unit == unit
                ],
            }
            for unit, held in self.held.items()
        ]


def plain_accounts(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """The entries of several accounts, as plain data."""
    return [entry for account in accounts for entry in account.plain()]


def account_lines(entries: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each entry of plain accounts.

    >>> account = Account("predictions")
    >>> account.hold("row", 5)
    >>> account.leave_out("row", 2, "a note or a sum", "lines 6 and 7")
    >>> account_lines(account.plain())
    ['predictions: 3 of 5 rows taken; left out: 2, a note or a sum (lines 6 and 7)']
    """
    lines = []
    for entry in entries:
        units = entry["unit"] if entry["held"] == 1 else f"{entry['unit']}s"
        parts = []
        for part in entry["left_out"]:
            which = f" ({part['which']})" if part["which"] else ""
            parts.append(f"{part['n']}, {part['reason']}{which}")
        rest = f"; left out: {'; '.join(parts)}" if parts else ""
        lines.append(f"{entry['source']}: {entry['taken']} of {entry['held']} {units} taken{rest}")
    return lines


def column_lines(columns: Sequence[Mapping[str, str]], verbose: bool) -> list[str]:
    """What became of the columns of each source, in a line; with why, if that is wanted.

    Short, it names the columns that are not called after what they hold.

    Args:
        columns: `source`, `column`, `read_as` and `why` of each.
        verbose: whether every column is told of, and why.

    >>> rows = [("pred", "video", "video", "name"), ("pred", "final", "emotion", "--column"), ("pred", "n", "", "holds numbers")]
    >>> columns = [dict(zip(("source", "column", "read_as", "why"), row)) for row in rows]
    >>> column_lines(columns, verbose=False)
    ["pred: read 'final' as emotion (--column)"]
    >>> column_lines(columns, verbose=True)
    ["pred: columns: 'video' is video (name); 'final' is emotion (--column); 'n' is not read (holds numbers)"]
    """
    lines = []
    for source in dict.fromkeys(one["source"] for one in columns):
        own = [one for one in columns if one["source"] == source]
        if verbose:
            parts = [f"{one['column']!r} is {one['read_as'] or 'not read'} ({one['why']})" for one in own]
            lines.append(f"{source}: columns: {'; '.join(parts)}")
            continue
        renamed = [one for one in own if one["read_as"] and one["read_as"] != one["column"].casefold()]
        if renamed:
            parts = [f"{one['column']!r} as {one['read_as']} ({one['why']})" for one in renamed]
            lines.append(f"{source}: read {', '.join(parts)}")
    return lines
