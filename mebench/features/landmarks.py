"""The 68 facial landmarks: from the dataset, or from a predictor file of dlib.

The 68 points are those of iBUG 300-W (Sagonas et al. 2013): 0-16 jaw, 17-21 and 22-26 brows, 27-35 nose, 36-41 and 42-47
eyes, 48-67 mouth, each from left to right in the image. The predictor is dlib's (Kazemi and Sullivan 2014).
"""

from __future__ import annotations

import functools
import hashlib
import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from mebench.errors import DataError
from mebench.features.base import Landmarks
from mebench.features.detection import Box, FloatBox, Gray

POINTS = 68
VARIABLE = "MEBENCH_LANDMARKS"
"""Environment variable with the path of a predictor file."""

_PACKAGE = "face_recognition_models"
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
            f"the landmarks of {label} must be {POINTS} points (x, y), shape ({POINTS}, 2), not {array.shape}: mend or "
            "remove its landmark file"
        )
    odd = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(odd):
        raise DataError(
            f"{len(odd)} of the {POINTS} landmarks of {label} are not finite (the first is number {odd[0]}, "
            f"counted from 0): mend or remove its landmark file"
        )
    return array


def find_predictor(path: str | None = None) -> Path | None:
    """The predictor file: the path given, else that of MEBENCH_LANDMARKS, else that of the installed package, else None.

    The package `face_recognition_models` is only located, never imported: its code needs the removed `pkg_resources`.

    Raises:
        DataError: a path is given that is no file.
    """
    given = path or os.environ.get(VARIABLE)
    if given:
        file = Path(given).expanduser()
        if not file.is_file():
            origin = "FaceCrop(landmarks=...)" if path else f"the environment variable {VARIABLE}"
            raise DataError(f"there is no landmark file {file}, named by {origin}: give the path of {_FILE}")
        return file
    try:
        files = distribution(_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    located = (Path(str(file.locate())) for file in files if file.name == _FILE)
    return next((file for file in located if file.is_file()), None)


def predictor_identity(path: Path) -> str:
    """Hash of the content of a predictor file: equal for equal points, wherever the file lies.

    The file (100 MB) is read once a process, and again when its size or time of change differ.

    Raises:
        DataError: the file cannot be read.
    """
    return _content_hash(*_stamp(path))


class Landmarker:
    """A predictor file at work; loaded when first asked for points, and then kept by the process.

    Args:
        path: of the file, in dlib's format, for 68 points.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def points(self, gray: Gray, face: Box | FloatBox) -> Landmarks:
        """68 points (x, y) in pixels of the picture, (68, 2), where dlib sees them: they may lie outside the picture.

        Args:
            gray: (H, W).
            face: the face as the detector gave it, without a margin and not clipped.

        Raises:
            DataError: the file is unreadable or finds another number of points.
        """
        import dlib

        predict = _load(*_stamp(self.path))
        shape = predict(np.ascontiguousarray(gray), dlib.rectangle(*(round(edge) for edge in face)))
        if shape.num_parts != POINTS:
            raise DataError(f"the landmark file {self.path} finds {shape.num_parts} points, not {POINTS}: give {_FILE}")
        return np.array([(point.x, point.y) for point in shape.parts()], np.float64)


def landmarker(path: str | None, label: str, what: str, otherwise: str) -> Landmarker:
    """The predictor that `find_predictor` finds.

    Args:
        path: of the file, or None.
        label: name of the video in the message.
        what: needs the landmarks, for the message.
        otherwise: what to choose to do without landmarks, for the message.

    Raises:
        DataError: there is none.
    """
    file = find_predictor(path)
    if file is None:
        raise DataError(
            f"{what} needs 68 facial landmarks and {label} has none: install a landmark file with pip install "
            f'"mebench[landmarks]", name one with FaceCrop(landmarks="/path/{_FILE}") or {VARIABLE}, or choose '
            f"{otherwise}, which needs none"
        )
    return Landmarker(file)


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(
            f"the landmark file {path} cannot be read ({error.strerror}): give the path of {_FILE}"
        ) from None
    return str(path), found.st_size, found.st_mtime_ns


@functools.cache
def _content_hash(path: str, size: int, mtime_ns: int) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise DataError(f"the landmark file {path} cannot be read ({error.strerror}): check its permissions") from None


@functools.lru_cache(maxsize=2)
def _load(path: str, size: int, mtime_ns: int) -> Any:
    import dlib

    try:
        return dlib.shape_predictor(path)
    except RuntimeError:
        raise DataError(
            f"the landmark file {path} is damaged or no predictor of dlib: give the path of {_FILE}, unpacked"
        ) from None
