"""Simulated subjects with known truth: how often intervals hold it, and are printed; how often the paired test errs."""

import numpy as np
import pytest

from benchmarks.coverage import coverage, differences, false_alarms, true_scores

SETS = 100
NOISE = 3 * np.sqrt(0.93 * 0.07 / SETS)
"""Three standard errors of a coverage of .93."""


@pytest.mark.parametrize(
    ("kind", "n", "share"),
    [("spotting", 6, 0.03), ("spotting", 12, 0.97), ("spotting", 30, 0.03), ("spotting", 15, 0.3), ("rare", 15, 0.9)],
)
def test_coverage_of_intervals_holds_near_the_ends(kind, n, share):
    """Of 100 such sets, F1 and recall once had the truth in 28 to 86 intervals: most were flat, or nearly so."""
    for name, tally in coverage(kind, n, share, SETS).items():
        assert tally.of == SETS
        assert tally.share >= 0.93 - NOISE, name
        assert tally.printed >= 0.8 * SETS or (kind == "rare" and name != "accuracy")


@pytest.mark.parametrize("shares", [(0.03, 0.33), (0.5, 0.5)])
def test_coverage_of_intervals_of_differences_holds(shares):
    for name, tally in differences("spotting", 12, shares, SETS).items():
        assert tally.printed >= 0.9 * SETS, name
        assert tally.share >= 0.93 - NOISE, name


@pytest.mark.parametrize("kind", ["spotting", "recognition"])
def test_false_alarms_of_equal_runs_are_one_in_twenty(kind):
    for share in false_alarms(kind, 12, 0.5, SETS, permutations=99).values():
        assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SETS)


def test_true_scores_are_known_otherwise():
    """Recall is the share, precision the same, so F1 is too; whoever is right in .7 of all clips has accuracy and UAR .7."""
    assert true_scores("spotting", 0.4)[0] == pytest.approx({"recall": 0.4, "precision": 0.4, "f1": 0.4}, abs=0.005)
    found = true_scores("recognition", 0.7)[0]
    assert (found["accuracy"], found["uar"]) == pytest.approx((0.7, 0.7), abs=0.005)
