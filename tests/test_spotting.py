"""Spotting while the scores come: the intervals of `spot`, once for all."""

import numpy as np
from hypothesis import given, strategies as st

from mebench.core import options
from mebench.core.peaks import less_baseline
from mebench.spotting import Running, RunningBaseline, peaks_of, spot

SCORES = st.lists(st.integers(-3, 6).map(float), max_size=60)


@given(
    SCORES,
    st.integers(1, 5),
    st.sampled_from(options.SMOOTHINGS),
    st.sampled_from(["paper", "middle"]),
    st.sampled_from([-9, 0, 2.5]),
)
def test_Running_equals_spot_of_all_scores(scores, k_prime, smoothing, anchor, level):
    how = options.SpottingParams(smoothing=smoothing, anchor=anchor, half_width=1.5)
    running = Running(k_prime, level, how, lead=k_prime - 1)
    found = []
    curve = []
    for score in scores:
        value, settled = running.add(score)
        curve += [] if value is None else [value]
        found += settled
    found += running.finish()
    assert sorted(found) == sorted(spot(np.array(scores), k_prime, options=how, level=level, lead=k_prime - 1))


@given(st.lists(st.integers(0, 3).map(float), min_size=20, max_size=60), st.integers(2, 5))
def test_peaks_of_equal_height_keep_the_last(scores, k_prime):
    running = Running(k_prime, 0.5, options.SpottingParams(smoothing="none"))
    found = [one for score in scores for one in running.add(score)[1]] + running.finish()
    assert sorted(one.apex for one in found) == peaks_of(np.array(scores), 0.5, k_prime).tolist()
    assert peaks_of(np.array([0.0, 1, 0, 1, 0, 1, 0]), 0.5, 3).tolist() == [1, 5]
    assert peaks_of(np.array([0.0, 1, 0, 1, 0]), 0.5, 3).tolist() == [3]


@given(SCORES, st.integers(1, 4))
def test_Running_knows_peak_after_two_k_prime(scores, k_prime):
    """Later only where peaks are so near to one another that it is open which of them stays."""
    running = Running(k_prime, 0.5, options.SpottingParams(smoothing="average"))
    lone = [0.0] * (3 * k_prime) + [9.0] + [0.0] * (3 * k_prime) + scores
    reported = [(frame, one.apex) for frame, score in enumerate(lone) for one in running.add(score)[1]]
    frame, apex = reported[0]
    assert abs(apex - 3 * k_prime) <= k_prime
    assert frame <= apex + 2 * k_prime + k_prime


@given(SCORES, st.integers(1, 12))
def test_RunningBaseline_equals_less_baseline_of_all(scores, reach):
    running = RunningBaseline(reach)
    values = [value for score in scores if (value := running.add(score)) is not None] + running.finish()
    assert values == less_baseline(np.array(scores), reach).tolist()


@given(SCORES, st.integers(1, 4), st.sampled_from([0.04, 0.4, 1.0]))
def test_Running_with_baseline_equals_spot_of_all_scores(scores, k_prime, seconds):
    how = options.SpottingParams(baseline=seconds)
    running = Running(k_prime, 0.5, how, lead=k_prime - 1, fps=25.0)
    found = [one for score in scores for one in running.add(score)[1]] + running.finish()
    whole = spot(np.array(scores), k_prime, options=how, level=0.5, lead=k_prime - 1, fps=25.0)
    assert sorted(found) == sorted(whole)
