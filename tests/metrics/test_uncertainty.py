import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.special import log_softmax, softmax

from mebench.metrics import uncertainty


def drawn(people=40, clips=8, temperature=1.0, seed=0, spread=0.0):
    """Logits, labels that follow them at a temperature, and people; `spread` makes some people harder than others."""
    rng = np.random.default_rng(seed)
    n = people * clips
    person = np.repeat(np.arange(people), clips)
    logits = rng.normal(0, 2, (n, 3))
    hard = np.exp(spread * rng.normal(size=people))[person, None]
    truth = np.array([rng.choice(3, p=p) for p in softmax(logits / temperature / hard, axis=1)])
    return logits, truth, person


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_best_temperature_is_found_and_is_a_scale(true):
    logits, truth, _ = drawn(people=200, temperature=true)
    found = uncertainty.best_temperature(logits, truth)
    assert found == pytest.approx(true, rel=0.15)
    assert uncertainty.best_temperature(2 * logits, truth) == pytest.approx(2 * found, rel=1e-3)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 500))
    losses = [-log_softmax(logits / t, axis=1)[np.arange(len(truth)), truth].mean() for t in grid]
    assert found == pytest.approx(grid[np.argmin(losses)], rel=0.02)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_risk_coverage_averages_orders_of_equals(answers):
    sure, right = np.array([a for a, _ in answers], float), np.array([b for _, b in answers])
    found = uncertainty.risk_coverage(sure, right)
    rng = np.random.default_rng(0)
    orders = [np.lexsort((rng.random(len(sure)), -sure)) for _ in range(400)]
    risks = np.mean([(~right[order]).cumsum() / np.arange(1, len(sure) + 1) for order in orders], axis=0)
    np.testing.assert_allclose(found["risk"], risks, atol=0.15)
    assert found["risk"][-1] == pytest.approx(1 - right.mean())
    assert found["least_area"] <= found["area"] + 1e-12


def test_prediction_sets_equal_the_rule_written_out():
    logits, truth, person = drawn(people=12, clips=4)
    p = softmax(logits, axis=1)
    found = uncertainty.prediction_sets(p, truth, person, 0.8)
    for clip in range(len(truth)):
        others = [i for i in range(len(truth)) if person[i] != person[clip]]
        # The smallest number below which 80 % of 12 people lie, the tested one being infinitely far.
        limit = min(
            (
                1 - p[i, truth[i]]
                for i in others
                if sum((1 - p[j, truth[j]]) <= 1 - p[i, truth[i]] for j in others) / 4 / 12 >= 0.8 - 1e-12
            ),
            default=np.inf,
        )
        assert found[clip].tolist() == [1 - p[clip, c] <= limit + 1e-12 for c in range(3)]


def test_prediction_sets_hold_truth_as_often_as_they_say():
    held = []
    for seed in range(30):
        logits, truth, person = drawn(seed=seed, spread=0.7)
        sets = uncertainty.prediction_sets(softmax(logits, axis=1), truth, person)
        held.append(sets[np.arange(len(truth)), truth].mean())
    assert 0.89 < np.mean(held) < 0.95


def test_prediction_sets_of_too_few_people_hold_every_class():
    logits, truth, person = drawn(people=5)
    assert uncertainty.prediction_sets(softmax(logits, axis=1), truth, person).all()


def test_summarize_uncertainty_cools_overconfident_answers():
    logits, truth, person = drawn(people=60, temperature=3.0)
    sure = uncertainty.summarize_uncertainty(softmax(logits, axis=1), truth, person)
    margins = uncertainty.summarize_uncertainty(logits, truth, person)

    assert sure["temperature"] == pytest.approx(3, rel=0.15)
    assert sure["error"]["after"] < sure["error"]["before"] / 2
    assert margins["error"]["before"] is None
    assert margins["temperature"] == pytest.approx(sure["temperature"], rel=1e-3)
    assert sure["sets"]["lowest"] <= sure["sets"]["mean"]
    assert 1 <= sure["sets"]["size"] <= 3
