"""k and k' as MEAN (Liong, See and Chan 2023) derives them, from the training subjects alone."""

import pytest

from mebench.core import Expression, Video
from mebench.runner.timing import fold_timings, pair_gap


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
