"""Faces in gray pictures, by dlib's detector, and stretches of a video without one."""

import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.core.peaks import stretches
from mebench.errors import DataError
from mebench.features.base import release
from mebench.features.boxes import Box
from mebench.features.gray_frames import Gray
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
    import dlib
else:
    cv2 = load_lazily("cv2")
    dlib = load_lazily("dlib")

SMALLEST = 80
"""Width in pixels of the smallest face that the detector finds without upsampling (King 2009, "Dlib-ml")."""


class NoFaceError(DataError):
    """No frame of a video shows a face; a run with `no_face=skip` leaves the video out."""


@functools.cache
def load_detector(thread: int) -> Any:
    """The frontal face detector of dlib for one thread; a detector keeps the picture that it searches.

    It is the one of `get_frontal_face_detector`, as `save` writes it: dlib unpacks its own copy in half a second, and
    reads this file in a thousandth.
    """
    return dlib.fhog_object_detector(str(Path(__file__).with_name("frontal_face.svm")))


def detect_faces(gray: Gray, upsample: int) -> list[Box]:
    """Boxes (x0, y0, x1, y1) of dlib's frontal faces, possibly reaching beyond the image.

    dlib's boxes include their last column and row; here they are excluded, as in the published programs of SOFTNet and
    MEAN.
    """
    detections = load_detector(threading.get_ident())(np.ascontiguousarray(gray), upsample)
    return [(r.left(), r.top(), r.right(), r.bottom()) for r in detections]


PAD = 32
"""Pixels around a crop in which its edge is repeated, for the detector, which wants to see a face's surroundings."""
LOOKS = 5.0
"""Looks a second for a face in the crops."""
MISSES = 3
"""Number of consecutive searches without a face before it counts as out of sight, because the detector sometimes misses
one.
"""


def shows_face(crop: Gray) -> bool:
    """Whether a crop, (size, size), shows a face."""
    padded = cv2.copyMakeBorder(crop, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
    return bool(detect_faces(np.asarray(padded), 0))


def find_stretches_without_face(crops: NDArray[np.uint8], fps: float) -> list[tuple[int, int]]:
    """The stretches where the crops show no face. It left, turned away, or moved out of a fixed box.

    A search runs `LOOKS` times a second; `MISSES` in a row must find none. Frames between two searches count as without
    a face if either finds none, since a face that comes or goes moves more than any expression, and its peak would hide
    all others.

    Args:
        crops: (n_frames, size, size) gray.
        fps: frames per second.

    Returns:
        First and last frame of each stretch, both inclusive, in order.
    """
    searched = range(0, len(crops), max(1, round(fps / LOOKS)))
    missed = list[bool]()
    for frame in searched:
        missed.append(not shows_face(crops[frame]))
        release(crops)
    ends = [-1, *searched, len(crops)]  # search n is at n + 1, after the search before it
    return [
        (ends[first] + 1, ends[last + 2] - 1)
        for first, last in stretches(np.array(missed, np.bool_))
        if last - first + 1 >= min(MISSES, len(missed))
    ]
