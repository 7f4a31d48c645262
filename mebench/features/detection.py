"""Frames as gray pictures of one size."""

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import lazy_loader
import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames
from mebench.core.peaks import stretches
from mebench.errors import DataError, refuse_if
from mebench.features.base import release

if TYPE_CHECKING:
    import cv2
    import dlib
else:
    cv2 = lazy_loader.load("cv2")
    dlib = lazy_loader.load("dlib")

Gray = NDArray[np.uint8]


def to_gray(frame: NDArray[np.uint8], index: int, label: str) -> Gray:
    """A frame as (H, W) uint8. BGR and BGRA are converted, alpha is dropped.

    Raises:
        DataError: the frame has another depth or another number of channels.
    """
    channels = _channels(frame, index, label)
    if channels == 1:
        return frame.reshape(frame.shape[:2])
    code = cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY
    return np.asarray(cv2.cvtColor(frame, code))


def same_sized(frames: Frames | Iterator[NDArray[np.uint8]], label: str) -> Iterator[NDArray[np.uint8]]:
    """All frames in their order, each decoded once and checked.

    Args:
        frames: of a video or a camera.
        label: name of the video in error messages.

    Raises:
        DataError: a frame differs in size from the first, or has not 8 bits a channel, or not 1, 3 or 4 channels.
    """
    first: tuple[int, ...] = ()
    each = frames if isinstance(frames, Iterator) else (frames[index] for index in range(len(frames)))
    for index, frame in enumerate(each):
        _channels(frame, index, label)
        size = frame.shape[:2]
        first = first or size
        if size != first:
            raise DataError(
                f"frame {index} of {label} is {size[1]}x{size[0]} pixels and frame 0 is {first[1]}x{first[0]}: bring all "
                "frames of a video to one size"
            )
        yield frame


def _channels(frame: NDArray[np.uint8], index: int, label: str) -> int:
    channels = 1 if frame.ndim == 2 else frame.shape[2] if frame.ndim == 3 else 0
    refuse_if(
        (
            frame.dtype != np.uint8,
            f"frame {index} of {label} holds {frame.dtype} values and frames must hold 8 bits a channel (uint8): "
            "convert the images to 8 bits first",
        ),
        (
            channels not in (1, 3, 4) or frame.size == 0,
            f"frame {index} of {label} has the shape {frame.shape} and frames must be gray (H, W), BGR (H, W, 3) or "
            "BGRA (H, W, 4): convert the images first",
        ),
        error=DataError,
    )
    return channels


Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels, `x1` and `y1` exclusive."""

FloatBox = tuple[float, float, float, float]

SMALLEST = 80
"""Width in pixels of the smallest face that the detector finds without upsampling (King 2009, "Dlib-ml")."""


class NoFaceError(DataError):
    """No frame of a video shows a face; a run with `no_face=skip` leaves the video out."""


# dlib's own `get_frontal_face_detector`, as `save` writes it: dlib unpacks its copy in half a second, and reads this in a thousandth.
# Each thread has its own, since a detector keeps the picture that it searches.
_detector: Callable[[int], Any] = functools.cache(
    lambda thread: dlib.fhog_object_detector(str(Path(__file__).with_name("frontal_face.svm")))
)


def detect_faces(gray: Gray, upsample: int) -> list[Box]:
    """Boxes (x0, y0, x1, y1) of dlib's frontal faces, possibly reaching beyond the image.

    dlib's boxes include their last column and row; here they are excluded, as in the published programs of SOFTNet and
    MEAN.
    """
    detections = _detector(threading.get_ident())(np.ascontiguousarray(gray), upsample)
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


def out_of_sight(crops: NDArray[np.uint8], fps: float) -> list[tuple[int, int]]:
    """The stretches where the crops show no face, because it left, turned away, or moved out of a fixed box.

    A search runs `LOOKS` times a second; `MISSES` in a row must find none. Frames between two searches count as without
    a face if either finds none, since a face that comes or goes moves more than any expression, and its peak would hide
    all others.

    Args:
        crops: (n_frames, size, size) gray.
        fps: frames per second.

    Returns:
        First and last frame of each stretch, both inclusive, in order.
    """
    searched, missed = range(0, len(crops), max(1, round(fps / LOOKS))), list[bool]()
    for frame in searched:
        missed.append(not shows_face(crops[frame]))
        release(crops)
    ends = [-1, *searched, len(crops)]  # search n is at n + 1, after the search before it
    return [
        (ends[first] + 1, ends[last + 2] - 1)
        for first, last in stretches(np.array(missed, np.bool_))
        if last - first + 1 >= min(MISSES, len(missed))
    ]


SURELY = 1.5
"""Ratio of areas from which the larger of two faces is recognised, although the detector's boxes have steps of 1.2."""


class Tracks(NamedTuple):
    """The regions in which the faces of a video stay.

    Attributes:
        parts: (x0, y0, x1, y1) in pixels, inside the frames, the last two exclusive, from left to right.
        mixed: number of further faces without a region.
    """

    parts: list[Box]
    mixed: int


def tracks_of(frames: Frames, detect: Callable[[Gray], list[Box]], fps: float, label: str) -> Tracks:
    """The part of the pictures in which each face of a video stays.

    Faces are searched twice a second. Detections within one width of each other in successive searches are one face,
    the nearest first; a face found less than a tenth as often as the most frequent one is left out. A part is a
    rectangle around all places of its face with half a face's width of surroundings, or less where another face lies
    near. A face has no part if a search finds another face, not much smaller, inside it: people or the camera moved,
    and the part would show both in turn.

    Args:
        frames: of the video.
        detect: the boxes of all faces in a gray frame.
        fps: frames per second.
        label: name of the video in error messages.
    """
    tracks, size, step = list[dict[int, Box]](), (0, 0), max(1, round(fps / 2))  # the boxes of each face, by frame
    for index, frame in enumerate(same_sized(frames, label)):
        if index % step:
            continue
        gray = to_gray(frame, index, label)
        size = gray.shape[1], gray.shape[0]
        last = [list(track.values())[-1] for track in tracks]
        faces = sorted(detect(gray))
        pairs = [(between(box, face), n, m) for n, box in enumerate(last) for m, face in enumerate(faces)]
        of_track, of_face = set[int](), set[int]()
        for distance, n, m in sorted(pairs):
            if distance <= 1 and n not in of_track and m not in of_face:
                tracks[n][index] = faces[m]
                of_track.add(n)
                of_face.add(m)
        tracks += [{index: face} for m, face in enumerate(faces) if m not in of_face]
    often = max(map(len, tracks), default=0)
    kept = [track for track in tracks if len(track) * 10 >= often]
    parts = [_part(track, [other for other in kept if other is not track], size) for track in kept]
    alone = sorted(part for part in parts if part is not None)
    return Tracks(alone, len(parts) - len(alone))


def _part(own: Mapping[int, Box], others: Sequence[Mapping[int, Box]], size: tuple[int, int]) -> Box | None:
    """The region in which a face stays, from the boxes of all faces by frame; None if faces overlap."""
    x0, y0, x1, y1 = _around(own)
    first = next(iter(own.values()))
    for share in (0.5, 0.25, 0.1, 0.0):
        m = round(share * (first[2] - first[0]))
        part = inside((x0 - m, y0 - m, x1 + m, y1 + m), *size)
        if not any(overlap(part, _around(other)) for other in others):
            return part
    for other in others:
        for frame, face in other.items():
            shown = area(_common(face, part))
            if 2 * shown >= area(face) and (frame not in own or SURELY * shown >= area(_common(own[frame], part))):
                return None
    return part


def _around(track: Mapping[int, Box]) -> Box:
    """The rectangle around all boxes."""
    x0, y0, x1, y1 = zip(*track.values())
    return min(x0), min(y0), max(x1), max(y1)


def _common(a: Box | FloatBox, b: Box | FloatBox) -> FloatBox:
    """The overlap of two boxes; its edges are swapped if there is none."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def between(a: Box | FloatBox, b: Box) -> float:
    """Distance of the middles of two boxes, in widths of the first."""
    across, down = (a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2
    return float(np.hypot(across, down) / max(a[2] - a[0], 1))


def inside(box: Box, width: int, height: int) -> Box:
    """The part of a box inside a frame."""
    x0, y0, x1, y1 = box
    return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)


def area(box: Box | FloatBox) -> float:
    """Square pixels; 0 for a box that is turned inside out."""
    x0, y0, x1, y1 = box
    return max(x1 - x0, 0) * max(y1 - y0, 0)


def overlap(a: Box | FloatBox, b: Box | FloatBox) -> float:
    """Intersection over union of two boxes, 0 if either has no area."""
    common = area(_common(a, b))
    return common / (area(a) + area(b) - common) if common else 0.0


def enlarged(box: Box | FloatBox, margin: float) -> FloatBox:
    """A box with a fraction of its width and height added on each side."""
    x0, y0, x1, y1 = box
    across, down = margin * (x1 - x0), margin * (y1 - y0)
    return x0 - across, y0 - down, x1 + across, y1 + down
