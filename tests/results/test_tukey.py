from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from mebench.results.significance import dealings, tukey_p

MOST = 50_000


def mean_of(values):
    """Scores that are means over subjects, from the weights of a pool, and where each run's subjects stand in it."""
    values = np.asarray(values, dtype=float)
    units = np.arange(values.size).reshape(values.shape)
    return (lambda weights: weights @ values.ravel() / values.shape[1]), units


def range_of_means(*runs, axis):
    means = np.stack([np.mean(run, axis=axis) for run in runs])
    return means.max(axis=0) - means.min(axis=0)


@pytest.mark.parametrize(("runs", "subjects"), [(2, 7), (3, 5), (4, 4)])
def test_the_p_value_of_best_and_worst_is_that_of_scipy_s_permutations(runs, subjects):
    values = np.random.default_rng(runs).integers(0, 30, (runs, subjects))
    p = tukey_p(*mean_of(values), MOST, seed=0)
    all_dealings = stats.permutation_test(
        tuple(values), range_of_means, permutation_type="samples", alternative="greater", n_resamples=np.inf, axis=-1
    )
    means = values.mean(axis=1)
    assert dealings(runs, subjects, MOST, 0)[1]
    assert p[means.argmax(), means.argmin()] == pytest.approx(all_dealings.pvalue)


def test_random_dealings_come_close_to_all_of_them():
    values = np.random.default_rng(1).integers(0, 30, (3, 6)) + np.array([[0], [4], [12]])
    exact, drawn = (tukey_p(*mean_of(values), most, seed=0) for most in (MOST, 4999))
    assert dealings(3, 6, MOST, 0)[1] and not dealings(3, 6, 4999, 0)[1]
    assert np.abs(exact - drawn).max() < 0.03  # four standard errors


def test_p_values_fall_with_the_difference_and_are_the_same_from_both_sides():
    values = np.random.default_rng(2).normal(0, 1, (6, 9)) + np.arange(6)[:, None]
    p = tukey_p(*mean_of(values), 999, seed=0)
    means = values.mean(axis=1)
    pairs = sorted(combinations(range(6), 2), key=lambda pair: abs(means[pair[0]] - means[pair[1]]))
    assert [p[pair] for pair in pairs] == sorted((p[pair] for pair in pairs), reverse=True)
    assert (p == p.T).all() and (np.diag(p) == 1).all() and p.min() >= 1 / 1000


def test_of_many_rows_on_few_subjects_a_clear_one_is_told_apart():
    """Ten subjects allow 512 exchanges of two rows: adjusted for the 66 pairs of twelve rows none would be below 5 %."""
    values = np.random.default_rng(3).normal(0, 1, (12, 10))
    values[0] += 4
    p = tukey_p(*mean_of(values), 999, seed=0)
    assert (p[0, 1:] < 0.05).all() and (p[1:, 1:] >= 0.05).all()


def test_equal_rows_are_told_apart_in_few_of_many_tables():
    rng = np.random.default_rng(4)
    wrong = sum((tukey_p(*mean_of(rng.normal(0, 1, (5, 8))), 199, seed=n) < 0.05).any() for n in range(200))
    assert wrong <= 18  # of 200 tables 10 are expected; more than 18 come once in 150


def test_a_row_without_a_score_takes_no_part():
    values = np.array([[3.0, 2.0, 4.0, 3.0], [np.nan] * 4, [0.0, 1.0, 0.0, 0.0]])
    p = tukey_p(*mean_of_known(values), MOST, seed=0)
    alone = tukey_p(*mean_of(values[[0, 2]]), MOST, seed=0)
    assert np.isnan(p[1]).all() and np.isnan(p[:, 1]).all()
    assert p[0, 2] == alone[0, 1] == 1 / 8
    assert np.isnan(tukey_p(*mean_of_known(values[:2]), MOST, seed=0)).all()


def mean_of_known(values):
    score, units = mean_of(np.nan_to_num(values))
    undefined = np.isnan(values).ravel()
    return (lambda weights: np.where(weights[:, undefined].any(axis=1), np.nan, score(weights))), units
