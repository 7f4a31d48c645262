"""Durations of each dataset in a fold, fitted on the training subjects."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mebench.core.types import Kind, Timing, Video

PAIR_SECONDS = 0.1


def fold_timings(videos: Sequence[Video], training: Iterable[Video], kinds: Sequence[Kind]) -> dict[str, Timing]:
    """Timing of every group of videos (see `rate_groups`): k from its frame rate, k' from the training videos' expressions.

    k is 0.1 s (MEAN, section 4.3), rounded up as in its public code, which takes 3 frames at 25 fps. k' is (N + 1) / 2 with N
    the mean length (section 3.3); counting N as offset - onset and rounding down are those of the public code. Where a
    dataset has several frame rates, N is its mean duration in seconds at each rate. A group without training expressions of
    a kind takes the other groups' mean duration in seconds; a kind that nobody in training shows is left out.

    Args:
        videos: all, which decide the groups; only those of `training` enter k'.
        training: the videos whose annotations may be seen.
        kinds: the kinds that are spotted.
    """
    groups = rate_groups(videos)
    lengths: dict[tuple[str, Kind], list[int]] = defaultdict(list)
    seconds: dict[tuple[str, Kind], list[float]] = defaultdict(list)
    for video in training:
        for e in video.expressions:
            lengths[groups[video.key], e.kind].append(e.offset - e.onset)
            if video.fps:
                seconds[video.dataset, e.kind].append((e.offset - e.onset) / video.fps)
    timings = {}
    for group, (dataset, fps) in _rates(videos, groups).items():
        k_prime: dict[Kind, int] = {}
        for kind in kinds:
            same_rate = lengths[group, kind] if group == dataset else []
            durations = seconds[dataset, kind] or [s for (_, k), own in seconds.items() if k == kind for s in own]
            if same_rate:
                mean = sum(same_rate) / len(same_rate)
            elif fps and durations:
                mean = fps * sum(durations) / len(durations)
            else:
                continue
            k_prime[kind] = max(1, int((mean + 1) / 2))
        timings[group] = Timing(fps or 0.0, pair_gap(fps), k_prime)
    return timings


def rate_groups(videos: Iterable[Video]) -> dict[str, str]:
    """The group of each video by its key: its dataset, or `dataset@fps` where the dataset has several frame rates.

    Frames of one group last equally long, so its videos share k and k'.
    """
    every = list(videos)
    rates: dict[str, set[float | None]] = defaultdict(set)
    for video in every:
        rates[video.dataset].add(video.fps)
    return {v.key: v.dataset if len(rates[v.dataset]) == 1 else f"{v.dataset}@{v.fps or 0:g}" for v in every}


def _rates(videos: Iterable[Video], groups: Mapping[str, str]) -> dict[str, tuple[str, float | None]]:
    """Dataset and frame rate of each group, in order of their first videos' keys."""
    rates: dict[str, tuple[str, float | None]] = {}
    for video in sorted(videos, key=lambda v: v.key):
        rates.setdefault(groups[video.key], (video.dataset, video.fps))
    return rates


def pair_gap(fps: float | None) -> int:
    """k: frames in 0.1 s, rounded up, at least 1; 1 where the frame rate is unknown.

    >>> [pair_gap(f) for f in (25.0, 30.0, 100.0, 200.0)]
    [3, 3, 10, 20]
    """
    return max(1, math.ceil(PAIR_SECONDS * (fps or 0.0) - 1e-9))
