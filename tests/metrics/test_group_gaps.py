import numpy as np
import pytest
from scipy import stats

from mebench.metrics import compared_tables, group_gaps


def share_of(values):
    """A score that is the mean over people."""
    values = np.asarray(values, dtype=float)
    return lambda weights: {"ap": np.divide(weights @ values, weights.sum(axis=1))}


def gaps(values, labels, strata=None, **how):
    return group_gaps.by_group(share_of(values), "ap", strata or ["a"] * len(values), labels, draws=200, **how)


def test_group_gaps_p_of_two_groups_equals_scipy():
    rng = np.random.default_rng(1)
    values = rng.random(16)
    labels = ["old"] * 6 + ["young"] * 10
    found = gaps(values, labels)
    whole = stats.permutation_test(
        (values[:6], values[6:]),
        lambda x, y, axis: abs(x.mean(axis) - y.mean(axis)),
        n_resamples=np.inf,
        alternative="greater",
    )
    assert found["p"] == pytest.approx(whole.pvalue, abs=0.04)
    assert found["gap"]["value"] == pytest.approx(whole.statistic)
    for name, own in (("old", values[:6]), ("young", values[6:])):
        assert found["groups"][name]["value"] == pytest.approx(own.mean())
        assert found["groups"][name]["people"] == len(own)


def test_group_gaps_withholds_small_groups_and_unknown_people():
    found = gaps([0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.8], ["a"] * 5 + ["b", ""])
    assert found["groups"]["b"] == {"value": None, "low": None, "high": None}
    assert set(found["groups"]) == {"a", "b"}
    assert found["gap"] is None
    assert found["p"] is None


def test_group_gaps_ignores_differences_between_datasets():
    """All of one dataset are better, and each group has people of both in other numbers."""
    rng = np.random.default_rng(0)
    strata = ["x"] * 20 + ["y"] * 20
    values = rng.random(40) * 0.1 + np.array([0.2] * 20 + [0.8] * 20)
    labels = ["m"] * 14 + ["f"] * 6 + ["m"] * 6 + ["f"] * 14
    assert gaps(values, labels, strata)["p"] > 0.05 > gaps(values, labels)["p"]


@pytest.mark.parametrize(("planted", "least", "most"), [(0.0, 0, 10), (1.0, 70, 92)])
def test_group_gaps_finds_planted_gaps_at_stated_power(planted, least, most):
    """The gap is what a test of two groups of 20 people finds with 80 % power; of 100 data sets 5 are false alarms."""
    gap = planted * compared_tables.detectable_difference(np.sqrt(2 / 20), 38)
    found = 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(size=40) + gap * np.repeat([0, 1], 20)
        found += gaps(values, ["a"] * 20 + ["b"] * 20, shuffles=199, seed=seed)["p"] <= 0.05
    assert least <= found <= most


def test_group_gaps_compares_sides_of_face_within_people():
    hits, counts = np.array([[3, 2, 4, 1, 5], [1, 1, 2, 0, 3]], float), np.full((2, 5), 5.0)
    found = group_gaps.compare_shares(hits, counts, ["a"] * 5)
    assert found["n"] == [25, 25]
    assert found["first"]["value"] == 15 / 25
    assert found["second"]["value"] == 7 / 25
    low, high = found["difference"]["low"], found["difference"]["high"]
    assert low < 8 / 25 < high
    assert low > 0
    assert stats.ttest_rel(*hits).pvalue < 0.05
