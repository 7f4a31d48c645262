"""Recordings under several names, found by the pixels of two frames: the first and the middle one."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Video
from mebench.errors import DataError
from mebench.grouping import group_by

HashOf = Callable[[Video, bool], "str | None"]
"""A function that gives the hash of a video's first frame, or of its middle one; None for a video without frames."""


def groups_of_copies(videos: Iterable[Video], hash_of: HashOf) -> Iterator[list[Video]]:
    """Groups of videos whose first and middle frames are equal, pixel for pixel."""
    for first, alike in group_by(videos, key=lambda video: hash_of(video, False)).items():
        if first is None or len(alike) < 2:
            continue
        for copies in group_by(alike, key=lambda video: hash_of(video, True)).values():
            if len(copies) > 1:
                yield copies


def hash_of_frame(dataset: Dataset, video: Video, middle: bool) -> str | None:
    """Hash of the first frame of a video, or of the middle one; None if it cannot be read."""
    try:
        frames = dataset.frames(video)
        return hash_of_pictures([frames[len(frames) // 2 if middle else 0]])
    except (DataError, IndexError):
        return None


def hash_of_pictures(pictures: Iterable[NDArray[Any]]) -> str:
    """A hash of shapes, types and values of some arrays."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.shape}{picture.dtype}".encode() + np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()


def copies_of_people(dataset: Dataset, videos: Sequence[Video]) -> Iterator[tuple[Video, Video]]:
    """Two videos of each recording that stands under two people."""
    for copies in groups_of_copies(videos, lambda video, middle: hash_of_frame(dataset, video, middle)):
        first = copies[0]
        others = [video for video in copies if dataset.person(video.subject_key) != dataset.person(first.subject_key)]
        if others:
            yield first, others[0]
