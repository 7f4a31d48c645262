"""A score: its value, the interval around it, and the values of the seeds behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_VALUE_AND_ENDS = frozenset({"value", "low", "high"})
"""The names of a score's parts in files; one without an interval may have a `reason`, too."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score with its 95 % interval.

    Attributes:
        value: the score; None where it is undefined.
        low: lower end of its interval, which belongs to it; None without an interval.
        high: upper end, which belongs to it, too.
        reason: why no interval can be believed; empty where there is one, or none was asked for.
        lowest: the lowest value of a seed, where `value` is the mean over seeds.
        highest: the highest.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    lowest: float | None = None
    highest: float | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends of the interval; None without one."""
        if self.low is None or self.high is None:
            return None
        return self.low, self.high

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """A score as files hold it.

        >>> Score.from_plain({"value": 0.5, "low": None, "high": None, "reason": "a single subject"}).reason
        'a single subject'
        """
        return cls(
            plain["value"], plain["low"], plain["high"], plain.get("reason", ""), plain.get("min"), plain.get("max")
        )

    def plain(self) -> dict[str, Any]:
        """The score as summaries and records hold it.

        >>> Score(0.5, 0.25, 0.75).plain(), Score(0.5, reason="a single subject").plain()["reason"]
        ({'value': 0.5, 'low': 0.25, 'high': 0.75}, 'a single subject')
        """
        plain: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        if self.reason:
            plain["reason"] = self.reason
        return plain

    def plain_over_seeds(self) -> dict[str, float | None]:
        """The score as leaderboards write it, with the extremes of the seeds."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "min": self.lowest,
            "max": self.highest,
        }


UNDEFINED = Score()
"""A score that is undefined, or that somebody lacks."""


def typed_scores(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, Score]:
    """Scores as files hold them, by their names.

    >>> typed_scores({"f1": {"value": 0.5, "low": None, "high": None}})["f1"].value
    0.5
    """
    return {name: Score.from_plain(score) for name, score in plain.items()}


def is_plain_score(value: object) -> bool:
    """Whether a part of a file is a score.

    >>> is_plain_score({"value": 0.5, "low": None, "high": None}), is_plain_score({"low": 0.0, "high": 0.1, "n": 46})
    (True, False)
    """
    return isinstance(value, dict) and value.keys() >= _VALUE_AND_ENDS
