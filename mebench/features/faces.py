"""The options of the face crop that every method shares."""

import hashlib
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar, Literal

import numpy as np

from mebench import heavy
from mebench.core import Frames, Level, Step
from mebench.core.options import check_choices
from mebench.errors import ConfigError
from mebench.features.alignment import (
    Crops,
    Matrix,
    Reference,
    box_to_crop,
    eye_angle,
    face_plane,
    frontal,
    frontal_window,
    upright,
    warped,
)
from mebench.features.base import Landmarks, check_integers, check_numbers, dlib_version
from mebench.features.detection import (
    SMALLEST,
    Box,
    FloatBox,
    Gray,
    detect_faces,
    enlarged,
    first_face,
    half_sized,
    inside,
    same_sized,
    to_gray,
)
from mebench.features.landmarks import (
    FaceTracker,
    Landmarker,
    check_landmarks,
    corners,
    find_predictor,
    held,
    landmarker,
    predictor_identity,
    smoothed,
)

Detector = Literal["dlib"]
Align = Literal["none", "eyes", "pose"]
Track = Literal["none", "frame"]


@dataclass(frozen=True)
class FaceCrop(Step):
    """Crop all frames to the face of the first frame that shows one, gray, bilinear.

    The detector is dlib's frontal HOG detector (King 2009, "Dlib-ml"). Of several faces in a frame the largest wins. Unless
    asked otherwise the box stays: a micro-expression moves the skin by a pixel or less, and a moving box would add motion.

    Attributes:
        size: width and height of a crop in pixels.
        detector: `dlib`.
        upsample: times that the frame is doubled before the search; 1 in the published programs of SOFTNet and MEAN.
        half_size: look for the face in frames of half the width and height: four times as fast, but the smallest face
            that is found is twice as large.
        margin: fraction of the box's width and height added on each side, as far as the frame reaches.
        align: `none`; `eyes`: all frames are turned by the same angle, which makes the line between the eyes of the first
            face level; `pose`: each frame is seen from straight ahead, as a plane, by the pose of the head from its own 68
            landmarks (see `mebench.features.alignment`), for heads that turn, as in video from the wild. MEAN took FacePoseNet there.
            The face is then always followed.
        track: `none`: the box of the first face serves all frames; `frame`: the box follows a head that really moves, see
            `mebench.features.landmarks`. Beyond the frame its edge is repeated.
        smoothing: frames over which the moving box, or the landmarks of `pose`, are averaged; odd, 1 for none.
        landmarks: path of a predictor file for 68 points; None looks for one, see `mebench.features.landmarks`. The numbers
            depend on its content, not on its path, so it is no part of the identity: `landmark_identity` is.
    """

    version: ClassVar[int] = 2  # from 1: bilinear to the last bit
    level: ClassVar[Level] = "video"

    size: int = 128
    detector: Detector = "dlib"
    upsample: int = 1
    half_size: bool = False
    margin: float = 0.0
    align: Align = "none"
    track: Track = "none"
    smoothing: int = 9
    landmarks: str | None = None

    def __post_init__(self) -> None:
        check_integers(self, 2, "size")
        check_integers(self, 0, "upsample")
        check_integers(self, 1, "smoothing")
        check_choices(self)
        check_numbers(self, "a fraction of the box from 0 to 2", lambda margin: 0 <= margin <= 2, "margin")
        if self.smoothing % 2 == 0:
            raise ConfigError(
                f"smoothing of FaceCrop must be odd, so that a frame has as many before it as after, not {self.smoothing}"
            )
        object.__setattr__(self, "margin", float(self.margin))  # 1 and 1.0 are one setting

    @property
    def idle(self) -> Set[str]:
        """The path of a landmark file, and the options that have no effect."""
        without_effect = {
            "landmarks": True,
            "margin": self.margin == 0,
            "align": self.align == "none",
            "track": self.track == "none" or self.needs_predictor,
            "smoothing": not self._follows,
        }
        return {name for name, idle in without_effect.items() if idle}

    def identity(self) -> dict[str, object]:
        """That of any step; where the face is followed, also how, which has changed without changing other crops."""
        return super().identity() | ({"tracker": 2} if self._follows else {})

    @property
    def portable(self) -> bool:
        """For a box that stays; turning and following rest on libraries that choose instructions by the processor."""
        return self.align == "none" and not self._follows

    @property
    def _follows(self) -> bool:
        return self.track == "frame" or self.align == "pose"

    @property
    def needs_landmarks(self) -> bool:
        """Whether the crops depend on landmarks; `landmark_identity` then belongs to their key."""
        return self.align != "none"

    @property
    def needs_predictor(self) -> bool:
        """Whether the crops depend on the landmarks of every frame, which only a predictor file gives."""
        return self.align == "pose"

    def landmark_identity(self, landmarks: Landmarks | None) -> str:
        """Where the landmarks of a video come from: a hash for the store's key, `none` where there are none.

        Args:
            landmarks: the dataset's own of that video, or None. They go first, but for `align="pose"`.

        Raises:
            DataError: a predictor file is named and cannot be read.
        """
        if landmarks is not None and not self.needs_predictor:
            return hashlib.blake2b(np.asarray(landmarks, np.float64).tobytes(), digest_size=16).hexdigest()
        file = find_predictor(self.landmarks)
        return "none" if file is None else f"{predictor_identity(file)} dlib {dlib_version()}"

    def apply(self, frames: Frames, landmarks: Landmarks | None, label: str = "the video") -> Crops:
        """All crops of a video in memory.

        Args:
            frames: frames of one size, 8 bits a channel, gray, BGR or BGRA.
            landmarks: (68, 2) points (x, y) in pixels of the frames, or None.
            label: name of the video in error messages.

        Raises:
            DataError: what `locate` and `cut` raise.
        """
        reference = self.locate(frames, landmarks, label)
        return Crops(np.stack(list(self.cut(frames, reference, label))), reference.box, reference.crop_landmarks)

    def locate(self, frames: Frames, landmarks: Landmarks | None = None, label: str = "the video") -> Reference:
        """Find the face that all crops go by. Frames are tried with growing steps, so that a faceless video fails soon.

        Args:
            frames: of the video.
            landmarks: the dataset's own, (68, 2) points (x, y) in pixels of the first frame, or None. `align="pose"` does
                not use them, since it needs those of every frame from one hand.
            label: name of the video in error messages.

        Returns:
            The face. It has landmarks where the dataset has, or where `align` needs them; see `with_landmarks`.

        Raises:
            NoFaceError: no frame that was tried shows a face.
            DataError: there are no frames; one is not 8-bit gray, BGR or BGRA; landmarks are odd, or needed and not there.
        """
        points = None if landmarks is None or self.needs_predictor else check_landmarks(landmarks, label)
        frame, face, size, gray = first_face(
            frames, self.faces, SMALLEST * (1 + self.half_size) >> self.upsample, label
        )
        if self.needs_landmarks and points is None:
            points = self._predictor(label).points(gray, face)
        outline, window = enlarged(face, self.margin), None
        box = inside((round(outline[0]), round(outline[1]), round(outline[2]), round(outline[3])), size[1], size[0])
        if self.align == "pose":
            assert points is not None
            plane = face_plane(points, size)
            window = frontal_window(outline, plane)
            matrix = frontal(window, plane, self.size)
        else:
            matrix = self._flat(outline if self._follows else box, points)
        return Reference(frame, face, box, matrix, points, window)

    def with_landmarks(self, frames: Frames, reference: Reference, label: str = "the video") -> Reference:
        """The face with its landmarks, found on the frame where the face was found if they are not known already.

        Raises:
            DataError: there is no predictor file, or it cannot be used.
        """
        if reference.landmarks is not None:
            return reference
        predictor = landmarker(self.landmarks, label, "a step of the chain", "method.regions=box")
        gray = to_gray(frames[reference.frame], reference.frame, label)
        return replace(reference, landmarks=predictor.points(gray, reference.face))

    def cut(
        self, frames: Frames | Iterator[Gray], reference: Reference | Box, label: str = "the video"
    ) -> Iterator[Gray]:
        """The crops one by one, (size, size) uint8; each frame is decoded once, in order.

        Args:
            frames: of the video, or as a camera gives them; a moving box waits for the next `lookahead` of them.
            reference: what `locate` found, or simply a box inside the frame.
            label: name of the video in error messages.

        Raises:
            DataError: a frame has not the size of the first, or is not 8-bit gray, BGR or BGRA; landmarks of every frame
                are needed and there is no predictor file.
        """
        if isinstance(reference, tuple):
            reference = Reference(0, reference, reference, box_to_crop(reference, self.size))
        if self.align == "none" and not self._follows:
            x0, y0, x1, y1 = reference.box
            for index, frame in enumerate(same_sized(frames, label)):
                gray = to_gray(frame[y0:y1, x0:x1], index, label)
                exact = heavy.cv2.INTER_LINEAR_EXACT
                yield heavy.cv2.resize(gray, (self.size, self.size), interpolation=exact)
            return
        for gray, matrix in self._views(frames, reference, label):
            yield warped(gray, matrix, self.size)

    @property
    def lookahead(self) -> int:
        """Frames after a frame that its crop waits for: a moving box is smoothed twice, and landmarks once more."""
        return self.smoothing // 2 * (2 + self.needs_predictor) if self._follows else 0

    def _views(
        self, frames: Frames | Iterator[Gray], reference: Reference, label: str
    ) -> Iterator[tuple[Gray, Matrix]]:
        """Each frame and what takes it to its crop."""
        grays = (to_gray(frame, index, label) for index, frame in enumerate(same_sized(frames, label)))
        if not self._follows:
            yield from ((gray, reference.matrix) for gray in grays)
            return
        tracker = FaceTracker(reference.frame, reference.face, self.faces)
        boxes = ((gray, np.array(tracker.follow(gray), np.float64)) for gray in grays)
        # Smoothed once more, a box that moves on glides.
        followed = smoothed(held(smoothed(boxes, self.smoothing)), self.smoothing)
        faces = ((gray, corners(box)) for gray, box in followed)
        if self.align == "pose":
            assert reference.window is not None
            predictor = self._predictor(label)
            points = ((gray, predictor.points(gray, face)) for gray, face in faces)
            for gray, landmarks in smoothed(points, self.smoothing):
                plane = face_plane(landmarks, (gray.shape[0], gray.shape[1]))
                yield gray, frontal(reference.window, plane, self.size)
        else:
            for gray, face in faces:
                yield gray, self._flat(enlarged(face, self.margin), reference.landmarks)

    def _flat(self, box: Box | FloatBox, landmarks: Landmarks | None) -> Matrix:
        """What takes a box to the crop, turned where `align` is `eyes`."""
        matrix, turns = box_to_crop(box, self.size), self.align == "eyes"
        return matrix @ upright(box, eye_angle(landmarks)) if turns and landmarks is not None else matrix

    def _predictor(self, label: str) -> Landmarker:
        return landmarker(self.landmarks, label, f"method.align={self.align}", "method.align=none")

    def faces(self, gray: Gray) -> list[Box]:
        """The boxes of all faces, in pixels of the frame."""
        seen = half_sized(gray) if self.half_size else gray
        scale = 1 if seen.shape == gray.shape else 2
        return [
            (x0 * scale, y0 * scale, x1 * scale, y1 * scale) for x0, y0, x1, y1 in detect_faces(seen, self.upsample)
        ]


@dataclass(frozen=True)
class FaceParams:
    """How the face is found and cut out; the defaults are those of MEAN. A method's `Params` may inherit them.

    They do nothing where a dataset brings the features ready-made.

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
        """Whether the steps of these settings need landmarks. A method of which no setting does without says so itself."""
        return bool(self.without_landmarks)

    @property
    def without_landmarks(self) -> str:
        """The setting, `align=none` or `regions=box`, that would do without landmarks; empty where these settings do, or none does.

        The regions of a method follow landmarks but for `box` and `whole_face`.
        """
        if self.align != "none":
            return "align=none"
        return "regions=box" if getattr(self, "regions", "box") not in ("box", "whole_face") else ""

    def face(self) -> FaceCrop:
        """The first step of a chain.

        Raises:
            ConfigError: an option is unknown or out of range.
        """
        return FaceCrop(**{option.name: getattr(self, option.name) for option in fields(FaceParams)})
