"""A dataset under a degradation: frames, maps, landmarks, and annotations where the change moves them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Frames, Video
from mebench.core.dataset import Wrapped
from mebench.errors import DataError
from mebench.features.base import Landmarks
from mebench.features.degradation import KINDS, Degradation, DegradedFrames


class DegradedDataset(Wrapped):
    """A dataset whose frames, or ready-made maps, are degraded.

    Args:
        dataset: the clean one.
        degradation: kind, with a strength of 1 or more.
    """

    def __init__(self, dataset: Dataset, degradation: Degradation) -> None:
        super().__init__(dataset, "person", "split", "frame_folders", "untouched")
        self.degradation = degradation
        self.revision = f"{dataset.revision} {degradation.identity}"

    def changed(self, videos: Sequence[Video]) -> Sequence[Video]:
        """Videos with their expressions where the change has moved them."""
        return tuple(self._moved_video(video) for video in videos)

    def frames(self, video: Video) -> DegradedFrames:
        """The degraded frames of a video."""
        clean = self._clean_videos[video.key]
        return DegradedFrames(self.dataset.frames(clean), clean, self.degradation, self.dataset.landmarks(clean))

    def landmarks(self, video: Video) -> Landmarks | None:
        """The landmarks of a video in the first degraded frame."""
        points = self.dataset.landmarks(self._clean_videos[video.key])
        move = self.degradation.about.landmarks
        if points is None or move is None:
            return points
        return move(self.frames(video), points)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made map of a video, degraded.

        Raises:
            DataError: the degradation makes no sense on what is ready-made.
        """
        feature = self.dataset.provided(self._clean_videos[video.key], name)
        if feature is None:
            return None
        is_picture = feature.dtype == np.uint8 and feature.ndim == 3
        if not self.degradation.about.maps or not is_picture:
            sensible = ", ".join(name for name, kind in KINDS.items() if kind.maps)
            raise DataError(
                f"degrade={self.degradation.kind} changes frames, and {video.dataset} gives {name} ready-made: take a dataset with frames, "
                f"or of a map, (height, width, channels) from 0 to 255, one of {sensible}"
            )
        degraded = DegradedFrames(cast(Frames, [feature]), video, self.degradation)
        degraded.on_map = True
        degraded.face = (0, 0, feature.shape[1], feature.shape[0])
        return degraded[0]

    def _moved_video(self, video: Video) -> Video:
        """A video with all annotated frames at their new index, at the new frame rate."""

        def new_index(frame: int) -> int:
            return self.degradation.new_index(frame, video.fps)

        def moved(annotated: Any) -> Any:
            marks = {mark: getattr(annotated, mark, None) for mark in ("onset", "apex", "offset")}
            return replace(annotated, **{mark: new_index(frame) for mark, frame in marks.items() if frame is not None})

        if new_index(1) == 1:
            return video
        frames_per_clean_frame = new_index(2) - new_index(1)
        return replace(
            video,
            fps=video.fps and video.fps * frames_per_clean_frame,
            n_frames=None if video.n_frames is None else self.degradation.new_length(video.n_frames, video.fps),
            expressions=tuple(map(moved, video.expressions)),
            distractors=tuple(map(moved, video.distractors)),
            numbers=(),
        )

    @cached_property
    def _clean_videos(self) -> dict[str, Video]:
        return {video.key: video for video in self.dataset.videos()}
