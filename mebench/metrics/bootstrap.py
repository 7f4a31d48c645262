"""Confidence intervals by resampling subjects, since clips of one face are not independent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mebench.metrics.ratios import Floats

Score = dict[str, float | None]
Evaluate = Callable[[Floats], Mapping[str, Floats]]


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


def score(value: float, replicates: Floats) -> Score:
    """A value with the 2.5 and 97.5 percentiles of its replicates; NaN values become None, NaN replicates are left out.

    >>> score(0.5, np.array([0.0, 0.5, 1.0, np.nan]))
    {'value': 0.5, 'low': 0.025, 'high': 0.975}
    >>> score(float("nan"), np.array([1.0]))
    {'value': None, 'low': None, 'high': None}
    """
    known = replicates[~np.isnan(replicates)]
    if np.isnan(value) or not len(known):
        return {"value": None if np.isnan(value) else float(value), "low": None, "high": None}
    low, high = np.percentile(known, [2.5, 97.5])
    return {"value": float(value), "low": float(low), "high": float(high)}


@dataclass
class Resampling:
    """Weightings of units under which scores are computed anew.

    Units are subjects, and the value of a score is that of all subjects once; or, for methods that predict by chance,
    units are draws, and the value is the mean over draws.

    Attributes:
        weights: (n_replicates, n_units).
        mean: whether a score's value is the mean over replicates instead of the score under equal weights.
        skipped: for each section, how many replicates its first score left out for lack of a truth or a class; for a
            single score (`section.score`), how many more it left out.
    """

    weights: Floats
    mean: bool = False
    skipped: dict[str, int] = field(default_factory=dict)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.weights.shape[1])

    def scores(self, section: str, evaluate: Evaluate) -> dict[str, Score]:
        """Values and 95 % intervals of what `evaluate` makes of (n_weightings, n_units) weights; NaN is undefined."""
        replicates = evaluate(self.weights)
        if self.mean:
            known = {name: r[~np.isnan(r)] for name, r in replicates.items()}
            values = {name: float(r.mean()) if len(r) else np.nan for name, r in known.items()}
        else:
            values = {name: float(v[0]) for name, v in evaluate(np.ones((1, self.n_units))).items()}
        lacking = {name: int(np.isnan(r).sum()) for name, r in replicates.items() if not np.isnan(values[name])}
        usual = next(iter(lacking.values()), 0)
        self.skipped[section] = usual
        self.skipped.update({f"{section}.{name}": n - usual for name, n in lacking.items() if n > usual})
        return {name: score(values[name], replicates[name]) for name in replicates}
