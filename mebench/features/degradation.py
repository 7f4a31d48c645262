"""Degradations of the frames of a tested video, and changes that should leave an answer as it is.

A degradation is a word, `KIND:STRENGTH`, and a wrapper of a dataset: its frames are changed before a face is looked for in them. What
is drawn depends on the key of the video and the number of the frame alone. Sizes are shares of the width of the clean video's face.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import lazy_loader
import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Frames, Video, Wrapped, stable_seed
from mebench.errors import DataError, check_known, refuse_if
from mebench.features.base import Image, Landmarks
from mebench.features.boxes import Box
from mebench.features.face_detection import NoFaceError
from mebench.features.faces import RIGHT_OF, FaceCrop
from mebench.files import file_hash
from mebench.frames.videofile import VideoFrames, write_video

if TYPE_CHECKING:
    import cv2
else:
    cv2 = lazy_loader.load("cv2")
skimage = lazy_loader.load("skimage")  # which is untyped

VERSION = 1
"""Raised when a degradation changes other pixels."""
STRENGTHS = range(6)
"""Strength 0 changes nothing."""


class DegradedFrames:
    """The frames of a video after a degradation.

    Args:
        clean: the frames before.
        video: whose they are, as it was before.
        degradation: of strength 1 or more.
        landmarks: (68, 2) points of the first frame, or None: then the face is looked for.
    """

    on_map = False
    """Whether the one frame is a ready-made map, which is all face."""

    def __init__(
        self, clean: Frames, video: Video, degradation: Degradation, landmarks: Landmarks | None = None
    ) -> None:
        self.clean, self.video, self.degradation, self.landmarks = clean, video, degradation, landmarks

    def __len__(self) -> int:
        """Number of frames."""
        return self.degradation.place(len(self.clean), self.video.fps)

    def __getitem__(self, index: int) -> Image:
        """Frame `index`, of the size and colours of the clean one.

        Raises:
            IndexError: the index lies outside [0, len).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"the video has no frame {index}")
        return KINDS[self.degradation.kind].change(self, index, self.degradation.level)

    def fingerprint(self) -> str:
        """The fingerprint of the clean frames, with the degradation."""
        return f"{self.clean.fingerprint()} {self.degradation.identity}"

    @cached_property
    def face(self) -> Box:
        """The box of the face in the clean video, from above the brows to the chin; the whole frame where none is
        found.
        """
        if self.landmarks is not None:
            (x0, y0), (x1, y1) = self.landmarks.min(axis=0), self.landmarks.max(axis=0)
            return round(x0), round(y0 - 0.15 * (y1 - y0)), round(x1), round(y1)
        try:
            return FaceCrop().locate(self.clean, None, self.video.key).face
        except NoFaceError:
            height, width = self.clean[0].shape[:2]
            return 0, 0, width, height

    @property
    def width(self) -> int:
        """Of the face, in pixels."""
        return max(self.face[2] - self.face[0], 1)

    def random(self, *of: object) -> np.random.Generator:
        """The random generator of the video, or of one of its frames."""
        return np.random.default_rng(stable_seed("degradation", self.degradation.kind, self.video.key, *of))

    @cached_property
    def shown(self) -> NDArray[np.int64]:
        """For each frame the one that is shown in its place where `dropped` loses bursts of three."""
        first = self.random().random(len(self.clean)) < self.degradation.level / 3
        lost = first | np.roll(first, 1) | np.roll(first, 2)
        lost[0] = False
        return np.asarray(np.maximum.accumulate(np.where(lost, 0, np.arange(len(lost)))))

    @cached_property
    def coded(self) -> Frames:
        """The frames of the video as a file in H.264 keeps them; an odd last row or column is lost."""
        self._folder, n, gray = TemporaryDirectory(prefix="mebench-h264-"), len(self.clean), self.clean[0].ndim == 2
        file = Path(self._folder.name, "coded.mp4")
        every = map(self.clean.__getitem__, range(n))
        frames = (cv2.cvtColor(one, cv2.COLOR_GRAY2BGR) for one in every) if gray else every
        write_video(file, frames, np.arange(n) / (self.video.fps or 30), int(self.degradation.level))
        return VideoFrames(file, color=not gray)

    def enlarged(self, plane: Image) -> Image:
        """A picture, (height, width), as the network of `resolution` enlarges it.

        Raises:
            DataError: it is no such network.
        """
        model = self.degradation.model
        try:
            network = cv2.dnn.readNetFromONNX(model)
            network.setInput(plane[None, None].astype(np.float32) / 255)
            return np.asarray(np.clip(network.forward()[0, 0] * 255, 0, 255).round(), np.uint8)
        except (cv2.error, IndexError) as error:
            raise DataError(
                f"{model} enlarges no picture: degrade=resolution takes a network in ONNX from one plane, (1, 1, height, width) from 0 "
                f"to 1, to a larger one, and not this ({str(error).strip().splitlines()[-1]})"
            ) from error


# -- the kinds: what frame `index` of a video becomes at a level ------------------------------------------------------------


def _blur(video: DegradedFrames, index: int, share: float) -> Image:
    return np.asarray(cv2.GaussianBlur(video.clean[index], (0, 0), share * video.width))


def _noise(video: DegradedFrames, index: int, spread: float) -> Image:
    """Gaussian noise of a standard deviation of `spread` gray values; scikit-image adds it to values from 0 to 1."""
    variance = (spread / 255) ** 2
    noisy = skimage.util.random_noise(video.clean[index], "gaussian", rng=video.random(index), var=variance)
    return np.asarray(np.rint(255 * noisy), np.uint8)


def _light(video: DegradedFrames, index: int, depth: float) -> Image:
    phase = video.random().random() + index / (2 * (video.video.fps or 30))  # of a lamp that breathes in two seconds
    return _dimmed(video, index, 1 - depth * (0.5 - 0.5 * math.cos(2 * math.pi * phase)))


def _dimmed(video: DegradedFrames, index: int, gain: float) -> Image:
    return np.asarray((video.clean[index] * gain).round(), np.uint8)


def _jpeg(video: DegradedFrames, index: int, quality: float) -> Image:
    coded = cv2.imencode(".jpg", video.clean[index], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED))


def _h264(video: DegradedFrames, index: int, crf: float) -> Image:
    coded = video.coded[index]
    low, right = np.subtract(video.clean[index].shape, coded.shape)[:2].tolist()
    return np.asarray(cv2.copyMakeBorder(coded, 0, low, 0, right, cv2.BORDER_REPLICATE))


def _resolution(video: DegradedFrames, index: int, height: float) -> Image:
    """The face is `height` pixels high and 7/13 of that wide, or as it is where it is smaller; the frame is as large as
    before.
    """
    image = video.clean[index]
    _, top, _, chin = video.face
    shares = height * 7 / 13 / video.width, height / max(chin - top, 1)
    size = [max(1, round(n * min(1.0, share))) for n, share in zip(image.shape[1::-1], shares)]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if video.degradation.model:
        small = cv2.merge([video.enlarged(plane) for plane in cv2.split(small)])
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)).reshape(image.shape)


def _mixed(video: DegradedFrames, place: float, every: int = 1) -> Image:
    """The image at a place between two frames, where only every `every`-th frame exists."""
    before = int(place) // every * every
    after, share = min(before + every, len(video.clean) - 1), (place - before) / every
    return np.asarray(cv2.addWeighted(video.clean[before], 1 - share, video.clean[after], share, 0))


def _motion(video: DegradedFrames, index: int, share: float) -> Image:
    """The head sways: three slow waves, shifts and a turn, from its place in the first frame."""
    draws, seconds, (x0, y0, x1, y1) = video.random(), index / (video.video.fps or 30), video.face
    rate, phase = draws.uniform(0.2, 0.6, 3), draws.uniform(0, 2 * math.pi, 3)
    x, y, turn = share * (np.sin(2 * math.pi * rate * seconds + phase) - np.sin(phase))
    matrix = cv2.getRotationMatrix2D(((x0 + x1) / 2, (y0 + y1) / 2), math.degrees(turn / 2), 1.0)
    return _warped(video.clean[index], matrix + np.array([[0, 0, video.width * x], [0, 0, video.width * y]]))


def _warped(image: Image, matrix: Any) -> Image:
    return np.asarray(cv2.warpAffine(image, np.float64(matrix), image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))


PAINTS = {"glasses": 30, "mask": 215, "hand": 150, "half_face": 90}
"""The shapes on the face, with their gray values."""
SHAPES = tuple(PAINTS)
OVALS = {"glasses": ((0.28, 0.3, 0.22, 0.15), (0.72, 0.3, 0.22, 0.15)), "hand": ((0.2, 0.75, 0.4, 0.35),)}
"""Middle and half the size of round shapes, across and down the face."""


def covered(video: DegradedFrames, shape: str, size: tuple[int, ...], share: float) -> NDArray[np.bool_]:
    """The pixels of a frame behind a shape, (H, W).

    Args:
        video: whose face it is; left or right is drawn for it.
        shape: one of `SHAPES`.
        size: of the frame, (H, W, …).
        share: 1 for glasses over eyes and brows, a mask from chin to nose, a hand on half of mouth and cheek, half of the face.
    """
    mask = np.zeros(size[:2], np.uint8)
    x0, y0, x1, y1 = video.face
    across, down, left = x1 - x0, y1 - y0, video.random("side").random() < 0.5

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x0 + across * (x if left else 1 - x)), round(y0 + down * y)

    for x, y, wide, high in OVALS.get(shape, ()):
        cv2.ellipse(mask, at(x, y), (round(wide * share * across), round(high * share * down)), 0, 0, 360, 1, -1)
    if shape == "glasses":
        cv2.line(mask, at(0.28, 0.27), at(0.72, 0.27), 1, max(1, across // 40))
    elif shape == "mask":
        top = 1.05 - 0.6 * share
        cheek = max(0.85, top + 0.1)
        rim = ((0.5, top), (0.95, top + 0.08), (0.9, cheek), (0.5, 1.1), (0.1, cheek), (0.05, top + 0.08))
        cv2.fillPoly(mask, [np.array([at(x, y) for x, y in rim])], 1)
    elif shape == "half_face":
        cv2.rectangle(mask, at(-0.1, -0.3), at(-0.1 + 0.6 * share, 1.1), 1, -1)
    return mask.astype(bool)


def _occlusion(video: DegradedFrames, index: int, share: float, shape: str = "") -> Image:
    image = np.array(video.clean[index])
    shape = shape or SHAPES[int(video.random("shape").integers(len(SHAPES)))]
    behind = covered(video, shape, image.shape, share)
    image[behind] = np.median(image, axis=(0, 1)) if video.on_map else PAINTS[shape]
    return image


@dataclass(frozen=True)
class Kind:
    """One way of changing a video.

    Attributes:
        levels: of the strengths 1 to 5.
        change: the frame that stands at a place.
        meaning: of the levels, in words.
        maps: whether it makes sense on a ready-made map of motion, which is then taken for a picture of the face.
        relation: whether the answer should stay what it is.
    """

    levels: tuple[float, ...]
    change: Callable[[DegradedFrames, int, float], Image]
    meaning: str
    maps: bool = False
    relation: bool = False


_COVER, _ANY = (0.3, 0.45, 0.6, 0.8, 1.0), (1.0,) * 5
KINDS = {
    "occlusion": Kind(_COVER, _occlusion, "one of the four below, drawn for each video; share of its full size", True),
    **{shape: Kind(_COVER, partial(_occlusion, shape=shape), "share of its full size", True) for shape in SHAPES},
    "resolution": Kind((104, 52, 39, 26, 13), _resolution, "height of the face in pixels; it is 7/13 as wide", True),
    "jpeg": Kind((60, 40, 20, 10, 5), _jpeg, "JPEG quality of each frame"),
    "h264": Kind((23, 30, 36, 42, 48), _h264, "CRF of x264"),
    "blur": Kind((0.005, 0.01, 0.02, 0.03, 0.05), _blur, "standard deviation, share of the face's width", True),
    "noise": Kind((2, 5, 10, 20, 40), _noise, "standard deviation in gray values, new in each frame", True),
    "light": Kind(
        (0.05, 0.1, 0.2, 0.4, 0.6), _light, "share of the light that is lost and comes back every two seconds"
    ),
    "dropped": Kind(
        (0.05, 0.1, 0.2, 0.35, 0.5),
        lambda video, i, _: video.clean[int(video.shown[i])],
        "share of frames lost in bursts of three, less where bursts overlap, while the last one stands",
    ),
    "doubled": Kind(
        (20, 10, 6, 4, 2),
        lambda video, i, n: video.clean[i - (i % n == n - 1)],
        "of so many frames the last is its predecessor again",
    ),
    "blurred": Kind(
        (0.05, 0.1, 0.2, 0.35, 0.5),
        lambda video, i, share: _blur(video, i, 0.03) if video.random(i).random() < share else video.clean[i],
        "share of frames that are out of focus",
    ),
    "rate": Kind(
        (2, 3, 4, 6, 8),
        lambda video, i, every: _mixed(video, i, int(every)),
        "of so many frames one is recorded, the others are mixed from two",
    ),
    "motion": Kind((0.005, 0.01, 0.02, 0.04, 0.08), _motion, "sway of the head, share of the face's width"),
    "mirror": Kind(
        _ANY,
        lambda video, i, _: np.ascontiguousarray(video.clean[i][:, ::-1]),
        "left and right change places",
        relation=True,
    ),
    "shift": Kind(
        (1, 2, 4, 6, 8),
        lambda video, i, pixels: _warped(video.clean[i], [[1, 0, pixels], [0, 1, pixels]]),
        "pixels to the right and down",
        relation=True,
    ),
    "brightness": Kind((0.9, 0.8, 0.7, 0.6, 0.5), _dimmed, "factor of all gray values", relation=True),
    "still": Kind(
        _ANY, lambda video, i, _: video.clean[0], "the first frame stands: nothing is to be spotted", relation=True
    ),
    "padding": Kind(
        (0.2, 0.4, 0.6, 0.8, 1.0),
        lambda video, i, _: video.clean[max(0, i - video.degradation.place(0, video.video.fps))],
        "seconds for which the first frame stands before",
        relation=True,
    ),
    "double_rate": Kind(
        _ANY,
        lambda video, i, _: _mixed(video, i / 2),
        "twice as many frames a second, mixed from their neighbours",
        relation=True,
    ),
}
DEGRADATIONS = tuple(name for name, kind in KINDS.items() if not kind.relation)
RELATIONS = tuple(name for name, kind in KINDS.items() if kind.relation)
HELP = "KIND:STRENGTH, such as occlusion:3, with a strength from 1 to 5; 0 changes nothing"


@dataclass(frozen=True)
class Degradation:
    """A kind at a strength.

    Attributes:
        kind: of `KINDS`.
        strength: 0 to 5.
        model: of `resolution`: file of a network in ONNX that raises the resolution; empty for plain interpolation.
    """

    kind: str
    strength: int
    model: str = ""

    @property
    def level(self) -> float:
        """Of the kind at this strength; 0 changes nothing."""
        return KINDS[self.kind].levels[self.strength - 1] if self.strength else 0.0

    @classmethod
    def of(cls, word: str) -> Degradation:
        """Read `KIND:STRENGTH` or `resolution:STRENGTH:MODEL.onnx`.

        Raises:
            ConfigError: no kind is called so, the strength is none, or the model is no file.
        """
        kind, _, rest = word.partition(":")
        strength, _, model = rest.partition(":")
        check_known("degradation", kind, KINDS, f"degrade is {HELP}", where=f"degrade={word}")
        model = model and str(Path(model).expanduser())
        refuse_if(
            (
                strength not in map(str, STRENGTHS),
                f"degrade={word}: the strength must be a whole number from 0 to 5, not {strength!r}: {HELP}",
            ),
            (
                model and kind != "resolution",
                f"degrade={word}: only resolution takes a model, not {kind}: leave {model!r} out",
            ),
            (
                model and not Path(model).is_file(),
                f"degrade={word}: there is no file {model}: name a network in ONNX that raises the resolution",
            ),
        )
        return cls(kind, int(strength), model)

    @cached_property
    def identity(self) -> str:
        """All that the changed pixels depend on, besides the video."""
        model = f" {file_hash(Path(self.model))}" if self.model else ""
        return f"{self.kind}:{self.strength}{model} v{VERSION}"

    def place(self, frame: int, fps: float | None) -> int:
        """Where a frame of the clean video lies in the changed one; of its number of frames the new number."""
        if self.kind == "padding":
            return frame + round(self.level * (fps or 30))
        return 2 * frame if self.kind == "double_rate" and self.strength else frame


class Degraded(Wrapped):
    """A dataset whose frames, or ready-made maps, are degraded.

    Args:
        dataset: the clean one.
        degradation: of its frames, of strength 1 or more.
    """

    def __init__(self, dataset: Dataset, degradation: Degradation) -> None:
        super().__init__(dataset, "person", "split", "frame_folders")
        self.degradation = degradation
        self.revision = f"{dataset.revision} {degradation.identity}"

    def changed(self, videos: Sequence[Video]) -> Sequence[Video]:
        """Videos with their expressions where the change has moved them."""
        return tuple(map(self._moved, videos))

    def frames(self, video: Video) -> Frames:
        """The degraded frames of a video."""
        clean = self._clean[video.key]
        return DegradedFrames(self.dataset.frames(clean), clean, self.degradation, self.dataset.landmarks(clean))

    def landmarks(self, video: Video) -> Landmarks | None:
        """The landmarks of a video in the first degraded frame."""
        points = self.dataset.landmarks(self._clean[video.key])
        if points is None:
            return None
        if self.degradation.kind == "mirror":
            width = self.dataset.frames(self._clean[video.key])[0].shape[1]
            return np.array([width - 1, 0]) + points[_MIRRORED] * [-1, 1]
        return points + (self.degradation.level if self.degradation.kind == "shift" else 0)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made map of a video, degraded.

        Raises:
            DataError: the degradation makes no sense on what is ready-made.
        """
        feature = self.dataset.provided(self._clean[video.key], name)
        if feature is None:
            return None
        if not KINDS[self.degradation.kind].maps or feature.dtype != np.uint8 or feature.ndim != 3:
            sensible = ", ".join(name for name, kind in KINDS.items() if kind.maps)
            raise DataError(
                f"degrade={self.degradation.kind} changes frames, and {video.dataset} gives {name} ready-made: take a dataset with frames, "
                f"or of a map, (height, width, channels) from 0 to 255, one of {sensible}"
            )
        degraded = DegradedFrames(cast(Frames, [feature]), video, self.degradation)
        degraded.on_map, degraded.face = True, (0, 0, feature.shape[1], feature.shape[0])
        return degraded[0]

    def _moved(self, video: Video) -> Video:
        place = partial(self.degradation.place, fps=video.fps)
        if place(1) == 1:
            return video

        def moved(own: Any) -> Any:
            marks = {mark: getattr(own, mark, None) for mark in ("onset", "apex", "offset")}
            return replace(own, **{mark: place(frame) for mark, frame in marks.items() if frame is not None})

        return replace(
            video,
            fps=video.fps and video.fps * (place(2) - place(1)),
            n_frames=None if video.n_frames is None else place(video.n_frames),
            expressions=tuple(map(moved, video.expressions)),
            distractors=tuple(map(moved, video.distractors)),
            numbers=(),
        )

    @cached_property
    def _clean(self) -> dict[str, Video]:
        return {video.key: video for video in self.dataset.videos()}


_SIDES = RIGHT_OF | {right: left for left, right in RIGHT_OF.items()}
_MIRRORED = [_SIDES.get(n, n) for n in range(68)]
