"""The videos of a run for its folds, held once by their host; and the packed ones that a fold's process opens."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression, Video
from mebench.core.types import Distractor
from mebench.runner.video_table import VideoTable
from mebench.sandbox.aliases import LearningNames


class HomedVideo(NamedTuple):
    """A video, its group of equal timing, and its home. The home is the id of the dataset that it is read from."""

    video: Video
    group: str
    home: str


@dataclass(frozen=True, eq=False)
class FoldVideos:
    """The videos of a run with all that is annotated: the hosts of all its folds share them.

    Attributes:
        videos: all videos, sorted by key.
        learnt: the same as a method trains on them.
        groups: the group of each, see `RunData.groups`.
        homes: the id of the dataset of each.
    """

    videos: tuple[Video, ...]
    learnt: tuple[Video, ...]
    groups: tuple[str, ...]
    homes: tuple[str, ...]

    def __getstate__(self) -> dict[str, Any]:
        """Without what follows from the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def table(self) -> VideoTable:
        """The videos by position."""
        return VideoTable(self.videos)

    @cached_property
    def packed_learnt(self) -> PackedVideos:
        """The videos to train on, packed."""
        return PackedVideos(self.learnt, self.groups, self.homes)

    @cached_property
    def packed(self) -> PackedVideos:
        """The videos with all their annotations, packed."""
        return PackedVideos(self.videos, self.groups, self.homes)

    def homes_of(self, is_chosen: NDArray[np.bool_]) -> set[str]:
        """The ids of the datasets of some videos, chosen by (n videos,) truth values."""
        names, numbers = self._home_numbers
        return {names[number] for number in np.flatnonzero(np.bincount(numbers[is_chosen], minlength=len(names)))}

    @cached_property
    def _home_numbers(self) -> tuple[list[str], NDArray[np.intp]]:
        """The ids of all datasets, and (n videos,) the number of each video's."""
        names = list(dict.fromkeys(self.homes))
        number_of = {name: number for number, name in enumerate(names)}
        return names, np.array([number_of[home] for home in self.homes], dtype=np.intp)


class PackedVideos:
    """Annotated videos without names, packed once a run and by person: a fold takes the packs of those who train.

    Args:
        videos: the videos, in order.
        groups: the group of each.
        homes: the home of each.
    """

    def __init__(self, videos: Sequence[Video], groups: Sequence[str], homes: Sequence[str]) -> None:
        self._rows = [*map(_nameless_row, videos, groups, homes)]
        subjects = [video.subject_key for video in videos]
        self._starts = [place for place in range(len(videos)) if place == 0 or subjects[place] != subjects[place - 1]]
        self._ends = [*self._starts[1:], len(videos)]
        self._packs = [self._pack(range(*ends)) for ends in zip(self._starts, self._ends)]

    def choose(self, is_chosen: NDArray[np.bool_]) -> bytes:
        """Some videos, chosen by (n videos,) truth values, for `open_videos`."""
        if not is_chosen.any():
            return b""
        n_chosen = np.add.reduceat(is_chosen, self._starts, dtype=np.intp)
        packs = []
        for number in np.flatnonzero(n_chosen).tolist():
            places = range(self._starts[number], self._ends[number])
            is_whole = n_chosen[number] == len(places)
            packs.append(self._packs[number] if is_whole else self._pack([n for n in places if is_chosen[n]]))
        return b"".join(packs)

    def _pack(self, places: Sequence[int]) -> bytes:
        """The videos at some places."""
        return pickle.dumps([self._rows[place] for place in places])


_CELLS_OF_EXPRESSION = attrgetter(*(field.name for field in fields(Expression)))
_CELLS_OF_DISTRACTOR = attrgetter(*(field.name for field in fields(Distractor)))


def _nameless_row(video: Video, group: str, home: str) -> tuple[Any, ...]:
    """What a fold may know of a video that it learns from. These are plain values, which are opened twice as fast."""
    expressions = [*map(_CELLS_OF_EXPRESSION, video.expressions)]
    distractors = [*map(_CELLS_OF_DISTRACTOR, video.distractors)]
    return video.dataset, video.fps, video.n_frames, expressions, distractors, group, home


def open_videos(packed: bytes, names: LearningNames, first: int) -> list[HomedVideo]:
    """In the process of a fold: the videos that its host has packed, under their drawn names.

    Args:
        packed: some videos, see `PackedVideos`.
        names: the names of all that learn.
        first: place of the first of these among them.
    """
    opened = list[HomedVideo]()
    stream = io.BytesIO(packed)
    while stream.tell() < len(packed):
        for dataset, fps, n_frames, expressions, distractors, group, home in pickle.load(stream):
            subject, id_ = names.find(first + len(opened))
            annotated = tuple(Expression(*cells) for cells in expressions)
            others = tuple(Distractor(*cells) for cells in distractors)
            video = Video(dataset, subject, id_, fps, n_frames, annotated, distractors=others)
            opened.append(HomedVideo(video, group, home))
    return opened
