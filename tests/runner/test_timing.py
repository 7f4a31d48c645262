"""k and k' as MEAN (Liong, See and Chan 2023) derives them, from the training subjects alone."""

import dataclasses
import random

import numpy as np
import pytest

from mebench.core import Expression, Video
from mebench.core.types import group_of_rate
from mebench.runner.timing import FoldTimings, fold_timings, pair_gap


def video(dataset, subject, fps, lengths, kind="micro"):
    """A video with one expression of offset - onset = n for each n."""
    expressions = tuple(Expression(10, 10 + n, kind) for n in lengths)
    return Video(dataset, subject, "v1", fps, 5000, expressions)


@pytest.mark.parametrize(
    ("fps", "k"), [(25.0, 3), (30.0, 3), (100.0, 10), (200.0, 20), (29.97, 3), (60.0, 6), (5.0, 1), (None, 1)]
)
def test_pair_gap_is_a_tenth_of_a_second_rounded_up(fps, k):
    """Section 4.3: 20 frames at 200 fps, 10 at 100, 3 at 30 and at 25."""
    assert pair_gap(fps) == k


@pytest.mark.parametrize(
    ("lengths", "k_prime"),
    [
        ([67] * 844 + [68] * 156, 34),  # mean 67.156
        ([9] * 5, 5),
        ([10] * 5, 5),  # floor((10 + 1) / 2)
        ([11] * 5, 6),
        ([10, 11], 5),  # floor(11.5 / 2)
        ([0], 1),  # at least 1
    ],
)
def test_fold_timings_take_half_the_mean_length_rounded_down(lengths, k_prime):
    """Section 3.3: k' = floor((N + 1) / 2) with N the mean of offset - onset."""
    videos = [video("d", "1", 200.0, lengths)]
    timings = fold_timings(videos, videos, ["micro"])
    assert timings["d"].k_prime == {"micro": k_prime}


def test_fold_timings_use_training_videos_alone():
    videos = [video("d", "1", 30.0, [10]), video("d", "2", 30.0, [1000])]
    assert fold_timings(videos, videos[:1], ["micro"])["d"].k_prime["micro"] == 5


def test_fold_timings_give_kinds_their_own_length():
    videos = [video("d", "1", 30.0, [10]), video("d", "2", 30.0, [90], "macro")]
    timing = fold_timings(videos, videos, ["micro", "macro"])["d"]
    assert timing.k_prime == {"micro": 5, "macro": 45}
    assert (timing.fps, timing.k) == (30.0, 3)


def test_fold_timings_omit_kinds_without_training():
    videos = [video("d", "1", 30.0, [10])]
    assert fold_timings(videos, videos, ["macro"])["d"].k_prime == {}


def test_fold_timings_take_duration_of_other_members():
    videos = [video("slow", "1", 25.0, [10]), video("fast", "1", 200.0, [])]
    timings = fold_timings(videos, videos, ["micro"])
    assert timings["slow"].k_prime["micro"] == 5
    assert timings["fast"].k_prime["micro"] == 40  # 0.4 s at 200 fps are 80 frames
    assert (timings["slow"].k, timings["fast"].k) == (3, 20)


def test_FoldTimings_equal_direct_computation_bit_for_bit():
    """Two rates in one dataset, one rate in another, none in the third; each fold leaves people out."""
    rng = random.Random(3)
    rates = {"a": (30.0, 200.0), "b": (29.97,), "c": (None,)}
    videos = [
        dataclasses.replace(
            video(
                name, f"{person:02}", rng.choice(rates[name]), [rng.randint(0, 70) for _ in range(rng.randint(0, 3))]
            ),
            id=f"v{number}",
        )
        for name in rates
        for person in range(8)
        for number in range(3)
    ]
    folds = FoldTimings(videos, videos, ("micro", "macro"))
    for _ in range(60):
        left_out = set(rng.sample(range(24), rng.randint(0, 23)))
        is_training = np.array([number // 3 not in left_out for number in range(len(videos))])
        training = [v for v, trains in zip(videos, is_training) if trains]
        found = {group: timing.k_prime for group, timing in folds.find_timings(is_training).items()}
        assert found == direct_k_primes(videos, training)


def direct_k_primes(videos, training):
    """K' of each group of `videos`, from the training videos alone, one expression after the other."""

    def half(lengths):
        return {"micro": max(1, int((sum(lengths) / len(lengths) + 1) / 2))} if lengths else {}

    def seconds(dataset):
        of_dataset = [v for v in training if v.dataset == dataset and v.fps]
        return [(e.offset - e.onset) / v.fps for v in of_dataset for e in v.expressions]

    def at_rate(dataset, fps):
        durations = seconds(dataset) or [s for name in "abc" for s in seconds(name)]
        mean = [fps * sum(durations) / len(durations)] if durations else []
        return half(mean)

    frames = {
        name: [e.offset - e.onset for v in training if v.dataset == name for e in v.expressions] for name in ("b", "c")
    }
    found = {group_of_rate("a", v.fps): at_rate("a", v.fps) for v in videos if v.dataset == "a"}
    return found | {"b": half(frames["b"]) or at_rate("b", 29.97), "c": half(frames["c"])}
