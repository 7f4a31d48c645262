"""Frames as gray pictures of one size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mebench.core.dataset import Frames
from mebench.errors import DataError

Gray = NDArray[np.uint8]


def to_gray(frame: NDArray[np.uint8], index: int, label: str) -> Gray:
    """A frame as (H, W) uint8. BGR and BGRA are converted, alpha is dropped.

    Raises:
        DataError: the frame has another depth or another number of channels.
    """
    channels = _channels(frame, index, label)
    return frame.reshape(frame.shape[:2]) if channels == 1 else _converted(frame)


def same_sized(frames: Frames, label: str) -> Iterator[NDArray[np.uint8]]:
    """All frames in their order, each decoded once and checked.

    Raises:
        DataError: a frame has not the size of the first, not 8 bits a channel, or an odd number of channels.
    """
    first: tuple[int, ...] = ()
    for index in range(len(frames)):
        frame = frames[index]
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
    if frame.dtype != np.uint8:
        raise DataError(
            f"frame {index} of {label} holds {frame.dtype} values and frames must hold 8 bits a channel (uint8): "
            "convert the images to 8 bits first"
        )
    channels = 1 if frame.ndim == 2 else frame.shape[2] if frame.ndim == 3 else 0
    if channels not in (1, 3, 4) or frame.size == 0:
        raise DataError(
            f"frame {index} of {label} has the shape {frame.shape} and frames must be gray (H, W), BGR (H, W, 3) or "
            "BGRA (H, W, 4): convert the images first"
        )
    return channels


def _converted(frame: NDArray[np.uint8]) -> Gray:
    import cv2

    gray: Gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY if frame.shape[2] == 3 else cv2.COLOR_BGRA2GRAY)
    return gray
