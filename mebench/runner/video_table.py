"""The videos of a run, held once: a fold is a choice from their table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.core import SubjectKey, Video
from mebench.core.types import Fold


class VideoMasks(NamedTuple):
    """The videos of a fold, each side as (n videos of the run,) truth values: those without a side take no part."""

    train: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    test: NDArray[np.bool_]


@dataclass(frozen=True)
class VideoTable:
    """The videos of a run in their order, and who is seen in which.

    Attributes:
        videos: all videos, sorted by key.
    """

    videos: Sequence[Video]

    @cached_property
    def subjects(self) -> dict[SubjectKey, int]:
        """The number of each subject, in the order of their first videos."""
        keys = dict.fromkeys(video.subject_key for video in self.videos)
        return {subject: number for number, subject in enumerate(keys)}

    @cached_property
    def _subject_numbers(self) -> NDArray[np.intp]:
        """(n videos,) number of the subject of each."""
        return np.array([self.subjects[video.subject_key] for video in self.videos], dtype=np.intp)

    @cached_property
    def position_of(self) -> dict[str, int]:
        """The position of each video by its key."""
        return {video.key: position for position, video in enumerate(self.videos)}

    def split(self, fold: Fold) -> VideoMasks:
        """The videos to train, to validate and to test on, as `Fold.split` gives them."""
        train, valid, test = map(self.find_people, (fold.train, fold.valid, fold.test))
        return self.split_people(train, valid, test, fold.videos)

    def find_tested(self, fold: Fold) -> NDArray[np.bool_]:
        """(n videos,) whether a fold tests each."""
        return self.has_keys(fold.videos) if fold.videos else self.find_people(fold.test)[self._subject_numbers]

    def split_people(
        self,
        train: NDArray[np.bool_],
        valid: NDArray[np.bool_],
        test: NDArray[np.bool_],
        tested_videos: Collection[str] = (),
    ) -> VideoMasks:
        """The videos of a fold whose sides are (n people,) truth values.

        Args:
            train: people to train on.
            valid: people to validate on.
            test: people to test.
            tested_videos: keys of the tested videos where others of the same people train.
        """
        shown = self._subject_numbers
        if not tested_videos:
            return VideoMasks(train[shown], valid[shown], test[shown])
        is_tested = self.has_keys(tested_videos)
        return VideoMasks(train[shown] & ~is_tested, valid[shown] & ~is_tested, is_tested)

    def find_people(self, subjects: Iterable[SubjectKey]) -> NDArray[np.bool_]:
        """(n people,) whether each is one of some subjects, in the order of `subjects`."""
        is_wanted = np.zeros(len(self.subjects) + 1, dtype=bool)
        is_wanted[[*map(self.subjects.get, subjects, repeat(-1))]] = (
            True  # those who are unknown stand behind all others
        )
        return is_wanted[:-1]

    def has_keys(self, keys: Iterable[str]) -> NDArray[np.bool_]:
        """(n videos,) whether each is one of those with some keys."""
        known = self.position_of
        is_wanted = np.zeros(len(self.videos), dtype=bool)
        is_wanted[[known[key] for key in keys if key in known]] = True
        return is_wanted


def select_videos(videos: Sequence[Video], is_chosen: NDArray[np.bool_]) -> list[Video]:
    """Some videos in their order, chosen by (n videos,) truth values."""
    return [videos[position] for position in np.flatnonzero(is_chosen).tolist()]
