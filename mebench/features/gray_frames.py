"""Frames as gray or colour pictures: checked in type and size, and converted."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames
from mebench.errors import DataError, refuse_if
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Gray = NDArray[np.uint8]
Color = NDArray[np.uint8]
"""(H, W, 3), in the order blue, green, red."""


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


def to_color(frame: NDArray[np.uint8], index: int, label: str) -> Color:
    """A frame as (H, W, 3) uint8, B, G, R. A gray one is repeated, alpha is dropped.

    Raises:
        DataError: the frame has another depth or another number of channels.
    """
    channels = _channels(frame, index, label)
    if channels == 1:
        return np.repeat(frame.reshape(*frame.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(frame[..., :3])


def has_color(frame: NDArray[np.uint8]) -> bool:
    """Whether a frame has any colour: its channels differ somewhere by more than two gray levels, as they do not in a
    gray recording that was stored as a JPEG in colour.
    """
    if frame.ndim == 2 or frame.shape[2] == 1:
        return False
    channels = frame[..., :3].astype(np.int16)
    return bool((channels.max(axis=2) - channels.min(axis=2)).max() > 2)


def checked_frames(frames: Frames | Iterator[NDArray[np.uint8]], label: str) -> Iterator[NDArray[np.uint8]]:
    """All frames in their order, each decoded once and checked.

    Args:
        frames: frames of a video or a camera.
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
    """The number of channels of a frame.

    Raises:
        DataError: it is no image of 8 bits with 1, 3 or 4 channels.
    """
    channels = 0
    if frame.ndim == 2:
        channels = 1
    elif frame.ndim == 3:
        channels = frame.shape[2]
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
