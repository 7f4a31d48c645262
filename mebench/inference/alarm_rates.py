"""How often a spotter raises an alarm: in a film, and, beside it, where the model was measured.

A rate holds for the films in which it was counted. No share of false alarms follows from the rate of other films: divided by the alarms of
this one, it makes them look the truer, the more of them there are. Only a stretch of the same person in which nothing happened gives one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mebench.core import Kind
from mebench.features.activity import ACTIVITIES, Activity
from mebench.inference.models import Model, ModelHeader
from mebench.lazy_imports import load_lazily
from mebench.output.terminal import format_count

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

QUIET_RATE = "fp_per_minute_without"
"""The score of a card: false positives a minute in videos without expressions of any kind."""
REAL_ALARMS, REAL_SECONDS = "real.{kind}.alarms", "real.{kind}.seconds"
"""The scores of a card: intervals in films of real people, and the seconds of these films with a face."""
STRONG = 4.0
"""Displacement in per cent of the distance between the eyes of a strong injection; half of the drawn micro-expressions have 3.3 or less."""
RECOVERED, RECOVERED_OF = "recovery.{activity}.found", "recovery.{activity}.of"
"""The scores of a card: injections of `STRONG` and more that were found in films of real people, and all of them."""
MOST_TIMES = 3.0
"""Times every known rate of the model above which a film is unlike those in which the model was measured."""
FEWEST = 3
"""Fewer intervals than these say nothing about a film: one in two seconds is 30 a minute."""
World = Literal["drawn", "real", "person"]


@dataclass(frozen=True)
class KnownRate:
    """Alarms a minute elsewhere. That is in films other than the one that is looked at, or in another part of it.

    Attributes:
        world: `drawn` faces, other `real` people, or the same `person`.
        films: description of these films, in words.
        per_minute: the rate.
        interval: its 95 % interval; None if unknown.
    """

    world: World
    films: str
    per_minute: float
    interval: tuple[float, float] | None = None

    @property
    def highest(self) -> float:
        """The upper end of the interval, or the rate."""
        return self.per_minute if self.interval is None else self.interval[1]

    def describe(self) -> str:
        """The rate and its films in words."""
        if self.interval is None:
            return f"up to {self.per_minute:.1f} a minute in {self.films}"
        low, high = self.interval
        return f"{self.per_minute:.1f} [{low:.1f}, {high:.1f}] a minute in {self.films}"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "world": self.world,
            "films": self.films,
            "per_minute": round(self.per_minute, 4),
            "per_minute_interval": None if self.interval is None else [round(end, 4) for end in self.interval],
        }


def counted_rate(world: World, films: str, count: int, seconds: float) -> KnownRate:
    """The rate of so many alarms in so many seconds, with its exact interval. The seconds are above 0."""
    low, high = poisson_interval(count)
    return KnownRate(world, films, 60 * count / seconds, (60 * low / seconds, 60 * high / seconds))


@dataclass(frozen=True)
class AlarmRate:
    """The number of intervals in a film, and the known rates of the model.

    Attributes:
        kind: kind of the intervals.
        count: number of intervals.
        seconds: seconds in which the face was in sight.
        known: rates of the model elsewhere.
    """

    kind: Kind
    count: int
    seconds: float
    known: tuple[KnownRate, ...] = ()

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
    def expected_false(self) -> tuple[float, float] | None:
        """Lowest and highest share of false intervals by this person's own rate. Each is at most 1.

        None without such a rate, and with fewer than three intervals.
        """
        own = next((rate for rate in self.known if rate.world == "person" and rate.interval is not None), None)
        if own is None or own.interval is None or self.count < FEWEST:
            return None
        low, high = own.interval
        minutes = self.seconds / 60
        return min(1.0, low * minutes / self.count), min(1.0, high * minutes / self.count)

    @property
    def is_unlike(self) -> bool:
        """Whether the rate is surely over three times every known one: three intervals or more, and the whole 95 % interval."""
        if not self.known or self.count < FEWEST:
            return False
        low, _ = self.interval
        return low > MOST_TIMES * max(rate.highest for rate in self.known)

    def describe(self) -> str:
        """The rate in words, beside the known ones."""
        name = f"{self.kind}-expression"
        if not self.seconds:
            return f"{format_count(self.count, name)}, no face is in sight"
        low, high = self.interval
        words = f"{format_count(self.count, name)} in {self.seconds:.1f} s, {self.per_minute:.1f} [{low:.1f}, {high:.1f}] a minute"
        return "".join([words, self._describe_certainty(), ". ", self._describe_known()])

    def _describe_certainty(self) -> str:
        """What the count says about how many are false, as the end of a sentence."""
        if 0 < self.count < FEWEST:
            return ": too short to say how many of these are false"
        share = self.expected_false
        if share is None:
            return ""
        lowest, highest = (100 * end for end in share)
        return f", of which {lowest:.0f} to {highest:.0f} % are expected to be false by this person's own rate"

    def _describe_known(self) -> str:
        """The known rates, and whether this film is unlike theirs. They are sentences without the last period."""
        if not self.known:
            return "How often this model is wrong is not known: --neutral measures it on the person"
        elsewhere = " and ".join(rate.describe() for rate in self.known)
        words = f"This model gives {elsewhere}"
        if self.is_unlike:
            words += (
                f". The film is above {MOST_TIMES:.0f} times each of these: light, speech, the camera or the face are unlike those films, "
                "and how many of the intervals are false is not known"
            )
        elif all(rate.world != "person" for rate in self.known):
            words += "; what that means for this film is not known: --neutral measures it on the person"
        return words

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        share = self.expected_false
        return {
            "kind": self.kind,
            "intervals": self.count,
            "per_minute": round(self.per_minute, 4),
            "per_minute_interval": [round(end, 4) for end in self.interval] if self.seconds else None,
            "known": [rate.plain() for rate in self.known],
            "expected_false": None if share is None else [round(end, 4) for end in share],
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


def known_rates_of(models: Sequence[Model]) -> dict[Kind, tuple[KnownRate, ...]]:
    """Alarms a minute on the card of a model, by kind: in drawn films, and in films of real people."""
    header = models[0].header
    if header is None:
        return {}
    return {kind: tuple(_rates_on_card(header, kind)) for kind in header.task.kinds}


def _rates_on_card(header: ModelHeader, kind: Kind) -> Iterator[KnownRate]:
    """The rates of one kind that a card holds.

    Of several kinds of quiet films, such as stills and speech, the one with most alarms counts.
    """
    drawn = is_learnt_from_drawings(header)
    quiet = [value for path, value in header.scores.items() if path.startswith(f"quiet.{kind}.")]
    measured = [value for value in (*quiet, header.scores.get(f"spotting.{kind}.{QUIET_RATE}")) if value is not None]
    if measured:
        films = "drawn films without expressions" if drawn else "its tested films without expressions"
        yield KnownRate("drawn" if drawn else "real", films, max(measured))
    real = real_rate_on_card(header.scores, kind)
    if real is not None:
        yield real


def real_rate_on_card(scores: Mapping[str, float | None], kind: Kind) -> KnownRate | None:
    """Alarms a minute in films of real people, from the scores of a card; None if it has none."""
    count = scores.get(REAL_ALARMS.format(kind=kind))
    seconds = scores.get(REAL_SECONDS.format(kind=kind))
    if count is None or not seconds:
        return None
    films = f"{seconds:.0f} s of real people's films, which nobody annotated"
    return counted_rate("real", films, round(count), seconds)


def recovered_by_scores(scores: Mapping[str, float | None]) -> dict[Activity, tuple[int, int]]:
    """Numbers of injections that were found, and of all, by what the people did.

    They are those of `STRONG` and more into films of real people, from the scores of a card; empty if it has none.
    """
    counts = {}
    for activity in ACTIVITIES:
        found = scores.get(RECOVERED.format(activity=activity))
        of = scores.get(RECOVERED_OF.format(activity=activity))
        if found is not None and of:
            counts[activity] = round(found), round(of)
    return counts


def rates_of_summary(summary: Mapping[str, Any], drawn: bool) -> dict[Kind, tuple[KnownRate, ...]]:
    """False positives a minute of a run in its tested videos, by kind: the nearest to films without expressions that it has.

    Args:
        summary: summary of the run.
        drawn: whether its people are drawn.
    """
    rates: dict[Kind, tuple[KnownRate, ...]] = {}
    for kind in ("micro", "macro"):
        scores = summary.get("spotting", {}).get(kind, {}).get("scores", {})
        score = scores.get("fp_per_minute", {})
        if score.get("value") is None:
            continue
        is_bounded = score.get("low") is not None and score.get("high") is not None
        interval = (score["low"], score["high"]) if is_bounded else None
        films = f"the {'drawn ' if drawn else ''}videos that this run tested"
        rates[kind] = (KnownRate("drawn" if drawn else "real", films, score["value"], interval),)
    return rates


def are_of_drawings(models: Sequence[Model]) -> bool:
    """Whether models learnt from drawn faces."""
    first = models[0]
    if first.header is None:
        return "synthetic" in first.config.dataset_params
    return is_learnt_from_drawings(first.header)


def is_learnt_from_drawings(header: ModelHeader) -> bool:
    """Whether a card names the drawn dataset among those of the training."""
    return _names_dataset(header.card, "synthetic")


def describe_training(card: str) -> str:
    """What faces a model learnt from, by its card, if not from a database alone: ` (trained on drawn faces)`; else empty."""
    sources = []
    if _names_dataset(card, "synthetic"):
        sources.append("drawn faces")
    if _names_dataset(card, "injected"):
        sources.append("films into which micro-expressions were put")
    return f" (trained on {' and '.join(sources)})" if sources else ""


def _names_dataset(card: str, dataset: str) -> bool:
    """Whether a card names a dataset among those of the training."""
    return re.search(rf"^Datasets? `[^\n]*\b{dataset}\b", card, re.MULTILINE) is not None
