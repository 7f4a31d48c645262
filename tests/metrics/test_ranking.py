import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from mebench.metrics import ranking

SCORES = arrays.arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 40)), elements=st.integers(0, 5))


@given(SCORES)
def test_ranks_are_those_of_scipy_and_hold_nineteen_of_twenty_draws(scores):
    best, worst = (stats.rankdata(-scores, method=how, axis=0) for how in ("min", "max"))
    for own, (low, high) in enumerate(ranking.rank_intervals(scores)):
        assert (best[own] < low).mean() < 0.025 and (worst[own] > high).mean() <= 0.025
        assert low in best[own] and high in worst[own] and low <= high


@given(SCORES)
def test_one_beats_another_as_often_as_the_other_does_not(scores):
    beats = ranking.beating(scores)
    np.testing.assert_allclose(beats + beats.T, 1)
    # What a row's mean rank leaves is what it beats.
    np.testing.assert_allclose(stats.rankdata(scores, axis=0).mean(axis=1), beats.sum(axis=1) + 0.5)


def test_the_hardest_people_are_the_same_for_all_and_do_not_follow_the_scale_of_one_run():
    personal = np.array([[0.9, 0.8, 0.7, 0.6, 0.1], [0.5, 0.4, 0.3, 0.2, 0.6]])
    assert ranking.hardest(personal, 0.2).tolist() == ranking.hardest(personal * [[1], [100]], 0.2).tolist() == [3]
    assert ranking.hardest(np.full((2, 3), np.nan)).tolist() == []


def test_of_two_equally_good_methods_each_is_better_in_half_of_the_draws_over_many_data_sets():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        values = rng.normal(size=(2, 30))
        drawn = rng.multinomial(30, np.full(30, 1 / 30), size=200) @ values.T
        shares.append(ranking.beating(drawn.T)[0, 1])
    assert abs(np.mean(shares) - 0.5) < 0.06 and np.std(shares) > 0.2
