"""Scores by groups of people: each with its interval, the widest gap between two, and whether chance makes such a gap."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from mebench.metrics.bootstrap import Basis, BasisOf, Evaluate, Resampling, derived_seed, of_all
from mebench.metrics.paired import difference_interval
from mebench.metrics.ratios import Floats, ratio

LEAST_PEOPLE = 5
"""Groups of fewer people are not shown, since their scores would describe individuals."""
SHUFFLES = 1999


def by_group(
    evaluate: Evaluate,
    name: str,
    strata: Sequence[str],
    labels: Sequence[str],
    basis_of: BasisOf = of_all,
    draws: int = 1000,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> dict[str, Any]:
    """The score of each group of people, and the gap between the best and the worst.

    The p value is of a permutation test whose statistic is that gap: the groups' names are dealt anew among people of the same
    stratum, so differences between datasets are none between groups, and the choice of the widest gap is paid for.

    Args:
        evaluate: from (m, n_people) weights to scores.
        name: of the score.
        strata: (n_people,) the dataset of each.
        labels: (n_people,) the group of each; an unknown one is empty, and takes no part.
        basis_of: which people a score depends on.
        draws: of the bootstrap.
        shuffles: of the names.
        seed: of draws and shuffles.

    Returns:
        `groups`: for each `value`, `low`, `high` and its number of `people`, which a group of fewer than `LEAST_PEOPLE` lacks;
        `gap`: `value`, `low`, `high` and `between`, and `p`; both None where fewer than two groups have a score.
    """
    names, people = np.asarray(labels, dtype=object), Resampling.of_subjects(strata, draws, seed)
    groups: dict[str, Any] = {}
    for kind in sorted({*labels} - {""}):
        members = np.flatnonzero(names == kind)
        groups[kind] = (
            {
                "people": len(members),
                **people.of_some(members, lambda weights: {name: evaluate(weights)[name]}, basis_of)[name],
            }
            if len(members) >= LEAST_PEOPLE
            else {"value": None, "low": None, "high": None}
        )
    known = [kind for kind in groups if groups[kind]["value"] is not None]
    if len(known) < 2:
        return {"groups": groups, "gap": None, "p": None}

    def ranges(dealt: Any) -> Floats:
        """(m,) gaps of (m, n_people) names."""
        values = np.stack([evaluate((dealt == kind).astype(np.float64))[name] for kind in known])
        return np.asarray(values.max(axis=0) - values.min(axis=0))

    rng, dealt = np.random.default_rng(derived_seed(seed, "groups")), np.tile(names, (shuffles, 1))
    for stratum in sorted(set(strata)):
        members = np.flatnonzero(np.isin(names, known) & (np.asarray(strata) == stratum))
        dealt[:, members] = rng.permuted(dealt[:, members], axis=1)
    gap, drawn_gaps = ranges(names[None])[0], ranges(dealt)
    low, high = (pick(known, key=lambda kind: groups[kind]["value"]) for pick in (min, max))
    highest, lowest = ((groups[kind]["value"], groups[kind]["low"], groups[kind]["high"]) for kind in (high, low))
    ends = (None, None) if None in (*highest, *lowest) else difference_interval(highest, lowest, 0.0)
    return {
        "groups": groups,
        "gap": {"value": float(gap), "low": ends[0], "high": ends[1], "between": [high, low]},
        # An undefined gap counts as a large one.
        "p": float((1 + (~(drawn_gaps < gap - 1e-9)).sum()) / (1 + shuffles)),
    }


def paired(hits: Floats, counts: Floats, strata: Sequence[str], draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Two shares of the same people, such as of expressions on the left and on the right that are found, and their
    difference.

    Args:
        hits: (2, n_people) how many are right, of each of the two.
        counts: (2, n_people) of how many.
        strata: (n_people,) the dataset of each.
        draws: of the bootstrap.
        seed: of it.

    Returns:
        `n`, of how many; `first`, `second` and `difference`, each with its interval.
    """

    def share(hits: Floats, counts: Floats, weights: Floats) -> dict[str, Floats]:
        return {"accuracy": ratio(weights @ hits, weights @ counts, np.nan)}

    def basis(counts: Floats, units: Sequence[int], _: str) -> Basis:
        return Basis(int((counts[list(units)] > 0).sum()))

    people = Resampling.of_subjects(strata, draws, seed)
    shares, bases = [partial(share, *side) for side in zip(hits, counts)], [partial(basis, own) for own in counts]
    accuracies = (scores["accuracy"] for scores in people.compared(shares, bases)[:3])
    return {"n": counts.sum(axis=1).astype(int).tolist(), **dict(zip(("first", "second", "difference"), accuracies))}
