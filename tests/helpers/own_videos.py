"""Drawn videos of people at home: faces of any size and place, in any format, at any rate."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mebench.annotations import drawn
from mebench.annotations.drawn import draw_face

Place = tuple[int, int]
"""Left and upper edge of a picture of a face, pixels."""


@functools.lru_cache(maxsize=128)  # a film of a still face takes eight
def _face(strength: float, person: int, seed: int, wide: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(draw_face(strength, person, seed), (wide, wide), interpolation=cv2.INTER_LINEAR))


def picture(
    size: tuple[int, int], faces: Iterable[tuple[Place, int, int, float]] = (), seed: int = 0
) -> NDArray[np.uint8]:
    """A room, (H, W, 3), with pictures of faces in it.

    Args:
        size: width and height, pixels.
        faces: place, person, width of the picture (its face takes half of it) and strength of the expression of each.
        seed: of the camera's noise.
    """
    width, height = size
    room = np.empty((height, width, 3), np.uint8)
    room[:] = np.linspace(90, 130, width, dtype=np.uint8)[None, :, None]
    for (x, y), person, wide, strength in faces:
        face = _face(round(strength, 2), person, seed % 8, wide)
        left, top = max(x, 0), max(y, 0)
        part = face[top - y : height - y, left - x : width - x]
        room[top : top + part.shape[0], left : left + part.shape[1]] = part
    return room


def moving(person: int, wide: int, place: Place, spans: Sequence[tuple[int, int, int]] = ((30, 34, 39),)):
    """One face that stays, and moves in some spans (onset, apex, offset): what `write` draws at a frame."""
    return lambda index: [(place, person, wide, max((drawn.strength_at(index, span) for span in spans), default=0.0))]


def write(
    path: Path,
    faces: Callable[[int], list[tuple[Place, int, int, float]]],
    frames: int = 60,
    size: tuple[int, int] = (320, 240),
    fps: int = 25,
    codec: str = "libx264",
    times: Sequence[float] | None = None,
    turn: int = 0,
) -> Path:
    """Write a video.

    Args:
        path: its ending says the container.
        faces: those of a frame, by its index.
        frames: how many.
        size: width and height of what is shown.
        fps: frames per second, where no times are given.
        codec: `libx264`, `mjpeg`, `ffv1`.
        times: seconds at which the frames are shown.
        turn: 90: the picture is stored turned by that many degrees clockwise, and an MP4 file tells players to turn it back.
    """
    times = list(times) if times is not None else [index / fps for index in range(frames)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.pix_fmt = {"mjpeg": "yuvj420p", "ffv1": "bgr0"}.get(codec, "yuv420p")
        options = {"libx264": {"crf": "10", "preset": "ultrafast"}, "mjpeg": {"q": "2"}}
        stream.options = options.get(codec, {})
        stream.codec_context.time_base = Fraction(1, 90_000)
        for index, time in enumerate(times):
            image = np.ascontiguousarray(np.rot90(picture(size, faces(index), index), -(turn // 90)))
            if index == 0:
                stream.height, stream.width = image.shape[:2]
            shown = av.VideoFrame.from_ndarray(image, format="bgr24")
            shown.pts = round(time * 90_000)
            shown.time_base = Fraction(1, 90_000)
            for packet in stream.encode(shown):
                container.mux(packet)
        if not times:
            stream.height, stream.width = size[1], size[0]
            container.start_encoding()
        container.mux(stream.encode(None))
    if turn:
        _turn_back(path)
    return path


def _turn_back(path: Path) -> None:
    """Write a quarter turn, anticlockwise, into the matrix of an MP4 file's track header."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    data[place : place + 36] = struct.pack(">9i", 0, -1 << 16, 0, 1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
