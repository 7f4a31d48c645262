"""Feature difference contrast against a plain reading of Li et al. 2017, section 3: frame by frame, block by block."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.methods.lbp_chi2 import difference, method as lbp_chi2
from mebench.methods.lbp_chi2.difference import contrasted, half_window, mean_of_largest
from scipy.stats import chi2_contingency

from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.features import Flow, Hoof, Lbp
from mebench.testing.contracts import check_method

TIMING = Timing(30.0, 3, {"micro": 4})
K = 5  # .32 s at 30 frames per second: windows of 11 frames


def method(one_per_video=False, **params):
    return lbp_chi2.LbpChi2(lbp_chi2.LbpChi2.Params(**params), Task(frozenset({"spot"}), one_per_video=one_per_video))


def view(n_frames, **features):
    return VideoView("d/s/v", SubjectKey("d", "s"), 30.0, n_frames, TIMING, features.__getitem__, None)


def histograms(n, seed=0, rows=3, cols=4, bins=7):
    """Shares of patterns, as a grid of blocks has them; some patterns never occur."""
    drawn = np.random.default_rng(seed).dirichlet(np.full(bins, 0.3), (n, rows, cols))
    drawn[..., 2] = 0
    return (drawn / drawn.sum(-1, keepdims=True)).astype(np.float16)


def plain_difference(current, average, share):
    """Chi-square of every block, then the mean over the largest."""
    distances = []
    for row in range(current.shape[0]):
        for col in range(current.shape[1]):
            chi = 0.0
            for p, q in zip(current[row, col], average[row, col]):
                if p + q > 0:
                    chi += (p - q) ** 2 / (p + q)
            distances.append(chi)
    most = max(1, round(share * len(distances)))
    return sum(sorted(distances, reverse=True)[:most]) / most


def plain_contrast(differences, n, k):
    return {
        i: max(differences[i] - (differences[i - k] + differences[i + k]) / 2, 0.0) for i in range(2 * k, n - 2 * k)
    }


def as_array(found, n):
    expected = np.full(n, np.nan)
    for i, value in found.items():
        expected[i] = value
    return expected


@given(n=st.integers(0, 45), share=st.sampled_from([0.01, 1 / 3, 1.0]), contrast=st.booleans(), chunk=st.integers(1, 9))
def test_score_frames_of_texture_equals_plain_reading(n, share, contrast, chunk):
    h = histograms(n)
    x = h.astype(float)
    f = {i: plain_difference(x[i], (x[i - K] + x[i + K]) / 2, share) for i in range(K, n - K)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(difference, "CHUNK", chunk)
        scores = method(largest=share, contrast=contrast).score_frames(view(n, **{lbp_chi2.TEXTURE: h}))
    assert scores.shape == (n, 1)
    expected = as_array(plain_contrast(f, n, K) if contrast else f, n)
    np.testing.assert_allclose(scores[:, 0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [10, 11, 21, 40])
def test_score_frames_of_flow_equals_plain_reading(n):
    """The window's first frame is what flow starts from: its own histograms are empty."""
    to_centre, to_end = histograms(max(n - K, 0), 1), histograms(max(n - 2 * K, 0), 2)
    a, b = to_centre.astype(float), to_end.astype(float)
    f = {i: plain_difference(a[i - K], (0 + b[i - K]) / 2, 1 / 3) for i in range(K, n - K)}
    scores = method(feature="hoof").score_frames(view(n, **{lbp_chi2.TO_CENTRE: to_centre, lbp_chi2.TO_END: to_end}))
    np.testing.assert_allclose(scores[:, 0], as_array(plain_contrast(f, n, K), n), rtol=0, atol=1e-12)


def test_chi_square_equals_statistic_of_two_histograms():
    """For counts of equal sums, Pearson's statistic of the table of both is sum (a - b)^2 / (a + b)."""
    a, b = np.array([30.0, 10, 60]), np.array([20.0, 40, 40])
    assert difference.chi_square(a, b) == pytest.approx(chi2_contingency([a, b], correction=False).statistic)
    assert difference.chi_square(np.zeros(3), np.zeros(3)) == 0


def test_mean_of_largest_takes_third_of_36_blocks():
    distances = np.arange(36.0)[None]
    assert mean_of_largest(distances, 1 / 3) == np.arange(24, 36).mean()


def test_contrasted_ignores_slow_change():
    """A steady rise is as far above the frame before as below the frame after."""
    slow = np.arange(40.0)
    assert not np.nan_to_num(contrasted(slow, 5)).any()
    fast = slow.copy()
    fast[20] += 1
    assert np.flatnonzero(np.nan_to_num(contrasted(fast, 5))).tolist() == [20]


@pytest.mark.parametrize(("fps", "frames"), [(25, 9), (60, 21), (100, 33), (200, 65), (1, 3)])
def test_half_window_lasts_third_of_a_second(fps, frames):
    """9 frames at 25 and 21 at 60 frames per second are those of Moilanen et al. 2014 for SMIC and CASME."""
    assert 2 * half_window(0.32, fps) + 1 == frames


SCORES = np.array([np.nan] * 10 + [0, 0, 9, 0, 8, 0, 0, 0, 5, 0, 1, 0] + [np.nan] * 10)[:, None]


@pytest.mark.parametrize(("p", "peaks"), [(0.15, [12, 18]), (0.6, [12]), (0.0, [12, 18])])
def test_propose_takes_separate_peaks_above_threshold(p, peaks):
    """T = mean + p (max - mean), the mean being 23 / 12; the peak of 8 is too near to that of 9, k / 2 = 2.5 frames."""
    found = method(p=p).propose(view(32), SCORES)
    assert [x.apex for x in found] == peaks
    assert [(x.onset, x.offset, x.confidence) for x in found] == [(i - K, i + K, SCORES[i, 0]) for i in peaks]


def test_propose_can_use_length_of_training_expressions():
    (found, *_) = method(width="k_prime").propose(view(32), SCORES)
    assert (found.onset, found.apex, found.offset) == (8, 12, 15)


def test_propose_takes_highest_frame_of_short_videos():
    (found,) = method(one_per_video=True, p=1).propose(view(32), SCORES)
    assert found.apex == 12


@pytest.mark.parametrize("scores", [np.full((20, 1), np.nan), np.zeros((20, 1))])
def test_propose_gives_nothing_without_frames_or_motion(scores):
    assert method().propose(view(20), scores) == []


def test_chains_are_features_of_paper():
    assert method().chains(TIMING)[lbp_chi2.TEXTURE].at("image") == (Lbp(6, 6, 8, 3.0, "uniform"),)
    flows = method(feature="hoof").chains(TIMING)
    assert {name: chain.at("pair")[0].k for name, chain in flows.items()} == {
        lbp_chi2.TO_CENTRE: K,
        lbp_chi2.TO_END: 2 * K,
    }
    assert all(
        chain.at("map") == (Hoof(6, 6, 8),) and chain.at("pair")[0] == Flow(k=chain.at("pair")[0].k)
        for chain in flows.values()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("rows", 0), ("neighbours", 17), ("window", 0.0), ("largest", 0.0), ("p", 1.1), ("distance", -1.0)],
)
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        lbp_chi2.LbpChi2.Params(**{name: value})


def test_Params_refuse_rule_of_other_spotters():
    with pytest.raises(ConfigError, match=r"method\.rule=released_code has no effect here, since method\.width sets"):
        lbp_chi2.LbpChi2.Params(rule="released_code")


@pytest.mark.parametrize("words", [("method.feature=hoof", "method.flow=dis"), ("method.width=k_prime",)])
def test_LbpChi2_keeps_contract_with_other_parameters(words):
    from mebench.testing import TINY

    assert check_method("lbp_chi2", (*TINY, *words)) == []
