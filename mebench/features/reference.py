"""The face that the crops of a video go by, and the crops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.features.alignment import Matrix, box_to_crop, moved
from mebench.features.base import Landmarks
from mebench.features.detection import Box, FloatBox


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

    @classmethod
    def of_box(cls, box: Box, size: int) -> Reference:
        """A box known beforehand, for crops of `size` by `size` pixels."""
        return cls(frame=0, face=box, box=box, matrix=box_to_crop(box, size))

    @property
    def crop_landmarks(self) -> Landmarks | None:
        """(68, 2) points (x, y) in pixels of the crop of frame `frame`, or None."""
        return None if self.landmarks is None else moved(self.landmarks, self.matrix)

    def as_json(self) -> dict[str, Any]:
        """Plain values, which JSON keeps exactly."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: np.asarray(v).tolist() if v is not None else None for name, v in values.items()}

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
