"""How numbers are written on the terminal, in tables and on pages: scores with intervals, counts, seconds."""

from collections.abc import Callable, Collection, Mapping

from mebench.score_type import Score

NONE = "–"
"""Placeholder for a missing number in tables."""


def format_number(value: float | None, places: int = 4, none: str = "-", sign: str = "") -> str:
    """A score with so many digits after the point.

    >>> format_number(0.36177), format_number(0.36177, 2, sign="+"), format_number(None)
    ('0.3618', '+0.36', '-')
    """
    return none if value is None else f"{value:{sign}.{places}f}"


def format_table_number(value: float | None, places: int = 3) -> str:
    """A number in a table: so many digits after the point, one from 10 on.

    >>> format_table_number(0.36177), format_table_number(0.36177, 4), format_table_number(19.04), format_table_number(None)
    ('0.362', '0.3618', '19.0', '–')
    """
    is_large = value is not None and not abs(value) < 10
    return format_number(value, 1 if is_large else places, NONE)


def shares_in_words(shares: Mapping[str, float]) -> str:
    """Shares as percentages, each with its name.

    >>> shares_in_words({"short": 0.251, "long": 0.0}), shares_in_words({})
    ('25 % short, 0 % long', '–')
    """
    return ", ".join(f"{100 * share:.0f} % {name}" for name, share in shares.items()) or NONE


def format_interval(score: Score, places: int = 4) -> str:
    """`[low, high]`; `-` where it cannot be believed, nothing where none was asked for.

    >>> format_interval(Score(0.5, 0.25, 0.75), 2), format_interval(Score(0.5)), format_interval(Score(0.5, reason="one subject"))
    ('[0.25, 0.75]', '', '-')
    """
    written = format_ends(score, places, format_number)
    if written:
        return written
    return "-" if score.reason else ""


def format_ends(score: Score, places: int = 3, write: Callable[[float | None, int], str] = format_table_number) -> str:
    """`[low, high]`, by default for a table, its numbers as `format_table_number` writes them; nothing where there is none: the
    run's summary says why.

    >>> format_ends(Score(12.0, 9.0, 15.0)), format_ends(Score(0.5))
    ('[9.000, 15.0]', '')
    """
    if score.ends is None:
        return ""
    low, high = score.ends
    return f"[{write(low, places)}, {write(high, places)}]"


def format_score(score: Score, places: int = 4) -> str:
    """`value [low, high]`, without ends where there are none; a dash where the score is undefined.

    >>> format_score(Score(0.5, 0.25, 0.75), 2), format_score(Score(0.5), 3)
    ('0.50 [0.25, 0.75]', '0.500')
    """
    value = format_number(score.value, places, NONE)
    return " ".join(filter(None, [value, format_ends(score, places, format_number)]))


def format_mean_count(value: float, places: int = 1) -> str:
    """A count: whole, or with so many digits where it is a mean.

    >>> format_mean_count(92.0), format_mean_count(33.5), format_mean_count(3.25, 2)
    ('92', '33.5', '3.25')
    """
    shown_places = 0 if float(value).is_integer() else places
    return f"{value:.{shown_places}f}"


def format_span(numbers: Collection[float]) -> str:
    """The lowest and the highest of some whole numbers.

    >>> format_span([3, 1, 2]), format_span([4, 4])
    ('1 to 3', '4')
    """
    lowest = min(numbers, default=0)
    highest = max(numbers, default=0)
    return f"{lowest:g}" if lowest == highest else f"{lowest:g} to {highest:g}"


def format_seconds(value: float | None) -> str:
    """Seconds with as many digits as anybody needs.

    >>> format_seconds(0.0123), format_seconds(591.33), format_seconds(None)
    ('0.01', '591', '–')
    """
    if value is None:
        return NONE
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def format_whole(value: float | None) -> str:
    """A large whole number with separators, `8,394`."""
    return NONE if value is None else f"{value:,.0f}"
