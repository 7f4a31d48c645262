import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from mebench.metrics import ranking

SCORES = arrays.arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 40)), elements=st.integers(0, 5))


@given(SCORES)
def test_rank_intervals_hold_scipy_ranks_of_19_in_20_draws(scores):
    best, worst = (stats.rankdata(-scores, method=how, axis=0) for how in ("min", "max"))
    for own, (low, high) in enumerate(ranking.rank_intervals(scores)):
        assert (best[own] < low).mean() < 0.025
        assert (worst[own] > high).mean() <= 0.025
        assert low in best[own]
        assert high in worst[own]
        assert low <= high


@given(SCORES)
def test_win_shares_of_two_runs_sum_to_one(scores):
    beats = ranking.win_shares(scores)
    np.testing.assert_allclose(beats + beats.T, 1)
    # What a row's mean rank leaves is what it beats.
    np.testing.assert_allclose(stats.rankdata(scores, axis=0).mean(axis=1), beats.sum(axis=1) + 0.5)


def test_hardest_people_ignore_the_scale_of_one_run():
    personal = np.array([[0.9, 0.8, 0.7, 0.6, 0.1], [0.5, 0.4, 0.3, 0.2, 0.6]])
    assert (
        ranking.hardest_people(personal, 0.2).tolist()
        == ranking.hardest_people(personal * [[1], [100]], 0.2).tolist()
        == [3]
    )
    assert ranking.hardest_people(np.full((2, 3), np.nan)).tolist() == []


def test_win_shares_of_equal_methods_are_a_half():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        values = rng.normal(size=(2, 30))
        drawn = rng.multinomial(30, np.full(30, 1 / 30), size=200) @ values.T
        shares.append(ranking.win_shares(drawn.T)[0, 1])
    assert abs(np.mean(shares) - 0.5) < 0.06
    assert np.std(shares) > 0.2


@given(st.lists(st.tuples(st.integers(5, 400), st.floats(-2, 2)), min_size=2, max_size=5))
def test_over_datasets_p_equals_stouffer_in_scipy(datasets):
    people, z = (np.array(column) for column in zip(*datasets))
    found = ranking.over_datasets(stats.norm.cdf(z), people)
    one_sided = stats.combine_pvalues(stats.norm.sf(z), method="stouffer", weights=np.sqrt(people)).pvalue
    assert np.isclose(found["p"], 2 * min(one_sided, 1 - one_sided), rtol=1e-6, atol=1e-12)
    assert np.isclose(found["difference"]["value"], np.average(z / np.sqrt(people), weights=np.sqrt(people)))
    assert found["people"] == people.sum()


def test_over_datasets_difference_is_standardised_over_people():
    """Scores that are means over people: what the bootstrap of people says is what their differences say themselves."""
    rng = np.random.default_rng(1)
    beats = []
    expected = []
    numbers = [25, 60, 120]
    for n in numbers:
        differences = rng.normal(0.25, 1.0, n)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=4000) @ differences
        beats.append(ranking.win_shares(np.stack([drawn, 0 * drawn]))[0, 1])
        expected.append(differences.mean() / differences.std())
    found = ranking.over_datasets(beats, numbers)["difference"]

    assert abs(found["value"] - np.average(expected, weights=np.sqrt(numbers))) < 0.02
    assert found["low"] < 0.25 < found["high"]


def test_over_datasets_interval_holds_truth_in_19_of_20():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        z = rng.normal(0.3 * np.sqrt([20, 50]), 1)
        found = ranking.over_datasets(stats.norm.cdf(z), [20, 50])["difference"]
        held += found["low"] <= 0.3 <= found["high"]
    assert 0.92 < held / 400 < 0.98
