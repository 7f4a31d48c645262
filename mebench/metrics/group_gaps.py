"""Scores by groups of people: each with its interval, the widest gap between two, and whether chance makes such a gap."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from mebench.metrics.bootstrap import Basis, BasisOf, Evaluate, Resampling, basis_of_all, derived_seed
from mebench.metrics.paired import difference_interval
from mebench.metrics.ratios import Floats, safe_ratio

LEAST_PEOPLE = 5
"""Groups of fewer people are not shown, since their scores would describe individuals."""
SHUFFLES = 1999
"""Random permutations of the groups' names; with the observed one p is a multiple of 1 / 2000."""


def by_group(
    evaluate: Evaluate,
    name: str,
    strata: Sequence[str],
    labels: Sequence[str],
    basis_of: BasisOf = basis_of_all,
    draws: int = 1000,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> dict[str, Any]:
    """The score of each group of people, and the widest gap.

    The p value is of a permutation test whose statistic is that gap: the groups' names are exchanged at random among people of
    the same stratum, so that a difference between datasets is no difference between groups, and choosing the widest gap is
    accounted for.

    Args:
        evaluate: function from (m, n_people) weights to scores.
        name: name of the score.
        strata: (n_people,) dataset of each person.
        labels: (n_people,) group of each person; empty if unknown, and then the person takes no part.
        basis_of: the people that a score depends on.
        draws: number of bootstrap draws.
        shuffles: number of permutations of the names.
        seed: seed of draws and permutations.

    Returns:
        `groups`: for each group `value`, `low`, `high` and its number of `people`, which a group of fewer than `LEAST_PEOPLE` lacks;
        `gap`: `value`, `low`, `high` and `between`, and `p`; both None where fewer than two groups have a score.
    """
    names = np.asarray(labels, dtype=object)
    people = Resampling.of_subjects(strata, draws, seed)
    groups: dict[str, Any] = {}
    for kind in sorted({*labels} - {""}):
        members = np.flatnonzero(names == kind)
        groups[kind] = {"value": None, "low": None, "high": None}
        if len(members) >= LEAST_PEOPLE:
            scores = people.of_some(members, lambda weights: {name: evaluate(weights)[name]}, basis_of)
            groups[kind] = {"people": len(members), **scores[name]}
    known = [kind for kind in groups if groups[kind]["value"] is not None]
    if len(known) < 2:
        return {"groups": groups, "gap": None, "p": None}

    def widest_gaps(named: Any) -> Floats:
        """(m,) gaps of (m, n_people) names of groups."""
        values = np.stack([evaluate((named == kind).astype(np.float64))[name] for kind in known])
        return np.asarray(values.max(axis=0) - values.min(axis=0))

    gap = widest_gaps(names[None])[0]
    shuffled_gaps = widest_gaps(_shuffled_names(names, known, strata, shuffles, seed))
    # An undefined gap counts as a large one.
    n_as_large = int((~(shuffled_gaps < gap - 1e-9)).sum())
    return {"groups": groups, "gap": _gap(groups, known, float(gap)), "p": float((1 + n_as_large) / (1 + shuffles))}


def _shuffled_names(names: Any, known: Sequence[str], strata: Sequence[str], shuffles: int, seed: int) -> Any:
    """(shuffles, n_people) names of groups, exchanged at random.

    Names are exchanged among people of one stratum and of known groups.
    """
    rng = np.random.default_rng(derived_seed(seed, "groups"))
    shuffled = np.tile(names, (shuffles, 1))
    for stratum in sorted(set(strata)):
        members = np.flatnonzero(np.isin(names, known) & (np.asarray(strata) == stratum))
        shuffled[:, members] = rng.permuted(shuffled[:, members], axis=1)
    return shuffled


def _gap(groups: dict[str, Any], known: Sequence[str], gap: float) -> dict[str, Any]:
    """The gap between the best and the worst group, with its interval."""
    worst = min(known, key=lambda kind: groups[kind]["value"])
    best = max(known, key=lambda kind: groups[kind]["value"])
    ends_of_best = (groups[best]["value"], groups[best]["low"], groups[best]["high"])
    ends_of_worst = (groups[worst]["value"], groups[worst]["low"], groups[worst]["high"])
    low: float | None = None
    high: float | None = None
    if None not in ends_of_best and None not in ends_of_worst:
        low, high = difference_interval(ends_of_best, ends_of_worst, 0.0)
    return {"value": gap, "low": low, "high": high, "between": [best, worst]}


def compare_shares(
    hits: Floats, counts: Floats, strata: Sequence[str], draws: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Two shares of the same people, and their difference.

    An example are the expressions on the left and on the right that are found.

    Args:
        hits: (2, n_people) numbers of right ones, for each share.
        counts: (2, n_people) numbers of all, for each share.
        strata: (n_people,) dataset of each person.
        draws: number of bootstrap draws.
        seed: seed of the draws.

    Returns:
        `n`, the numbers of all; `first`, `second` and `difference`, each with its interval.
    """
    people = Resampling.of_subjects(strata, draws, seed)
    shares = [partial(_share, own_hits, own_counts) for own_hits, own_counts in zip(hits, counts)]
    bases = [partial(_people_counted, own_counts) for own_counts in counts]
    first, second, difference, _ = people.compare_runs(shares, bases)
    return {
        "n": counts.sum(axis=1).astype(int).tolist(),
        "first": first["accuracy"],
        "second": second["accuracy"],
        "difference": difference["accuracy"],
    }


def _share(hits: Floats, counts: Floats, weights: Floats) -> dict[str, Floats]:
    """The share that is right, under (m, n_people) weights."""
    return {"accuracy": safe_ratio(weights @ hits, weights @ counts, np.nan)}


def _people_counted(counts: Floats, units: Sequence[int], _: str) -> Basis:
    """The people of whom anything counts."""
    return Basis(int((counts[list(units)] > 0).sum()))
