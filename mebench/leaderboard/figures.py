"""Numbers of a table as text, the same in Markdown, LaTeX and on the page."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.leaderboard.rows import SHOWN_VERSIONS, Row, Score

NONE = "–"
RULES = ("convention", "selection", "transductive")
"""What decides which scores a run can have."""


def digits(value: float | None) -> str:
    """Three digits after the point, one from 10 on.

    >>> digits(0.36177), digits(19.04), digits(None)
    ('0.362', '19.0', '–')
    """
    if value is None:
        return NONE
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def interval(score: Score) -> str:
    """`[low, high]`, or nothing where there is none."""
    return "" if score["low"] is None else f"[{digits(score['low'])}, {digits(score['high'])}]"


def spread(score: Score, row: Row) -> str:
    """Lowest and highest seed, or nothing where there is one."""
    several = len(row.seeds) > 1 and score["value"] is not None
    return f"{digits(score['min'])} to {digits(score['max'])}" if several else ""


def count(value: float) -> str:
    """A count: whole, or with one digit where it is a mean.

    >>> count(92.0), count(33.5)
    ('92', '33.5')
    """
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """Seconds with as many digits as anybody needs.

    >>> seconds(0.0123), seconds(591.33), seconds(None)
    ('0.01', '591', '–')
    """
    if value is None:
        return NONE
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def whole(value: float | None) -> str:
    """A large whole number with separators, `8,394`."""
    return NONE if value is None else f"{value:,.0f}"


def shown(metrics: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """The metrics that some row has; the main one always."""
    return [m for n, m in enumerate(metrics) if n == 0 or any(row.scores[m]["value"] is not None for row in rows)]


def common(rows: Sequence[Row]) -> dict[str, str]:
    """What all measured rows share of rules, versions and remark; what none has is left out."""
    measured = [row for row in rows if row.measured]
    values = {name: {stated(row, name) for row in measured} for name in (*RULES, *SHOWN_VERSIONS)}
    values["remark"] = {row.remark for row in measured}
    shared = {name: next(iter(found)) for name, found in values.items() if len(found) == 1}
    return {name: text for name, text in shared.items() if text or name == "remark"}


def apart(row: Row, rows: Sequence[Row]) -> str:
    """What of a row's settings tells it from other rows of the same method; empty if there are none, or no difference."""
    others = [set(other.settings.split("; ")) for other in rows if other.method == row.method and other is not row]
    shared = set.intersection(*others) if others else set(row.settings.split("; "))
    return "; ".join(words for words in row.settings.split("; ") if words not in shared)


def stated(row: Row, name: str) -> str:
    """One of a row's `RULES` or versions; empty where it has none."""
    return str(getattr(row, name)) if name in RULES else row.versions.get(name, "")


def words(name: str) -> str:
    """A rule or version for people.

    >>> words("dataset_revision")
    'dataset revision'
    """
    return name.replace("_", " ")
