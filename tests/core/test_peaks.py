"""Spotting on plain arrays, against the equations of MEAN (Liong, See and Chan 2023) read literally, and SciPy."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.datasets.synthetic import dataset
from scipy.signal import find_peaks

from mebench.core.peaks import less_baseline
from mebench.errors import ConfigError
from mebench.spotting import Spotted, SpottingParams, anchored, interval, iou, place_randomly, smooth, spot, threshold
from mebench.training import window_labels

seeds, lengths, widths = st.integers(0, 10_000), st.integers(1, 120), st.integers(1, 20)


def draw(seed, n):
    return np.random.default_rng(seed).normal(size=n)


def equation_11(scores, k):
    """The mean of frames i - k' to i + k', for every frame that has them all."""
    return {i: np.mean(scores[i - k : i + k + 1]) for i in range(k, len(scores) - k)}


def released(scores, k):
    """The mean of frames i - k' to i + k' - 1, frames outside the video counting 0."""
    padded = dict(enumerate(scores))
    return {i: sum(padded.get(j, 0.0) for j in range(i - k, i + k)) / (2 * k) for i in range(len(scores))}


@given(seeds, lengths, widths)
def test_smooth_equals_equation_11(seed, n, k):
    scores = draw(seed, n)
    first, smoothed = smooth(scores, k)
    expected = equation_11(scores, k)
    assert first == k
    assert len(smoothed) == max(n - 2 * k, 0) == len(expected)
    np.testing.assert_allclose(smoothed, list(expected.values()), atol=1e-12)


@given(seeds, lengths, widths)
def test_smooth_released_window_is_one_frame_shorter(seed, n, k):
    scores = draw(seed, n)
    first, smoothed = smooth(scores, k, "released_code")
    assert first == 0
    np.testing.assert_allclose(smoothed, list(released(scores, k).values()), atol=1e-12)


@given(seeds, st.integers(4, 120), st.integers(1, 20))
def test_smooth_released_equals_numpy_same_convolution(seed, n, k):
    if n >= 2 * k:  # otherwise numpy answers with the length of the window
        same = np.convolve(draw(seed, n), np.ones(2 * k) / (2 * k), "same")
        np.testing.assert_allclose(smooth(draw(seed, n), k, "released_code")[1], same, atol=1e-12)


@pytest.mark.parametrize(("p", "expected"), [(0.0, 2.0), (1.0, 5.0), (0.55, 2 + 0.55 * 3)])
def test_threshold_equals_equation_12(p, expected):
    assert threshold(np.array([1.0, 0.0, 5.0, 2.0]), p) == pytest.approx(expected)


def spotted_of_perfect_scores(anchor, k_prime=6):
    """Mean IoU of the synthetic dataset's micro-expressions with what is spotted of the labels themselves."""
    overlaps = []
    for video in dataset.Synthetic(dataset.Synthetic.Params()).videos():
        micro = [e for e in video.expressions if e.kind == "micro"]
        scores = window_labels(video.n_frames - 3, micro, k_prime)
        found = spot(scores, k_prime, options=SpottingParams(anchor=anchor), lead=k_prime - 1)
        overlaps += [max(iou((e.onset, e.offset), (s.onset, s.offset)) for s in found) for e in micro]
    return np.mean(overlaps)


def test_spot_anchored_at_middle_suits_perfect_scores():
    """The labels of windows put a peak (k' - 1)/2 before the middle of its expression."""
    assert spotted_of_perfect_scores("paper") == pytest.approx(0.58, abs=0.005)
    assert spotted_of_perfect_scores("middle") == pytest.approx(0.86, abs=0.005)


@given(st.integers(1, 60), st.integers(0, 60))
def test_anchored_interval_has_middle_of_window(k, peak):
    """To within the half frame that an interval of an even length cannot show."""
    window = [peak, peak + k - 1]
    found = anchored(interval(peak, k, 1.0), "middle", k - 1)
    assert abs((found.onset + found.offset) / 2 - sum(window) / 2) <= 0.5
    assert found.offset - found.onset + 1 == 2 * k
    assert anchored(interval(peak, k, 1.0), "paper", k - 1) == interval(peak, k, 1.0)


def test_interval_of_paper_ends_a_frame_before_code():
    assert interval(50, 6, 0.5) == Spotted(44, 50, 55, 0.5)
    assert interval(50, 6, 0.5, "released_code") == Spotted(44, 50, 56, 0.5)


@given(seeds, lengths, widths, st.floats(0, 1), st.sampled_from(["paper", "released_code"]))
def test_spot_peaks_equal_scipy(seed, n, k, p, rule):
    scores = draw(seed, n)
    naive = equation_11(scores, k) if rule == "paper" else released(scores, k)
    frames, values = np.array(list(naive), dtype=int), np.array(list(naive.values()))
    expected = []
    if len(values):
        height = min(values.mean() + p * (values.max() - values.mean()), values.max())
        expected = frames[find_peaks(values, height=height, distance=k)[0]].tolist()
    found = spot(scores, k, p, rule)

    assert [s.apex for s in found] == expected
    assert [s.confidence for s in found] == pytest.approx([naive[i] for i in expected])
    assert all(s.onset == s.apex - k and s.offset == s.apex + k - (rule == "paper") for s in found)


@given(seeds, st.integers(1, 80), widths, st.integers(0, 30), st.integers(0, 30))
def test_spot_shifts_by_undefined_ends(seed, n, k, before, after):
    scores = draw(seed, n)
    padded = np.concatenate([np.full(before, np.nan), scores, np.full(after, np.nan)])
    shifted = [Spotted(s.onset + before, s.apex + before, s.offset + before, s.confidence) for s in spot(scores, k)]
    assert spot(padded, k) == shifted


@given(seeds, st.integers(1, 80), widths)
def test_spot_takes_highest_frame_of_short_videos(seed, n, k):
    scores = draw(seed, n)
    naive = equation_11(scores, k)
    found = spot(scores, k, highest_only=True)
    assert [s.apex for s in found] == ([max(naive, key=naive.get)] if naive else [])


@pytest.mark.parametrize("n", [0, 1, 10, 12])
def test_spot_gives_nothing_if_too_short_to_smooth(n):
    assert spot(np.arange(n, dtype=float), 6) == []
    assert spot(np.arange(n, dtype=float), 6, highest_only=True) == []


def test_spot_answers_in_shortest_video():
    assert [s.apex for s in spot(np.arange(13.0), 6, highest_only=True)] == [6]
    assert spot(np.arange(13.0), 6) == []  # the first and the last kept frame are never peaks


def test_spot_gives_nothing_without_scores():
    assert spot(np.full(50, np.nan), 3) == []


def test_spot_gives_nothing_on_plateau():
    assert spot(np.ones(50), 3) == []


def test_spot_finds_single_bump():
    scores = np.exp(-(((np.arange(200) - 120) / 8) ** 2))
    assert [(s.onset, s.apex, s.offset) for s in spot(scores, 6)] == [(114, 120, 125)]


@given(seeds, st.integers(1, 300), st.integers(0, 20), widths)
def test_place_randomly_keeps_intervals_inside(seed, n, count, k):
    found = place_randomly(np.random.default_rng(seed), n, count, k)
    assert len(found) == count
    assert all(s.offset - s.onset + 1 == 2 * k for s in found)
    if n >= 2 * k:
        assert all(s.onset >= 0 and s.offset < n for s in found)
    assert [s.apex for s in found] == sorted(s.apex for s in found)


def test_place_randomly_is_uniform():
    peaks = [s.apex for s in place_randomly(np.random.default_rng(0), 30, 60_000, 5)]
    counts = np.bincount(peaks, minlength=30)
    assert np.flatnonzero(counts).tolist() == list(range(5, 26))
    assert np.abs(counts[5:26] / 60_000 * 21 - 1).max() < 0.1


def test_spot_leads_only_if_asked():
    scores = np.exp(-(((np.arange(100) - 50) / 5) ** 2))
    how = SpottingParams(interval="score_curve")
    assert spot(scores, 5, options=how) == spot(scores, 5, options=how, lead=0) != spot(scores, 5, options=how, lead=9)


@given(seeds, st.integers(1, 120), widths)
def test_less_baseline_equals_medians_one_by_one(seed, n, reach):
    scores = draw(seed, n)
    scores[np.random.default_rng(seed).random(n) < 0.2] = np.nan
    scores[n // 2] = 0.5  # one score at least
    around = [scores[max(i - reach, 0) : i + reach + 1] for i in range(n)]
    medians = [np.nan if np.isnan(window).all() else np.nanmedian(window) for window in around]
    np.testing.assert_allclose(less_baseline(scores, reach), np.nan_to_num(scores - medians), atol=1e-12)


@given(seeds, st.floats(-5, 5))
def test_spot_with_baseline_ignores_the_level_of_a_film(seed, level):
    scores = draw(seed, 200)
    how = SpottingParams(baseline=2.0)
    found, higher = (spot(s, 4, options=how, level=0.2, fps=25.0) for s in (scores, scores + level))
    assert [one[:3] for one in found] == [one[:3] for one in higher]
    assert [one.confidence for one in found] == pytest.approx([one.confidence for one in higher], abs=1e-9)


def test_spot_with_baseline_needs_a_frame_rate():
    with pytest.raises(ConfigError, match=r"method\.baseline=2.0 is in seconds"):
        spot(draw(0, 50), 4, options=SpottingParams(baseline=2.0))


def test_spot_with_baseline_takes_gaps_as_the_usual():
    scores = np.zeros(100)
    scores[48:53] = 1.0
    with_gap = scores.copy()
    with_gap[20:30] = np.nan
    how = SpottingParams(baseline=2.0)
    assert (
        spot(with_gap, 4, options=how, level=0.2, fps=25.0) == spot(scores, 4, options=how, level=0.2, fps=25.0) != []
    )
