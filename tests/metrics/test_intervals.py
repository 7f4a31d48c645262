import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from mebench.metrics import bootstrap, catalogue, paired


def test_score_interval_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(0).normal(size=12)
    without = (1 - np.eye(12)) @ values / 11
    error, degrees = bootstrap.standard_error(without, ["a"] * 12)
    assert (error, degrees) == (pytest.approx(stats.sem(values)), 11)
    expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert bootstrap.score_interval(values.mean(), without, ["a"] * 12, "any") == pytest.approx(expected)


def test_standard_error_adds_variances_of_strata():
    """The mean of two strata of equal size: the variance is the sum of the strata's, a quarter of each."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 1, 6), rng.normal(50, 1, 6)
    weights = 1 - np.eye(12)
    means = [
        weights[:, part] @ values / weights[:, part].sum(axis=1)
        for part, values in ((slice(6), one), (slice(6, 12), other))
    ]
    error, degrees = bootstrap.standard_error((means[0] + means[1]) / 2, ["a"] * 6 + ["b"] * 6)

    assert error == pytest.approx(np.sqrt(stats.sem(one) ** 2 + stats.sem(other) ** 2) / 2)
    assert degrees == 10


def test_score_interval_of_one_subject_is_None():
    assert bootstrap.score_interval(0.5, np.array([np.nan]), ["a"]) is None
    assert bootstrap.score_interval(0.5, np.array([0.4, 0.6]), ["a", "b"]) is None


def test_standard_error_leaves_out_undefined_replicates():
    with_nan = bootstrap.standard_error(np.array([0.1, 0.2, np.nan, 0.4]), ["a"] * 4)
    assert with_nan == bootstrap.standard_error(np.array([0.1, 0.2, 0.4]), ["a"] * 3)


@given(st.integers(0, 30), st.integers(1, 30))
def test_share_interval_of_independent_subjects_is_binomial(right, wrong):
    """One sample a subject, and the error of a binomial share with the normal's quantile: Clopper and Pearson's own."""
    n = right + wrong
    value = right / n
    exact = stats.binomtest(right, n).proportion_ci(0.95, "exact")
    error = np.sqrt(value * (1 - value) / n)
    assert bootstrap.share_interval(value, error, np.inf, n) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize("n", [4, 10, 30])
@pytest.mark.parametrize("right", [False, True])
def test_score_interval_flat_is_binomial_over_subjects(n, right):
    exact = stats.binomtest(n * right, n).proportion_ci(0.95, "exact")
    flat = bootstrap.score_interval(float(right), np.full(n, float(right)), ["a"] * n, "share")
    assert flat == pytest.approx((exact.low, exact.high))
    assert (
        bootstrap.score_interval(0.0, np.zeros(30), ["a"] * 30, "share", 4)[1]
        > bootstrap.score_interval(0.0, np.zeros(30), ["a"] * 30, "share")[1]
    )


def test_score_interval_of_clustered_shares_uses_effective_n():
    """Each of 12 subjects shows 20 expressions of equal luck: 240 samples are worth less than 30."""
    found = np.array([20] * 5 + [0] * 7)
    without = (1 - np.eye(12)) @ found / (20 * 11)
    low, high = bootstrap.score_interval(100 / 240, without, ["a"] * 12, "share")
    narrow, wide = (stats.binomtest(round(100 / 240 * n), n).proportion_ci(0.95, "exact") for n in (30, 5))
    assert wide.low < low < narrow.low
    assert narrow.high < high < wide.high


def test_standard_error_degrees_equal_satterthwaite():
    """Satterthwaite: 2 mean^2 / variance of the error's square, here of many errors from n normal values."""
    values = np.random.default_rng(0).normal(size=(4000, 10))
    squares = values.var(axis=1, ddof=1)
    expected = 2 * squares.mean() ** 2 / squares.var()
    assert expected == pytest.approx(9, rel=0.1)
    even = [bootstrap.effective_degrees(-row / 9, ["a"] * 10) for row in values]
    assert np.median(even) == pytest.approx(9, abs=1.5)
    assert max(even) == 9
    assert bootstrap.effective_degrees(np.eye(10)[0], ["a"] * 10) < 3
    assert bootstrap.effective_degrees(np.ones(10), ["a"] * 4 + ["b"] * 6) == 8


@given(*[st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4) for _ in range(2)], st.floats(-1, 1))
def test_difference_interval_exchanged_turns_the_sign(one, other, related):
    first, second = ((sorted(ends)[1], min(ends), max(ends)) for ends in (one, other))
    low, high = paired.difference_interval(first, second, related)
    back = paired.difference_interval(second, first, related)
    assert (-back[1], -back[0]) == pytest.approx((low, high))
    assert low <= first[0] - second[0] <= high


def test_difference_interval_of_normal_values_is_the_usual_one():
    """Even intervals of half-widths a and b: sqrt(a^2 + b^2 - 2 r a b) either way, as of the difference of normal values."""
    rng = np.random.default_rng(2)
    one = rng.normal(size=20)
    other = one + rng.normal(size=20)
    weights = (1 - np.eye(20)) / 19
    halves = [stats.t.ppf(0.975, 19) * stats.sem(values) for values in (one, other)]
    sides = [(v.mean(), v.mean() - half, v.mean() + half) for v, half in zip((one, other), halves)]
    found = paired.difference_interval(
        *sides, paired.score_correlation(*(weights @ (values - values.mean()) for values in (one, other)))
    )

    assert found == pytest.approx(stats.t.interval(0.95, 19, (one - other).mean(), stats.sem(one - other)))


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=15), st.floats(0, 1))
def test_score_interval_of_a_share_stays_in_0_and_1(replicates, value):
    low, high = bootstrap.score_interval(value, np.array(replicates), ["a"] * len(replicates), "share")
    assert 0 <= low <= value <= high <= 1


@given(st.lists(st.floats(0.01, 99), min_size=2, max_size=15), st.floats(0.5, 99))
def test_score_interval_of_positive_scores_stays_positive(replicates, value):
    ends = bootstrap.score_interval(value, np.array(replicates), ["a"] * len(replicates), "positive")
    assert (ends is None) == (np.ptp(replicates) < 1e-12)
    low, high = ends or (value, value)
    assert 0 <= low <= value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= high < np.inf


@given(st.lists(st.floats(0.9, 2.0), min_size=3, max_size=15), st.floats(1.0, 2.0, exclude_min=True))
def test_score_interval_of_share_above_1_holds_its_value(replicates, value):
    """Where a convention counts an interval for two truths: precision of megc2020, and F1 with it."""
    ends = bootstrap.score_interval(value, np.array(replicates), ["a"] * len(replicates), "share")
    assert (ends is None) == (np.ptp(replicates) < 1e-12)
    low, high = ends or (value, value)
    assert 0 <= low <= value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= high < np.inf


def test_find_metric_gives_every_score_a_scale():
    assert {catalogue.find_metric(name).scale for name in ("f1", "ap50", "uar", "strs", "ece", "acc_mesr", "0.55")} == {
        "share"
    }
    assert {catalogue.find_metric(name).scale for name in ("apex_mae_ms", "apex_mae_frames", "fp_per_minute")} == {
        "positive"
    }
    assert {catalogue.find_metric(name).scale for name in ("onset_bias_ms", "offset_bias_ms")} == {"any"}
