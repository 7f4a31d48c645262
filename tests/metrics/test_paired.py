"""The tests of a difference, against SciPy and against counting by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from mebench.metrics import paired


def pair_of(n):
    return np.arange(2 * n).reshape(2, n)


def pooled_f1(counts):
    """F1 of units with (true positives, spotted, truths)."""

    def evaluate(weights):
        found, spotted, true = (weights @ column for column in np.asarray(counts, dtype=float).T)
        return {"f1": 2 * found / (spotted + true)}

    return evaluate


def subjects(draw_from, n):
    """Counts of two runs on n subjects: the truths are the same."""
    rng = np.random.default_rng(draw_from)
    truths = rng.integers(1, 6, n)
    runs = []
    for quality in (0.6, 0.4):
        found = rng.binomial(truths, quality)
        runs.append(np.stack([found, found + rng.integers(0, 6, n), truths], axis=1))
    return runs


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_permutation_p_exact_equals_all_exchanges(seed, n):
    """Brute force: build each exchanged pair of runs, score both, compare with the runs as they are."""
    first, second = subjects(seed, n)

    def f1(run):
        found, spotted, true = np.sum(run, axis=0)
        return 2 * found / (spotted + true)

    observed = f1(first) - f1(second)
    exchanged = []
    for exchange in product([False, True], repeat=n):
        mixed = [np.where(np.array(exchange)[:, None], b, a) for a, b in ((first, second), (second, first))]
        exchanged.append(f1(mixed[0]) - f1(mixed[1]))
    expected = np.mean(np.abs(exchanged) >= abs(observed) - 1e-9)
    swapped, exact = paired.draw_swaps(n, 9999, seed=0)
    permuted = paired.permuted_differences(pooled_f1(np.concatenate([first, second])), pair_of(n), swapped)["f1"]
    assert exact
    assert paired.permutation_p(observed, permuted, exact) == pytest.approx(expected)


def test_permutation_p_of_a_mean_equals_scipy():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.4, 1, 11), rng.normal(0, 1, 11)

    def mean(weights):
        return {"mean": weights @ np.concatenate([first, second]) / weights.sum(axis=1)}

    swapped, exact = paired.draw_swaps(11, 9999, seed=0)
    ours = paired.permutation_p(
        first.mean() - second.mean(), paired.permuted_differences(mean, pair_of(11), swapped)["mean"], exact
    )
    theirs = stats.permutation_test(
        (first, second), lambda a, b: a.mean() - b.mean(), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert ours == pytest.approx(theirs)


def test_draw_swaps_at_random_come_near_all():
    first, second = subjects(5, 12)
    evaluate = pooled_f1(np.concatenate([first, second]))
    observed = None
    ps = []
    for swapped, exact in (paired.draw_swaps(12, 9999, 0), paired.draw_swaps(12, 2000, 0)):
        permuted = paired.permuted_differences(evaluate, pair_of(12), swapped)["f1"]
        observed = float(np.diff([evaluate(w)["f1"][0] for w in np.kron(np.eye(2), np.ones(12))[:, None]])[0])
        ps.append((exact, paired.permutation_p(observed, permuted, exact)))
    assert [exact for exact, _ in ps] == [True, False]
    assert ps[1][1] == pytest.approx(ps[0][1], abs=0.04)


def test_draw_swaps_hold_every_exchange_once():
    swapped, exact = paired.draw_swaps(5, 16, seed=0)
    both = np.concatenate([swapped, ~swapped])
    assert exact
    assert len(np.unique(both, axis=0)) == len(both) == 2**5
    assert not paired.draw_swaps(6, 16, seed=0)[1]


def test_draw_swaps_of_one_subject_are_one():
    swapped, exact = paired.draw_swaps(1, 16, seed=0)
    assert exact
    assert swapped.tolist() == [[False]]


def test_permutation_p_counts_undefined_exchanges_against():
    assert paired.permutation_p(0.5, np.array([0.5, np.nan, 0.1, 0.2]), exact=True) == 0.5
    assert paired.permutation_p(np.nan, np.array([0.1]), exact=True) is None


@given(st.integers(0, 10_000), st.integers(2, 30))
def test_signed_rank_equals_scipy_in_both_directions(seed, n):
    rng = np.random.default_rng(seed)
    first, second = rng.random(n), rng.random(n)
    _, here, effect = paired.signed_rank(first, second)
    assert paired.signed_rank(second, first) == (n, pytest.approx(here), pytest.approx(-effect))
    assert here == pytest.approx(stats.wilcoxon(first, second).pvalue)
    greater = stats.wilcoxon(first, second, alternative="greater").statistic  # the rank sum of what the first wins
    assert effect == pytest.approx(2 * greater / (n * (n + 1) / 2) - 1)


@settings(max_examples=5)  # SciPy takes its time
@given(st.lists(st.sampled_from([-0.2, -0.1, 0.0, 0.1, 0.2, 0.3]), min_size=2, max_size=7).filter(any))
def test_signed_rank_with_ties_equals_scipy(differences):
    _, found, _ = paired.signed_rank(np.array(differences), np.zeros(len(differences)))
    assert found == pytest.approx(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def test_signed_rank_takes_equal_and_lacking_scores():
    nan = np.nan
    equal = paired.signed_rank(np.array([0.5, 0.5, nan]), np.array([0.5, 0.5, 0.5]))
    assert equal == (2, 1.0, 0.0)
    nobody = paired.signed_rank(np.array([nan]), np.array([0.5]))
    assert nobody == (0, None, None)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_mcnemar_counts_clips_that_one_run_alone_names(pairs):
    first, second = (np.array(column) for column in zip(*pairs))
    found, other = paired.mcnemar(first, second), paired.mcnemar(second, first)
    discordant = [a for a, b in pairs if a != b]
    assert found.first_only == sum(discordant) == other.second_only
    # Two-sided by hand: all outcomes of fair coins that are no likelier than this one.
    n = len(discordant)
    k = sum(discordant)
    chances = stats.binom.pmf(np.arange(n + 1), n, 0.5)
    assert found.p == pytest.approx(chances[chances <= chances[k] * (1 + 1e-7)].sum()) == pytest.approx(other.p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_rule_rejects(ps):
    """Reject the smallest while it is at most .05 / (number of those left)."""
    order = np.argsort(ps, kind="stable")
    rejected = set()
    for left, index in zip(range(len(ps), 0, -1), order):
        if ps[index] * left > 0.05:
            break
        rejected.add(int(index))
    rejected_by_holm = {index for index, p in enumerate(paired.holm(ps)) if p <= 0.05}
    assert rejected_by_holm == rejected
