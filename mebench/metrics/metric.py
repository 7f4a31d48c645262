"""What a metric is: its words, its code, the people that it rests on, and the kind of its interval. It imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from mebench.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from mebench.metrics.ratios import Floats

Direction = Literal["higher", "lower", "zero"]
Scale = Literal["share", "positive", "any"]
Support = Literal["truths", "spotted", "everybody"]
Kind = Literal["share", "mean", "order", "curve"]

RANGES: dict[Scale, str] = {"share": "0 to 1", "positive": "0 or more", "any": "any sign"}
DIRECTIONS: dict[Direction, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "zero": "nearer to 0 is better",
}
KINDS: dict[Kind, str] = {
    "share": "leaving each person out: a share, or another function of sums over people from 0 to 1",
    "mean": "leaving each person out, from 20 people on the bootstrap: a mean, or another function of sums over people",
    "order": "the bootstrap over people: a median or another quantile, for which leaving each person out says nothing",
    "curve": "none: it has no single number",
}
"""How each kind of metric gets its interval, and what it is."""


class ClassTotals(Protocol):
    """Numbers of clips of each class, (..., C) each, as `classification.ClassCounts` holds them."""

    @property
    def true(self) -> Floats:
        """Clips of the class that are named so."""

    @property
    def predicted(self) -> Floats:
        """Clips that are named so."""

    @property
    def support(self) -> Floats:
        """Clips of the class."""


@dataclass(frozen=True)
class PlacedRates:
    """False positives of micro-expressions by place, (n_weightings,) each; NaN where there is no such place or a length is unknown.

    Attributes:
        recall: share of the micro-expressions that were found.
        wrong_per_micro: false positives beside each micro-expression.
        wrong_per_macro: false positives on each macro-expression.
        wrong_per_minute: false positives a minute outside of both.
        minutes_per_micro: minutes of a micro-expression.
        minutes_per_macro: minutes of a macro-expression.
    """

    recall: Floats
    wrong_per_micro: Floats
    wrong_per_macro: Floats
    wrong_per_minute: Floats
    minutes_per_micro: Floats
    minutes_per_macro: Floats


class WeightedSpotting(Protocol):
    """What was spotted of a kind of expression, under many weightings at once. Each person counts by a weight.

    All numbers are (n_weightings,) sums over people; a person of weight 2 counts as two equal people would.
    """

    @property
    def found(self) -> Floats:
        """True positives."""

    @property
    def right(self) -> Floats:
        """Spotted intervals that precision counts as right: the true positives, but for some conventions."""

    @property
    def spotted(self) -> Floats:
        """Spotted intervals."""

    @property
    def true(self) -> Floats:
        """Annotated intervals."""

    @property
    def minutes(self) -> Floats:
        """Length of all videos, with or without expressions; NaN where unknown."""

    @property
    def hits(self) -> Floats:
        """Pairs of a spotted interval and a truth that it hits."""

    @property
    def claimed_apexes(self) -> Floats:
        """Share of the truths with a confidently spotted apex inside (`apex_claims`); NaN where nobody can say which are the surest."""

    @property
    def average_precisions(self) -> Floats:
        """Average precision at IoU .5, .55 to .95, (10, n_weightings); NaN where nothing can be ranked."""

    @property
    def frames(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Frames of found truths, of all truths, of false positives, and of no truth. Source: Li et al. 2017."""

    @property
    def placed(self) -> PlacedRates | None:
        """False positives by place; None for other kinds than micro-expressions."""

    @property
    def truths(self) -> pd.DataFrame:
        """The annotated intervals: `video`, `onset`, `apex`, `offset`, `fps` and more, as in `Tables`."""

    @property
    def predictions(self) -> pd.DataFrame:
        """The spotted intervals, in the same form, with `confidence`."""

    def recall_at(self, rate: float) -> Floats:
        """The best recall of any threshold with at most `rate` false positives a minute."""

    def sum_over_predictions(self, values: Floats) -> Floats:
        """Sum of a value of each spotted interval, (n_predictions,), under each weighting."""

    def sum_over_truths(self, values: Floats) -> Floats:
        """Sum of a value of each annotated interval, (n_truths,), under each weighting."""


class Pairs(Protocol):
    """The true positives, each with the truth that it found, (n_pairs,) each."""

    def late(self, column: Literal["onset", "apex", "offset"]) -> Floats:
        """Frames by which the spotted one comes after the true one; NaN where an apex is not marked."""

    @property
    def ms(self) -> Floats:
        """Milliseconds of a frame; NaN where the frame rate is unknown."""

    @property
    def truths(self) -> pd.DataFrame:
        """The truths that were found, a row for each pair."""

    @property
    def predictions(self) -> pd.DataFrame:
        """The intervals that found them, a row for each pair."""


@dataclass(frozen=True)
class Metric:
    """A score of a summary, or a curve.

    A metric of one's own gives its words, `kind` and one of `of_pairs`, `of_spotted` and `of_classes`.

    Attributes:
        name: name in a summary, with the part of the details before it, if any (`frames.auc`).
        label: name in tables.
        meaning: meaning in one line.
        formula: formula in words; empty where the meaning says it.
        source: paper that defines it; empty where mebench does.
        sections: sections of a summary that may hold it; empty for a function of `mebench.metrics` that no summary holds.
        direction: whether higher or lower is better; None for a curve.
        scale: range of its values, which decides the scale of its intervals.
        unit: unit of its values; empty for a share.
        kind: kind of its interval, see `KINDS`.
        of_pairs: its code, if it is the mean (of kind `order` the quantile) of a number of each true positive: gives these, NaN for none.
        of_spotted: its code, if it goes by counts of spotted intervals.
        of_classes: its code, if it goes by clips with a true and a predicted class.
        of_both: its code, if it is made of a score of spotting and one of emotions, `factor`.
        function: its code, where it takes something else; no section computes it from counts.
        quantile: for a metric of `of_pairs` of kind `order`, the share of the pairs below it; .5 is the median.
        factor: for a score of a whole analysis, the score of emotions by which that of spotting is multiplied.
        of_unit: True if it is defined only where one class says that an action unit is absent.
        timed: True if it needs the length of all videos.
        column: optional column of the truths without which it does not exist; empty if it needs none.
        ranked: True if it needs the order of confidences within one kind.
        matching: rule of matching under which alone it exists (`Convention.matching`); empty for all.
        support: subjects that a score of spotting depends on: those with `truths`, those with `spotted` intervals, or `everybody`.
        printed_as: name of the score under which a convention that exchanges names prints it (`Convention.exchanged`).
        over_samples: whether a score of emotions weighs every sample alike; otherwise it is a mean over classes.
        mean_recall: whether a score of emotions is the mean of the classes' recall.
        example: meaning beyond the words, its formula and a worked example, as Markdown whose code is run: its section of
            `docs/reference/metrics.md` is made from it. Unneeded for a metric of one's own, whose card has it.
        own: folder of a metric that is somebody's own; empty for those of mebench.

    Raises:
        ConfigError: the kind of its interval does not fit its direction, scale or code.
    """

    name: str
    label: str
    meaning: str
    formula: str = ""
    source: str = ""
    sections: tuple[str, ...] = ("spotting",)
    direction: Direction | None = "higher"
    scale: Scale = "share"
    unit: str = ""
    kind: Kind = "share"
    of_pairs: Callable[[Pairs], Floats] | None = None
    of_spotted: Callable[[WeightedSpotting], Floats] | None = None
    of_classes: Callable[[ClassTotals], Floats] | None = None
    of_both: Callable[[Floats, Floats], Floats] | None = None
    function: Callable[..., object] | None = None
    quantile: float = 0.5
    factor: str = ""
    of_unit: bool = False
    timed: bool = False
    column: str = ""
    ranked: bool = False
    matching: str = ""
    support: Support = "truths"
    printed_as: str = ""
    over_samples: bool = False
    mean_recall: bool = False
    example: str = field(default="", repr=False)
    own: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind of interval that is not valid for such values."""
        fault = self._fault_of_kind()
        if fault:
            raise ConfigError(f"metric {self.name!r}: {fault}")

    def _fault_of_kind(self) -> str:
        """Why the kind does not fit; empty if it does."""
        if self.kind not in KINDS:
            return f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}"
        if (self.kind == "curve") != (self.direction is None):
            return "a curve has direction=None, since it has no number to be better or worse, and nothing else has"
        if self.kind == "share" and self.scale != "share":
            return f"its values are {RANGES[self.scale]}, and those of kind 'share' are 0 to 1: give kind='mean' or 'order'"
        if self.kind == "share" and self.of_pairs:
            return "a number of each true positive has a mean or a quantile: give kind='mean' or 'order'"
        if not 0 <= self.quantile <= 1:
            return f"quantile must be 0 to 1, not {self.quantile:g}"
        return ""

    @property
    def digits(self) -> int:
        """Digits after the point, when printed with its unit."""
        return 4 if self.scale == "share" else 1

    def describe(self) -> str:
        """Unit, range, direction and meaning in a line; of a curve the meaning."""
        if self.direction is None:
            return self.meaning
        facts = filter(None, (self.unit, RANGES[self.scale], DIRECTIONS[self.direction]))
        return f"{', '.join(facts)}: {self.meaning}"

    def sort_key(self, value: float | None) -> float:
        """Sort key: larger where the value, in the metric's unit, is better; least where it is undefined.

        >>> Metric("f1", "F1", "").sort_key(0.5), Metric("fpr", "FPR", "", direction="lower").sort_key(0.5)
        (0.5, -0.5)
        """
        if value is None:
            return float("-inf")
        return {"lower": -value, "zero": -abs(value)}.get(self.direction or "", value)


def key_of(metric: Metric) -> str:
    """The last word of a metric's name, which no two share.

    >>> key_of(Metric("frames.auc", "AUC of frames", ""))
    'auc'
    """
    return metric.name.rpartition(".")[2]


def by_key(metrics: Sequence[Metric]) -> dict[str, Metric]:
    """Metrics by the last word of their name."""
    return {key_of(metric): metric for metric in metrics}
