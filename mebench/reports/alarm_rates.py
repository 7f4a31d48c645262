"""How much to believe of what was spotted: alarms a minute beside those of the model where no expression happens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mebench.core import Kind
from mebench.inference.models import Model
from mebench.lazy_imports import load_lazily
from mebench.reports.model_card import QUIET_RATE
from mebench.terminal import format_count

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

MOST_TIMES = 3.0
"""Times the model's own rate of false alarms above which hardly anything that was spotted is to be believed."""
RARE = 0.05
"""A count as high as this one, less likely than that under the model's own rate, is no chance."""


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
    def here(self) -> float:
        """Intervals a minute."""
        return 60 * self.count / self.seconds if self.seconds else 0.0

    @property
    def expected_false(self) -> float | None:
        """Share of the intervals that the model's own rate explains, at most 1; None if that is not known."""
        if self.own is None or not self.count:
            return None
        return min(1.0, self.own * self.seconds / 60 / self.count)

    @property
    def is_unlike(self) -> bool:
        """Whether the rate is over three times the model's own, and not by chance."""
        if self.own is None or self.here <= MOST_TIMES * self.own:
            return False
        expected = self.own * self.seconds / 60
        return expected == 0 or float(scipy.stats.poisson.sf(self.count - 1, expected)) < RARE

    def sentence(self) -> str:
        """The rate in words."""
        name = f"{self.kind}-expression"
        words = f"{format_count(self.count, name)} in {self.seconds:.1f} s, {self.here:.1f} a minute"
        if self.own is None:
            return f"{words}; the rate of this model in films without expressions is not known: --neutral measures the level"
        words += f"; in films without expressions this model gives up to {self.own:.1f} a minute"
        if self.is_unlike:
            times = f"{self.here / self.own:.0f} times its own rate" if self.own else "where its own rate is 0"
            return f"{words}. That is {times}: light, speech, the camera or the face are unlike its training, so nearly all are false"
        share = self.expected_false
        return words if share is None else f"{words}, so about {100 * share:.0f} % of these are expected to be false"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "intervals": self.count,
            "per_minute": round(self.here, 4),
            "own_per_minute": None if self.own is None else round(self.own, 4),
            "expected_false": None if self.expected_false is None else round(self.expected_false, 4),
            "unlike": self.is_unlike,
        }


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
        measured = [
            value for value in (*quiet, header.scores.get(f"spotting.{kind}.{QUIET_RATE}")) if value is not None
        ]
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
