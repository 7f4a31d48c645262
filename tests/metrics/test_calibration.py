from fractions import Fraction

import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve

from mebench.metrics import classification, expected_calibration_error, reliability

RNG = np.random.default_rng(0)
SURE = RNG.random(500)
RIGHT = RNG.random(500) < SURE**2


@pytest.mark.parametrize("bins", [1, 5, 10])
def test_reliability_equals_scikit_learn(bins: int) -> None:
    accuracy, confidence = calibration_curve(RIGHT, SURE, n_bins=bins, strategy="uniform")
    curve = reliability(SURE, RIGHT, bins)
    np.testing.assert_allclose(curve["accuracy"], accuracy)
    np.testing.assert_allclose(curve["confidence"], confidence)
    assert curve["n"].sum() == 500


def test_expected_calibration_error_equals_torchmetrics() -> None:
    from torchmetrics.classification import MulticlassCalibrationError

    scores = RNG.dirichlet(np.ones(3), size=200)
    truth = RNG.integers(0, 3, 200)
    reference = MulticlassCalibrationError(3, n_bins=10, norm="l1")(torch.tensor(scores), torch.tensor(truth))
    error = expected_calibration_error(scores.max(axis=1), scores.argmax(axis=1) == truth, bins=10)
    assert error == pytest.approx(float(reference), abs=1e-6)


def test_reliability_edges_belong_to_the_bin_above() -> None:
    assert reliability([0.0, 0.5, 1.0], [1, 1, 1], bins=2)["n"].tolist() == [1, 2]


@pytest.mark.parametrize("exact", [np.float64, np.float32])
def test_reliability_tenths_lie_in_the_bin_they_begin(exact) -> None:
    """k / 10 as it is written; of ten bins .3, .6 and .7 once began too high, or lay too low in 32 bits."""
    probabilities = np.array([k / 10 for k in range(11)], dtype=exact)
    assert reliability(probabilities, np.ones(11))["n"].tolist() == [1] * 9 + [2]
    just_below = np.array([Fraction(k, 10) - Fraction(1, 10**6) for k in range(1, 11)], dtype=np.float64)
    assert reliability(just_below, np.ones(10))["n"].tolist() == [1] * 10


def test_expected_calibration_error_of_truth_is_zero() -> None:
    assert expected_calibration_error([0.0, 1.0, 1.0], [False, True, True]) == 0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1
    assert np.isnan(expected_calibration_error([], []))


def test_calibration_leaves_out_empty_bins_and_no_probabilities() -> None:
    found = classification.summarize_calibration(np.array([0.05, 0.95]), [False, True])
    assert found is not None
    assert [row["n"] for row in found["bins"]] == [1, 1]
    assert classification.summarize_calibration(np.array([0.5, 1.5]), [True, True]) is None
    assert classification.summarize_calibration(np.array([]), []) is None
    assert classification.summarize_calibration(np.array([0.5, np.nan]), [True, True]) is None
    with pytest.raises(ValueError, match=r"must lie in 0 to 1, not 1\.5"):
        reliability([1.5], [True])
