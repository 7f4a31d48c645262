"""A dataset whose clips are public only as ready-made features."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, SubjectKey, Video
from mebench.errors import DataError


@dataclass(frozen=True, eq=False)
class FeatureClip:
    """A clip of which only its label and its feature are public.

    Attributes:
        dataset: name of the dataset in the clip's key.
        subject: id of the subject.
        id: name of the clip.
        emotion: native label.
        feature: numbers of the feature, one row.
        flags: reasons for which emotion schemes leave the clip out.
    """

    dataset: str
    subject: str
    id: str
    emotion: str
    feature: NDArray[np.float64]
    flags: tuple[str, ...] = ()

    @property
    def video(self) -> Video:
        """The clip as a video of one frame with one expression, `[0, 0]`."""
        expression = Expression(0, 0, apex=0, emotion=self.emotion, flags=self.flags)
        return Video(self.dataset, self.subject, self.id, None, 1, (expression,))


class ClipFeatureDataset(Dataset):
    """Each clip is a video of one frame with a published row of numbers; there are no pictures.

    A plugin names the feature and the people, and defines `read_clips`.

    Attributes:
        feature: name of the chain that reads the features.
        people: dataset whose people are filmed: they stay on one side of a fold with those of its recordings.
    """

    tasks = frozenset({"recognize"})
    feature: ClassVar[str]
    people: ClassVar[str]

    def read_clips(self) -> Iterable[FeatureClip]:
        """The published clips, in any order.

        Raises:
            DataError: a file is missing or holds something else; the sentence says what to do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define read_clips()")

    def videos(self) -> list[Video]:
        """The clips, sorted by key; each has one expression `[0, 0]` with its native label."""
        return [clip.video for clip in self._clips.values()]

    def check(self) -> None:
        """Check that the published files are there and hold what they should."""
        self._clips  # noqa: B018  (says what is missing)

    def person(self, key: SubjectKey) -> SubjectKey:
        """The identity of a subject: a person of the dataset that was filmed."""
        return SubjectKey(self.people, key.subject)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The feature of a clip for the chain that reads it: one block, (1, 1, numbers), float32."""
        if name != self.feature:
            return None
        return self._clips[video.key].feature.reshape(1, 1, -1).astype(np.float32)

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of names, labels and features: two labs can check that they have the same set."""
        digest = hashlib.sha256()
        for clip in self._clips.values():
            digest.update(f"{clip.subject}/{clip.id} {clip.emotion} ".encode())
            digest.update(np.ascontiguousarray(clip.feature, "<f8").tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def _clips(self) -> dict[str, FeatureClip]:
        """The clips by the key of their videos, sorted."""
        clips: dict[str, FeatureClip] = {}
        for clip in self.read_clips():
            if clips.setdefault(clip.video.key, clip) is not clip:
                raise DataError(f"the published files hold {clip.video.key} twice: copy them again")
        return dict(sorted(clips.items()))
