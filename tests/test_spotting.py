"""Spotting while the scores come: the intervals of `spot`, once for all."""

import numpy as np
from hypothesis import given, strategies as st

from mebench.core import options
from mebench.spotting import Running, peaks_of, spot

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
    running, found, curve = Running(k_prime, level, how, lead=k_prime - 1), [], []
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
