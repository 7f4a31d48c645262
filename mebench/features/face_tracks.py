"""The part of the pictures in which each of several faces of a video stays."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

from mebench.core import Frames
from mebench.features.boxes import Box, box_area, box_iou, clip_to_frame, common_box, distance_in_widths
from mebench.features.gray_frames import Gray, checked_frames, to_gray

SURELY = 1.5
"""Ratio of areas from which the larger of two faces is recognised, although the detector's boxes have steps of 1.2."""


Track = dict[int, Box]
"""The boxes of one face, by frame."""


class FaceTracks(NamedTuple):
    """The regions in which the faces of a video stay.

    Attributes:
        parts: (x0, y0, x1, y1) in pixels, inside the frames, the last two exclusive, from left to right.
        mixed: number of further faces without a region.
    """

    parts: list[Box]
    mixed: int


def ignore_frame(index: int) -> None:
    """A report that nobody reads."""


def find_face_tracks(
    frames: Frames,
    detect: Callable[[Gray], list[Box]],
    fps: float,
    label: str,
    on_search: Callable[[int], None] = ignore_frame,
) -> FaceTracks:
    """The part of the pictures in which each face of a video stays.

    Faces are searched twice a second. Detections within one width of each other in successive searches are one face,
    the nearest first; a face found less than a tenth as often as the most frequent one is left out. A part is a
    rectangle around all positions of its face with half a face's width of surroundings, or less where another face lies
    near. A face has no part if a search finds another face, not much smaller, inside it: people or the camera moved,
    and the part would show both in turn.

    Args:
        frames: frames of the video.
        detect: function from a gray frame to the boxes of all its faces.
        fps: frames per second.
        label: name of the video in error messages.
        on_search: called with the index of each frame that is searched.
    """
    tracks: list[Track] = []
    size = (0, 0)
    step = max(1, round(fps / 2))
    for index, frame in enumerate(checked_frames(frames, label)):
        if index % step:
            continue
        gray = to_gray(frame, index, label)
        size = gray.shape[1], gray.shape[0]
        _continue_tracks(tracks, index, sorted(detect(gray)))
        on_search(index)
    most_often = max(map(len, tracks), default=0)
    kept = [track for track in tracks if len(track) * 10 >= most_often]
    parts = [_part(track, [other for other in kept if other is not track], size) for track in kept]
    alone = sorted(part for part in parts if part is not None)
    return FaceTracks(alone, len(parts) - len(alone))


def _continue_tracks(tracks: list[Track], index: int, faces: Sequence[Box]) -> None:
    """Give each face of a frame to the nearest track within one width. Others begin a new one."""
    last_boxes = [list(track.values())[-1] for track in tracks]
    pairs = product(enumerate(last_boxes), enumerate(faces))
    distances = [(distance_in_widths(box, face), n, m) for (n, box), (m, face) in pairs]
    taken_tracks = set[int]()
    taken_faces = set[int]()
    for distance, n, m in sorted(distances):
        is_free = n not in taken_tracks and m not in taken_faces
        if distance <= 1 and is_free:
            tracks[n][index] = faces[m]
            taken_tracks.add(n)
            taken_faces.add(m)
    tracks += [{index: face} for m, face in enumerate(faces) if m not in taken_faces]


def _part(own: Track, others: Sequence[Track], size: tuple[int, int]) -> Box | None:
    """The region in which a face stays, from the boxes of all faces by frame; None if faces overlap."""
    x0, y0, x1, y1 = _around(own)
    first = next(iter(own.values()))
    width = first[2] - first[0]
    for share in (0.5, 0.25, 0.1, 0.0):
        margin = round(share * width)
        part = clip_to_frame((x0 - margin, y0 - margin, x1 + margin, y1 + margin), *size)
        if not any(box_iou(part, _around(other)) for other in others):
            return part
    return None if any(_shows_another(part, own, other) for other in others) else part


def _shows_another(part: Box, own: Track, other: Track) -> bool:
    """Whether a part shows another face, not much smaller than its own, in some frame."""
    for frame, face in other.items():
        shown = box_area(common_box(face, part))
        is_inside = 2 * shown >= box_area(face)
        if is_inside and (frame not in own or SURELY * shown >= box_area(common_box(own[frame], part))):
            return True
    return False


def _around(track: Track) -> Box:
    """The rectangle around all boxes."""
    x0, y0, x1, y1 = zip(*track.values())
    return min(x0), min(y0), max(x1), max(y1)
