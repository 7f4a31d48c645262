"""How often `metrics.group_gaps` finds a planted gap between groups of people, and one where there is none.

    python benchmarks/gaps.py

Each data set has two or three groups of people with normal scores; the planted gap is what a test of two finds with 80 % power.
"""

import numpy as np

from mebench.metrics import group_gaps
from mebench.metrics.compared_tables import detectable_difference

SETS = 1000


def found(people: int, groups: int, planted: float) -> float:
    """The share of data sets with p of at most .05."""
    detectable = detectable_difference(float(np.sqrt(2 / people)), 2 * people - 2)
    gap = planted * (detectable or 0.0)
    labels = np.repeat([f"g{n}" for n in range(groups)], people).tolist()
    hits = 0
    for seed in range(SETS):
        values = np.random.default_rng(seed).normal(size=people * groups)
        values[:people] += gap
        score = lambda weights, values=values: {"ap": weights @ values / weights.sum(axis=1)}  # noqa: E731
        one = group_gaps.by_group(score, "ap", ["a"] * len(labels), labels, draws=20, shuffles=499, seed=seed)
        hits += one["p"] <= 0.05
    return hits / SETS


if __name__ == "__main__":
    for people, groups in ((6, 2), (20, 2), (20, 3)):
        print(
            f"{groups} groups of {people}: planted {found(people, groups, 1):.3f}, none {found(people, groups, 0):.3f}"
        )
