"""From a place in the frame to the crop: 3x3 matrices, the pose of a head, the face that the crops of a video go by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench import heavy
from mebench.features.base import Landmarks
from mebench.features.detection import Box, FloatBox, Gray

Matrix = NDArray[np.float64]

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)


def box_to_crop(box: Box | FloatBox, size: int) -> Matrix:
    """Takes a box to a crop of `size` by `size` pixels."""
    x0, y0, x1, y1 = box
    across, down = size / (x1 - x0), size / (y1 - y0)
    return np.array([[across, 0.0, (0.5 - x0) * across - 0.5], [0.0, down, (0.5 - y0) * down - 0.5], [0.0, 0.0, 1.0]])


def upright(box: Box | FloatBox, angle: float) -> Matrix:
    """Turns the picture about the middle of a box so that a line at `angle` (radians, clockwise) becomes level."""
    x, y = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s, x - c * x - s * y], [-s, c, y + s * x - c * y], [0.0, 0.0, 1.0]])


def eye_angle(landmarks: Landmarks) -> float:
    """Angle in radians by which the line from the left to the right eye's middle falls to the right; 0 is level."""
    x, y = landmarks[RIGHT_EYE].mean(axis=0) - landmarks[LEFT_EYE].mean(axis=0)
    return math.atan2(y, x)


def moved(points: Landmarks, matrix: Matrix) -> Landmarks:
    """Points (x, y) of the frame as points of the crop, (n, 2)."""
    x, y = points[:, :1], points[:, 1:]
    ends = (
        x * matrix[:, 0] + y * matrix[:, 1] + matrix[:, 2]
    )  # no product of matrices, which the processor rounds in its own way
    return ends[:, :2] / ends[:, 2:]


def warped(gray: Gray, matrix: Matrix, size: int) -> Gray:
    """The crop (size, size), bilinear; what lies beyond the frame repeats its edge."""
    cv2 = heavy.cv2
    flat = np.array_equal(matrix[2], (0.0, 0.0, 1.0))
    warp, rows = (cv2.warpAffine, matrix[:2]) if flat else (cv2.warpPerspective, matrix)
    return np.asarray(warp(gray, rows, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


# (x, y, z) in mm for the midline and the image's left half; x to the right of the image, y down, z away from the
# camera, from the nasion. The other half mirrors it.
_LEFT = {
    0: (-70, 8, 88), 1: (-69, 26, 85), 2: (-67, 44, 80), 3: (-64, 61, 74), 4: (-58, 77, 64), 5: (-48, 92, 50),
    6: (-35, 104, 33), 7: (-18, 114, 15),
    17: (-57, -4, 22), 18: (-48, -12, 11), 19: (-37, -15, 5), 20: (-26, -14, 1), 21: (-13, -10, 0),
    31: (-14, 51, 4), 32: (-7, 53, -2),
    36: (-45, 5, 25), 37: (-36, 0, 15), 38: (-26, 0, 12), 39: (-16.5, 7, 14), 40: (-26, 10, 13), 41: (-36, 10, 16),
    48: (-26, 77, 10), 49: (-16, 70, 1), 50: (-6, 65.5, -5), 58: (-7, 84, -3), 59: (-17, 81.5, 2),
    60: (-22, 76.5, 8), 61: (-8, 73.5, -2), 67: (-8, 77, -2),
}  # fmt: skip
_MIDDLE = {
    8: (0, 118, 6), 27: (0, 1, 0), 28: (0, 14, -6), 29: (0, 28, -14), 30: (0, 43, -23), 33: (0, 54, -5),
    51: (0, 66.5, -6), 57: (0, 85, -4), 62: (0, 74.5, -3), 66: (0, 77, -3),
}  # fmt: skip
_RIGHT_OF = {
    **{n: 16 - n for n in range(8)}, **{n: 43 - n for n in range(17, 22)}, 31: 35, 32: 34,
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46,
    48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65,
}  # fmt: skip

FACE_PLANE = 10.0
"""Depth in mm behind the nasion of the plane that stands for the face: about that of eyes, brows and mouth."""


_POINTS = _LEFT | _MIDDLE | {_RIGHT_OF[n]: (-x, y, z) for n, (x, y, z) in _LEFT.items()}
HEAD = np.array([_POINTS[n] for n in range(68)], np.float64) - (0, 0, FACE_PLANE)
"""(68, 3) points in mm: x to the right of the image, y down, z away from the camera; z = 0 is the plane of the face."""


def face_plane(landmarks: Landmarks, size: tuple[int, int]) -> Matrix:
    """The homography from the plane of the face (x, y in mm) to the frame (pixels).

    The pose comes from `solvePnP` on all 68 points (SQPnP, Terzakis and Lourakis 2020: no starting point, one answer). The
    camera is unknown: its focal length is taken for the longer side of the frame, its axis for the frame's middle, its lens
    for perfect.

    Args:
        landmarks: (68, 2) points (x, y) in pixels of the frame.
        size: (height, width) of the frame.
    """
    cv2 = heavy.cv2
    (height, width), focal = size, float(max(size))
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])
    _, turn, shift = cv2.solvePnP(HEAD, landmarks, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    rotation, _ = cv2.Rodrigues(turn)
    plane = camera @ np.column_stack([rotation[:, :2], shift])
    return np.asarray(plane / plane[2, 2], np.float64)


def frontal_window(box: Box | FloatBox, plane: Matrix) -> FloatBox:
    """The part of the plane of the face (mm) that a box of the frame shows: as wide and high where the box has its middle."""
    # A homography has no one scale: that at the middle of the box is taken, over one pixel across and one down.
    x, y = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2
    back = np.asarray(np.linalg.inv(plane), np.float64)
    left, right, top, bottom = moved(np.array([(x - 0.5, y), (x + 0.5, y), (x, y - 0.5), (x, y + 0.5)]), back)
    middle = (left + right) / 2
    mm_per_pixel = np.sqrt(np.linalg.norm(right - left) * np.linalg.norm(bottom - top))
    across, down = mm_per_pixel * (box[2] - box[0]) / 2, mm_per_pixel * (box[3] - box[1]) / 2
    return middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down


def frontal(window: FloatBox, plane: Matrix, size: int) -> Matrix:
    """The homography from the frame to a crop that shows a window of the plane of the face from straight ahead."""
    # A window has edges where a box has pixels: its left edge lies half a pixel before the first centre.
    x0, y0, x1, y1 = window
    matrix = box_to_crop((x0 + 0.5, y0 + 0.5, x1 + 0.5, y1 + 0.5), size) @ np.linalg.inv(plane)
    return np.asarray(matrix / matrix[2, 2], np.float64)


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


@dataclass(frozen=True, eq=False)
class Reference:
    """The first face of a video, and how the crops go by it.

    Attributes:
        frame: index of the frame where it was found.
        face: the box as detected, possibly reaching beyond the frame.
        box: the face with its margin, (x0, y0, x1, y1) in pixels, inside the frame, `x1` and `y1` exclusive.
        matrix: (3, 3), takes pixels of that frame to pixels of its crop, in homogeneous coordinates.
        landmarks: (68, 2) points (x, y) in pixels of that frame, or None.
        window: with `align="pose"` the part of the plane of the face that the crops show, (x0, y0, x1, y1) in mm, else None.
    """

    frame: int
    face: Box
    box: Box
    matrix: Matrix
    landmarks: Landmarks | None = None
    window: FloatBox | None = None

    @property
    def crop_landmarks(self) -> Landmarks | None:
        """(68, 2) points (x, y) in pixels of the crop of frame `frame`, or None."""
        return None if self.landmarks is None else moved(self.landmarks, self.matrix)

    def as_json(self) -> dict[str, Any]:
        """Plain values, which JSON keeps exactly."""
        return {
            f.name: np.asarray(v).tolist() if (v := getattr(self, f.name)) is not None else None for f in fields(self)
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Reference:
        """What `as_json` gave, also after a way through JSON."""
        landmarks, window = values["landmarks"], values["window"]
        return cls(
            frame=values["frame"],
            face=_corners(values["face"]),
            box=_corners(values["box"]),
            matrix=np.array(values["matrix"], np.float64),
            landmarks=None if landmarks is None else np.array(landmarks, np.float64),
            window=None if window is None else _corners(window),
        )


def _corners(values: Any) -> Any:
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
