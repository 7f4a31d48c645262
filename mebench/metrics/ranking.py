"""How firmly rows stand: their ranks and who beats whom when other people are drawn, and the people who are hardest for all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.lazy_imports import load_lazily
from mebench.metrics.ratios import Floats, Indices

if TYPE_CHECKING:
    import pandas as pd
    import scipy
else:
    pd = load_lazily("pandas")
    scipy = load_lazily("scipy")

EQUAL = 1e-9
"""Scores that differ by less are equal: sums in another order differ in their last digits."""
LOWEST = 0.2
"""The share of people that are the hardest."""
LEAST_SHARE = 0.0005
"""The least share of draws, half a draw of 1,000; the greatest is 1 minus it."""


def rank_intervals(scores: Floats) -> list[tuple[int, int]]:
    """The ranks that hold 95 % of the draws, for each run.

    Equal scores share their ranks: of two equal ones at the top each has ranks 1 to 2.

    Args:
        scores: (n_runs, n_draws), higher is better, all defined.

    >>> rank_intervals(np.array([[3.0, 3.0], [1.0, 2.0], [2.0, 2.0]]))
    [(1, 1), (2, 3), (2, 3)]
    """
    better = (scores > scores[:, None] + EQUAL).sum(axis=1)
    as_good = (scores >= scores[:, None] - EQUAL).sum(axis=1)
    low = np.quantile(1 + better, 0.025, axis=1, method="inverted_cdf")
    high = np.quantile(as_good, 0.975, axis=1, method="inverted_cdf")
    return list(zip(low.astype(int).tolist(), high.astype(int).tolist()))


def win_shares(scores: Floats) -> Floats:
    """(n_runs, n_runs) share of draws in which a run beats another.

    Runs of rows are compared with those of columns; a tie counts half.

    Args:
        scores: as of `rank_intervals`.

    >>> win_shares(np.array([[3.0, 1.0], [1.0, 1.0]])).tolist()
    [[0.5, 0.75], [0.25, 0.5]]
    """
    differences = scores[:, None] - scores[None]
    return np.asarray(((differences > EQUAL) + 0.5 * (abs(differences) <= EQUAL)).mean(axis=2))


def hardest_people(personal: Floats, share: float = LOWEST) -> Indices:
    """The people with the lowest mean rank over runs, in order: a share of those for whom some run has a score, one at least.

    Every run is then scored on the same people: each with its own lowest would compare other people (as MOABB's
    `compute_lowest_subject_scores`, after Gnassounou et al. 2025, arXiv:2503.04582; there one pipeline names them).

    Args:
        personal: (n_runs, n_people) the score on each person alone; NaN where it is undefined.
        share: share of the people; their number is rounded up.

    >>> hardest_people(np.array([[0.9, 0.1, 0.5, 0.4, np.nan], [0.8, 0.3, 0.2, 0.9, np.nan]]), 0.5).tolist()
    [1, 2]
    """
    known = np.asarray(~np.isnan(personal).all(axis=0))
    mean = np.full(len(known), np.inf)
    mean[known] = np.nanmean(pd.DataFrame(personal).rank(axis=1).to_numpy()[:, known], axis=0)
    n_hardest = int(np.ceil(share * known.sum() - EQUAL))
    hardest_first = np.argsort(mean, kind="stable")
    return np.asarray(np.sort(hardest_first[:n_hardest]))


def personal_path(path: str) -> str:
    """The path of the score by which people are hard or easy: F1 of spotting, or accuracy, since few people show every class.

    >>> personal_path("recognition.uf1"), personal_path("spotting.macro.apex_mae_ms"), personal_path("analysis.strs")
    ('recognition.accuracy', 'spotting.macro.f1', 'spotting.micro.f1')
    """
    if path == "analysis.strs":
        return "spotting.micro.f1"
    if path.startswith("spotting."):
        section, kind = path.split(".")[:2]
        return f"{section}.{kind}.f1"
    part, _, _ = path.rpartition(".")
    return f"{part}.accuracy"


def over_datasets(beats: Sequence[float], people: Sequence[int]) -> dict[str, Any]:
    """The distance of two methods over several datasets.

    It follows from how often one is better in each.

    A share of draws is taken as a share of a normal distribution, so that its quantile z is the difference in standard errors, and
    z / sqrt(n) in standard deviations of people: a standardised mean difference. Means weigh datasets by the square roots of their
    numbers of people, p values too (Stouffer's method), as in MOABB's `combine_effects` and `combine_pvalues`.

    Args:
        beats: for each dataset the share of draws of people in which it is better, see `win_shares`.
        people: people of each dataset; nobody is in two of them.

    Returns:
        `people` in all, `difference`, the mean with its 95 % interval, and `p`, two-sided.
    """
    z = scipy.special.ndtri(np.clip(beats, LEAST_SHARE, 1 - LEAST_SHARE))
    weights = np.sqrt(people)
    mean = z.sum() / weights.sum()
    error = np.sqrt(len(z)) / weights.sum()
    both = abs((weights * z).sum()) / np.sqrt((weights**2).sum())
    ends = {"value": float(mean), "low": float(mean - 1.96 * error), "high": float(mean + 1.96 * error)}
    return {"people": int(sum(people)), "difference": ends, "p": float(2 * scipy.special.ndtr(-both))}
