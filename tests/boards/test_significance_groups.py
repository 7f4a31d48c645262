from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from mebench.boards import significance

MOST = 50_000


def mean_of(values):
    """Scores that are means over subjects, from the weights of a pool, and where each run's subjects stand in it."""
    values = np.asarray(values, dtype=float)
    units = np.arange(values.size).reshape(values.shape)
    return (lambda weights: weights @ values.ravel() / values.shape[1]), units


def range_p(values, most, level=None):
    evaluate, units = mean_of(values)
    drawn = significance.subject_permutations(*np.shape(values), most, seed=0)
    (p,) = significance.range_p(evaluate, units.size, units[None], *drawn, level)
    return p


def range_of_means(*runs, axis):
    means = np.stack([np.mean(run, axis=axis) for run in runs])
    return means.max(axis=0) - means.min(axis=0)


def p_of_scipy(values):
    return stats.permutation_test(
        tuple(values), range_of_means, permutation_type="samples", alternative="greater", n_resamples=np.inf, axis=-1
    ).pvalue


@pytest.mark.parametrize(("runs", "subjects"), [(2, 7), (3, 5), (4, 4)])
def test_range_p_equals_scipy_permutations(runs, subjects):
    values = np.random.default_rng(runs).integers(0, 30, (runs, subjects))
    assert significance.subject_permutations(runs, subjects, MOST, 0)[1]
    assert range_p(values, MOST) == pytest.approx(p_of_scipy(values))


def test_range_p_of_random_permutations_is_close():
    values = np.random.default_rng(1).integers(0, 30, (3, 6)) + np.array([[0], [4], [12]])
    exact, drawn = (range_p(values, most) for most in (MOST, 4999))
    assert [part.shape for part in significance.subject_permutations(30, 1, MOST, 0)[0]] == [
        (1, 1, 30)
    ]  # nobody lists the 30! orders of one subject
    assert significance.subject_permutations(3, 6, MOST, 0)[1]
    assert not significance.subject_permutations(3, 6, 4999, 0)[1]
    assert abs(exact - drawn) < 0.03  # four standard errors


def test_range_p_with_level_decides_equally():
    for seed, far in enumerate((0, 0.5, 1, 2)):
        values = np.random.default_rng(seed).normal(0, 1, (4, 9)) + far * np.arange(4)[:, None]
        whole = range_p(values, 1999)
        for level in (0.01, 0.05, 0.3):
            assert (range_p(values, 1999, level) > level) == (whole > level)


def test_range_p_of_several_sets_equals_each_alone():
    values = np.random.default_rng(7).normal(0, 1, (6, 9)) + np.arange(6)[:, None]
    (evaluate, units) = mean_of(values)
    sets = [(0, 4), (1, 5), (2, 6)]
    several = np.stack([units[first:end] for first, end in sets])
    drawn = significance.subject_permutations(4, 9, 999, seed=0)
    together = significance.range_p(evaluate, units.size, several, *drawn)
    assert together.tolist() == [range_p(values[first:end], 999) for first, end in sets]


def test_find_differing_pairs_needs_all_sets_of_neighbours():
    """The rule as it is written, every set by SciPy's permutations."""
    rng = np.random.default_rng(5)
    found = set()
    for _ in range(8):
        values = rng.integers(0, 30, (3, 6)) + rng.permutation([[0], [rng.integers(0, 25)], [30]])
        ranked = sorted(range(3), key=lambda run: -values[run].mean())
        sets = [(0, 3), (0, 2), (1, 3)]  # of three runs sets of two may fail at ALPHA, too
        alike = [(a, b) for a, b in sets if p_of_scipy(values[ranked[a:b]]) > significance.ALPHA]
        expected = np.zeros((3, 3), dtype=bool)
        for one, other in combinations(range(3), 2):
            if not any(a <= one and other < b for a, b in alike):
                expected[ranked[one], ranked[other]] = expected[ranked[other], ranked[one]] = True
        np.testing.assert_array_equal(significance.find_differing_pairs(*mean_of(values), MOST, seed=0), expected)
        found.add(int(expected.sum()))
    assert len(found) > 1


def test_find_differing_pairs_is_monotone_and_symmetric():
    values = np.random.default_rng(2).normal(0, 1, (6, 9)) + np.arange(6)[:, None]
    distinct = significance.find_differing_pairs(*mean_of(values), 999, seed=0)
    ranked = np.argsort(values.mean(axis=1))
    apart_ranked = distinct[np.ix_(ranked, ranked)]
    assert (distinct == distinct.T).all()
    assert not np.diag(distinct).any()
    assert distinct.any()
    assert all((np.diff(row[place:].astype(int)) >= 0).all() for place, row in enumerate(apart_ranked))


def test_find_differing_pairs_finds_clear_row_of_many():
    """Ten subjects allow 512 exchanges of two rows: adjusted for the 66 pairs of twelve rows none would be below 5 %."""
    values = np.random.default_rng(3).normal(0, 1, (12, 10))
    values[0] += 4
    distinct = significance.find_differing_pairs(*mean_of(values), 999, seed=0)
    assert distinct[0, 1:].all()
    assert not distinct[1:, 1:].any()


def test_find_differing_pairs_ignores_distant_row():
    """Dealt among all rows, the far one's answers would make ranges of the size of the others' differences common."""
    values = np.random.default_rng(6).normal(0, 1, (5, 20))
    values[0], values[1:3] = values[0] + 20, values[1:3] + 2
    distinct = significance.find_differing_pairs(*mean_of(values), 999, seed=0)
    assert distinct[0, 1:].all()
    assert distinct[1:3, 3:].all()
    assert not distinct[1, 2]
    assert not distinct[3, 4]
    lots = np.concatenate([*significance.subject_permutations(5, 20, 999, seed=0)[0]])
    dealt_among_all = np.stack([values[lots[:, :, run], np.arange(20)].mean(axis=1) for run in range(5)])
    ranges = np.sort(dealt_among_all.max(axis=0) - dealt_among_all.min(axis=0))
    assert values[1:3].mean() - values[3:].mean() < ranges[-50]


@pytest.mark.parametrize("far", [0, 8])
def test_find_differing_pairs_rarely_separates_equal_rows(far):
    """Also beside a row that is another."""
    rng = np.random.default_rng(4)
    wrong = 0
    for n in range(200):
        values = rng.normal(0, 1, (5, 8))
        values[0] += far
        wrong += significance.find_differing_pairs(*mean_of(values), 199, seed=n)[bool(far) :, bool(far) :].any()
    assert wrong <= 18  # of 200 tables 10 are expected; more than 18 come once in 150


def test_find_differing_pairs_ignores_undefined_score():
    values = np.array([[3.0, 2.0, 4.0, 3.0, 4.0, 3.0], [np.nan] * 6, [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]])
    distinct = significance.find_differing_pairs(*mean_of_known(values), MOST, seed=0)
    assert distinct.tolist() == [[False, False, True], [False, False, False], [True, False, False]]
    assert significance.find_differing_pairs(*mean_of_known(values[:2]), MOST, seed=0) is None


def mean_of_known(values):
    score, units = mean_of(np.nan_to_num(values))
    undefined = np.isnan(values).ravel()
    return (lambda weights: np.where(weights @ undefined.astype(float) > 0, np.nan, score(weights))), units
