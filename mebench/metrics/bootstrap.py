"""Confidence intervals over subjects, since clips of one face are not independent: by bootstrap or jackknife."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, NotRequired, Self, TypedDict

import numpy as np

from mebench.grouping import group_by, split_into_batches
from mebench.lazy_imports import load_lazily
from mebench.metrics.catalogue import find_metric
from mebench.metrics.metric import Scale
from mebench.metrics.paired import difference_interval, score_correlation
from mebench.metrics.ratios import Floats, Indices
from mebench.metrics.reasons import (
    MOVES_IN_STEPS,
    ONE_SUBJECT_EACH,
    SAME_WITHOUT_ANY,
    UNDEFINED_WITHOUT_ONE,
    ThinSupport,
    store_supports,
)
from mebench.metrics.tables import NOBODY, members_of

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")

Evaluate = Callable[[Floats], Mapping[str, Floats]]
"""From (n_weightings, n_units) weights to scores, (n_weightings,) each."""

ROUNDING_ERROR = 1e-12
"""A standard error below this comes only from rounding: the score does not change when a subject is left out."""


def leave_groups_out(groups: Sequence[Sequence[int]], n_units: int) -> Floats:
    """Weights that leave out each group of units once, (len(groups), n_units).

    >>> leave_groups_out([[0, 1], [2]], 3)
    array([[0., 0., 1.],
           [1., 1., 0.]])
    """
    weights = np.ones((len(groups), n_units))
    sizes = np.array([len(group) for group in groups], dtype=np.int64)
    weights[np.repeat(np.arange(len(groups)), sizes), [unit for group in groups for unit in group]] = 0
    return weights


def each_alone(units: Sequence[int], n_units: int) -> Iterator[Floats]:
    """Weights of each of some units alone, (n_batch, n_units), in batches.

    Of ten thousand people all at once would take 800 MB; without units there is one empty batch.

    >>> [batch.tolist() for batch in each_alone([0, 2], 3)]
    [[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]
    """
    for batch in [*split_into_batches(units, _AT_ONCE)] or [[]]:
        weights = np.zeros((len(batch), n_units))
        weights[np.arange(len(batch)), batch] = 1
        yield weights


def score_each_alone(evaluate: Evaluate, units: Sequence[int], n_units: int) -> dict[str, Floats]:
    """The scores of each of some units alone, (len(units),) each.

    Args:
        evaluate: gives scores under weights.
        units: the units.
        n_units: number of all units.
    """
    batches = [evaluate(weights) for weights in each_alone(units, n_units)]
    return {name: np.concatenate([scores[name] for scores in batches]) for name in batches[0]}


@lru_cache(maxsize=4)  # drawn once for all sections and both sides of a comparison
def draw_groups(strata: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """The subjects that the jackknife leaves out together, mostly each alone.

    Above `MOST_GROUPS` subjects, those of a stratum are divided at random into equal groups: as many as its share of
    `MOST_GROUPS`, at least two where it has two. In `standard_error` a group counts as a subject does: its expectation
    stays the same (Wolter 2007, Introduction to Variance Estimation, chapter 4; Kott 2001, Journal of Official Statistics
    17(4), 521-526). The groups are the same each time.

    Args:
        strata: (n,) stratum of each subject.

    Returns:
        Positions of subjects; each is in one group.

    >>> draw_groups(("a", "a", "b"))
    ((0,), (1,), (2,))
    """
    if len(strata) <= MOST_GROUPS:
        return tuple((position,) for position in range(len(strata)))
    groups: list[tuple[int, ...]] = []
    for stratum, members in sorted(group_by(range(len(strata)), key=strata.__getitem__).items()):
        n_groups = min(len(members), max(2, MOST_GROUPS * len(members) // len(strata)))
        shuffled = np.random.default_rng(derived_seed(0, "groups", stratum)).permutation(members)
        groups += [tuple(part.tolist()) for part in np.array_split(shuffled, n_groups)]
    return tuple(groups)


def standard_error(replicates: Floats, strata: Sequence[str]) -> tuple[float, int]:
    """Standard error and degrees of freedom from leave-one-out replicates (Efron and Tibshirani 1993, eq. 11.5).

    In strata h of n_h subjects the variance is the sum over h of (n_h - 1) / n_h sum_i (theta_hi - mean_h)^2, and the
    degrees of freedom are the sum of n_h - 1 (Shao and Tu 1995, section 6.2). A stratum of one subject adds nothing to
    either: nobody knows how another subject of it would have scored.

    Args:
        replicates: (n,) score without each subject, or each group of `draw_groups`; NaN where it is undefined, which is left out.
        strata: (n,) stratum of each.

    Returns:
        The error, NaN without a degree of freedom, and the degrees.

    >>> standard_error(np.array([2.5, 2.0, 1.5]), ["a", "a", "a"])  # of the mean of 1, 2, 3: 1 / sqrt(3)
    (0.5773502691896257, 2)
    """
    deviations, degrees = subject_deviations(replicates, strata)
    return _error_of_deviations(deviations, degrees), degrees


def _error_of_deviations(deviations: Floats, degrees: int) -> float:
    """`standard_error` of the deviations of `subject_deviations`."""
    return float(np.sqrt((deviations**2).sum())) if degrees else np.nan


def effective_degrees(replicates: Floats, strata: Sequence[str]) -> float:
    """Degrees of freedom of the squared error: fewer where a few subjects make most of it.

    2 E^2 / V for a sum of squares of mean E and variance V (Satterthwaite 1946), here E what all subjects add and V, by
    their kurtosis, sum v_i^2 - E^2 / n. Normal contributions give about n; a single contributing subject gives 2.

    Returns:
        From 1 to the degrees of `standard_error`; the latter also where no subject contributes.

    >>> effective_degrees(np.array([2.5, 2.0, 1.5]), ["a", "a", "a"])
    2.0
    >>> round(effective_degrees(np.array([1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]), ["a"] * 8), 2)
    3.11
    """
    return _effective_degrees_of_deviations(*subject_deviations(replicates, strata))


def _effective_degrees_of_deviations(deviations: Floats, degrees: int) -> float:
    """`effective_degrees` of the deviations of `subject_deviations`."""
    squared = deviations**2
    if squared.sum() <= ROUNDING_ERROR**2:
        return float(degrees)
    uneven = float((squared**2).sum() / squared.sum() ** 2) - 1 / len(squared)
    return float(np.clip(2 / max(uneven, ROUNDING_ERROR), 1, degrees))


def subject_deviations(replicates: Floats, strata: Sequence[str]) -> tuple[Floats, int]:
    """Signed contributions of subjects, or groups, to the standard error, and the degrees of freedom.

    Arguments as of `standard_error`; NaN is left out.
    """
    known = ~np.isnan(replicates)
    different = sorted(set(strata))
    parts = [replicates[known]]
    if len(different) > 1:
        names = np.asarray(strata, dtype=object)
        parts = [replicates[known & (names == stratum)] for stratum in different]
    several = [part for part in parts if len(part) > 1]
    deviations = [np.sqrt((len(part) - 1) / len(part)) * (part - part.mean()) for part in several]
    degrees = sum(len(part) - 1 for part in several)
    return np.concatenate([np.empty(0), *deviations]), degrees


def share_interval(value: float, error: float, degrees: float, subjects: int) -> tuple[float, float]:
    """The exact binomial 95 % interval of a share (Clopper and Pearson).

    The number of independent samples is the one that the standard error implies.

    These are value (1 - value) / error^2, times the squared ratio of the normal to Student's quantile, and need not be
    whole (Korn and Graubard 1998, Survey Methodology 24(2)). Where the error is 0, as at 0 and 1, each subject is a
    sample: if everything is right in 10 subjects, the lower end is .025^(1/10) = 69 %. How often they hold:
    `benchmarks/coverage.py`.

    >>> [round(end, 3) for end in share_interval(1.0, 0.0, 9, 10)]
    [0.692, 1.0]
    """
    special = scipy.special
    samples = float(subjects)
    if error > ROUNDING_ERROR and 0 < value < 1:
        normal_by_student = float(special.ndtri(0.975) / special.stdtrit(degrees, 0.975))
        samples = value * (1 - value) / error**2 * normal_by_student**2
    right = samples * value
    wrong = samples * (1 - value)
    low = float(special.betaincinv(right, wrong + 1, 0.025)) if right > 0 else 0.0
    high = float(special.betaincinv(right + 1, wrong, 0.975)) if wrong > 0 else 1.0
    return min(low, value), max(high, value)  # next to no error leaves the quantiles to rounding


def score_interval(
    value: float,
    replicates: Floats,
    strata: Sequence[str],
    scale: Scale = "any",
    subjects: int | None = None,
    hidden_error: float = 0.0,
) -> tuple[float, float] | None:
    """The 95 % interval around a value.

    It is `share_interval` for a share, with the effective degrees of freedom; otherwise Student's t. A positive score, and
    a share above 1, get it on the logarithm, to which the standard error is carried over by the derivative; close to 0 (half
    the width of the plain interval reaches 0), where the logarithm has no bound, they get the plain interval, cut at 0.

    Args:
        value: the score of all subjects.
        replicates: (n,) the score without each subject, or each group of `draw_groups`, NaN where undefined.
        strata: (n,) stratum of each.
        scale: scale of the score.
        subjects: number of subjects that the score depends on; by default as many as replicates.
        hidden_error: standard error that the replicates of a share do not show.

    Returns:
        Low and high; None if the value is NaN, if no stratum has two subjects with a replicate, or if a score that is
        no share has no spread.
    """
    deviations, degrees = subject_deviations(replicates, strata)
    if not degrees or np.isnan(value):
        return None
    error = _error_of_deviations(deviations, degrees)
    if scale == "share" and value <= 1:  # above 1 is one of an interval that megc2020 counts for two truths
        n_subjects = len(replicates) if subjects is None else subjects
        if error > ROUNDING_ERROR:
            error = float(np.hypot(error, hidden_error))
        return share_interval(value, error, _effective_degrees_of_deviations(deviations, degrees), n_subjects)
    if error <= ROUNDING_ERROR:
        return None
    half = float(scipy.special.stdtrit(degrees, 0.975)) * error
    if scale == "any":
        return value - half, value + half
    if half < value:
        return float(value * np.exp(-half / value)), float(value * np.exp(half / value))
    return max(value - half, 0.0), value + half


class PlainScore(TypedDict):
    """A value with its interval; where an interval is missing, `reason` says why."""

    value: float | None
    low: float | None
    high: float | None
    reason: NotRequired[str]


class Basis(NamedTuple):
    """The data that a score depends on.

    Attributes:
        subjects: their number.
        doubt: why no interval would be valid; empty if one is.
        hidden_error: standard error that the jackknife does not show, because a part of the score is the same for all.
    """

    subjects: int
    doubt: str = ""
    hidden_error: float = 0.0


BasisOf = Callable[[Sequence[int], str], Basis]
"""From units and a score's name to its support among them."""


class SectionScores(NamedTuple):
    """The scores of a section of a summary under new weights, and their support.

    Attributes:
        evaluate: function from weights to scores.
        basis_of: subjects that a score depends on.
        drawn_by: faster `evaluate` for bootstrap draws, see `Resampling.scores`; None if there is none.
    """

    evaluate: Evaluate
    basis_of: BasisOf
    drawn_by: Evaluate | None = None


def basis_of_all(units: Sequence[int], name: str) -> Basis:
    """The basis of a score that depends on all of some units."""
    return Basis(len(units))


def average_scores(parts: Sequence[Evaluate]) -> Evaluate:
    """The score function of the means of several, over seeds or over folds."""

    def mean(weights: Floats) -> dict[str, Floats]:
        scores = [part(weights) for part in parts]
        return {name: np.mean([values[name] for values in scores], axis=0) for name in scores[0]}

    return mean


FEW_SUBJECTS = 20
"""With fewer subjects than this, the jackknife also gives the intervals of scores that are not shares."""

_AT_ONCE = 500
"""Units that are scored alone at once."""
MOST_GROUPS = 1000
"""About so many groups of subjects the jackknife leaves out where there are more subjects; no dataset of the field has as many."""
LEAST, LEAST_PAIRED = 2, 4
"""The fewest subjects of a score with an interval, and of a difference, which fewer cannot correlate."""
LEAST_OF_QUANTILE = 8
"""The fewest people of a quantile with an interval. In simulations the bootstrap of a median holds in .91 of the cases or more
from there on, and in .82 to .85 with 4 people (`benchmarks/median_coverage.py`)."""
LEAST_DRAWS = 200
"""The fewest bootstrap draws that give a quantile its interval."""
SMALL_WEIGHT = 1e-6
"""The part of a person's weight whose loss moves a function of sums, and no order statistic."""


def derived_seed(seed: int, *words: str) -> int:
    """A seed for one purpose, the same on every machine and in every process.

    >>> derived_seed(0, "chance", "micro")
    608403815502950758
    """
    return int.from_bytes(hashlib.sha256(json.dumps([seed, *words]).encode()).digest()[:8], "big")


def subject_weights(strata: Sequence[str], draws: int, seed: int) -> Floats:
    """The number of times that each subject is in each bootstrap draw.

    Subjects are drawn with replacement within their stratum (the member dataset, `strata`), as many as it has.

    Returns:
        (draws, n_subjects) whole numbers.

    >>> subject_weights(["a", "a", "a", "b"], 5, seed=0).sum(axis=1)
    array([4., 4., 4., 4., 4.])
    """
    names = np.asarray(strata)
    weights = np.zeros((draws, len(names)))
    for stratum in sorted(set(strata)):
        members = np.flatnonzero(names == stratum)
        generator = np.random.default_rng(derived_seed(seed, "bootstrap", stratum))
        weights[:, members] = generator.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return weights


def widened_tail(n: int, degrees: int) -> float:
    """The share of replicates below the corrected percentile interval.

    It makes a percentile interval right for a mean of normal values.

    Phi(sqrt(n / degrees) t), with t the 2.5 % point of Student's t; with one stratum degrees = n - 1 (Hesterberg 2015,
    What Teachers Should Know About the Bootstrap, section 4.3). Without a degree of freedom there is none: 0.

    >>> round(widened_tail(20, 19), 4), round(widened_tail(100_000, 99_999), 4)
    (0.0159, 0.025)
    """
    special = scipy.special
    return float(special.ndtr(np.sqrt(n / degrees) * special.stdtrit(degrees, 0.025))) if degrees else 0.0


def score_with_percentiles(value: float, replicates: Floats, tail: float = 0.025) -> PlainScore:
    """A value with two percentiles of its replicates; NaN values become None, NaN replicates are left out.

    Args:
        value: the score.
        replicates: (n,) the same score of resampled data.
        tail: share of the replicates below `low`, and above `high`.

    >>> score_with_percentiles(0.5, np.array([0.0, 0.5, 1.0, np.nan]))
    {'value': 0.5, 'low': 0.025, 'high': 0.975}
    >>> score_with_percentiles(float("nan"), np.array([1.0]))
    {'value': None, 'low': None, 'high': None}
    """
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return as_score(float(value), None, "")
    low, high = np.percentile(known, [100 * tail, 100 - 100 * tail])
    return as_score(float(value), (float(low), float(high)), "")


@dataclass
class Resampling:
    """Weightings of units for which scores are recomputed.

    Units are subjects, and the value of a score is that of all subjects once (`of_subjects`); or, for methods that
    predict by chance, units are draws, and the value is the mean over draws.

    Attributes:
        weights: (n_replicates, n_units).
        mean: whether a score's value is the mean over replicates instead of the score under equal weights.
        skipped: for each section, how many replicates its first score left out for lack of a truth or a class; for a
            single score (`section.score`), how many more it left out.
        strata: (n_units,) stratum of each subject, see `members_of`; empty where units are not subjects, and percentiles are plain.
        subjects: the units that the scores depend on; empty where units are not subjects.
        sections: the score function of each section that was scored.
    """

    weights: Floats
    mean: bool = False
    skipped: dict[str, int] = field(default_factory=dict)
    strata: tuple[str, ...] = ()
    subjects: tuple[int, ...] = ()
    sections: dict[str, SectionScores] = field(default_factory=dict)

    @classmethod
    def of_subjects(cls, strata: Sequence[str], draws: int, seed: int) -> Self:
        """Subjects, each with its stratum (the member dataset); without draws, values have no intervals.

        What is nobody's (`metrics.tables.NOBODY`) is in every draw, and is no subject.
        """
        subjects = tuple(unit for unit, stratum in enumerate(strata) if stratum != NOBODY)
        return cls(subject_weights(strata, draws, seed), strata=tuple(strata), subjects=subjects)

    def restrict_to(self, member: str) -> Self:
        """The same draws for scores of one member dataset alone.

        The number of its subjects then decides.
        """
        return replace(self, subjects=tuple(n for n, name in enumerate(self.strata) if member in members_of(name)))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.weights.shape[1])

    @property
    def interval(self) -> Literal["bootstrap", "jackknife"]:
        """The method for intervals of scores that are no shares; shares always use the jackknife."""
        return "jackknife" if self.strata and len(self.subjects) < FEW_SUBJECTS else "bootstrap"

    def scores(
        self, section: str, evaluate: Evaluate, basis_of: BasisOf = basis_of_all, drawn_by: Evaluate | None = None
    ) -> dict[str, PlainScore]:
        """Values and 95 % intervals of what `evaluate` makes of (n_weightings, n_units) weights; NaN is undefined.

        Args:
            section: name for `skipped` and `sections`.
            evaluate: function from weights to scores, (n_weightings,) each.
            basis_of: the subjects that a score depends on; by default all.
            drawn_by: a faster `evaluate` for the bootstrap draws; only scores that are not shares use its values.
        """
        self.sections[section] = SectionScores(evaluate, basis_of, drawn_by)
        if not self.strata or not len(self.weights):
            return self._percentile_scores(section, evaluate)
        values = self._values(evaluate)
        without = self._without_each(evaluate)
        self._count_skipped(section, values, without)
        drawn: Mapping[str, Floats] = {}
        if any(self._draws_decide(name) for name in values):
            drawn = (drawn_by or evaluate)(self.weights)
        in_steps = self._moving_in_steps(evaluate, values, without)
        scores = {}
        for name, value in values.items():
            basis = basis_of(self.subjects, name)
            if name in in_steps:
                scores[name] = as_score(value, None, MOVES_IN_STEPS)
            elif self._draws_decide(name):
                scores[name] = self._drawn_score(name, value, without[name], drawn[name], basis)
            else:
                scores[name] = self._score(name, value, without[name], basis)
        return scores

    def _draws_decide(self, name: str) -> bool:
        """Whether the bootstrap, not leaving people out, gives the interval of a score."""
        metric = find_metric(name)
        return metric.kind == "order" or (metric.scale != "share" and self.interval == "bootstrap")

    def _moving_in_steps(
        self, evaluate: Evaluate, values: Mapping[str, float], without: Mapping[str, Floats]
    ) -> set[str]:
        """The metrics of one's own that move in steps as an order statistic does. They call themselves sums over people.

        A function of sums changes a little where a person counts a little less. A median stays where it is until it
        jumps, so leaving people out says nothing of how it varies.
        """
        metrics = {name: find_metric(name) for name in values}
        asked = [
            name
            for name, metric in metrics.items()
            if metric.own and metric.of_pairs is None and metric.kind != "order"
        ]
        changing = [name for name in asked if (np.abs(without[name] - values[name]) > ROUNDING_ERROR).any()]
        if not changing:
            return set()
        slightly_less = evaluate(1 - SMALL_WEIGHT * (1 - leave_groups_out(self._groups, self.n_units)))
        return {
            name
            for name in changing
            if _moves_in_steps(slightly_less[name] - values[name], without[name] - values[name])
        }

    def _without_each(self, evaluate: Evaluate) -> dict[str, Floats]:
        """The scores without each group of subjects (`draw_groups`), (n_groups,) each."""
        return dict(evaluate(leave_groups_out(self._groups, self.n_units)))

    @cached_property  # each score asks for them
    def _groups(self) -> list[list[int]]:
        """The units that are left out together."""
        return [[self.subjects[position] for position in group] for group in draw_groups(tuple(self.own_strata))]

    @cached_property
    def strata_of_groups(self) -> list[str]:
        """The stratum of each group of subjects that is left out."""
        return [self.strata[group[0]] for group in self._groups]

    def _percentile_scores(self, section: str, evaluate: Evaluate) -> dict[str, PlainScore]:
        """Values with percentiles of the replicates: of methods that predict by chance, or without draws none."""
        replicates = evaluate(self.weights)
        values = self._means(replicates) if self.mean else self._values(evaluate)
        self._count_skipped(section, values, replicates)
        return {name: score_with_percentiles(values[name], replicates[name]) for name in replicates}

    def _score(self, name: str, value: float, without: Floats, basis: Basis) -> PlainScore:
        """A value with its interval from leaving subjects out. Where it has none, it has the reason why.

        Args:
            name: name of the score.
            value: the score of all subjects.
            without: (n_groups,) the score without each group of subjects, see `draw_groups`.
            basis: the data that the score depends on.
        """
        if reason := self._reason_against_interval(basis, without):
            return as_score(value, None, reason)
        scale = find_metric(name).scale
        strata = self.strata_of_groups
        ends = score_interval(value, without, strata, scale, basis.subjects, basis.hidden_error)
        return as_score(value, ends, SAME_WITHOUT_ANY)

    def _drawn_score(self, name: str, value: float, without: Floats, drawn: Floats, basis: Basis) -> PlainScore:
        """A value with its interval from bootstrap draws, (n_draws,). Where it has none, it has the reason why."""
        if find_metric(name).kind == "order":
            reason = self._reason_against_quantile(basis)
        else:
            reason = self._reason_against_interval(basis, without)
        if reason:
            return as_score(value, None, reason)
        return as_score(value, self._drawn_ends(value, drawn), SAME_WITHOUT_ANY)

    def _reason_against_quantile(self, basis: Basis) -> str:
        """Why an order statistic has no valid interval; empty if it has one."""
        if not self.degrees:
            return ONE_SUBJECT_EACH
        if basis.doubt:
            return basis.doubt
        if basis.subjects < LEAST_OF_QUANTILE:
            return f"an interval of a median or another quantile takes at least {LEAST_OF_QUANTILE} people, not {basis.subjects}"
        if len(self.weights) < LEAST_DRAWS:
            return f"an interval of a median or another quantile takes at least {LEAST_DRAWS} bootstrap draws, not {len(self.weights)}"
        return ""

    def _reason_against_interval(self, basis: Basis, without: Floats) -> str:
        """Why a score has no valid interval; empty if it has one."""
        if not self.degrees:
            return ONE_SUBJECT_EACH
        if basis.doubt:
            return basis.doubt
        if not basis.subjects:
            return store_supports([ThinSupport("it", "no subject")])
        if basis.subjects < LEAST or np.isnan(without).any():
            return UNDEFINED_WITHOUT_ONE
        return ""

    def _drawn_ends(self, value: float, drawn: Floats) -> tuple[float, float] | None:
        """Low and high from the bootstrap draws of a score; None if all draws agree."""
        known = _known_ends(score_with_percentiles(value, drawn, widened_tail(len(self.subjects), self.degrees)))
        if known is None:
            return None
        _, low, high = known
        return None if low == high else (low, high)

    def of_some(self, units: Indices, evaluate: Evaluate, basis_of: BasisOf = basis_of_all) -> dict[str, PlainScore]:
        """The scores of some subjects alone, in the same draws of all, with their intervals."""
        inside = np.isin(np.arange(self.n_units), units)
        return replace(self, skipped={}, subjects=tuple(units.tolist())).scores(
            "", lambda weights: evaluate(weights * inside), basis_of
        )

    def compare_runs(
        self, runs: Sequence[Evaluate], basis_of: Sequence[BasisOf] = (basis_of_all, basis_of_all)
    ) -> tuple[dict[str, PlainScore], dict[str, PlainScore], dict[str, PlainScore], dict[str, tuple[float, int]]]:
        """The scores of two runs on the same subjects, and their differences.

        A difference is the first minus the second.

        Args:
            runs: both.
            basis_of: functions that give the support of the scores of each.

        Returns:
            The scores of each and their differences, in the form of `scores`; and of each difference the standard error with its
            degrees of freedom.
        """
        scores = [replace(self, skipped={}).scores("", run, of_run) for run, of_run in zip(runs, basis_of)]
        first, second = (self._values(run) for run in runs)
        first_without, second_without = (self._without_each(run) for run in runs)
        values = {name: first[name] - second[name] for name in first}
        without = {name: first_without[name] - second_without[name] for name in first}
        self._count_skipped("", values, without)
        differences = {}
        errors = {}
        drawn = self._drawn_differences(runs, list(values))
        for name, value in values.items():
            of_both = scores[0][name], scores[1][name]
            if name in drawn:
                differences[name] = self._drawn_difference(value, of_both, drawn[name])
                errors[name] = _spread_of_draws(drawn[name]), self.degrees
            else:
                differences[name] = self._difference(name, value, of_both, (first_without[name], second_without[name]))
                errors[name] = standard_error(without[name], self.strata_of_groups)
        return scores[0], scores[1], differences, errors

    def _drawn_differences(self, runs: Sequence[Evaluate], names: Sequence[str]) -> dict[str, Floats]:
        """The differences of order statistics in the same bootstrap draws of people, (n_draws,) each."""
        ordered = [name for name in names if find_metric(name).kind == "order"]
        if not ordered or not len(self.weights):
            return {}
        first, second = (run(self.weights) for run in runs)
        return {name: first[name] - second[name] for name in ordered}

    def _drawn_difference(self, value: float, scores: tuple[PlainScore, PlainScore], drawn: Floats) -> PlainScore:
        """A difference of two order statistics with its paired interval, or the reason for none."""
        if len(self.subjects) < LEAST_PAIRED:
            return as_score(value, None, f"a difference takes at least {LEAST_PAIRED} subjects")
        both_known = all(_known_ends(side) for side in scores)
        ends = self._drawn_ends(value, drawn) if both_known else None
        reasons = [side.get("reason", "") for side in scores]
        return as_score(value, ends, next(filter(None, reasons), SAME_WITHOUT_ANY))

    def _difference(
        self, name: str, value: float, scores: tuple[PlainScore, PlainScore], without: tuple[Floats, Floats]
    ) -> PlainScore:
        """A difference of two scores with its paired interval, or the reason for none.

        Args:
            name: name of the score.
            value: first minus second.
            scores: the score of each run.
            without: (n_groups,) each, the score of each run without each group of subjects.
        """
        if not len(self.weights):
            return as_score(value, None, "")
        if len(self.subjects) < LEAST_PAIRED:
            return as_score(value, None, f"a difference takes at least {LEAST_PAIRED} subjects")
        first, second = (_known_ends(side) for side in scores)
        ends = None
        if first and second and find_metric(name).scale == "share":
            ends = difference_interval(first, second, self._correlation(*without))
        elif first and second:
            ends = score_interval(value, without[0] - without[1], self.strata_of_groups)
        reasons = [side.get("reason", "") for side in scores]
        return as_score(value, ends, next(filter(None, reasons), SAME_WITHOUT_ANY))

    def _correlation(self, first_without: Floats, second_without: Floats) -> float:
        """Correlation of two scores over subjects, from replicates where both are defined."""
        undefined = np.isnan(first_without + second_without)
        first, second = (np.where(undefined, np.nan, without) for without in (first_without, second_without))
        return score_correlation(
            subject_deviations(first, self.strata_of_groups)[0], subject_deviations(second, self.strata_of_groups)[0]
        )

    def _values(self, evaluate: Evaluate) -> dict[str, float]:
        """The scores of all units once."""
        return {name: float(v[0]) for name, v in evaluate(np.ones((1, self.n_units))).items()}

    @staticmethod
    def _means(replicates: Mapping[str, Floats]) -> dict[str, float]:
        """Means over the replicates that are defined; NaN where none is."""
        known = {name: values[~np.isnan(values)] for name, values in replicates.items()}
        means = {name: float(values.mean()) for name, values in known.items() if len(values)}
        return {name: means.get(name, np.nan) for name in replicates}

    @property
    def degrees(self) -> int:
        """Degrees of freedom: subjects minus strata."""
        return len(self.subjects) - len(set(self.own_strata))

    @property
    def own_strata(self) -> list[str]:
        """The stratum of each of `subjects`."""
        return [self.strata[unit] for unit in self.subjects]

    def _count_skipped(self, section: str, values: Mapping[str, float], replicates: Mapping[str, Floats]) -> None:
        """Count the replicates that were left out, see `skipped`."""
        undefined = {name: int(np.isnan(r).sum()) for name, r in replicates.items() if not np.isnan(values[name])}
        usual = next(iter(undefined.values()), 0)
        self.skipped[section] = usual
        self.skipped |= {f"{section}.{name}": n - usual for name, n in undefined.items() if n > usual}


def as_score(value: float, ends: tuple[float, float] | None, reason: str) -> PlainScore:
    """A value with the ends of its interval; without an interval, with the reason. NaN becomes None."""
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    if ends is not None:
        low, high = ends
        return {"value": value, "low": low, "high": high}
    result: PlainScore = {"value": value, "low": None, "high": None}
    if reason:
        result["reason"] = reason
    return result


def _moves_in_steps(small_changes: Floats, whole_changes: Floats) -> bool:
    """Whether a score stays or jumps as people count a little less. The score is one that moves as they are left out, (n_groups,) each."""
    changes = np.abs(small_changes)
    is_step = changes > 1000 * SMALL_WEIGHT * np.nanmax(np.abs(whole_changes))
    is_rest = changes <= SMALL_WEIGHT * ROUNDING_ERROR
    return bool((is_step | is_rest).all())


def _spread_of_draws(drawn: Floats) -> float:
    """The standard deviation of the draws that are defined; NaN with fewer than two."""
    known = drawn[~np.isnan(drawn)]
    return float(known.std(ddof=1)) if len(known) > 1 else np.nan


def _known_ends(score: PlainScore) -> tuple[float, float, float] | None:
    """Value, low and high of a score; None if one is missing."""
    value = score["value"]
    low = score["low"]
    high = score["high"]
    if value is None or low is None or high is None:
        return None
    return value, low, high
