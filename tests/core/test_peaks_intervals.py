"""Intervals from the score curve, and which of overlapping ones stay."""

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.signal import find_peaks

from mebench.core import Expression
from mebench.core.peaks import reaches_iou
from mebench.metrics.conventions import Convention
from mebench.metrics.matching import ends_of, overlap_pairs
from mebench.spotting import (
    Spotted,
    SpottingParams,
    high_intervals,
    hits,
    iou,
    overlap,
    score_curve,
    spot,
    stretches,
    suppress,
)
from mebench.training import window_labels
from tests.helpers.plain_rules import rows

seeds = st.integers(0, 10_000)


def climb(curve, peak, height):
    """Frames around the peak that stay above a part of its height over its foot, walked one by one."""
    low = curve.min()

    def foot(step):
        """Lowest level on the way to a higher frame, or to the end, beyond which all is low."""
        at = peak
        lowest = curve[peak]
        while 0 <= at < len(curve):
            if curve[at] > curve[peak]:
                return lowest
            lowest = min(lowest, curve[at])
            at += step
        return low

    base = max(foot(-1), foot(1))
    level = curve[peak] - (1 - height) * (curve[peak] - base)
    first = last = peak
    while first > 0 and curve[first - 1] >= level:
        first -= 1
    while last < len(curve) - 1 and curve[last + 1] >= level:
        last += 1
    return first, last


@given(seeds, st.integers(5, 60), st.sampled_from([0.25, 0.5, 0.75]))
def test_score_curve_ends_at_part_of_peak(seed, n, height):
    curve = np.random.default_rng(seed).normal(size=n)
    peaks, _ = find_peaks(curve)
    # Exactly at a crossing the two ways of computing the level may round apart; normal draws do not come near it.
    assert score_curve(curve, peaks, height) == [climb(curve, p, height) for p in peaks.tolist()]


def test_score_curve_takes_peak_at_an_end():
    assert score_curve(np.array([4.0, 3.0, 1.0, 0.0]), np.array([0])) == [(0, 1)]


@given(seeds, st.integers(1, 20), st.sampled_from([("paper", 1), ("released_code", 0)]))
def test_spot_width_changes_nothing_else(seed, k_prime, rule):
    scores = np.random.default_rng(seed).normal(size=120)
    (name, short) = rule
    usual = spot(scores, k_prime, 0.2, name)
    assert spot(scores, k_prime, 0.2, name, options=SpottingParams(half_width=1.0)) == usual
    for part, half in ((2.0, 2 * k_prime), (0.5, (k_prime + 1) // 2), (0.01, 1)):
        found = spot(scores, k_prime, 0.2, name, options=SpottingParams(half_width=part))
        assert found == [s._replace(onset=s.apex - half, offset=s.apex + half - short) for s in usual]


def test_spot_takes_no_width_from_flat_curve():
    assert score_curve(np.ones(9), np.array([0])) == [None]
    (found,) = spot(np.ones(20), 3, highest_only=True, options=SpottingParams(interval="score_curve"))
    assert (found.onset, found.offset) == (found.apex - 3, found.apex + 2)  # then the fixed one


@pytest.mark.parametrize("length", [12, 20, 30])
def test_spot_gives_annotated_interval_for_perfect_scores(length):
    """Pseudo-labels begin k' - 1 frames before the onset: that lead is taken off."""
    k_prime = 8
    truth = Expression(60, 60 + length - 1)
    perfect = window_labels(200, [truth], k_prime).astype(float)
    (fixed,) = spot(perfect, k_prime)
    (found,) = spot(perfect, k_prime, options=SpottingParams(interval="score_curve"), lead=k_prime - 1)
    assert iou((found.onset, found.offset), (truth.onset, truth.offset)) > 0.85
    assert fixed.offset - fixed.onset + 1 == 2 * k_prime


@given(seeds, st.integers(20, 120), st.integers(1, 8), st.integers(0, 9))
def test_spot_intervals_hold_peak_inside_video(seed, n, k_prime, lead):
    scores = np.random.default_rng(seed).normal(size=n)
    options = SpottingParams(interval="score_curve", p=0.2)
    found = spot(scores, k_prime, options=options, lead=lead)
    assert [f.apex for f in found] == [f.apex for f in spot(scores, k_prime, 0.2)]
    assert all(0 <= f.onset <= f.apex <= f.offset < n for f in found)


ends = st.tuples(st.integers(0, 20), st.integers(0, 10)).map(lambda e: (e[0], e[0] + e[1]))
spotted = st.lists(
    st.tuples(ends, st.integers(0, 5)).map(lambda s: Spotted(s[0][0], sum(s[0]) // 2, s[0][1], float(s[1]))),
    max_size=12,
)


@given(spotted, st.floats(0, 1))
def test_suppress_keeps_surest_of_overlapping(found, most):
    kept = suppress(found, most)
    overlap = lambda a, b: iou(a[:1] + a[2:3], b[:1] + b[2:3])  # noqa: E731
    assert all(overlap(a, b) <= most for a, b in combinations(kept, 2))
    for gone in found:
        if kept.count(gone) == 0:
            assert any(overlap(gone, k) > most and k.confidence >= gone.confidence for k in kept)
    assert suppress(kept, most) == kept
    surest = sorted(kept, key=lambda s: (-s.confidence, s.apex))[:2]
    assert suppress(found, most, 2) == sorted(surest, key=lambda s: s.apex)
    assert [k.apex for k in kept] == sorted(k.apex for k in kept)


def test_suppress_at_one_keeps_all_and_at_zero_parts_all():
    a, b = Spotted(0, 5, 10, 1.0), Spotted(10, 15, 20, 0.5)
    assert suppress([b, a], 1.0) == [a, b]
    assert suppress([b, a], 0.0) == [a]
    surer = b._replace(confidence=2.0)
    assert suppress([surer, a], 1.0) == [a, surer]  # by time all the same


spans = st.tuples(st.integers(-12, 12), st.integers(0, 12)).map(lambda s: (s[0], s[0] + s[1]))
fractions = st.fractions(0, 1, max_denominator=12)


def frames(span):
    return set(range(span[0], span[1] + 1))


@given(spans, spans, fractions)
def test_overlap_equals_sets_of_frames(a, b, threshold):
    common, either = len(frames(a) & frames(b)), len(frames(a) | frames(b))
    exact = Fraction(common, either)
    assert overlap(a, b) == (common, either)
    assert iou(a, b) == float(exact)  # to the last bit
    assert hits(a, b) == (exact >= Fraction(1, 2))
    for t in (threshold, exact):
        assert reaches_iou(common, either, t) == (exact >= t and common > 0)
        assert reaches_iou(common, either, t, reaching=False) == (exact > t)


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_overlap_compares_arrays_pair_by_pair(left, right):
    a, b = (np.array(side, dtype=np.int64).reshape(-1, 2) for side in (left, right))
    columns, across = (a[:, :1], a[:, 1:]), (b[:, 0], b[:, 1])
    one_by_one = [[iou(x, y) for y in right] for x in left]
    hits_one_by_one = [[hits(x, y) for y in right] for x in left]
    assert iou(columns, across).tolist() == one_by_one
    assert hits(columns, across).tolist() == hits_one_by_one


def shared(a, b, ends):
    """Frames in common and in either, counted one by one."""
    if ends == "half_open":
        a, b = ((onset, offset - 1) for onset, offset in (a, b))
    common = len(frames(a) & frames(b))
    if ends == "never_empty":
        common = max(common, 1) if len(frames(a)) > 1 and len(frames(b)) > 1 else 0
    return common, len(frames(a)) + len(frames(b)) - common


@given(
    st.lists(spans, min_size=1, max_size=5),
    st.lists(spans, min_size=1, max_size=5),
    fractions,
    st.sampled_from(["inclusive", "half_open", "never_empty"]),
    st.booleans(),
)
def test_shared_frames_follow_each_convention(truths, spotted, threshold, ends, reaching):
    of_predictions, of_truths = np.indices((len(spotted), len(truths))).reshape(2, -1)
    convention = Convention("plain", "", ends=ends)
    pairs = overlap_pairs(
        of_predictions, of_truths, ends_of(rows("v", spotted)), ends_of(rows("v", truths)), convention
    )
    exact = {(p, t): shared(a, b, ends) for p, a in enumerate(spotted) for t, b in enumerate(truths)}
    assert list(zip(pairs.intersection.tolist(), pairs.union.tolist())) == list(exact.values())
    ratio = {at: Fraction(common, either) if either else Fraction(0) for at, (common, either) in exact.items()}
    assert pairs.iou.tolist() == [float(value) for value in ratio.values()]
    found = pairs.hits(threshold, reaching)
    positive = {at: value for at, value in ratio.items() if value > 0}
    if reaching:
        expected = [at for at, value in positive.items() if value >= threshold]
    else:
        expected = [at for at, value in positive.items() if value > threshold]
    assert list(zip(found.prediction.tolist(), found.truth.tolist())) == expected


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 4))
def test_stretches_cover_high_frames_and_no_long_gap(high, bridge):
    found = stretches(np.array(high, bool), bridge)
    inside = {i for onset, offset in found for i in range(onset, offset + 1)}
    high_frames = {i for i, h in enumerate(high) if h}
    assert high_frames <= inside
    assert all(high[onset] and high[offset] for onset, offset in found)
    assert all(b[0] - a[1] - 1 > bridge for a, b in pairwise(found))
    lows = [len(run) for run in "".join("x" if i in inside and not high[i] else " " for i in range(len(high))).split()]
    assert max(lows, default=0) <= bridge


def test_high_intervals_peak_at_first_highest_frame():
    scores = np.array([0.0, 2, np.nan, 3, 3, 0, 0, 1])
    high = scores >= 1
    assert high_intervals(scores, high, range(1, 9)) == [(1, 1, 1, 2.0), (3, 3, 4, 3.0), (7, 7, 7, 1.0)]
    assert high_intervals(scores, high, range(2, 9), bridge=1) == [(1, 3, 4, 3.0)]
    assert high_intervals(scores, high, None) == [(3, 3, 4, 3.0)]
    assert high_intervals(scores, high & False, None) == []
