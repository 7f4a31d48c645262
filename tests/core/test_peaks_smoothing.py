"""The weights of MEAN's Table 7, against SciPy's filters and the formulas of the windows."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.ndimage import correlate1d

from mebench.core import peaks
from mebench.spotting import SMOOTHINGS, smooth

shaped = st.sampled_from(["gaussian_1", "gaussian_3", "exponential_1", "exponential_3"])


def weights(name, length):
    """Bell curve or double exponential around the middle, summing to 1."""
    shape, width = name.split("_")
    distance = np.abs(np.arange(length) - (length - 1) / 2)
    bare = np.exp(-0.5 * (distance / float(width)) ** 2 if shape == "gaussian" else -distance / float(width))
    return bare / bare.sum()


@given(shaped, st.integers(1, 40))
def test_window_equals_formulas(name, length):
    np.testing.assert_allclose(peaks.make_window(length, name), weights(name, length), rtol=1e-12)


@pytest.mark.parametrize("name", [n for n in SMOOTHINGS if n != "none"])
def test_weights_sum_to_one(name):
    first, smoothed = smooth(np.full(30, 2.5), 4, smoothing=name)
    assert first == 4
    np.testing.assert_allclose(smoothed, np.full(22, 2.5))


@given(shaped, st.integers(0, 1000), st.integers(1, 60), st.integers(1, 12))
def test_smooth_keeps_frames_with_full_window(name, seed, n, k_prime):
    scores = np.random.default_rng(seed).normal(size=n)
    first, smoothed = smooth(scores, k_prime, smoothing=name)
    everywhere = correlate1d(scores, weights(name, 2 * k_prime + 1), mode="constant")
    np.testing.assert_allclose(smoothed, everywhere[k_prime : n - k_prime] if n > 2 * k_prime else [], atol=1e-12)
    assert first == k_prime


@given(shaped, st.integers(0, 1000), st.integers(1, 60), st.integers(1, 12))
def test_smooth_released_keeps_each_frame(name, seed, n, k_prime):
    scores = np.random.default_rng(seed).normal(size=n)
    first, smoothed = smooth(scores, k_prime, "released_code", name)
    own = weights(name, 2 * k_prime)
    padded = dict(enumerate(scores))
    naive = [sum(own[j] * padded.get(i - k_prime + j, 0.0) for j in range(2 * k_prime)) for i in range(n)]
    assert first == 0
    np.testing.assert_allclose(smoothed, naive, atol=1e-12)


def test_smooth_none_keeps_scores():
    scores = np.array([1.0, 5.0, 2.0])
    first, smoothed = smooth(scores, 10, smoothing="none")
    assert first == 0
    assert smoothed.tolist() == scores.tolist()
