import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mebench.metrics.bootstrap import interval, leave_one_out, scale_of_difference, standard_error
from mebench.metrics.catalogue import find


def test_of_a_mean_it_is_the_textbook_error_and_interval():
    values = np.random.default_rng(0).normal(size=12)
    without = leave_one_out(range(12), 12) @ values / 11
    error, degrees = standard_error(without, ["a"] * 12)
    assert (error, degrees) == (pytest.approx(stats.sem(values)), 11)
    expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert interval(values.mean(), without, ["a"] * 12, "any") == pytest.approx(expected)


def test_strata_add_their_variances():
    """The mean of two strata of equal size: the variance is the sum of the strata's, a quarter of each."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 1, 6), rng.normal(50, 1, 6)
    weights = leave_one_out(range(12), 12)
    means = [
        weights[:, part] @ values / weights[:, part].sum(axis=1)
        for part, values in ((slice(6), one), (slice(6, 12), other))
    ]
    error, degrees = standard_error((means[0] + means[1]) / 2, ["a"] * 6 + ["b"] * 6)
    assert error == pytest.approx(np.sqrt(stats.sem(one) ** 2 + stats.sem(other) ** 2) / 2)
    assert degrees == 10


def test_nobody_knows_how_far_one_subject_may_be_off():
    assert interval(0.5, np.array([np.nan]), ["a"]) is None
    assert interval(0.5, np.array([0.4, 0.6]), ["a", "b"]) is None


def test_an_undefined_replicate_is_left_out():
    with_nan = standard_error(np.array([0.1, 0.2, np.nan, 0.4]), ["a"] * 4)
    assert with_nan == standard_error(np.array([0.1, 0.2, 0.4]), ["a"] * 3)


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=15), st.floats(0, 1))
def test_a_share_stays_a_share_around_its_value(replicates, value):
    low, high = interval(value, np.array(replicates), ["a"] * len(replicates), "share")
    assert 0 <= low <= value + 1e-12 and value - 1e-12 <= high <= 1


@given(st.lists(st.floats(0.01, 99), min_size=2, max_size=15), st.floats(0.5, 99))
def test_a_positive_score_stays_positive(replicates, value):
    low, high = interval(value, np.array(replicates), ["a"] * len(replicates), "positive")
    assert 0 <= low <= value * (1 + 1e-12) and value * (1 - 1e-12) <= high < np.inf


def test_every_score_of_a_summary_has_its_scale():
    assert {find(name).scale for name in ("f1", "ap50", "uar", "strs", "ece", "acc_mesr", "0.55")} == {"share"}
    assert {find(name).scale for name in ("apex_mae_ms", "apex_mae_frames", "fp_per_minute")} == {"positive"}
    assert {find(name).scale for name in ("onset_bias_ms", "offset_bias_ms")} == {"any"}
    assert [scale_of_difference(name) for name in ("f1", "apex_mae_ms")] == ["difference", "any"]
