import numpy as np
import pytest
from scipy import stats

from mebench.metrics import bootstrap


def test_subject_weights_draw_within_datasets() -> None:
    weights = bootstrap.subject_weights(["a", "a", "b", "b", "b"], 500, seed=1)
    assert (weights[:, :2].sum(axis=1) == 2).all()
    assert (weights[:, 2:].sum(axis=1) == 3).all()
    # A subject of n is left out with probability (1 - 1/n)^n.
    assert (weights[:, 0] == 0).mean() == pytest.approx(1 / 4, abs=0.06)
    assert (weights[:, 4] == 0).mean() == pytest.approx((2 / 3) ** 3, abs=0.07)


def test_subject_weights_depend_on_seed_and_own_dataset() -> None:
    alone = bootstrap.subject_weights(["a", "a", "a"], 20, seed=1)
    np.testing.assert_array_equal(bootstrap.subject_weights(["a", "a", "a"], 20, seed=1), alone)
    np.testing.assert_array_equal(bootstrap.subject_weights(["a", "a", "a", "b"], 20, seed=1)[:, :3], alone)
    assert (bootstrap.subject_weights(["a", "a", "a"], 20, seed=2) != alone).any()


def test_Resampling_interval_of_a_mean_is_the_textbook_one() -> None:
    """Percentiles of a bootstrapped mean approach the normal interval, mean -+ 1.96 sd / sqrt(n)."""
    values = np.random.default_rng(0).normal(size=200)
    resampling = bootstrap.Resampling(bootstrap.subject_weights(["a"] * 200, 4000, seed=0))
    mean = resampling.scores("x", lambda weights: {"mean": weights @ values / weights.sum(axis=1)})["mean"]
    half = 1.96 * values.std() / np.sqrt(200)
    assert mean["value"] == pytest.approx(values.mean())
    assert mean["low"] == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert mean["high"] == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_Resampling_leaves_out_and_counts_undefined_draws() -> None:
    resampling = bootstrap.Resampling(np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]))

    def evaluate(weights):
        first = np.where(weights[:, 0] > 0, weights[:, 0], np.nan)
        return {"first": first, "second": np.where(weights[:, 1] > 0, first, np.nan), "never": np.nan * first}

    scores = resampling.scores("part", evaluate)
    assert resampling.skipped == {"part": 1, "part.second": 1}
    assert scores["second"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert scores["never"] == {"value": None, "low": None, "high": None}


def test_Resampling_averages_draws_of_chance() -> None:
    values = np.array([0.0, 1.0, 2.0, np.nan])
    scores = bootstrap.Resampling(np.eye(4), mean=True).scores(
        "x", lambda weights: {"y": values[weights.argmax(axis=1)]}
    )
    assert scores["y"]["value"] == 1.0
    assert scores["y"]["high"] == pytest.approx(1.95)


def test_score_with_percentiles_without_draws_is_a_value_alone() -> None:
    assert bootstrap.score_with_percentiles(0.5, np.empty(0)) == {"value": 0.5, "low": None, "high": None}


def mean_of(values, name="f1"):
    return lambda weights: {name: weights @ values / weights.sum(axis=1)}


@pytest.mark.parametrize("name", ["f1", "apex_mae_ms"])
def test_Resampling_uses_jackknife_below_20_subjects(name):
    values = np.random.default_rng(0).uniform(0.3, 0.7, 20)
    seen = []

    def evaluate(weights):
        seen.append(weights)
        return {name: weights @ values[: weights.shape[1]] / weights.sum(axis=1)}

    few, many = (bootstrap.Resampling.of_subjects(["a"] * n, 300, seed=0) for n in (19, 20))
    assert (few.interval, many.interval) == ("jackknife", "bootstrap")
    few.scores("x", evaluate)
    np.testing.assert_array_equal(seen[1], 1 - np.eye(19))
    many.scores("x", evaluate)
    assert [weights.shape for weights in seen[2:]] == [(1, 20), (20, 20), *[(300, 20)] * (name == "apex_mae_ms")]


def test_Resampling_widens_bootstrap_intervals_as_student():
    """Of normal values, n = 20: percentiles at Phi(sqrt(n / (n - 1)) t) come to the t interval of the mean."""
    values = np.random.default_rng(0).normal(0.5, 0.1, 20)
    ours = bootstrap.Resampling.of_subjects(["a"] * 20, 20_000, seed=0).scores("x", mean_of(values, "onset_bias_ms"))[
        "onset_bias_ms"
    ]
    expected = stats.t.interval(0.95, 19, loc=values.mean(), scale=stats.sem(values))
    width = expected[1] - expected[0]
    assert (ours["low"], ours["high"]) == pytest.approx(expected, abs=0.05 * width)


def test_Resampling_of_a_member_counts_its_own_subjects():
    values = np.random.default_rng(0).uniform(0.3, 0.7, 30)
    strata = ["a"] * 25 + ["b"] * 5
    whole = bootstrap.Resampling.of_subjects(strata, 500, seed=0)
    member = whole.restrict_to("b")
    alone = bootstrap.Resampling.of_subjects(["b"] * 5, 500, seed=0)

    def of_member(weights):
        return {"f1": weights[:, 25:] @ values[25:] / weights[:, 25:].sum(axis=1)}

    assert (whole.interval, member.interval) == ("bootstrap", "jackknife")
    assert member.scores("x", of_member) == alone.scores("x", mean_of(values[25:]))
    assert whole.skipped == {"x": 0}  # they count in one place


def test_Resampling_gives_no_interval_to_constant_non_shares():
    for n in (5, 25):
        scores = bootstrap.Resampling.of_subjects(["a"] * n, 100, seed=0).scores(
            "x", mean_of(np.ones(n), "fp_per_minute")
        )
        assert scores["fp_per_minute"]["low"] is None
        assert "whoever is left out" in scores["fp_per_minute"]["reason"]


def test_Resampling_difference_needs_four_subjects():
    one, other = (mean_of(np.random.default_rng(n).uniform(0, 1, 8)) for n in (0, 1))
    subjects = bootstrap.Resampling.of_subjects(["a"] * 8, 100, seed=0)
    found = subjects.compare_runs([one, other])[2]["f1"]
    assert found["low"] < found["value"] < found["high"]
    rare = [bootstrap.basis_of_all, lambda *_: bootstrap.Basis(8, "joy is rare")]
    assert subjects.compare_runs([one, other], rare)[2]["f1"] == {
        "value": found["value"],
        "low": None,
        "high": None,
        "reason": "joy is rare",
    }
    few = bootstrap.Resampling.of_subjects(["a"] * 3, 100, seed=0)
    runs = mean_of(np.arange(3) / 3), mean_of(np.ones(3) / 2)
    assert "4 subjects" in few.compare_runs(runs)[2]["f1"]["reason"]


def test_Resampling_without_draws_gives_few_subjects_no_interval():
    scores = bootstrap.Resampling.of_subjects(["a"] * 5, 0, seed=0).scores("x", mean_of(np.arange(5.0)))
    assert scores["f1"] == {"value": 2.0, "low": None, "high": None}


@pytest.mark.parametrize("n", [12, 40])
def test_standard_error_of_a_mean_is_the_textbook_one(n):
    values = np.random.default_rng(1).normal(size=n)
    without = mean_of(values)(1 - np.eye(n))["f1"]
    error, degrees = bootstrap.standard_error(without, ["a"] * n)
    assert error == pytest.approx(stats.sem(values), rel=0.02)
    assert degrees == n - 1


def test_draw_groups_divides_many_subjects_within_their_strata():
    strata = tuple("a" * 2500 + "b" * 500 + "c" * 3)
    groups = bootstrap.draw_groups(strata)

    assert sorted(subject for group in groups for subject in group) == [*range(3003)]
    assert all(len({strata[subject] for subject in group}) == 1 for group in groups)
    assert {len(group) for group in groups if strata[group[0]] == "a"} == {3, 4}
    assert sum(strata[group[0]] == "c" for group in groups) == 2  # one alone would not vary
    assert 990 <= len(groups) <= 1002


def test_draw_groups_leaves_a_thousand_subjects_alone():
    assert bootstrap.draw_groups(("a",) * 1000) == tuple((subject,) for subject in range(1000))


def test_Resampling_interval_over_groups_is_the_textbook_one():
    """A ratio of sums over 3,000 people, by linearization."""
    generator = np.random.default_rng(3)
    true = generator.integers(1, 9, 3000).astype(float)
    found = generator.binomial(true.astype(int), generator.beta(4, 2, 3000)).astype(float)

    def recall(weights):
        return {"recall": (weights @ found) / (weights @ true)}

    score = bootstrap.Resampling.of_subjects(["lab"] * 3000, 10, seed=0).scores("x", recall)["recall"]
    error = np.sqrt(((found - score["value"] * true) ** 2).sum()) / true.sum()
    assert score["value"] == found.sum() / true.sum()
    assert score["high"] - score["low"] == pytest.approx(2 * 1.96 * error, rel=0.06)
