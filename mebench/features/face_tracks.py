"""The part of the pictures in which each of several faces of a video stays."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mebench.core import Frames
from mebench.features.boxes import Box, box_area, box_iou, clip_to_frame, common_box, distance_in_widths
from mebench.features.gray_frames import Gray, checked_frames, to_gray

SURELY = 1.5
"""Ratio of areas from which the larger of two faces is recognised, although the detector's boxes have steps of 1.2."""


class FaceTracks(NamedTuple):
    """The regions in which the faces of a video stay.

    Attributes:
        parts: (x0, y0, x1, y1) in pixels, inside the frames, the last two exclusive, from left to right.
        mixed: number of further faces without a region.
    """

    parts: list[Box]
    mixed: int


def find_face_tracks(frames: Frames, detect: Callable[[Gray], list[Box]], fps: float, label: str) -> FaceTracks:
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
    for index, frame in enumerate(checked_frames(frames, label)):
        if index % step:
            continue
        gray = to_gray(frame, index, label)
        size = gray.shape[1], gray.shape[0]
        last = [list(track.values())[-1] for track in tracks]
        faces = sorted(detect(gray))
        pairs = [(distance_in_widths(box, face), n, m) for n, box in enumerate(last) for m, face in enumerate(faces)]
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
    return FaceTracks(alone, len(parts) - len(alone))


def _part(own: Mapping[int, Box], others: Sequence[Mapping[int, Box]], size: tuple[int, int]) -> Box | None:
    """The region in which a face stays, from the boxes of all faces by frame; None if faces overlap."""
    x0, y0, x1, y1 = _around(own)
    first = next(iter(own.values()))
    for share in (0.5, 0.25, 0.1, 0.0):
        m = round(share * (first[2] - first[0]))
        part = clip_to_frame((x0 - m, y0 - m, x1 + m, y1 + m), *size)
        if not any(box_iou(part, _around(other)) for other in others):
            return part
    for other in others:
        for frame, face in other.items():
            shown = box_area(common_box(face, part))
            if 2 * shown >= box_area(face) and (
                frame not in own or SURELY * shown >= box_area(common_box(own[frame], part))
            ):
                return None
    return part


def _around(track: Mapping[int, Box]) -> Box:
    """The rectangle around all boxes."""
    x0, y0, x1, y1 = zip(*track.values())
    return min(x0), min(y0), max(x1), max(y1)
