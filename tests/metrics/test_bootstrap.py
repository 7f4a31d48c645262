import numpy as np
import pytest
from scipy import stats

from mebench.metrics.bootstrap import Resampling, score, subject_weights


def test_subjects_are_drawn_within_their_dataset() -> None:
    weights = subject_weights(["a", "a", "b", "b", "b"], 500, seed=1)
    assert (weights[:, :2].sum(axis=1) == 2).all() and (weights[:, 2:].sum(axis=1) == 3).all()
    # A subject of n is left out with probability (1 - 1/n)^n.
    assert (weights[:, 0] == 0).mean() == pytest.approx(1 / 4, abs=0.06)
    assert (weights[:, 4] == 0).mean() == pytest.approx((2 / 3) ** 3, abs=0.07)


def test_the_seed_decides_the_draws_and_another_dataset_does_not() -> None:
    alone = subject_weights(["a", "a", "a"], 20, seed=1)
    np.testing.assert_array_equal(subject_weights(["a", "a", "a"], 20, seed=1), alone)
    np.testing.assert_array_equal(subject_weights(["a", "a", "a", "b"], 20, seed=1)[:, :3], alone)
    assert (subject_weights(["a", "a", "a"], 20, seed=2) != alone).any()


def test_the_interval_of_a_mean_is_the_textbook_one() -> None:
    """Percentiles of a bootstrapped mean approach the normal interval, mean -+ 1.96 sd / sqrt(n)."""
    values = np.random.default_rng(0).normal(size=200)
    resampling = Resampling(subject_weights(["a"] * 200, 4000, seed=0))
    mean = resampling.scores("x", lambda weights: {"mean": weights @ values / weights.sum(axis=1)})["mean"]
    half = 1.96 * values.std() / np.sqrt(200)
    assert mean["value"] == pytest.approx(values.mean())
    assert mean["low"] == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert mean["high"] == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_undefined_draws_are_left_out_and_counted() -> None:
    resampling = Resampling(np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]))

    def evaluate(weights):
        first = np.where(weights[:, 0] > 0, weights[:, 0], np.nan)
        return {"first": first, "second": np.where(weights[:, 1] > 0, first, np.nan), "never": np.nan * first}

    scores = resampling.scores("part", evaluate)
    assert resampling.skipped == {"part": 1, "part.second": 1}
    assert scores["second"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert scores["never"] == {"value": None, "low": None, "high": None}


def test_draws_of_chance_are_averaged() -> None:
    values = np.array([0.0, 1.0, 2.0, np.nan])
    scores = Resampling(np.eye(4), mean=True).scores("x", lambda weights: {"y": values[weights.argmax(axis=1)]})
    assert scores["y"]["value"] == 1.0
    assert scores["y"]["high"] == pytest.approx(1.95)


def test_without_replicates_there_is_a_value_alone() -> None:
    assert score(0.5, np.empty(0)) == {"value": 0.5, "low": None, "high": None}


def mean_of(values):
    return lambda weights: {"f1": weights @ values / weights.sum(axis=1)}


def test_below_20_subjects_each_is_left_out_once_and_from_20_on_they_are_drawn():
    values = np.random.default_rng(0).uniform(0.3, 0.7, 20)
    seen = []

    def evaluate(weights):
        seen.append(weights)
        return {"f1": weights @ values[: weights.shape[1]] / weights.sum(axis=1)}

    few, many = (Resampling.of_subjects(["a"] * n, 300, seed=0) for n in (19, 20))
    assert (few.interval, many.interval) == ("jackknife", "bootstrap")
    few.scores("x", evaluate)
    np.testing.assert_array_equal(seen[0], 1 - np.eye(19))
    many.scores("x", evaluate)
    assert seen[2].shape == (300, 20)


def test_a_bootstrapped_interval_is_widened_as_student_would():
    """Of normal values, n = 20: percentiles at Phi(sqrt(n / (n - 1)) t) come to the t interval of the mean."""
    values = np.random.default_rng(0).normal(0.5, 0.1, 20)
    ours = Resampling.of_subjects(["a"] * 20, 20_000, seed=0).scores("x", mean_of(values))["f1"]
    expected = stats.t.interval(0.95, 19, loc=values.mean(), scale=stats.sem(values))
    width = expected[1] - expected[0]
    assert (ours["low"], ours["high"]) == pytest.approx(expected, abs=0.05 * width)


def test_a_score_of_one_member_goes_by_the_number_of_its_subjects():
    values, strata = np.random.default_rng(0).uniform(0.3, 0.7, 30), ["a"] * 25 + ["b"] * 5
    whole = Resampling.of_subjects(strata, 500, seed=0)
    member, alone = whole.within("b"), Resampling.of_subjects(["b"] * 5, 500, seed=0)

    def of_member(weights):
        return {"f1": weights[:, 25:] @ values[25:] / weights[:, 25:].sum(axis=1)}

    assert (whole.interval, member.interval) == ("bootstrap", "jackknife")
    assert member.scores("x", of_member) == alone.scores("x", mean_of(values[25:]))
    assert whole.skipped == {"x": 0}  # they count in one place


def test_without_draws_few_subjects_have_no_interval_either():
    scores = Resampling.of_subjects(["a"] * 5, 0, seed=0).scores("x", mean_of(np.arange(5.0)))
    assert scores["f1"] == {"value": 2.0, "low": None, "high": None}


@pytest.mark.parametrize("n", [12, 40])
def test_the_standard_error_of_a_mean_is_the_textbook_one(n):
    values = np.random.default_rng(1).normal(size=n)
    error, degrees = Resampling.of_subjects(["a"] * n, 20_000, seed=0).errors(mean_of(values))["f1"]
    assert error == pytest.approx(stats.sem(values), rel=0.02) and degrees == n - 1
