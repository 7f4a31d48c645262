"""The face crop: the reference face of a video, the mapping from frame to crop, and the options that methods share."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames, Range, Step
from mebench.core.chain import Level, check_choices
from mebench.core.options import FilmParams
from mebench.errors import DataError
from mebench.features.base import Landmarks, dlib_version
from mebench.features.boxes import Box, FloatBox, box_area, clip_to_frame, enlarge_box
from mebench.features.face_detection import SMALLEST, NoFaceError, detect_faces
from mebench.features.gray_frames import Gray, checked_frames, to_color, to_gray
from mebench.features.landmarks import (
    FaceTracker,
    box_of_vector,
    check_landmarks,
    find_predictor,
    hold_still_boxes,
    predicted_landmarks,
    predictor_identity,
    require_predictor,
    smooth_vectors,
)
from mebench.frames import VideoFrames
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Matrix = NDArray[np.float64]
ADVICE_FOR_RUNS = ". Of many videos, mebench run leaves such ones out with no_face=skip"
"""End of the sentence about a video without a face."""
LEFT_EYE = slice(36, 42)
RIGHT_EYE = slice(42, 48)


def box_to_crop(box: Box | FloatBox, size: int) -> Matrix:
    """Takes a box to a crop of `size` by `size` pixels."""
    x0, y0, x1, y1 = box
    across = size / (x1 - x0)
    down = size / (y1 - y0)
    return np.array([[across, 0.0, (0.5 - x0) * across - 0.5], [0.0, down, (0.5 - y0) * down - 0.5], [0.0, 0.0, 1.0]])


def level_rotation(box: Box | FloatBox, angle: float) -> Matrix:
    """Rotates the picture about the middle of a box. A line at `angle` (radians, clockwise) becomes level."""
    x, y = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2
    c = math.cos(angle)
    s = math.sin(angle)
    return np.array([[c, s, x - c * x - s * y], [-s, c, y + s * x - c * y], [0.0, 0.0, 1.0]])


def eye_angle(landmarks: Landmarks) -> float:
    """Angle in radians by which the line between the eyes falls to the right; 0 is level."""
    x, y = landmarks[RIGHT_EYE].mean(axis=0) - landmarks[LEFT_EYE].mean(axis=0)
    return math.atan2(y, x)


def map_points(points: Landmarks, matrix: Matrix) -> Landmarks:
    """Points (x, y) of the frame as points of the crop, (n, 2)."""
    x, y = points[:, :1], points[:, 1:]
    # No product of matrices, which the processor rounds in its own way.
    homogeneous = x * matrix[:, 0] + y * matrix[:, 1] + matrix[:, 2]
    return homogeneous[:, :2] / homogeneous[:, 2:]


def warp_to_crop(picture: Gray, matrix: Matrix, size: int) -> Gray:
    """The crop of a picture, (size, size[, 3]), bilinear; its edge is repeated beyond it."""
    crop_size = (size, size)
    is_affine = np.array_equal(matrix[2], (0.0, 0.0, 1.0))
    if is_affine:
        crop = cv2.warpAffine(picture, matrix[:2], crop_size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    else:
        crop = cv2.warpPerspective(picture, matrix, crop_size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop)


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
RIGHT_OF = {
    **{n: 16 - n for n in range(8)}, **{n: 43 - n for n in range(17, 22)}, 31: 35, 32: 34,
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46,
    48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65,
}  # fmt: skip

FACE_PLANE = 10.0
"""Depth in mm behind the nasion of the plane that represents the face, about the depth of eyes, brows and mouth."""


_POINTS = _LEFT | _MIDDLE | {RIGHT_OF[n]: (-x, y, z) for n, (x, y, z) in _LEFT.items()}
HEAD = np.array([_POINTS[n] for n in range(68)], np.float64) - (0, 0, FACE_PLANE)
"""(68, 3) points in mm: x to the right of the image, y down, z away from the camera; z = 0 is the plane of the face."""


def face_plane(landmarks: Landmarks, size: tuple[int, int]) -> Matrix:
    """The homography from the face's plane (x, y in mm) to the frame (pixels).

    The pose comes from `solvePnP` on all 68 points (SQPnP, Terzakis and Lourakis 2020: no starting point, one answer).
    The camera is unknown: the longer side of the frame serves as focal length, the frame's middle as axis, and the lens
    as perfect.

    Args:
        landmarks: (68, 2) points (x, y) in pixels of the frame.
        size: (height, width) of the frame.
    """
    height, width = size
    focal = float(max(size))
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])
    _, turn, shift = cv2.solvePnP(HEAD, landmarks, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    rotation, _ = cv2.Rodrigues(turn)
    plane = camera @ np.column_stack([rotation[:, :2], shift])
    return np.asarray(plane / plane[2, 2], np.float64)


def frontal_window(box: Box | FloatBox, plane: Matrix) -> FloatBox:
    """The part of the face's plane (mm) that a box of the frame shows. The scale is that at the middle of the box."""
    # The scale of a homography differs from point to point: it is taken over one pixel across and one down.
    x, y = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2
    back = np.asarray(np.linalg.inv(plane), np.float64)
    left, right, top, bottom = map_points(np.array([(x - 0.5, y), (x + 0.5, y), (x, y - 0.5), (x, y + 0.5)]), back)
    middle = (left + right) / 2
    mm_per_pixel = np.sqrt(np.linalg.norm(right - left) * np.linalg.norm(bottom - top))
    across = mm_per_pixel * (box[2] - box[0]) / 2
    down = mm_per_pixel * (box[3] - box[1]) / 2
    return middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down


def frontal_homography(window: FloatBox, plane: Matrix, size: int) -> Matrix:
    """The homography from the frame to a crop that shows a window frontally. The window lies in the face's plane."""
    # A window has edges instead of pixels: its left edge is half a pixel before the first centre.
    x0, y0, x1, y1 = window
    matrix = box_to_crop((x0 + 0.5, y0 + 0.5, x1 + 0.5, y1 + 0.5), size) @ np.linalg.inv(plane)
    return np.asarray(matrix / matrix[2, 2], np.float64)


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference face of a video, from which the position of all crops follows.

    Attributes:
        frame: index of its frame.
        face: the box as detected, possibly reaching beyond the frame.
        box: the face with its margin, (x0, y0, x1, y1) in pixels, inside the frame, `x1` and `y1` exclusive.
        matrix: (3, 3), takes pixels of that frame to pixels of its crop, in homogeneous coordinates.
        landmarks: (68, 2) points (x, y) in pixels of that frame, or None.
        window: with `align="pose"` the part of the plane of the face that the crops show, (x0, y0, x1, y1) in mm, else None.
        faces: number of faces in that frame; None if not counted.
    """

    frame: int
    face: Box
    box: Box
    matrix: Matrix
    landmarks: Landmarks | None = None
    window: FloatBox | None = None
    faces: int | None = None

    @property
    def crop_landmarks(self) -> Landmarks | None:
        """(68, 2) points (x, y) in pixels of the crop of frame `frame`, or None."""
        return None if self.landmarks is None else map_points(self.landmarks, self.matrix)

    def as_json(self) -> dict[str, Any]:
        """Plain values, which JSON keeps exactly."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        stated = {name: np.asarray(value).tolist() for name, value in values.items() if value is not None}
        return {**values, **stated}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Restore from `as_json`."""
        boxes = {name: tuple(values[name]) for name in ("face", "box", "window") if values[name] is not None}
        arrays = {name: np.array(values[name]) for name in ("matrix", "landmarks") if values[name] is not None}
        return cls(**{**values, **boxes, **arrays})


Align = Literal["none", "eyes", "pose"]
Track = Literal["none", "frame"]


@dataclass(frozen=True)
class FaceCrop(Step):
    """Crop all frames to the face of the first frame that shows one, bilinear.

    The detector is dlib's frontal HOG detector (King 2009, "Dlib-ml"). Of several faces in a frame the largest is
    taken. By default the box is fixed: a micro-expression moves the skin by a pixel or less, and a moving box would add
    motion.

    Attributes:
        size: width and height of a crop in pixels.
        detector: `dlib`.
        upsample: times that the frame is doubled before the search; 1 in the published programs of SOFTNet and MEAN.
        half_size: look for the face in frames of half the width and height: four times as fast, but the smallest face
            that is found is twice as large.
        margin: fraction of the box's width and height added on each side, as far as the frame reaches.
        align: `none`; `eyes`: all frames are turned by the same angle, which makes the line between the eyes of the
            first face level; `pose`: each frame is seen from straight ahead, as a plane, by the pose of the head from
            its own 68 landmarks (see `face_plane`), for heads that turn, as in video from the wild. MEAN used
            FacePoseNet for this. The face is then always tracked.
        track: `none`: the box of the first face serves all frames; `frame`: the box follows a head that really moves, see
            `mebench.features.landmarks`. Beyond the frame its edge is repeated.
        smoothing: frames over which the moving box, or the landmarks of `pose`, are averaged; odd, 1 for none.
        landmarks: path of a predictor file for 68 points; None searches for one, see `mebench.features.landmarks`. The
            numbers depend on its content, not its path, so the identity uses `landmark_identity` instead.
        color: crops in colour (size, size, 3), B, G, R, for `Encode` and `CropSequence`, which alone read them; a gray recording has the
            same picture three times. The face is found in gray either way.
    """

    output_unit: ClassVar[str] = "gray levels, 0 to 255"
    version: ClassVar[int] = 2  # from 1: bilinear to the last bit
    level: ClassVar[Level] = "video"
    least: ClassVar[Mapping[str, int]] = {"size": 2, "upsample": 0, "smoothing": 1}
    ranges: ClassVar[Mapping[str, Range]] = {
        "margin": ("a fraction of the box from 0 to 2", lambda margin: 0 <= margin <= 2),
        "smoothing": ("odd, so that a frame has as many before it as after", lambda smoothing: smoothing % 2 == 1),
    }

    size: int = 128
    detector: Literal["dlib"] = "dlib"
    upsample: int = 1
    half_size: bool = False
    margin: float = 0.0
    align: Align = "none"
    track: Track = "none"
    smoothing: int = 9
    landmarks: str | None = None
    color: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "margin", float(self.margin))  # 1 and 1.0 are one setting

    @property
    def idle(self) -> Set[str]:
        """The path of a landmark file, and options without effect."""
        without_effect = {
            "landmarks": True,
            "margin": self.margin == 0,
            "align": self.align == "none",
            "track": self.track == "none" or self.needs_predictor,
            "smoothing": not self.is_moving,
            "color": not self.color,
        }
        return {name for name, is_idle in without_effect.items() if is_idle}

    def identity(self) -> dict[str, object]:
        """The identity of the step; for a followed face with the version of the tracker."""
        return super().identity() | ({"tracker": 3} if self.is_moving else {})

    @property
    def portable(self) -> bool:
        """True for a fixed box; rotation and tracking use libraries whose instructions depend on the processor."""
        return self.align == "none" and not self.is_moving

    @property
    def is_moving(self) -> bool:
        """Whether the box follows the face, in place of staying where it was found."""
        return self.track == "frame" or self.align == "pose"

    @property
    def smallest(self) -> int:
        """Width in pixels of the smallest face that is found."""
        frame_scale = 2 if self.half_size else 1
        return (SMALLEST * frame_scale) >> self.upsample

    @property
    def needs_landmarks(self) -> bool:
        """Whether the crops depend on landmarks; `landmark_identity` is then part of their key."""
        return self.align != "none"

    @property
    def needs_predictor(self) -> bool:
        """Whether the crops depend on landmarks of every frame, which need a predictor file."""
        return self.align == "pose"

    def landmark_identity(self, landmarks: Landmarks | None) -> str:
        """The source of a video's landmarks: a hash for the store's key, `none` without landmarks.

        Args:
            landmarks: the dataset's own for that video, or None. They are preferred, except for `align="pose"`.

        Raises:
            DataError: a predictor file is named and cannot be read.
        """
        if landmarks is not None and not self.needs_predictor:
            return hashlib.blake2b(np.asarray(landmarks, np.float64).tobytes(), digest_size=16).hexdigest()
        file = find_predictor(self.landmarks)
        return "none" if file is None else f"{predictor_identity(file)} dlib {dlib_version()}"

    def locate(self, frames: Frames, landmarks: Landmarks | None = None, label: str = "the video") -> Reference:
        """Find the face by which all crops are taken.

        Args:
            frames: frames of the video.
            landmarks: the dataset's own, (68, 2) points (x, y) in pixels of the first frame, or None. `align="pose"`
                does not use them, since it needs landmarks of every frame from one source.
            label: name of the video in error messages.

        Returns:
            The face. It has landmarks if the dataset has or `align` needs them; see `with_landmarks`.

        Raises:
            NoFaceError: no tried frame shows a face.
            DataError: there are no frames; one is not 8-bit gray, BGR or BGRA; landmarks are malformed, or needed and
                missing.
        """
        points = None if landmarks is None or self.needs_predictor else check_landmarks(landmarks, label)
        frame, gray, faces, face = self._first_face(frames, label)
        height, width = gray.shape
        if self.needs_landmarks and points is None:
            points = predicted_landmarks(self._predictor(label), gray, face)
        outline = enlarge_box(face, self.margin)
        window = None
        box = clip_to_frame((round(outline[0]), round(outline[1]), round(outline[2]), round(outline[3])), width, height)
        if self.align == "pose":
            assert points is not None
            plane = face_plane(points, (height, width))
            window = frontal_window(outline, plane)
            matrix = frontal_homography(window, plane, self.size)
        else:
            matrix = self._flat(outline if self.is_moving else box, points)
        return Reference(frame, face, box, matrix, points, window, len(faces))

    def _first_face(self, frames: Frames, label: str) -> tuple[int, Gray, list[Box], Box]:
        """The first tried frame with a face: its index and picture, its faces, and the largest of them.

        Frames are tried with growing steps, so that a video without faces fails early.
        """
        n = len(frames)
        if n == 0:
            raise DataError(f"{label} has no frames: check its folder or file")
        index = 0
        n_tried = 0
        while index < n:
            gray = to_gray(frames[index], index, label)
            height, width = gray.shape
            faces = self.detect_faces(gray)
            sizes = [box_area(clip_to_frame(face, width, height)) for face in faces]
            if any(sizes):
                return index, gray, faces, faces[int(np.argmax(sizes))]
            n_tried += 1
            index += 1 + index // 4
        raise NoFaceError(
            f"no face found in {label} ({n_tried} of its {n} frames tried): look at its frames, which must show an upright "
            f"frontal face at least {self.smallest} pixels wide{ADVICE_FOR_RUNS}"
        )

    def with_landmarks(self, frames: Frames, reference: Reference, label: str = "the video") -> Reference:
        """The face with its landmarks, detected in its frame if not known already.

        Raises:
            DataError: there is no predictor file, or it cannot be used.
        """
        if reference.landmarks is not None:
            return reference
        predictor = require_predictor(self.landmarks, label, "a step of the chain", "method.regions=box")
        gray = to_gray(frames[reference.frame], reference.frame, label)
        return replace(reference, landmarks=predicted_landmarks(predictor, gray, reference.face))

    def cut(
        self, frames: Frames | Iterator[Gray], reference: Reference | Box, label: str = "the video"
    ) -> Iterator[Gray]:
        """The crops one by one, (size, size) uint8, or (size, size, 3) in colour; each frame is decoded once, in order.

        Args:
            frames: frames of the video, or as a camera gives them; a moving box waits for the next `lookahead` of them.
            reference: result of `locate`, or simply a box inside the frame.
            label: name of the video in error messages.

        Raises:
            DataError: a frame has not the size of the first, or is not 8-bit gray, BGR or BGRA; landmarks of every frame
                are needed and there is no predictor file.
        """
        if isinstance(reference, tuple):
            reference = Reference(0, reference, reference, box_to_crop(reference, self.size))
        x0, y0, x1, y1 = reference.box
        is_fixed = self.align == "none" and not self.is_moving
        pictures = checked_frames(frames, label)
        if is_fixed:
            pictures = (picture[y0:y1, x0:x1] for picture in pictures)
        convert = to_color if self.color else to_gray
        converted: Iterator[Gray] = (convert(picture, index, label) for index, picture in enumerate(pictures))
        if isinstance(frames, VideoFrames):
            converted = frames.compute_ahead(converted)
        if is_fixed:
            for picture in converted:
                yield cv2.resize(picture, (self.size, self.size), interpolation=cv2.INTER_LINEAR_EXACT)
        else:
            for picture, matrix in self.map_to_crops(converted, reference, label):
                yield warp_to_crop(picture, matrix, self.size)

    @property
    def lookahead(self) -> int:
        """Frames after a frame that its crop waits for: a moving box is smoothed twice, and landmarks once more."""
        if not self.is_moving:
            return 0
        n_smoothings = 3 if self.needs_predictor else 2
        return self.smoothing // 2 * n_smoothings

    def map_to_crops(self, pictures: Iterator[Gray], reference: Reference, label: str) -> Iterator[tuple[Gray, Matrix]]:
        """Each frame, gray or in colour, with the mapping to its crop."""
        if not self.is_moving:
            yield from ((picture, reference.matrix) for picture in pictures)
            return
        tracker = FaceTracker(reference.frame, reference.face, self.detect_faces, self.smallest)
        boxes = ((picture, np.array(tracker.follow(to_gray(picture, 0, label)), np.float64)) for picture in pictures)
        # Smoothed once more, a box that moves on glides.
        followed = smooth_vectors(hold_still_boxes(smooth_vectors(boxes, self.smoothing)), self.smoothing)
        faces = ((picture, box_of_vector(box)) for picture, box in followed)
        if self.align == "pose":
            assert reference.window is not None
            predictor = self._predictor(label)
            points = (
                (picture, predicted_landmarks(predictor, to_gray(picture, 0, label), face)) for picture, face in faces
            )
            for picture, landmarks in smooth_vectors(points, self.smoothing):
                plane = face_plane(landmarks, (picture.shape[0], picture.shape[1]))
                yield picture, frontal_homography(reference.window, plane, self.size)
        else:
            for picture, face in faces:
                yield picture, self._flat(enlarge_box(face, self.margin), reference.landmarks)

    def _flat(self, box: Box | FloatBox, landmarks: Landmarks | None) -> Matrix:
        """The map from a box to the crop, rotated if `align` is `eyes`."""
        matrix = box_to_crop(box, self.size)
        if self.align != "eyes" or landmarks is None:
            return matrix
        return matrix @ level_rotation(box, eye_angle(landmarks))

    def _predictor(self, label: str) -> Path:
        return require_predictor(self.landmarks, label, f"method.align={self.align}", "method.align=none")

    def detect_faces(self, gray: Gray) -> list[Box]:
        """The boxes of all faces, in pixels of the frame."""
        height, width = gray.shape
        if not self.half_size or min(height, width) < 2:
            return detect_faces(gray, self.upsample)
        half = cv2.resize(gray, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        return [(2 * x0, 2 * y0, 2 * x1, 2 * y1) for x0, y0, x1, y1 in detect_faces(half, self.upsample)]


@dataclass(frozen=True)
class FaceParams(FilmParams):
    """How the face is found and cropped; the defaults are MEAN's. A method's `Params` may inherit from it.

    The options have no effect where a dataset brings ready-made features.

    Attributes:
        align: `eyes` turns all frames of a video by one angle, until the line between the eyes of the first face is level;
            `pose` turns the face of each frame to the front by its own 68 landmarks, for heads that move freely, and needs a
            landmark file; `none` turns nothing.
        track: `frame` lets the face box follow a head that really moves, as `pose` does anyway; `none` keeps that of the first
            face.
        margin: part of the face box's width and height that is added on each side, from 0 to 2.
        half_size: look for the face in frames of half the width and height: four times as fast, but the smallest face that is
            found is twice as wide.
        landmarks: path of a landmark file (dlib's, 68 points); null takes that of `MEBENCH_LANDMARKS` or of the extra `landmarks`.
            Results depend on its content, not on its path.
    """

    align: Align = "none"
    track: Track = "none"
    margin: float = 0.0
    half_size: bool = False
    landmarks: str | None = field(default=None, metadata={"place": True})  # see `mebench.config.is_place`

    def __post_init__(self) -> None:
        """Check names and ranges."""
        check_choices(self)
        self.face()

    @property
    def needs_landmarks(self) -> bool:
        """Whether the steps of these settings need landmarks. A method that always needs them overrides this."""
        return self.align != "none" or self._regions_follow_landmarks

    @property
    def without_landmarks(self) -> str:
        """The setting that would avoid landmarks, such as `align=none`; empty if none is needed or would help."""
        if self.align != "none":
            return "align=none"
        return "regions=box" if self._regions_follow_landmarks else ""

    @property
    def _regions_follow_landmarks(self) -> bool:
        """Whether the method has a setting `regions`, and it is neither `box` nor `whole_face`."""
        return getattr(self, "regions", "box") not in ("box", "whole_face")

    def face(self) -> FaceCrop:
        """The first step of a chain.

        Raises:
            ConfigError: an option is unknown or out of range.
        """
        names = {option.name for option in fields(FaceParams)} - {option.name for option in fields(FilmParams)}
        return FaceCrop(**{name: getattr(self, name) for name in names})
