"""Timing of the videos in a fold: the gap k of a flow pair, and k', half the mean expression length."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mebench.core import Kind, Timing, Video
from mebench.core.types import group_of_rate


def fold_timings(videos: Sequence[Video], training: Iterable[Video], kinds: Sequence[Kind]) -> dict[str, Timing]:
    """Timing of every group of videos (see `rate_groups`): k from its frame rate, k' from the training videos'
    expressions.

    k is 0.1 s (MEAN, section 4.3), rounded up as in its public code, which takes 3 frames at 25 fps. k' is (N + 1) / 2
    with N the mean length (section 3.3); counting N as offset - onset and rounding down are those of the public code.
    Where a dataset has several frame rates, N is its mean duration in seconds at each rate. A group without training
    expressions of a kind takes the other groups' mean duration in seconds; a kind without training expressions is left
    out.

    Args:
        videos: all videos, which decide the groups; k' is computed from `training` alone.
        training: the training videos.
        kinds: the spotted kinds.
    """
    groups = rate_groups(videos)
    lengths = _ExpressionLengths.from_videos(training, groups)
    home_of = dict[str, tuple[str, float | None]]()  # groups in order of their first videos' keys
    for video in sorted(videos, key=lambda v: v.key):
        home_of.setdefault(groups[video.key], (video.dataset, video.fps))
    timings = {}
    for group, (dataset, fps) in home_of.items():
        k_prime: dict[Kind, int] = {}
        for kind in kinds:
            mean = lengths.mean_in_frames(group, dataset, fps, kind)
            if mean is not None:
                k_prime[kind] = max(1, int((mean + 1) / 2))
        timings[group] = Timing(fps or 0.0, pair_gap(fps), k_prime)
    return timings


@dataclass(frozen=True)
class _ExpressionLengths:
    """Lengths of training expressions, offset - onset.

    Attributes:
        frames: lengths in frames by group and kind.
        seconds: lengths in seconds by dataset and kind, where the frame rate is known.
    """

    frames: Mapping[tuple[str, Kind], Sequence[int]]
    seconds: Mapping[tuple[str, Kind], Sequence[float]]

    @classmethod
    def from_videos(cls, training: Iterable[Video], groups: Mapping[str, str]) -> _ExpressionLengths:
        """The lengths in some videos, whose groups are given by key."""
        frames: dict[tuple[str, Kind], list[int]] = defaultdict(list)
        seconds: dict[tuple[str, Kind], list[float]] = defaultdict(list)
        for video in training:
            for e in video.expressions:
                frames[groups[video.key], e.kind].append(e.offset - e.onset)
                if video.fps:
                    seconds[video.dataset, e.kind].append((e.offset - e.onset) / video.fps)
        return cls(frames, seconds)

    def mean_in_frames(self, group: str, dataset: str, fps: float | None, kind: Kind) -> float | None:
        """The mean length of one kind at the frame rate of a group; None if it is unknown."""
        has_one_rate = group == dataset
        in_frames = self.frames.get((group, kind))
        if has_one_rate and in_frames:
            return sum(in_frames) / len(in_frames)
        of_kind = [values for (_, other), values in self.seconds.items() if other == kind]
        everywhere = [seconds for values in of_kind for seconds in values]
        in_seconds = self.seconds.get((dataset, kind)) or everywhere
        if fps and in_seconds:
            return fps * sum(in_seconds) / len(in_seconds)
        return None


def rate_groups(videos: Iterable[Video]) -> dict[str, str]:
    """The group of each video by its key: its dataset, or `dataset@fps` where the dataset has several frame rates.

    Frames of one group last equally long, so its videos share k and k'.
    """
    every = list(videos)
    rates = Counter(dataset for dataset, _ in {(video.dataset, video.fps) for video in every})
    groups: dict[str, str] = {}
    for video in every:
        has_one_rate = rates[video.dataset] == 1
        groups[video.key] = video.dataset if has_one_rate else group_of_rate(video.dataset, video.fps or 0)
    return groups


def pair_gap(fps: float | None) -> int:
    """k: frames in 0.1 s, rounded up, at least 1; 1 where the frame rate is unknown.

    >>> [pair_gap(f) for f in (25.0, 30.0, 100.0, 200.0)]
    [3, 3, 10, 20]
    """
    return max(1, math.ceil(0.1 * (fps or 0.0) - 1e-9))
