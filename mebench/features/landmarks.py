"""The 68 facial landmarks, from the dataset or dlib's predictor, and tracking of the face."""

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError, refused_by_system
from mebench.features.base import Landmarks
from mebench.features.boxes import Box, FloatBox, box_area, box_iou, clip_to_frame, distance_in_widths, enlarge_box
from mebench.features.face_detection import MISSES
from mebench.features.gray_frames import Gray
from mebench.files import file_stamp, find_file_in_package, hash_of_stamped
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
    import dlib
else:
    cv2 = load_lazily("cv2")
    dlib = load_lazily("dlib")

POINTS = 68
VARIABLE = "MEBENCH_LANDMARKS"
"""Environment variable with the path of a predictor file."""

LANDMARKS_PACKAGE = "face_recognition_models"
_FILE = "shape_predictor_68_face_landmarks.dat"


def check_landmarks(points: Any, label: str) -> Landmarks:
    """The landmarks as (68, 2) float64.

    Raises:
        DataError: they have another shape, or are not all finite numbers.
    """
    try:
        array = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (POINTS, 2):
        raise DataError(
            f"the landmarks of {label} must be {POINTS} points (x, y), shape ({POINTS}, 2), not {array.shape}: fix or "
            "remove its landmark file"
        )
    odd = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(odd):
        raise DataError(
            f"{len(odd)} of the {POINTS} landmarks of {label} are not finite (the first is number {odd[0]}, "
            f"counted from 0): fix or remove its landmark file"
        )
    return array


def find_predictor(path: str | None = None) -> Path | None:
    """The predictor file: the given path, else MEBENCH_LANDMARKS, else the file of the installed package, else None.

    The package `face_recognition_models` is only located, never imported: its code needs the removed `pkg_resources`.

    Raises:
        DataError: the given path is no file.
    """
    named = path or os.environ.get(VARIABLE)
    if named:
        file = Path(named).expanduser()
        if not file.is_file():
            origin = f"method.landmarks={path}" if path else f"the environment variable {VARIABLE}"
            raise DataError(f"there is no landmark file {file}, named by {origin}: give the path of {_FILE}")
        return file
    return find_file_in_package(LANDMARKS_PACKAGE, f"models/{_FILE}")


def predictor_identity(path: Path) -> str:
    """Hash of the content of a predictor file: equal for equal points, wherever the file lies.

    The file (100 MB) is read once a process, and again after it changes.

    Raises:
        DataError: the file cannot be read.
    """
    stamp = _stamp(path)
    with refused_by_system(f"the landmark file {path} cannot be read"):
        return hash_of_stamped(*stamp)


def predicted_landmarks(predictor: Path, gray: Gray, face: Box | FloatBox) -> Landmarks:
    """68 points (x, y) in pixels, (68, 2), as dlib predicts them. They may lie outside the picture.

    Args:
        predictor: the file, in dlib's format, for 68 points; loaded once a process.
        gray: (H, W).
        face: the box of the detector, without margin and not clipped.

    Raises:
        DataError: the file is unreadable or finds another number of points.
    """
    predict = load_predictor(*_stamp(predictor))
    shape = predict(np.ascontiguousarray(gray), dlib.rectangle(*(round(edge) for edge in face)))
    if shape.num_parts != POINTS:
        raise DataError(f"the landmark file {predictor} finds {shape.num_parts} points, not {POINTS}: give {_FILE}")
    return np.array([(point.x, point.y) for point in shape.parts()], np.float64)


def require_predictor(path: str | None, label: str, what: str, otherwise: str) -> Path:
    """The file that `find_predictor` finds.

    Args:
        path: path of the file, or None.
        label: name of the video in the message.
        what: needs the landmarks, for the message.
        otherwise: setting that does without landmarks, for the message.

    Raises:
        DataError: there is none.
    """
    file = find_predictor(path)
    if file is None:
        raise DataError(f"{what} needs 68 facial landmarks, but {label} has none: {landmark_advice(otherwise)}")
    return file


def landmark_advice(otherwise: str, part: str = "method") -> str:
    """How to get landmarks without a landmark file, as a command.

    Args:
        otherwise: setting that needs none, `method.regions=box`; empty if no setting does.
        part: `method` or `recognizer`.
    """
    brought = 'pip install "mebench[landmarks]" installs a landmark file'
    named = f"{part}.landmarks=PATH or {VARIABLE} names one ({_FILE})"
    return f"{brought}, {named}, and {otherwise} needs none" if otherwise else f"{brought}, and {named}"


def _stamp(path: Path) -> tuple[str, int, int]:
    with refused_by_system(f"the landmark file {path} cannot be read", f"give the path of {_FILE}"):
        return file_stamp(path)


@functools.lru_cache(maxsize=2)
def load_predictor(path: str, size: int, mtime_ns: int) -> Any:
    """The predictor in a file; size and time of change tell one content of the file from another."""
    try:
        return dlib.shape_predictor(path)
    except RuntimeError:
        raise DataError(
            f"the landmark file {path} is damaged or not a predictor of dlib: give the path of {_FILE}, unpacked"
        ) from None


T = TypeVar("T")
Vector = NDArray[np.float64]

LEAST_PEAK = 7.0
"""Least height of a correlation peak above its surroundings at a face that is not lost, in standard deviations (Bolme et
al. 2010, MOSSE).
"""

SEARCH_EVERY = 10
"""Frames from one search for a lost face to the next."""

CHECK_EVERY = 100
"""Frames from one check of a followed face to the next, against slow drift."""

STILL_IOU = 0.9
"""A box stays while the tracked one overlaps it by that much: a shift of 5 % of its width, or of its size. dlib's
tracker wavers by 2 % on a still head in sensor noise.
"""

WIDTHS_TO_BE_FOUND = 2
"""Width of a face that is found surely, in widths of the smallest one that the detector finds."""

SAME_FACE_IOU = 0.5
"""A detected face that overlaps the followed one by that much (intersection over union) is the same."""


class FaceTracker:
    """dlib's correlation tracker (Danelljan et al. 2014), corrected by the detector where it loses the face.

    A detection agrees with the tracked box only to some pixels, so the nearest detected face replaces the box only
    where the two diverge. A face more than a width away may be another person's, seen while a hand or a turn of the
    head hides the tracked face: it is taken only when `MISSES` searches in a row have found none nearer.

    Args:
        start: number of frames before the one where the face was found.
        face: the face there.
        detect: the boxes of all faces in a gray frame.
        smallest: width in pixels of the smallest face that `detect` finds.
    """

    def __init__(self, start: int, face: Box, detect: Callable[[Gray], list[Box]], smallest: int) -> None:
        self._detect = detect
        self._frame = -1 - start  # the frame that was followed last, counted from the one where the face was found
        self._width_to_be_found = WIDTHS_TO_BE_FOUND * smallest
        self._tracker: Any = None
        self._box: FloatBox = face

    def follow(self, gray: Gray) -> FloatBox:
        """The face in the next frame, (H, W), in pixels, possibly reaching beyond it; its last box if it is not found."""
        self._frame += 1
        if self._tracker is None:
            if self._frame >= 0:
                self._begin(gray, self._box)
        elif self._track(gray):
            if self._frame == self._next_check:
                self._check(gray)
        else:
            self._frames_lost += 1
            if self._frames_lost % SEARCH_EVERY == 1:
                self._search(gray)
        return self._box

    def _begin(self, gray: Gray, face: Box | FloatBox) -> None:
        """Follow a face from this frame on."""
        self._tracker = dlib.correlation_tracker()
        self._tracker.start_track(np.ascontiguousarray(gray), dlib.drectangle(*face))
        self._box = face
        self._next_check = self._frame + CHECK_EVERY
        self._frames_lost = 0
        self._failed_searches = 0

    def _track(self, gray: Gray) -> bool:
        """Move the box with the face; False if the face is lost."""
        is_seen = self._frames_lost == 0 and self._tracker.update(np.ascontiguousarray(gray)) >= LEAST_PEAK
        if is_seen:
            position = self._tracker.get_position()
            self._box = (position.left(), position.top(), position.right(), position.bottom())
        return is_seen

    def _check(self, gray: Gray) -> None:
        """Search the frame if the detector does not find the face where it is followed."""
        if self._is_there(gray):
            self._next_check = self._frame + CHECK_EVERY
            self._failed_searches = 0
        else:
            self._search(gray)

    def _is_there(self, gray: Gray) -> bool:
        """Whether the detector finds the face where it is followed, in its surroundings alone: a whole frame takes far longer."""
        x0, y0, x1, y1 = map(round, enlarge_box(self._box, 0.5))
        x0, y0, x1, y1 = clip_to_frame((x0, y0, x1, y1), *gray.shape[::-1])
        if x0 >= x1 or y0 >= y1:
            return False
        scale = min(1.0, self._width_to_be_found / (self._box[2] - self._box[0]))
        size = max(1, round(scale * (x1 - x0))), max(1, round(scale * (y1 - y0)))
        small = cv2.resize(gray[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
        across = (x1 - x0) / size[0]
        down = (y1 - y0) / size[1]
        boxes = self._detect(small)
        faces = ((x0 + a * across, y0 + b * down, x0 + c * across, y0 + d * down) for a, b, c, d in boxes)
        return any(box_iou(face, self._box) >= SAME_FACE_IOU for face in faces)

    def _search(self, gray: Gray) -> None:
        """Follow the nearest face of the frame. Another person's face, or one followed already, does not count."""
        self._next_check = self._frame + CHECK_EVERY
        height, width = gray.shape
        faces = [face for face in self._detect(gray) if box_area(clip_to_frame(face, width, height))]
        if not faces:
            self._failed_searches += 1
            return
        nearest = min(faces, key=lambda face: distance_in_widths(self._box, face))
        is_far = distance_in_widths(self._box, nearest) > 1
        self._failed_searches = self._failed_searches + 1 if is_far else 0
        is_too_far_yet = is_far and self._failed_searches < MISSES
        is_followed_face = self._frames_lost == 0 and box_iou(nearest, self._box) >= SAME_FACE_IOU
        if not is_too_far_yet and not is_followed_face:
            self._begin(gray, nearest)


def hold_still_boxes(pairs: Iterable[tuple[T, Vector]]) -> Iterator[tuple[T, Vector]]:
    """Keep a box until the tracked one has clearly left it. A still head then has a still box.

    Args:
        pairs: (item, box) of each frame, the box as (x0, y0, x1, y1).
    """
    kept: Vector | None = None
    for item, box in pairs:
        if kept is None or box_iou(box_of_vector(kept), box_of_vector(box)) < STILL_IOU:
            kept = box
        yield item, kept


def smooth_vectors(pairs: Iterable[tuple[T, Vector]], window: int) -> Iterator[tuple[T, Vector]]:
    """Replace each vector by the mean of those around it, in order; holds one window of items in memory.

    Args:
        pairs: (item, vector) of each frame.
        window: frames, odd. At both ends it shrinks and stays centred, so that steady motion is not bent.
    """
    half = window // 2
    around: deque[tuple[T, Vector]] = (
        deque()
    )  # the pair to be yielded next, up to `half` before it, and all read after it
    index = 0  # of the pair to be yielded next
    for pair in pairs:
        around.append(pair)
        n_after = len(around) - 1 - index
        if n_after < half:
            continue
        yield _with_mean_vector(around, index, half)
        if index == half:
            around.popleft()
        else:
            index += 1
    # Behind the last frame there is nothing to wait for.
    for last_index in range(index, len(around)):
        yield _with_mean_vector(around, last_index, half)


def _with_mean_vector(pairs: Sequence[tuple[T, Vector]], index: int, half: int) -> tuple[T, Vector]:
    """The item at an index, with the mean vector of pairs around it. As many before as after it count, at most
    `half`.
    """
    reach = min(half, index, len(pairs) - 1 - index)
    item, _ = pairs[index]
    vectors = [vector for _, vector in islice(pairs, index - reach, index + reach + 1)]
    return item, np.mean(vectors, axis=0)


def box_of_vector(box: Vector) -> FloatBox:
    """A box as plain numbers."""
    x0, y0, x1, y1 = box.tolist()
    return x0, y0, x1, y1
