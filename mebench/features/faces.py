"""From frames to face crops: one face box for the whole video, so that the crop itself adds no motion."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Level, Step
from mebench.core.dataset import Frames
from mebench.errors import DataError
from mebench.features.base import Landmarks, check_choice, check_integer

Detector = Literal["dlib"]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Crops:
    """The face crops of one video.

    Attributes:
        images: (n_frames, size, size) uint8, gray.
        box: (x0, y0, x1, y1) in pixels of the frames, `x1` and `y1` exclusive.
        landmarks: (68, 2) points (x, y) in pixels of the crop, or None.
    """

    images: NDArray[np.uint8]
    box: Box
    landmarks: Landmarks | None


@dataclass(frozen=True)
class FaceCrop(Step):
    """Crop all frames to the face of the first frame that shows one, gray, bilinear.

    The detector is dlib's frontal HOG detector (King 2009, "Dlib-ml"). Of several faces in a frame the largest wins.
    The box is not tracked: a micro-expression moves the skin by a pixel or less, and a moving box would add motion.

    Attributes:
        size: width and height of a crop in pixels.
        detector: `dlib`.
        upsample: times that the frame is doubled before the search; 1 in the published programs of SOFTNet and MEAN.
        half_size: look for the face in frames of half the width and height: four times as fast, but the smallest face
            that is found is twice as large.
    """

    level: ClassVar[Level] = "video"

    size: int = 128
    detector: Detector = "dlib"
    upsample: int = 1
    half_size: bool = False

    def __post_init__(self) -> None:
        check_integer(self, "size", 2)
        check_choice(self, "detector", get_args(Detector))
        check_integer(self, "upsample", 0)

    def apply(self, frames: Frames, landmarks: Landmarks | None, label: str = "the video") -> Crops:
        """All crops of a video in memory.

        Args:
            frames: frames of one size, 8 bits a channel, gray, BGR or BGRA.
            landmarks: (68, 2) points (x, y) in pixels of the frames, or None.
            label: name of the video in error messages.

        Raises:
            DataError: there is no frame or no face, or a frame has not the size of the first or not 8 bits a channel.
        """
        box = self.find(frames, label)
        images = np.stack(list(self.cut(frames, box, label)))
        return Crops(images, box, None if landmarks is None else to_crop_pixels(landmarks, box, self.size))

    def find(self, frames: Frames, label: str = "the video") -> Box:
        """The face box. Frames are tried from the first on, with growing steps, so that a faceless video fails soon."""
        n = len(frames)
        tried, index = 0, 0
        while index < n:
            gray = to_gray(frames[index], index, label)
            box = self._largest_face(gray)
            if box is not None:
                return box
            tried += 1
            index += 1 + index // 4
        if n == 0:
            raise DataError(f"{label} has no frames: check its folder or file")
        smallest = 80 * (1 + self.half_size) // 2**self.upsample
        raise DataError(
            f"no face found in {label} ({tried} of its {n} frames tried): look at its frames, which must show an "
            f"upright frontal face at least {smallest} pixels wide"
        )

    def cut(self, frames: Frames, box: Box, label: str = "the video") -> Iterator[NDArray[np.uint8]]:
        """The crops one by one, (size, size) uint8."""
        import cv2

        x0, y0, x1, y1 = box
        first: tuple[int, ...] | None = None
        for index in range(len(frames)):
            gray = to_gray(frames[index], index, label)
            first = first or gray.shape
            if gray.shape != first:
                raise DataError(
                    f"frame {index} of {label} is {gray.shape[1]}x{gray.shape[0]} pixels and frame 0 is "
                    f"{first[1]}x{first[0]}: bring all frames of a video to one size"
                )
            yield cv2.resize(gray[y0:y1, x0:x1], (self.size, self.size), interpolation=cv2.INTER_LINEAR)

    def _largest_face(self, gray: NDArray[np.uint8]) -> Box | None:
        import cv2

        height, width = gray.shape
        seen, scale = gray, 1
        if self.half_size and min(height, width) >= 2:
            seen, scale = cv2.resize(gray, (width // 2, height // 2), interpolation=cv2.INTER_AREA), 2
        found = [
            _inside((x0 * scale, y0 * scale, x1 * scale, y1 * scale), width, height)
            for x0, y0, x1, y1 in detect_faces(seen, self.upsample)
        ]
        return max(found, key=_area) if any(map(_area, found)) else None


def detect_faces(gray: NDArray[np.uint8], upsample: int) -> list[Box]:
    """Boxes (x0, y0, x1, y1) of dlib's frontal faces, possibly reaching beyond the image.

    dlib counts its last column and row in; they are left out here as in the published programs of SOFTNet and MEAN,
    whose slices end before them.
    """
    found = _dlib_detector()(np.ascontiguousarray(gray), upsample)
    return [(r.left(), r.top(), r.right(), r.bottom()) for r in found]


@functools.cache
def _dlib_detector() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


def _inside(box: Box, width: int, height: int) -> Box:
    x0, y0, x1, y1 = box
    return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)


def _area(box: Box) -> int:
    x0, y0, x1, y1 = box
    return max(x1 - x0, 0) * max(y1 - y0, 0)


def to_gray(frame: NDArray[np.uint8], index: int, label: str) -> NDArray[np.uint8]:
    """A frame as (H, W) uint8. BGR and BGRA are converted, alpha is dropped.

    Raises:
        DataError: the frame has another depth or another number of channels.
    """
    import cv2

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
    if channels == 1:
        return frame.reshape(frame.shape[:2])
    code = cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY
    gray: NDArray[np.uint8] = cv2.cvtColor(frame, code)
    return gray


def to_crop_pixels(landmarks: Landmarks, box: Box, size: int) -> Landmarks:
    """Points (x, y) in pixels of the frame as points in pixels of the crop.

    Whole numbers are centres of pixels on both sides, as in OpenCV's resize.
    """
    x0, y0, x1, y1 = box
    scale = np.array([size / (x1 - x0), size / (y1 - y0)])
    return np.asarray((landmarks - np.array([x0, y0]) + 0.5) * scale - 0.5, dtype=np.float64)
