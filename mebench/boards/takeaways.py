"""The sentence to take away from a named board: its numbers and its comparisons come from the tables.

In `boards.yaml` a sentence names in braces what is filled in:

- `{first}`, `{last}`, `{first_name}`, `{rows}`: best and worst score, the best method's name, the number of rows;
- `{score METHOD}`, `{name METHOD}`: score and name of a row; `{all_kinds METHOD}` and `{later METHOD}` of rescored answers;
- `{first @ BOARD}` and all others: the same of another board; `{below METHOD}`: the number of rows below a row's score;
- `{low_gain}`, `{high_gain}`: the least and the largest gain of a board of selection; `{low_gain first}`, `{high_gain first}`: the
  same of the first board in it, `{first_board}`; `{boards}`: how many boards are in it;
- `{better METHOD > METHOD, METHOD}`: the sentence that one row is better than others;
- `{alike METHOD, METHOD}`, `{alike}`: that rows, or no two rows, are distinguishable;
- `{leaders N}`: that the first N rows lead and are not distinguishable;
- `{lead}`: who leads, and from whom the leader is not distinguishable.

A comparison that the significance groups do not bear is refused, and so are a sentence that compares in words of its own, and one with a
score that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from mebench.boards.method_names import name_with_details, presets_in
from mebench.boards.named_boards import BoardContent, RescoredSystem
from mebench.boards.power import power_words
from mebench.boards.rows import BoardRow
from mebench.errors import ConfigError, check_known
from mebench.metrics.catalogue import METRICS
from mebench.output.number_format import format_table_number

BLANK = re.compile(r"\{([^{}]+)\}")
OWN_COMPARISON = re.compile(r"\b(better|worse|distinguishable|significant\w*|tied)\b")
OWN_TIE = re.compile(r"\{(?:alike|leaders|lead)\b[^{}@]*\}")
"""A blank that may say of the board's own rows that they are not distinguishable."""
OWN_SCORE = re.compile(r"\d*\.\d+")
MOST_NAMED = 3
"""Most rows that a sentence names; more are counted."""


class ClaimError(ConfigError):
    """A sentence says what the tables do not."""


Gains = Mapping[str, Mapping[str, Sequence[float]]]
"""The gains of the rows of each board of selection: by the board's id, then by the short name of the board where they were measured."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""Numbers that sentences write in words."""


def takeaway_of(content: BoardContent, contents: Sequence[BoardContent], gains: Gains) -> str:
    """The sentence to take away from a board.

    Args:
        content: the board.
        contents: all boards, which a sentence may quote.
        gains: gains of boards of selection.

    Raises:
        ClaimError: the sentence says what the tables do not.
        ConfigError: it names an unknown blank, row or board.
    """
    sentence = content.board.takeaway or "{lead}."
    words = BLANK.sub("", sentence)
    if found := OWN_COMPARISON.search(words) or OWN_SCORE.search(words):
        raise ClaimError(
            f"the sentence of board {content.board.id} says {found.group()!r} in words of its own: let {{better A > B}}, {{alike}}, "
            "{lead} or {score A} say it from the tables"
        )
    of_board = {one.board.id: one for one in contents}
    filled = BLANK.sub(lambda blank: _fill(blank.group(1), content, of_board, gains), sentence)
    sentences = filled[:1].upper() + filled[1:]
    if not OWN_TIE.search(sentence) or "distinguishable" not in filled:
        return sentences
    # A tie is no sign of equality, and who reads one sentence alone must not take it for one.
    power = power_words(content)
    return f"{sentences} {power[:1].upper()}{power[1:]}, so a tie is not equality." if power else sentences


def _fill(blank: str, content: BoardContent, of_board: Mapping[str, BoardContent], gains: Gains) -> str:
    """The text of one blank."""
    asked, _, other = (part.strip() for part in blank.partition("@"))
    if other:
        check_known("board", other, of_board, where=f"the sentence of board {content.board.id}")
        content = of_board[other]
    word, _, rest = asked.partition(" ")
    if word in GAIN_FILLS:
        of_boards = gains.get(content.board.id) or {}
        if not of_boards:
            raise ClaimError(f"board {content.board.id} has no gain, which its sentence names")
        return GAIN_FILLS[word](of_boards, rest.strip())
    check_known("blank", word, FILLS, where=f"the sentence of board {content.board.id}")
    if not content.is_measured and not content.systems:
        raise ClaimError(f"board {content.board.id} has no row for its sentence")
    return FILLS[word](content, rest.strip())


def _gains_named(of_boards: Mapping[str, Sequence[float]], which: str) -> list[float]:
    """The gains of the first board, or of all."""
    if which == "first":
        return [*next(iter(of_boards.values()))]
    return [gain for gains in of_boards.values() for gain in gains]


def _low_gain(of_boards: Mapping[str, Sequence[float]], which: str) -> str:
    """The least gain."""
    return format_table_number(min(_gains_named(of_boards, which)))


def _high_gain(of_boards: Mapping[str, Sequence[float]], which: str) -> str:
    """The largest gain."""
    return format_table_number(max(_gains_named(of_boards, which)))


def _first_board(of_boards: Mapping[str, Sequence[float]], rest: str) -> str:
    """The short name of the first board."""
    return next(iter(of_boards))


def _boards(of_boards: Mapping[str, Sequence[float]], rest: str) -> str:
    """How many boards have gains, in words."""
    n_boards = len(of_boards)
    number = NUMBERS[n_boards] if n_boards < len(NUMBERS) else str(n_boards)
    return f"{number} board" if n_boards == 1 else f"{number} boards"


GAIN_FILLS: Mapping[str, Callable[[Mapping[str, Sequence[float]], str], str]] = {
    "low_gain": _low_gain,
    "high_gain": _high_gain,
    "first_board": _first_board,
    "boards": _boards,
}
"""The blanks of a board of selection by their first word."""


def _first(content: BoardContent, rest: str) -> str:
    """The best score."""
    return format_table_number(content.value(content.rows[0] if content.is_measured else content.systems[0].row))


def _last(content: BoardContent, rest: str) -> str:
    """The worst score."""
    return format_table_number(content.value(content.rows[-1] if content.is_measured else content.systems[-1].row))


def _first_name(content: BoardContent, rest: str) -> str:
    """The name of the best row."""
    return name_of_row(content.rows[0]) if content.is_measured else content.systems[0].row.method


def _rows(content: BoardContent, rest: str) -> str:
    """The number of rows."""
    return str(len(content.rows) or len(content.systems))


def _score(content: BoardContent, method: str) -> str:
    """The score of a row."""
    if content.is_measured:
        return format_table_number(content.value(find_row(content, method)))
    return format_table_number(content.value(_find_system(content, method).row))


def _name(content: BoardContent, method: str) -> str:
    """The name of a row."""
    return name_of_row(find_row(content, method))


def _count_worse(content: BoardContent, method: str) -> str:
    """The number of ranked rows that score worse than that of a method, as text."""
    worth = METRICS[content.score].sort_key
    own = worth(content.value(find_row(content, method)))
    return str(sum(worth(content.value(row)) < own for row in content.rows))


def _all_kinds(content: BoardContent, method: str) -> str:
    """The score of a rescored system over all kinds of expressions."""
    overall = _find_system(content, method).overall
    if overall is None:
        raise ClaimError(f"board {content.board.id} has no score of {method} over all kinds, which its sentence names")
    return format_table_number(content.value(overall))


def _later(content: BoardContent, method: str) -> str:
    """The score of a rescored system whose intervals are moved by half a window."""
    later = _find_system(content, method).later
    if later is None:
        raise ClaimError(f"board {content.board.id} has no moved intervals of {method}, which its sentence names")
    return format_table_number(content.value(later))


def _find_system(content: BoardContent, method: str) -> RescoredSystem:
    """A rescored system of a board by its name.

    Raises:
        ConfigError: the board has no such system.
    """
    systems = {system.row.method: system for system in content.systems}
    check_known("system", method, systems, where=f"the sentence of board {content.board.id}")
    return systems[method]


def find_row(content: BoardContent, method: str) -> BoardRow:
    """The best row of a method on a board, or a level of chance.

    Raises:
        ConfigError: the board has no such row.
    """
    rows = [*content.rows, *content.levels]
    check_known("row", method, {row.method for row in rows}, where=f"the sentence of board {content.board.id}")
    return next(row for row in rows if row.method == method)


def _are_alike(first: BoardRow, second: BoardRow) -> bool:
    """Whether two rows are not distinguishable: both were tested, and share a significance group."""
    return bool(set(first.groups) & set(second.groups))


def name_of_row(row: BoardRow, *details: str) -> str:
    """The name of a row in a sentence: with its presets, and with more details in brackets."""
    return name_with_details(row.method, *presets_in(row.settings), *details)


def _with_score(content: BoardContent, row: BoardRow) -> str:
    """Name and score of a row."""
    return name_of_row(row, format_table_number(content.value(row)))


def _better(content: BoardContent, rest: str) -> str:
    """That one row is better than others, which the groups must bear."""
    name, _, others = rest.partition(">")
    row = find_row(content, name.strip())
    worse = [find_row(content, other.strip()) for other in others.split(",")]
    worth = METRICS[content.score].sort_key
    for other in worse:
        is_tested = bool(row.groups and other.groups)
        if not is_tested or _are_alike(row, other) or worth(content.value(row)) <= worth(content.value(other)):
            raise ClaimError(
                f"the sentence of board {content.board.id} says that {row.method} is better than {other.method}, but their "
                f"significance groups are {row.group or 'none'} and {other.group or 'none'}: change takeaway in boards.yaml"
            )
    return f"{_with_score(content, row)} is better than {_names_in_words([_with_score(content, other) for other in worse])}"


def _alike(content: BoardContent, rest: str) -> str:
    """The sentence that some rows are not distinguishable, by default all with a rank. The groups must bear it."""
    rows = [find_row(content, name.strip()) for name in rest.split(",")] if rest else content.rows
    _check_alike(content, rows)
    if not rest:
        ends = f"{format_table_number(content.value(rows[-1]))} to {format_table_number(content.value(rows[0]))}"
        return f"no two of the {len(rows)} methods are distinguishable ({ends})"
    return f"{_names_in_words([_with_score(content, row) for row in rows])} are not distinguishable"


def _check_alike(content: BoardContent, rows: Sequence[BoardRow]) -> None:
    """Refuse rows of which two are distinguishable.

    Raises:
        ClaimError: the groups do not bear it.
    """
    for first, second in combinations(rows, 2):
        if not _are_alike(first, second):
            raise ClaimError(
                f"the sentence of board {content.board.id} says that {first.method} and {second.method} are not distinguishable, but "
                f"their significance groups are {first.group or 'none'} and {second.group or 'none'}: change takeaway in boards.yaml"
            )


def _lead(content: BoardContent, rest: str) -> str:
    """Who leads, and from whom the leader is not distinguishable."""
    if not content.is_measured:
        first = content.systems[0]
        words = f"{first.row.method} leads with {format_table_number(content.value(first.row))}"
        return words if len(content.systems) == 1 else f"{words}; published answers are not tested against each other"
    first_row, *others = content.rows
    words = f"{name_of_row(first_row)} leads with {format_table_number(content.value(first_row))}"
    if not others:
        return f"{words} as the only method"
    alike = [row for row in others if _are_alike(first_row, row)]
    if len(others) == 1 and first_row.group:
        return (
            f"{words}, {'and is not distinguishable from' if alike else 'and is better than'} {name_of_row(others[0])}"
        )
    if not first_row.group:
        return f"{words}; its rows were not tested against each other"
    if len(alike) == len(others):
        return f"{words}, and is not distinguishable from any of the {len(others)} others"
    if not alike:
        return f"{words}, and is better than all {len(others)} others"
    worse = [row for row in others if row.group and not _are_alike(first_row, row)]
    if len(worse) <= MOST_NAMED < len(alike):
        return f"{words}; it is distinguishable only from {_names_in_words([name_of_row(row) for row in worse])}"
    if len(alike) <= MOST_NAMED:
        other_settings = {first_row.method: "other settings of it"}
        names = [other_settings.get(row.method) or name_of_row(row) for row in alike]
        return f"{words}; it is not distinguishable from {_names_in_words(list(dict.fromkeys(names)))} alone"
    return f"{words}; it is not distinguishable from {len(alike)} of {len(others)} others"


def _leaders(content: BoardContent, rest: str) -> str:
    """That the first rows lead and are not distinguishable, which the groups must bear."""
    if not rest.isdecimal() or not 2 <= int(rest) <= len(content.rows):
        raise ConfigError(
            f"the sentence of board {content.board.id}: leaders takes a number from 2 to the {len(content.rows)} rows, not {rest!r}"
        )
    rows = content.rows[: int(rest)]
    _check_alike(content, rows)
    return f"{_names_in_words([_with_score(content, row) for row in rows])} lead and are not distinguishable"


def _names_in_words(names: Sequence[str]) -> str:
    """Names in words.

    >>> _names_in_words(["A"]), _names_in_words(["A", "B"]), _names_in_words(["A", "B", "C"])
    ('A', 'A and B', 'A, B and C')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


FILLS: Mapping[str, Callable[[BoardContent, str], str]] = {
    "first": _first,
    "last": _last,
    "first_name": _first_name,
    "rows": _rows,
    "score": _score,
    "name": _name,
    "below": _count_worse,
    "all_kinds": _all_kinds,
    "later": _later,
    "better": _better,
    "alike": _alike,
    "lead": _lead,
    "leaders": _leaders,
}
"""The blanks of a sentence by their first word."""
