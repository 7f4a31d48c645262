"""A dataset under another name, so that two settings of one plugin can be members of one composite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from mebench.core.dataset import Dataset, Frames
from mebench.core.types import Repair, SubjectKey, Unplaced, Video


class Renamed(Dataset):
    """The videos of a dataset, each said to belong to `name`.

    Args:
        dataset: whose videos these are.
        name: what they belong to.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        super().__init__(dataset.params)
        self.dataset, self.name = dataset, name
        self.revision, self.tasks, self.kinds = dataset.revision, dataset.tasks, dataset.kinds
        self.schemes, self.one_per_video = dataset.schemes, dataset.one_per_video
        self.comparable, self.remark, self.published = dataset.comparable, dataset.remark, dataset.published

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key."""
        return self._renamed(self.dataset.videos())

    def as_annotated(self) -> Sequence[Video]:
        """The same from the annotations alone."""
        return self._renamed(self.dataset.as_annotated())

    def person(self, key: SubjectKey) -> SubjectKey:
        """Who a subject is, as the dataset itself knows."""
        return self.dataset.person(self._subjects.get(key, key))

    def frames(self, video: Video) -> Frames:
        """The frames of a video."""
        return self.dataset.frames(self._own(video))

    def landmarks(self, video: Video) -> NDArray[Any] | None:
        """The landmarks of a video."""
        return self.dataset.landmarks(self._own(video))

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made feature of a video."""
        return self.dataset.provided(self._own(video), name)

    def repair_rows(self) -> Sequence[Repair]:
        """What was mended in the annotations."""
        return self.dataset.repair_rows()

    def repairs(self) -> Sequence[str]:
        """The same in sentences."""
        return self.dataset.repairs()

    def unplaced(self) -> Sequence[Unplaced]:
        """Annotated expressions without a usable interval."""
        return self.dataset.unplaced()

    def _own(self, video: Video) -> Video:
        return replace(video, dataset=self._subjects[video.subject_key].dataset)

    def _renamed(self, videos: Sequence[Video]) -> tuple[Video, ...]:
        return tuple(sorted((replace(v, dataset=self.name) for v in videos), key=lambda v: v.key))

    @cached_property
    def _subjects(self) -> dict[SubjectKey, SubjectKey]:
        """What the dataset itself calls a subject."""
        return {SubjectKey(self.name, v.subject): v.subject_key for v in self.dataset.videos()}
