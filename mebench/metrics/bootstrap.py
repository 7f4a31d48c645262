"""Confidence intervals by subjects: resampled, since clips of one face are not independent, or each left out."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, NotRequired, Self, TypedDict

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from mebench.metrics.catalogue import find
from mebench.metrics.intervals import correlation, difference_interval, interval, leave_one_out, standard_error
from mebench.metrics.ratios import Floats


class Score(TypedDict):
    """A value with its interval; where there is none though one was asked for, `reason` says why."""

    value: float | None
    low: float | None
    high: float | None
    reason: NotRequired[str]


class Basis(NamedTuple):
    """What a score rests on.

    Attributes:
        subjects: how many.
        doubt: why no interval of it can be believed; empty if one can.
        unseen: standard error that no leaving out shows, because a part of the score is the same for all.
    """

    subjects: int
    doubt: str = ""
    unseen: float = 0.0


Evaluate = Callable[[Floats], Mapping[str, Floats]]
Rests = Callable[[Sequence[int], str], Basis]
"""From units and a score's name to what it rests on among them."""

FEW = 20
"""With fewer subjects than this, the jackknife also makes the intervals of what is no share."""

LEAST, LEAST_PAIRED = 2, 4
"""What rests on fewer subjects has no interval; the second of a difference, which fewer cannot correlate."""


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
        """What makes the intervals of scores that are no shares; those of shares are always the jackknife's."""
        return "jackknife" if self.strata and len(self.subjects) < FEW else "bootstrap"

    def scores(self, section: str, evaluate: Evaluate, rests: Rests | None = None) -> dict[str, Score]:
        """Values and 95 % intervals of what `evaluate` makes of (n_weightings, n_units) weights; NaN is undefined.

        Args:
            section: under which name `skipped` counts.
            evaluate: from weights to scores, (n_weightings,) each.
            rests: on which subjects a score rests; by default on all.
        """
        if self.strata and len(self.weights):
            return self._over_subjects(section, evaluate, rests)
        replicates = evaluate(self.weights)
        if self.mean:
            known = {name: r[~np.isnan(r)] for name, r in replicates.items()}
            values = {name: float(r.mean()) if len(r) else np.nan for name, r in known.items()}
        else:
            values = self._values(evaluate)
        self._note(section, values, replicates)
        return {name: score(values[name], replicates[name]) for name in replicates}

    def differences(
        self, first: Evaluate, second: Evaluate, rests: Sequence[Rests | None] = (None, None)
    ) -> dict[str, Score]:
        """Scores of one run minus those of another on the same subjects, in the form of `scores`.

        Args:
            first: from weights to the scores of one run.
            second: the same of the other run.
            rests: what the scores of each rest on.
        """
        runs = first, second
        sides = [replace(self, skipped={}).scores("", run, of_run) for run, of_run in zip(runs, rests)]
        values = [self._values(run) for run in runs]
        without = [run(leave_one_out(self.subjects, self.n_units)) for run in runs]
        of_both = {name: without[0][name] - without[1][name] for name in values[0]}
        found: dict[str, Score] = {}
        self._note("", {name: values[0][name] - values[1][name] for name in of_both}, of_both)
        for name, replicates in of_both.items():
            one, other = (_ends(side[name]) for side in sides)
            value, ends = values[0][name] - values[1][name], None
            if one and other and find(name).scale == "share":
                ends = difference_interval(one, other, correlation(without[0][name], without[1][name], self._names()))
            elif one and other:
                ends = interval(value, replicates, self._names())
            if len(self.subjects) < LEAST_PAIRED:
                ends, reasons = None, [f"a difference takes at least {LEAST_PAIRED} subjects"]
            else:
                reasons = [side[name].get("reason", "") for side in sides]
            found[name] = _score(value, ends, next(filter(None, reasons), _FLAT) if len(self.weights) else "")
        return found

    def errors(self, evaluate: Evaluate) -> dict[str, tuple[float, int]]:
        """Standard error over subjects of every score, NaN where nothing is known, and its degrees of freedom."""
        replicates = evaluate(leave_one_out(self.subjects, self.n_units))
        return {name: standard_error(r, self._names()) for name, r in replicates.items()}

    def _over_subjects(self, section: str, evaluate: Evaluate, rests: Rests | None) -> dict[str, Score]:
        values, without = self._values(evaluate), evaluate(leave_one_out(self.subjects, self.n_units))
        self._note(section, values, without)
        several = self.interval == "bootstrap" and any(find(name).scale != "share" for name in values)
        drawn = evaluate(self.weights) if several else {}
        found: dict[str, Score] = {}
        for name, value in values.items():
            basis = rests(self.subjects, name) if rests else Basis(len(self.subjects))
            scale, reason = find(name).scale, self._refusal(basis, without[name])
            ends = None
            if not reason and scale != "share" and drawn:
                _, low, high = _ends(score(value, drawn[name], self._tail())) or (value, 0.0, 0.0)
                ends = None if low == high else (low, high)
            elif not reason:
                ends = interval(value, without[name], self._names(), scale, basis.subjects, basis.unseen)
            found[name] = _score(value, ends, reason or _FLAT)
        return found

    def _refusal(self, basis: Basis, without: Floats) -> str:
        """Why a score has no interval; empty if it has one."""
        if not self._degrees():
            return "there is one subject of each dataset, so nothing says how others would score"
        if basis.doubt or (basis.subjects >= LEAST and not np.isnan(without).any()):
            return basis.doubt
        return "it rests on no subject" if not basis.subjects else "without one of the subjects it is undefined"

    def _values(self, evaluate: Evaluate) -> dict[str, float]:
        return {name: float(v[0]) for name, v in evaluate(np.ones((1, self.n_units))).items()}

    def _names(self) -> list[str]:
        return [self.strata[unit] for unit in self.subjects]

    def _degrees(self) -> int:
        return len(self.subjects) - len(set(self._names()))

    def _tail(self) -> float:
        return widened_tail(len(self.subjects), self._degrees())

    def _note(self, section: str, values: Mapping[str, float], replicates: Mapping[str, Floats]) -> None:
        """Count what was left out."""
        lacking = {name: int(np.isnan(r).sum()) for name, r in replicates.items() if not np.isnan(values[name])}
        usual = next(iter(lacking.values()), 0)
        self.skipped |= {section: usual} | {f"{section}.{name}": n - usual for name, n in lacking.items() if n > usual}


_FLAT = "it is the same whoever is left out, which says nothing of others"


def _score(value: float, ends: tuple[float, float] | None, reason: str) -> Score:
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    if ends is not None:
        return {"value": value, "low": ends[0], "high": ends[1]}
    if reason:
        return {"value": value, "low": None, "high": None, "reason": reason}
    return {"value": value, "low": None, "high": None}


def _ends(of: Score) -> tuple[float, float, float] | None:
    value, low, high = of["value"], of["low"], of["high"]
    return None if value is None or low is None or high is None else (value, low, high)
