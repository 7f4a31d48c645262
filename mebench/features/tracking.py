"""Following the face from frame to frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mebench.features.detection import Box, FloatBox, Gray, largest, overlap

T = TypeVar("T")
Vector = NDArray[np.float64]

LOST = 7.0
"""A correlation peak of fewer standard deviations above its surroundings is no sighting (Bolme et al. 2010, MOSSE)."""

LOOK_AGAIN = 10
"""A face that is lost is searched for in every tenth frame."""

LOOK_ANYWAY = 100
"""Frames between two searches while the face is followed, against slow drift."""

STILL = 0.9
"""A box stays while the tracked one overlaps it by that much: a shift of 5 % of its width, or of its size. dlib's tracker
wavers by 2 % on a still head in sensor noise."""

SAME = 0.5
"""A detected face that overlaps the followed one by that much (intersection over union) is the same."""


class FaceTracker:
    """dlib's correlation tracker (Danelljan et al. 2014), put right by the detector where it loses or leaves the face.

    A detection agrees with the tracked box only to some pixels, so it replaces that box only where the two part.

    Args:
        start: number of frames before the one where the face was found.
        face: the face there.
        detect: the boxes of all faces in a gray frame.
    """

    def __init__(self, start: int, face: Box, detect: Callable[[Gray], list[Box]]) -> None:
        self._detect, self._to_come = detect, start
        self._tracker: Any = None
        self._box: FloatBox = face
        self._unchecked = self._lost = 0

    def follow(self, gray: Gray) -> FloatBox:
        """The face in the next frame, in pixels, possibly reaching beyond it; where it was last if it is out of sight."""
        if self._to_come > 0:
            self._to_come -= 1
        elif self._tracker is None:
            self._begin(gray, self._box)
        elif not self._lost and self._tracker.update(np.ascontiguousarray(gray)) >= LOST:
            place = self._tracker.get_position()
            self._box = (place.left(), place.top(), place.right(), place.bottom())
            self._unchecked += 1
            if self._unchecked >= LOOK_ANYWAY:
                self._search(gray)
        else:
            self._lost += 1
            if self._lost % LOOK_AGAIN == 1:
                self._search(gray)
        return self._box

    def _search(self, gray: Gray) -> None:
        faces, self._unchecked = self._detect(gray), 0
        if not self._lost and any(overlap(face, self._box) >= SAME for face in faces):
            return
        face = largest(faces, gray.shape[1], gray.shape[0])
        if face is not None:
            self._begin(gray, face)

    def _begin(self, gray: Gray, face: Box | FloatBox) -> None:
        import dlib

        self._tracker = dlib.correlation_tracker()
        self._tracker.start_track(np.ascontiguousarray(gray), dlib.drectangle(*face))
        self._box = face
        self._unchecked = self._lost = 0


def held(pairs: Iterable[tuple[T, Vector]]) -> Iterator[tuple[T, Vector]]:
    """Let a box stay until the tracked one has really left it, so that a still head has a still box.

    Args:
        pairs: (item, box) of each frame, the box as (x0, y0, x1, y1).
    """
    kept: Vector | None = None
    for item, box in pairs:
        if kept is None or overlap(corners(kept), corners(box)) < STILL:
            kept = box
        yield item, kept


def smoothed(pairs: Iterable[tuple[T, Vector]], window: int) -> Iterator[tuple[T, Vector]]:
    """Replace each vector by the mean of those around it, in order; holds half a window of items in memory.

    Args:
        pairs: (item, vector) of each frame.
        window: frames, odd. At both ends it shrinks and stays centred, so that steady motion is not bent.
    """
    half = window // 2
    items: deque[T] = deque()
    vectors: deque[Vector] = deque()  # from at most `half` before the next frame to be told, to the last one read
    before = 0

    def tell() -> tuple[T, Vector]:
        nonlocal before
        reach = min(half, before, len(vectors) - 1 - before)
        mean = np.mean([vectors[before + step] for step in range(-reach, reach + 1)], axis=0)
        if before == half:
            vectors.popleft()
        else:
            before += 1
        return items.popleft(), mean

    for item, vector in pairs:
        items.append(item)
        vectors.append(vector)
        if len(items) > half:
            yield tell()
    while items:
        yield tell()


def corners(box: Vector) -> FloatBox:
    """A box as plain numbers."""
    x0, y0, x1, y1 = box.tolist()
    return x0, y0, x1, y1
