"""Timing of the videos in a fold: the gap k of a flow pair, and k', half the mean expression length."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Kind, Timing, Video
from mebench.core.types import group_of_rate


def fold_timings(videos: Sequence[Video], training: Sequence[Video], kinds: Sequence[Kind]) -> dict[str, Timing]:
    """Timing of every group of videos (see `rate_groups`): k from its frame rate, k' from the training videos'
    expressions. See `FoldTimings`.

    Args:
        videos: all videos, which decide the groups; k' is computed from `training` alone.
        training: the training videos.
        kinds: the spotted kinds.
    """
    return FoldTimings(videos, training, kinds).find_timings(np.ones(len(training), dtype=bool))


class FoldTimings:
    """The timings of many folds: the lengths of all expressions are read once, and each fold takes those that it trains on.

    k is 0.1 s (MEAN, section 4.3), rounded up as in its public code, which takes 3 frames at 25 fps. k' is (N + 1) / 2
    with N the mean length (section 3.3); counting N as offset - onset and rounding down are those of the public code.
    Where a dataset has several frame rates, N is its mean duration in seconds at each rate. A group without training
    expressions of a kind takes the other groups' mean duration in seconds; a kind without training expressions is left
    out.

    Args:
        videos: all videos, which decide the groups.
        candidates: the videos that some fold may train on, with the expressions that it learns.
        kinds: the spotted kinds.
    """

    def __init__(self, videos: Sequence[Video], candidates: Sequence[Video], kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        groups = rate_groups(videos)
        self._group_homes = dict[str, tuple[str, float | None]]()  # in order of their first videos' keys
        for video in sorted(videos, key=lambda v: v.key):
            self._group_homes.setdefault(groups[video.key], (video.dataset, video.fps))
        self._frames, self._seconds = _expression_lengths(candidates, groups)

    def find_timings(self, is_training: NDArray[np.bool_]) -> dict[str, Timing]:
        """Timing of every group in a fold.

        Args:
            is_training: (n candidates,) which of them the fold trains on.
        """
        timings = {}
        for group, (_, fps) in self._group_homes.items():
            k_prime: dict[Kind, int] = {}
            for kind in self._kinds:
                mean = self._mean_in_frames(group, kind, is_training)
                if mean is not None:
                    k_prime[kind] = max(1, int((mean + 1) / 2))
            timings[group] = Timing(fps or 0.0, pair_gap(fps), k_prime)
        return timings

    def _mean_in_frames(self, group: str, kind: Kind, is_training: NDArray[np.bool_]) -> float | None:
        """The mean length of one kind at the frame rate of a group; None if it is unknown."""
        dataset, fps = self._group_homes[group]
        has_one_rate = group == dataset
        if has_one_rate and (group, kind) in self._frames:
            in_frames = self._frames[group, kind].find_trained(is_training)
            if len(in_frames):
                return float(int(in_frames.sum()) / len(in_frames))
        if not fps:
            return None
        in_seconds = self._seconds_of(dataset, kind, is_training)
        if not in_seconds:
            everywhere = [home for home, other in self._seconds if other == kind]
            in_seconds = [s for home in everywhere for s in self._seconds_of(home, kind, is_training)]
        return float(fps * sum(in_seconds) / len(in_seconds)) if in_seconds else None

    def _seconds_of(self, dataset: str, kind: Kind, is_training: NDArray[np.bool_]) -> list[float]:
        """The durations of the training expressions of one kind in a dataset; as a list, whose sum keeps the order of additions."""
        lengths = self._seconds.get((dataset, kind))
        return [] if lengths is None else list(lengths.find_trained(is_training).tolist())


@dataclass(frozen=True)
class _Lengths:
    """Lengths of expressions, offset - onset, in the order of their videos.

    Attributes:
        video: (n expressions,) position of the video of each among the candidates.
        values: (n expressions,) in frames (integers) or seconds.
    """

    video: NDArray[np.intp]
    values: NDArray[Any]

    def find_trained(self, is_training: NDArray[np.bool_]) -> NDArray[Any]:
        """The lengths of the expressions in training videos."""
        return self.values[is_training[self.video]]


_LengthsByKind = dict[tuple[str, Kind], _Lengths]


def _expression_lengths(
    candidates: Sequence[Video], groups: Mapping[str, str]
) -> tuple[_LengthsByKind, _LengthsByKind]:
    """The lengths in frames by group and kind, and in seconds by dataset and kind. Those in seconds need a known frame rate.

    Args:
        candidates: the videos.
        groups: the group of each by its key.
    """
    frames: dict[tuple[str, Kind], list[tuple[int, int]]] = defaultdict(list)
    seconds: dict[tuple[str, Kind], list[tuple[int, float]]] = defaultdict(list)
    for position, video in enumerate(candidates):
        group = groups[video.key] if video.expressions else ""
        for e in video.expressions:
            frames[group, e.kind].append((position, e.offset - e.onset))
            if video.fps:
                seconds[video.dataset, e.kind].append((position, (e.offset - e.onset) / video.fps))
    return _as_arrays(frames), _as_arrays(seconds)


def _as_arrays(pairs: Mapping[tuple[str, Kind], Sequence[tuple[int, float]]]) -> _LengthsByKind:
    """Positions and lengths of each kind as arrays."""
    arrays = {}
    for name, of_kind in pairs.items():
        positions, values = zip(*of_kind)
        arrays[name] = _Lengths(np.array(positions, dtype=np.intp), np.array(values))
    return arrays


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
