"""How much to believe of what was spotted: alarms a minute beside those of the model where no expression happens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mebench.core import Kind
from mebench.inference.models import Model
from mebench.lazy_imports import load_lazily
from mebench.terminal import format_count

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

QUIET_RATE = "fp_per_minute_without"
"""The score of a card: false positives a minute in videos without expressions of any kind."""
MOST_TIMES = 3.0
"""Times the model's own rate of false alarms above which hardly anything that was spotted is to be believed."""
FEWEST = 3
"""Fewer intervals than these say nothing about a film: one in two seconds is 30 a minute."""


@dataclass(frozen=True)
class AlarmRate:
    """The number of intervals in a film, and the model's own rate.

    Attributes:
        kind: kind of the intervals.
        count: number of intervals.
        seconds: seconds in which the face was in sight.
        own: false alarms a minute of the model in films without expressions; None if not known.
    """

    kind: Kind
    count: int
    seconds: float
    own: float | None

    @property
    def per_minute(self) -> float:
        """Intervals a minute."""
        return 60 * self.count / self.seconds if self.seconds else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the rate, intervals a minute: in a short film it is wide."""
        if not self.seconds:
            return 0.0, float("inf")
        low, high = poisson_interval(self.count)
        return 60 * low / self.seconds, 60 * high / self.seconds

    @property
    def expected_false(self) -> float | None:
        """Share of the intervals that the model's own rate explains, at most 1; None if that is not known."""
        if self.own is None or not self.count:
            return None
        return min(1.0, self.own * self.seconds / 60 / self.count)

    @property
    def is_unlike(self) -> bool:
        """Whether the rate is surely over three times the model's own: three intervals or more, and the whole 95 % interval."""
        if self.own is None or self.count < FEWEST:
            return False
        low, _ = self.interval
        return low > MOST_TIMES * self.own

    def describe(self) -> str:
        """The rate in words."""
        name = f"{self.kind}-expression"
        if not self.seconds:
            return f"{format_count(self.count, name)}, no face is in sight"
        low, high = self.interval
        words = f"{format_count(self.count, name)} in {self.seconds:.1f} s, {self.per_minute:.1f} [{low:.1f}, {high:.1f}] a minute"
        if self.own is None:
            return f"{words}; the rate of this model in films without expressions is not known: --neutral measures the level"
        words += f"; in films without expressions this model gives up to {self.own:.1f} a minute"
        if self.is_unlike:
            times = f"{self.per_minute / self.own:.0f} times its own rate" if self.own else "where its own rate is 0"
            return f"{words}. That is {times}: light, speech, the camera or the face are unlike its training, so nearly all are false"
        share = self.expected_false
        return words if share is None else f"{words}, so about {100 * share:.0f} % of these are expected to be false"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "intervals": self.count,
            "per_minute": round(self.per_minute, 4),
            "per_minute_interval": [round(end, 4) for end in self.interval] if self.seconds else None,
            "own_per_minute": None if self.own is None else round(self.own, 4),
            "expected_false": None if self.expected_false is None else round(self.expected_false, 4),
            "unlike": self.is_unlike,
        }


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a Poisson count (Garwood 1936, doi 10.1093/biomet/28.3-4.437).

    >>> [round(end, 3) for end in poisson_interval(3)], [round(end, 3) for end in poisson_interval(0)]
    ([0.619, 8.767], [0.0, 3.689])
    """
    tail = (1 - level) / 2  # quantiles of gamma distributions; SciPy takes a second to import its statistics
    low = float(scipy.special.gammaincinv(count, tail)) if count else 0.0
    return low, float(scipy.special.gammaincinv(count + 1, 1 - tail))


def own_rates_of(models: Sequence[Model]) -> dict[Kind, float]:
    """False alarms a minute without expressions, by kind, from the card of a model.

    Of several kinds of quiet films, such as stills and speech, the one with most false alarms counts.
    """
    header = models[0].header
    if header is None:
        return {}
    rates: dict[Kind, float] = {}
    for kind in header.task.kinds:
        quiet = [value for path, value in header.scores.items() if path.startswith(f"quiet.{kind}.")]
        on_tested = header.scores.get(f"spotting.{kind}.{QUIET_RATE}")
        measured = [value for value in (*quiet, on_tested) if value is not None]
        if measured:
            rates[kind] = max(measured)
    return rates


def rates_of_summary(summary: Mapping[str, Any]) -> dict[Kind, float]:
    """False positives a minute of a run in its tested videos, by kind: the nearest to films without expressions that it has."""
    rates: dict[Kind, float] = {}
    for kind in ("micro", "macro"):
        scores = summary.get("spotting", {}).get(kind, {}).get("scores", {})
        rate = scores.get("fp_per_minute", {}).get("value")
        if rate is not None:
            rates[kind] = rate
    return rates


def are_of_drawings(models: Sequence[Model]) -> bool:
    """Whether models learnt from drawn faces."""
    first = models[0]
    if first.header is None:
        return "synthetic" in first.config.dataset_params
    return re.search(r"^Datasets? `[^\n]*\bsynthetic\b", first.header.card, re.MULTILINE) is not None
