import numpy as np
import pytest
from sklearn.metrics import f1_score

from mebench.metrics.action_units import mean_unit_f1, unit_counts, unit_f1

RNG = np.random.default_rng(1)
TRUTH, SAID = RNG.random((40, 5)) < 0.3, RNG.random((40, 5)) < 0.4


def test_f1_of_units_is_scikit_learns() -> None:
    counts = unit_counts(TRUTH, SAID)
    np.testing.assert_allclose(unit_f1(counts), f1_score(TRUTH, SAID, average=None, zero_division=0))
    assert mean_unit_f1(counts) == pytest.approx(f1_score(TRUTH, SAID, average="macro", zero_division=0))


def test_counts_of_parts_add_up() -> None:
    parts = unit_counts(TRUTH.reshape(4, 10, 5), SAID.reshape(4, 10, 5))
    np.testing.assert_array_equal(parts.sum(axis=0), unit_counts(TRUTH, SAID))


def test_a_unit_that_never_occurs_is_not_in_the_mean() -> None:
    counts = unit_counts([[1, 0], [1, 0]], [[1, 1], [1, 0]])
    assert unit_f1(counts).tolist() == [1, 0]
    assert mean_unit_f1(counts) == 1
    assert mean_unit_f1(unit_counts([[0]], [[0]])) == 0
