"""Confidence intervals by subjects: resampled, since clips of one face are not independent, or each left out."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student

from mebench.metrics.catalogue import find
from mebench.metrics.ratios import Floats

Scale = Literal["share", "positive", "difference", "any"]
_ENDS = {"share": (0.0, 1.0), "positive": (0.0, np.inf), "difference": (-1.0, 1.0), "any": (-np.inf, np.inf)}


def scale_of_difference(name: str) -> Scale:
    """The scale of a difference of two such scores: `difference`, -1 to 1, of two shares, else `any`."""
    return "difference" if find(name).scale == "share" else "any"


def leave_one_out(units: Sequence[int], n_units: int) -> Floats:
    """Weights that leave out each of `units` once, (len(units), n_units).

    >>> leave_one_out([0, 2], 3)
    array([[0., 1., 1.],
           [1., 1., 0.]])
    """
    return 1 - np.eye(n_units)[list(units)]


def standard_error(replicates: Floats, strata: Sequence[str]) -> tuple[float, int]:
    """Standard error and degrees of freedom from leave-one-out replicates (Efron and Tibshirani 1993, eq. 11.5).

    In strata h of n_h subjects the variance is the sum over h of (n_h - 1) / n_h sum_i (theta_hi - mean_h)^2, and the
    degrees of freedom are the sum of n_h - 1 (Shao and Tu 1995, section 6.2). A stratum of one subject adds nothing to
    either: nobody knows how another subject of it would have scored.

    Args:
        replicates: (n,) score without each subject; NaN where it is undefined, which is left out.
        strata: (n,) stratum of each subject.

    Returns:
        The error, NaN without a degree of freedom, and the degrees.

    >>> standard_error(np.array([2.5, 2.0, 1.5]), ["a", "a", "a"])  # of the mean of 1, 2, 3: 1 / sqrt(3)
    (0.5773502691896257, 2)
    """
    known, names = ~np.isnan(replicates), np.asarray(strata, dtype=object)
    variance, degrees = 0.0, 0
    for stratum in sorted(set(strata)):
        part = replicates[known & (names == stratum)]
        if len(part) > 1:
            variance += (len(part) - 1) / len(part) * float(((part - part.mean()) ** 2).sum())
            degrees += len(part) - 1
    return (float(np.sqrt(variance)) if degrees else np.nan), degrees


def interval(
    value: float, replicates: Floats, strata: Sequence[str], scale: Scale = "any"
) -> tuple[float, float] | None:
    """The 95 % interval of Student's t around a value, even on the logit of a share, the logarithm of what is positive.

    The transformation keeps the interval inside the score's range, and repairs most of what the plain t interval misses
    (`tests/metrics/statistics/test_coverage.py`). The standard error is carried over by the derivative. A share of 0 or
    1, a positive score that may well be 0 (half the width of the plain interval reaches it) and a difference get the plain
    interval, cut at the ends of the range.

    Args:
        value: the score of all subjects.
        replicates: (n,) the score without each subject, NaN where undefined.
        strata: (n,) stratum of each subject.
        scale: of the score.

    Returns:
        Low and high; None if fewer than two subjects of a stratum say anything.
    """
    error, degrees = standard_error(replicates, strata)
    if not degrees or np.isnan(value):
        return None
    half = float(student.ppf(0.975, degrees)) * error
    if error == 0:
        return value, value
    if scale == "share" and 0 < value < 1:
        centre, reach = float(logit(value)), half / (value * (1 - value))
        return float(expit(centre - reach)), float(expit(centre + reach))
    if scale == "positive" and half < value:
        return float(value * np.exp(-half / value)), float(value * np.exp(half / value))
    lowest, highest = _ENDS[scale]
    return max(value - half, lowest), min(value + half, highest)


Score = dict[str, float | None]
Evaluate = Callable[[Floats], Mapping[str, Floats]]

FEW = 20
"""With fewer subjects than this, intervals are those of the jackknife."""


def derived_seed(seed: int, *words: str) -> int:
    """A seed for one purpose, the same on every machine and in every process.

    >>> derived_seed(0, "chance", "micro")
    608403815502950758
    """
    return int.from_bytes(hashlib.sha256(json.dumps([seed, *words]).encode()).digest()[:8], "big")


def subject_weights(strata: Sequence[str], draws: int, seed: int) -> Floats:
    """How often each subject appears in each bootstrap draw.

    Subjects are drawn with replacement within their stratum (the member dataset), as many as it has.

    Args:
        strata: (n_subjects,) stratum of each subject.
        draws: number of draws.
        seed: of the run.

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
    """The share of replicates below the interval that makes a percentile interval right for a mean of normal values.

    Phi(sqrt(n / degrees) t), with t the 2.5 % point of Student's t; with one stratum degrees = n - 1 (Hesterberg 2015,
    What Teachers Should Know About the Bootstrap, section 4.3). Without a degree of freedom there is none: 0.

    >>> round(widened_tail(20, 19), 4), round(widened_tail(100_000, 99_999), 4)
    (0.0159, 0.025)
    """
    return float(norm.cdf(np.sqrt(n / degrees) * student.ppf(0.025, degrees))) if degrees else 0.0


def score(value: float, replicates: Floats, tail: float = 0.025) -> Score:
    """A value with two percentiles of its replicates; NaN values become None, NaN replicates are left out.

    Args:
        value: the score.
        replicates: (n,) the same score of resampled data.
        tail: share of the replicates below `low`, and above `high`.

    >>> score(0.5, np.array([0.0, 0.5, 1.0, np.nan]))
    {'value': 0.5, 'low': 0.025, 'high': 0.975}
    >>> score(float("nan"), np.array([1.0]))
    {'value': None, 'low': None, 'high': None}
    """
    known = replicates[~np.isnan(replicates)]
    if np.isnan(value) or not len(known):
        return {"value": None if np.isnan(value) else float(value), "low": None, "high": None}
    low, high = np.percentile(known, [100 * tail, 100 - 100 * tail])
    return {"value": float(value), "low": float(low), "high": float(high)}


@dataclass
class Resampling:
    """Weightings of units under which scores are computed anew.

    Units are subjects, and the value of a score is that of all subjects once (`of_subjects`); or, for methods that
    predict by chance, units are draws, and the value is the mean over draws.

    Attributes:
        weights: (n_replicates, n_units).
        mean: whether a score's value is the mean over replicates instead of the score under equal weights.
        skipped: for each section, how many replicates its first score left out for lack of a truth or a class; for a
            single score (`section.score`), how many more it left out.
        strata: (n_units,) stratum of each subject; empty where units are not subjects, and percentiles are plain.
        chosen: the units that the scores depend on; all if None.
    """

    weights: Floats
    mean: bool = False
    skipped: dict[str, int] = field(default_factory=dict)
    strata: tuple[str, ...] = ()
    chosen: tuple[int, ...] | None = None

    @classmethod
    def of_subjects(cls, strata: Sequence[str], draws: int, seed: int) -> Self:
        """Subjects, each with its stratum (the member dataset); without draws there will be values without intervals."""
        return cls(subject_weights(strata, draws, seed), strata=tuple(strata))

    def within(self, stratum: str) -> Self:
        """The same draws for scores that depend on the subjects of one stratum alone, whose number then decides."""
        return replace(self, chosen=tuple(unit for unit, name in enumerate(self.strata) if name == stratum))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.weights.shape[1])

    @property
    def subjects(self) -> tuple[int, ...]:
        """The units that matter, where units are subjects."""
        return tuple(range(len(self.strata))) if self.chosen is None else self.chosen

    @property
    def interval(self) -> Literal["bootstrap", "jackknife"]:
        """How intervals are made: by the jackknife below 20 subjects."""
        return "jackknife" if self.strata and len(self.subjects) < FEW else "bootstrap"

    def scores(self, section: str, evaluate: Evaluate, differences: bool = False) -> dict[str, Score]:
        """Values and 95 % intervals of what `evaluate` makes of (n_weightings, n_units) weights; NaN is undefined.

        Args:
            section: under which name `skipped` counts.
            evaluate: from weights to scores, (n_weightings,) each.
            differences: whether they are differences of two scores of that name.
        """
        if self.interval == "jackknife" and len(self.weights):
            return self._jackknife(section, evaluate, differences)
        replicates = evaluate(self.weights)
        if self.mean:
            known = {name: r[~np.isnan(r)] for name, r in replicates.items()}
            values = {name: float(r.mean()) if len(r) else np.nan for name, r in known.items()}
        else:
            values = self._values(evaluate)
        self._note(section, values, replicates)
        tail = widened_tail(len(self.subjects), self._degrees()) if self.strata else 0.025
        return {name: score(values[name], replicates[name], tail) for name in replicates}

    def errors(self, evaluate: Evaluate) -> dict[str, tuple[float, int]]:
        """Standard error over subjects of every score, NaN where nothing is known, and its degrees of freedom."""
        if self.interval == "jackknife":
            replicates = evaluate(leave_one_out(self.subjects, self.n_units))
            return {name: standard_error(r, self._names()) for name, r in replicates.items()}
        degrees, known = self._degrees(), {name: r[~np.isnan(r)] for name, r in evaluate(self.weights).items()}
        # A draw of n subjects varies around their own mean: too little, by degrees / n.
        wider = np.sqrt(len(self.subjects) / degrees) if degrees else np.nan
        return {name: (float(r.std() * wider) if len(r) > 1 else np.nan, degrees) for name, r in known.items()}

    def _jackknife(self, section: str, evaluate: Evaluate, differences: bool) -> dict[str, Score]:
        replicates, values = evaluate(leave_one_out(self.subjects, self.n_units)), self._values(evaluate)
        self._note(section, values, replicates)
        found: dict[str, Score] = {}
        for name, value in values.items():
            scale: Scale = scale_of_difference(name) if differences else find(name).scale
            low, high = interval(value, replicates[name], self._names(), scale) or (None, None)
            found[name] = {"value": None if np.isnan(value) else value, "low": low, "high": high}
        return found

    def _values(self, evaluate: Evaluate) -> dict[str, float]:
        return {name: float(v[0]) for name, v in evaluate(np.ones((1, self.n_units))).items()}

    def _names(self) -> list[str]:
        return [self.strata[unit] for unit in self.subjects]

    def _degrees(self) -> int:
        return len(self.subjects) - len(set(self._names()))

    def _note(self, section: str, values: Mapping[str, float], replicates: Mapping[str, Floats]) -> None:
        """Count what was left out."""
        lacking = {name: int(np.isnan(r).sum()) for name, r in replicates.items() if not np.isnan(values[name])}
        usual = next(iter(lacking.values()), 0)
        self.skipped |= {section: usual} | {f"{section}.{name}": n - usual for name, n in lacking.items() if n > usual}
