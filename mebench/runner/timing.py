"""Durations of each dataset in a fold, fitted on the training subjects."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mebench.core.types import Kind, SubjectKey, Timing, Video
from mebench.errors import DataError

PAIR_SECONDS = 0.1


def fold_timings(videos: Sequence[Video], training: Iterable[SubjectKey], kinds: Sequence[Kind]) -> dict[str, Timing]:
    """Timing of every (member) dataset: k from its frame rate, k' from the training subjects' expressions.

    k is 0.1 s (MEAN, section 4.3), rounded up as in its public code, which takes 3 frames at 25 fps. k' is (N + 1) / 2 with N
    the mean length (section 3.3); counting N as offset - onset and rounding down are those of the public code. A member
    without training expressions of a kind takes the other members' mean duration in seconds; a kind that nobody in training
    shows is left out.

    Args:
        videos: of all subjects; only those of `training` enter k'.
        training: subjects whose annotations may be seen.
        kinds: the kinds that are spotted.

    Raises:
        DataError: the videos of one dataset differ in frame rate.
    """
    seen = set(training)
    lengths: dict[tuple[str, Kind], list[int]] = defaultdict(list)
    seconds: dict[Kind, list[float]] = defaultdict(list)
    for video in videos:
        if video.subject_key not in seen:
            continue
        for e in video.expressions:
            lengths[video.dataset, e.kind].append(e.offset - e.onset)
            if video.fps:
                seconds[e.kind].append((e.offset - e.onset) / video.fps)
    timings = {}
    rates: dict[str, float | None] = {}
    for video in sorted(videos, key=lambda v: v.key):
        if rates.setdefault(video.dataset, video.fps) != video.fps:
            raise DataError(
                f"{video.key} has {video.fps} frames per second and other videos of {video.dataset!r} have {rates[video.dataset]}: "
                "k and k' need one rate in each dataset. Split the dataset by rate"
            )
    for dataset, fps in rates.items():
        k_prime: dict[Kind, int] = {}
        for kind in kinds:
            own = lengths[dataset, kind]
            if own:
                mean = sum(own) / len(own)
            elif fps and seconds[kind]:
                mean = fps * sum(seconds[kind]) / len(seconds[kind])
            else:
                continue
            k_prime[kind] = max(1, int((mean + 1) / 2))
        timings[dataset] = Timing(fps or 0.0, pair_gap(fps), k_prime)
    return timings


def pair_gap(fps: float | None) -> int:
    """k: frames in 0.1 s, rounded up, at least 1; 1 where the frame rate is unknown.

    >>> [pair_gap(f) for f in (25.0, 30.0, 100.0, 200.0)]
    [3, 3, 10, 20]
    """
    return max(1, math.ceil(PAIR_SECONDS * (fps or 0.0) - 1e-9))
