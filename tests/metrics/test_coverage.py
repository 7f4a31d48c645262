"""Simulated subjects with known truth: how often intervals hold it, how often the paired test errs."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage import SIMULATIONS, bca, coverage, false_alarms, true_scores
from mebench.metrics.bootstrap import leave_one_out, subject_weights

SETS = 400
NOISE = 3 * np.sqrt(0.95 * 0.05 / SETS)
"""Three standard errors of a coverage of .95."""


@pytest.mark.parametrize("kind", ["spotting", "recognition"])
@pytest.mark.parametrize("n", [10, 15])
def test_below_20_subjects_nominal_95_percent_are_94_and_the_percentiles_would_be_88_to_90(kind, n):
    found = coverage(kind, n, SETS, draws=300)
    for name, tally in found["mebench"].items():
        assert tally.of == pytest.approx(SETS, abs=5)
        assert 0.94 - NOISE <= tally.share <= 0.95 + NOISE
        assert found["percentile"][name].share < tally.share
        assert found["basic"][name].share < found["percentile"][name].share


@pytest.mark.parametrize("kind", ["spotting", "recognition"])
def test_from_20_subjects_on_nominal_95_percent_are_93_to_94(kind):
    found = coverage(kind, 20, SETS, draws=300)
    for name, tally in found["mebench"].items():
        assert 0.93 - NOISE <= tally.share <= 0.95 + NOISE
        assert found["percentile"][name].share <= tally.share


@pytest.mark.parametrize("kind", ["spotting", "recognition"])
def test_of_equal_runs_one_in_twenty_is_called_different(kind):
    alarms, holds = false_alarms(kind, 12, SETS, permutations=99)
    for name, tally in alarms.items():
        assert tally.share <= 0.05 + NOISE
        assert holds[name].share >= 0.92 - NOISE


def test_bca_as_simulated_here_is_scipys():
    values = np.random.default_rng(0).exponential(size=25)
    weights = subject_weights(["a"] * 25, 5000, seed=0)
    ours = bca(values.mean(), weights @ values / 25, leave_one_out(range(25), 25) @ values / 24)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="BCa", rng=0).confidence_interval
    assert ours == pytest.approx(tuple(theirs), rel=0.05)


def test_the_truth_of_the_simulation_is_known_otherwise():
    """Subjects show 1 + 3 expressions on average, of which 0.8 / 2 are found, and cause 5 false positives."""
    truth = true_scores(SIMULATIONS["spotting"])
    assert truth["recall"] == pytest.approx(0.4, abs=0.005)
    assert truth["f1"] == pytest.approx(2 * 1.6 / (4 + 1.6 + 5), abs=0.005)
