"""From a place in the frame to the crop: 3x3 matrices in homogeneous pixels, frame to crop.

Whole numbers are centres of pixels on both sides, as in OpenCV's resize.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import Landmarks
from mebench.features.detection import Box, FloatBox
from mebench.features.gray import Gray

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
    ends = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return ends[:, :2] / ends[:, 2:]


def warped(gray: Gray, matrix: Matrix, size: int) -> Gray:
    """The crop (size, size), bilinear; what lies beyond the frame repeats its edge."""
    import cv2

    how = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    if np.array_equal(matrix[2], (0.0, 0.0, 1.0)):
        crop: Gray = cv2.warpAffine(gray, matrix[:2], (size, size), **how)
    else:
        crop = cv2.warpPerspective(gray, matrix, (size, size), **how)
    return crop
