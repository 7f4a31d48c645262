import numpy as np
import pytest

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
