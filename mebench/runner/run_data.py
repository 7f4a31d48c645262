"""The data of a run: its videos, their classes, and the folds of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Scheme, SubjectKey, Task, Timing, Video
from mebench.core.types import Fold
from mebench.protocols import Protocol
from mebench.runner.choices import home_of_video
from mebench.runner.fold_videos import FoldVideos
from mebench.runner.timing import FoldTimings, rate_groups
from mebench.runner.video_table import VideoMasks, VideoTable, select_videos


class Sides(NamedTuple):
    """The videos of a fold; validation videos exist only if the method holds subjects out."""

    train: list[Video]
    valid: list[Video]
    test: list[Video]


@dataclass(frozen=True)
class Leak:
    """What tested subjects shape in a run that leaks on purpose, as some papers do.

    Attributes:
        audit: the setting, see `TrainingSettings`; `guard` for an honest run.
        by_epoch_choice_only: whether the choice of an epoch is the whole leak.
        trains: whether a method is trained in stages.
    """

    audit: str
    by_epoch_choice_only: bool
    trains: bool

    @property
    def shapes_k_prime(self) -> bool:
        """Whether k' is that of all subjects."""
        return not self.by_epoch_choice_only


@dataclass(frozen=True)
class RunData:
    """The data of a run and what follows from them, computed at first use; nothing of the methods' settings.

    Attributes:
        dataset: the dataset, or a composite of several.
        id: id of the dataset; the names of a composite's members are joined by `+`.
        videos: all videos of the dataset, sorted by key.
        scheme: the emotion scheme.
        task: the tasks, kinds and classes of the run.
        protocol: splits people into folds.
        protocol_params: parameters of the protocol.
        folds: its folds.
        selects: whether inner validation subjects are held out, because a method selects something on them.
        leak: leak through tested subjects; None for an honest run.
        skipped: the videos without a face by key, with the reason: left out of training and prediction, while their truths still count.
    """

    dataset: Dataset
    id: str
    videos: tuple[Video, ...]
    scheme: Scheme
    task: Task
    protocol: Protocol
    protocol_params: Any
    folds: tuple[Fold, ...]
    selects: bool
    leak: Leak | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    _timings: dict[Fold, dict[str, Timing]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find_home(self, video: Video) -> tuple[Dataset, str]:
        """The dataset that a video is read from, and its id: of a composite the member."""
        return home_of_video(self.dataset, self.id, video)

    @cached_property
    def groups(self) -> dict[str, str]:
        """For each video by its key the group that shares a timing: its dataset, and the frame rate where that varies."""
        return rate_groups(self.videos)

    @property
    def leaks_k_prime(self) -> bool:
        """Whether k' is that of all subjects."""
        return self.leak is not None and self.leak.shapes_k_prime

    def training_subjects(self, fold: Fold) -> tuple[SubjectKey, ...]:
        """Subjects that the method is fitted on: those of validation too, unless the method selects on them."""
        return fold.train if self.selects else tuple(sorted((*fold.train, *fold.valid)))

    @cached_property
    def table(self) -> VideoTable:
        """The videos by position."""
        return VideoTable(self.videos)

    @cached_property
    def fold_videos(self) -> FoldVideos:
        """The videos for the hosts of the folds."""
        groups = tuple(self.groups[video.key] for video in self.videos)
        homes = tuple(self.find_home(video)[1] for video in self.videos)
        return FoldVideos(self.videos, self.learnt_videos, groups, homes)

    @cached_property
    def learnt_videos(self) -> tuple[Video, ...]:
        """The videos as a method trains on them, in the order of `videos`."""
        return tuple(map(self.with_learnt_kinds, self.videos))

    @cached_property
    def holds_scored_clip(self) -> NDArray[np.bool_]:
        """(n videos,) whether a video shows a class of the scheme. It counts as a method trains on it."""
        return np.array([bool(self.scheme.scored(video)) for video in self.learnt_videos], dtype=bool)

    def choose_videos(self, fold: Fold) -> VideoMasks:
        """The videos to fit, to choose and to test on, as truth values for `videos`; none to choose on unless the method
        holds subjects out.
        """
        train, valid, test = self.table.split(fold)
        if self.selects:
            return VideoMasks(train, valid, test)
        return VideoMasks(train | valid, np.zeros_like(valid), test)

    def split_videos(self, fold: Fold) -> Sides:
        """The videos to fit, to choose and to test on."""
        chosen = self.choose_videos(fold)
        return Sides(
            select_videos(self.learnt_videos, chosen.train),
            select_videos(self.learnt_videos, chosen.valid),
            select_videos(self.videos, chosen.test),
        )

    def tested_videos(self, fold: Fold) -> list[Video]:
        """The videos that a fold tests."""
        return select_videos(self.videos, self.table.find_tested(fold))

    def with_learnt_kinds(self, video: Video) -> Video:
        """A video to train on: its expressions of the kinds that the protocol learns, as micro-expressions."""
        kinds = self.protocol.learns(self.protocol_params)
        if kinds == ("micro",):
            return video
        learnt = (replace(e, kind="micro") for e in video.expressions if e.kind in kinds)
        return replace(video, expressions=tuple(learnt))

    def find_timings(self, fold: Fold) -> dict[str, Timing]:
        """Timing of each group of videos in a fold, from its training videos (see `groups`).

        Where the run leaks, from all videos.
        """
        if fold not in self._timings:
            chosen = self.choose_videos(fold)
            is_training = np.ones_like(chosen.train) if self.leaks_k_prime else chosen.train
            by_group = self._timings_of_folds.find_timings(is_training)
            groups = self.find_groups(chosen.train | chosen.valid | chosen.test)
            self._timings[fold] = {group: timing for group, timing in by_group.items() if group in groups}
        return self._timings[fold]

    @cached_property
    def _timings_of_folds(self) -> FoldTimings:
        """The timings of all folds."""
        candidates = self.videos if self.leaks_k_prime else self.learnt_videos
        return FoldTimings(self.videos, candidates, self.task.kinds)

    def find_groups(self, is_chosen: NDArray[np.bool_]) -> set[str]:
        """The groups (see `groups`) of some videos, chosen by (n videos,) truth values."""
        names, numbers = self._group_numbers
        is_there = np.zeros(len(names), dtype=bool)
        is_there[numbers[is_chosen]] = True
        return {names[number] for number in np.flatnonzero(is_there).tolist()}

    @cached_property
    def _group_numbers(self) -> tuple[list[str], NDArray[np.intp]]:
        """The names of all groups, and (n videos,) the number of each video's."""
        names = list(dict.fromkeys(self.groups.values()))
        number_of = {name: number for number, name in enumerate(names)}
        return names, np.array([number_of[self.groups[video.key]] for video in self.videos], dtype=np.intp)

    @cached_property
    def tested(self) -> frozenset[str]:
        """Keys of the videos that some fold tests: the others only train, and are not scored."""
        is_tested = np.zeros(len(self.videos), dtype=bool)
        for fold in self.folds:
            is_tested |= self.table.find_tested(fold)
        return frozenset(video.key for video in select_videos(self.videos, is_tested))

    @cached_property
    def subject_dependent(self) -> bool:
        """Whether a fold trains and tests on one person, under any id."""
        return any(map(self.on_both_sides, self.folds))

    def on_both_sides(self, fold: Fold) -> set[SubjectKey]:
        """The training people and the tested people of a fold, under any id."""
        tested = set(map(self._person_of, fold.test))
        return set(filter(tested.__contains__, map(self._person_of, fold.train + fold.valid)))

    @cached_property
    def _person_of(self) -> Callable[[SubjectKey], SubjectKey]:
        """`Dataset.person`, asked once for each subject."""
        return cache(self.dataset.person)

    @property
    def scored_each(self) -> bool:
        """Whether each fold is scored by itself, and then their mean."""
        return self.protocol.scored_each(self.protocol_params)

    @cached_property
    def short(self) -> dict[str, bool]:
        """For each dataset of the videos whether they are short ones of one expression each."""
        return {video.dataset: self.find_home(video)[0].one_per_video for video in self.videos}

    def left_out(self) -> Counter[str]:
        """Native labels of micro-expressions that the scheme does not score, counted; they stay truths for spotting."""
        return self.scheme.left_out(e for video in self.videos for e in video.expressions)


def class_counts(scheme: Scheme, videos: Iterable[Video]) -> Counter[str]:
    """The number of micro-expressions of each scored class in some videos."""
    named = [str(scheme.class_of(e)) for video in videos for e in scheme.scored(video)]
    if scheme.several:
        named = [part for name in named for part in name.split("+")]
    return Counter(named)
