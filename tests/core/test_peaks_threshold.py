"""A threshold for all videos, against trying every one of them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.spotting import SpottingParams, iou, learnt_threshold, spot

PAPER = SpottingParams()


def learn(scores, truths, k_primes, options=PAPER):
    every = [spot(own, k, options=options, level=-np.inf) for own, k in zip(scores, k_primes)]
    return learnt_threshold(every, truths)


def f1_at(level, scores, truths, k_primes, options):
    """F1 of spotting with a threshold: intervals matched by confidence, each truth once, in all videos together."""
    right = count = 0
    for own, truth, k_prime in zip(scores, truths, k_primes):
        found = spot(own, k_prime, options=options, level=level)
        free = list(truth)
        count += len(found)
        for one in sorted(found, key=lambda s: (-s.confidence, s.apex)):
            overlaps = [iou((one.onset, one.offset), t) for t in free]
            if overlaps and max(overlaps) >= 0.5:
                free.pop(int(np.argmax(overlaps)))
                right += 1
    return 2 * right / (count + sum(map(len, truths))) if count else 0.0


def draw(seed, k_prime=4):
    rng = np.random.default_rng(seed)
    scores, truths = [], []
    for _ in range(3):
        onset = int(rng.integers(10, 50))
        own = rng.normal(size=90)
        own[onset : onset + 2 * k_prime] += rng.uniform(0, 3)
        scores.append(own)
        truths.append([(onset, onset + 2 * k_prime - 1)] if rng.random() < 0.7 else [])
    return scores, truths, [k_prime] * 3


@given(st.integers(0, 10_000), st.sampled_from([PAPER, SpottingParams(interval="score_curve", nms=0.2)]))
def test_learnt_threshold_is_best_level(seed, options):
    data = draw(seed)
    level = learn(*data, options)
    every = [s.confidence for own, k in zip(data[0], data[2]) for s in spot(own, k, options=options, level=-np.inf)]
    best = max(f1_at(candidate, *data, options) for candidate in every)
    assert f1_at(level, *data, options) == pytest.approx(best)


def test_learnt_threshold_without_truths_is_above_all_scores():
    rng = np.random.default_rng(0)
    quiet = [rng.normal(size=80) for _ in range(3)]
    level = learn(quiet, [[], [], []], [4] * 3)
    assert all(spot(own, 4, options=PAPER, level=level) == [] for own in quiet)
    loud = quiet[0].copy()
    loud[30:38] += 50
    assert len(spot(loud, 4, options=PAPER, level=level)) == 1


def test_learnt_threshold_leaves_quiet_videos_empty():
    rng = np.random.default_rng(1)
    busy, empty = rng.normal(size=120) * 0.1, rng.normal(size=120) * 0.1
    busy[40:48] += 3
    level = learn([busy, empty], [[(40, 47)], []], [4, 4])
    assert [s.apex for s in spot(busy, 4, level=level)] == [s.apex for s in spot(busy, 4)] != []
    assert spot(empty, 4, level=level) == []
    assert spot(empty, 4) != []


def test_learnt_threshold_without_videos_spots_nothing():
    assert learn([], [], []) == np.inf
    assert learn([np.full(50, np.nan)], [[(3, 9)]], [4]) == np.inf
