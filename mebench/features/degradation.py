"""Degradations: what a kind at a strength makes of the frames of a video.

A degradation is a word, `KIND:STRENGTH`. It changes frames before a face is looked for in them. What is drawn depends on the key of the
video and the number of the frame alone. Sizes are shares of the width of the clean video's face.

A kind is one entry of `KINDS`, and nothing else: commands, their help, checks and docs/how_to/degraded.md read it there.
`mebench.features.degraded_dataset` applies a degradation to a dataset, `mebench.inference.robustness` measures what it costs a run, and
`mebench.inference.robustness_page` shows that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames, Video, stable_seed
from mebench.errors import DataError, check_known, refuse_if
from mebench.features.base import Image, Landmarks
from mebench.features.boxes import Box
from mebench.features.face_detection import NoFaceError
from mebench.features.faces import RIGHT_OF, FaceCrop
from mebench.features.worn_things import Worn, block_pixels, worn_pixels
from mebench.files import file_hash
from mebench.frames.videofile import VideoFrames, write_video
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")
skimage = load_lazily("skimage")  # which is untyped

VERSION = 1
"""Version of the pixels, raised when a degradation changes others."""
STRENGTHS = range(6)
"""Strengths that a word may name; 0 changes nothing."""
RELATION_STRENGTH = 3
"""Strength at which relations are tested."""
HELP = "KIND:STRENGTH, such as occlusion:3, with a strength from 1 to 5; 0 changes nothing"
USUAL_FPS = 30
"""Frame rate that is taken for a video of an unknown one."""
FOREHEAD = 0.15
"""Height of the face's box above the brows, a share of the height from brows to chin."""
BURST = 3
"""Number of frames that `dropped` loses together."""


@dataclass(frozen=True)
class Degradation:
    """A kind at a strength.

    Attributes:
        kind: name in `KINDS`.
        strength: number from 0 to 5.
        model: file of a network in ONNX that raises the resolution, for `resolution`; empty for plain interpolation.
    """

    kind: str
    strength: int
    model: str = ""

    @classmethod
    def from_text(cls, word: str) -> Degradation:
        """Read `KIND:STRENGTH` or `resolution:STRENGTH:MODEL.onnx`.

        Raises:
            ConfigError: unknown kind, invalid strength, or missing model file.
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

    @property
    def about(self) -> Kind:
        """The entry of `KINDS`."""
        return KINDS[self.kind]

    @property
    def level(self) -> float:
        """The level of the kind at this strength; 0 at strength 0."""
        return self.about.levels[self.strength - 1] if self.strength else 0.0

    @cached_property
    def identity(self) -> str:
        """All that the changed pixels depend on, besides the video."""
        model = f" {file_hash(Path(self.model))}" if self.model else ""
        return f"{self.kind}:{self.strength}{model} v{VERSION}"

    def new_index(self, frame: int, fps: float | None) -> int:
        """The index of a clean frame in the changed video."""
        if self.strength == 0 or self.about.new_index is None:
            return frame
        return self.about.new_index(frame, self.level, fps or USUAL_FPS)

    def new_length(self, n_frames: int, fps: float | None) -> int:
        """Number of frames of the changed video."""
        return self.new_index(n_frames, fps)  # every kind moves the index one past the end to its own one past the end


class DegradedFrames:
    """The frames of a video after a degradation.

    Args:
        clean: the frames before.
        video: the clean video.
        degradation: kind, with a strength of 1 or more.
        landmarks: (68, 2) points of the first frame; None looks for the face.
    """

    on_map = False
    """Whether the one frame is a ready-made map, which is all face."""

    def __init__(
        self, clean: Frames, video: Video, degradation: Degradation, landmarks: Landmarks | None = None
    ) -> None:
        self.clean = clean
        self.video = video
        self.degradation = degradation
        self.landmarks = landmarks

    def __len__(self) -> int:
        """Number of frames."""
        return self.degradation.new_length(len(self.clean), self.video.fps)

    def __getitem__(self, index: int) -> Image:
        """Frame `index`, of the size and colours of the clean one.

        Raises:
            IndexError: the index lies outside [0, len).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"the video has no frame {index}")
        return self.degradation.about.change(self, index, self.degradation.level)

    def fingerprint(self) -> str:
        """The fingerprint of the clean frames, with the degradation."""
        return f"{self.clean.fingerprint()} {self.degradation.identity}"

    @cached_property
    def face(self) -> Box:
        """The face's box in the clean video, from the brows to the chin; the whole frame if none is found."""
        if self.landmarks is not None:
            (x0, y0) = self.landmarks.min(axis=0)
            (x1, y1) = self.landmarks.max(axis=0)
            forehead = FOREHEAD * (y1 - y0)
            return round(x0), round(y0 - forehead), round(x1), round(y1)
        try:
            return FaceCrop().locate(self.clean, None, self.video.key).face
        except NoFaceError:
            height, width = self.clean[0].shape[:2]
            return 0, 0, width, height

    @property
    def face_width(self) -> int:
        """Width of the face in pixels, at least 1."""
        return max(self.face[2] - self.face[0], 1)

    @property
    def fps(self) -> float:
        """Frames per second of the clean video, or the usual rate."""
        return self.video.fps or USUAL_FPS

    def make_generator(self, *of: object) -> np.random.Generator:
        """The random generator of the video, or of one of its frames."""
        return np.random.default_rng(stable_seed("degradation", self.degradation.kind, self.video.key, *of))

    @cached_property
    def shown_frames(self) -> NDArray[np.int64]:
        """The clean frame that `dropped` shows at each index."""
        burst_begins = self.make_generator().random(len(self.clean)) < self.degradation.level / BURST
        # A burst at the end of the video goes on at its beginning, where the first frame stays.
        lost = np.logical_or.reduce([np.roll(burst_begins, shift) for shift in range(BURST)])
        lost[0] = False
        last_kept = np.maximum.accumulate(np.where(lost, 0, np.arange(len(lost))))
        return np.asarray(last_kept)

    @cached_property
    def coded_frames(self) -> Frames:
        """The frames of the video as a file in H.264 keeps them; an odd last row or column is lost."""
        self._folder = TemporaryDirectory(prefix="mebench-h264-")  # removed with this object
        file = Path(self._folder.name, "coded.mp4")
        n_frames = len(self.clean)
        gray = self.clean[0].ndim == 2
        pictures = (self.clean[index] for index in range(n_frames))
        if gray:
            pictures = (cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) for picture in pictures)
        write_video(file, pictures, np.arange(n_frames) / self.fps, crf=int(self.degradation.level))
        return VideoFrames(file, color=not gray)

    def enlarge(self, plane: Image) -> Image:
        """A picture, (height, width), enlarged by the network of `resolution`.

        Raises:
            DataError: the network cannot be read, or takes or gives something else.
        """
        model = self.degradation.model
        try:
            network = cv2.dnn.readNetFromONNX(model)
            network.setInput(plane[None, None].astype(np.float32) / 255)
            larger = network.forward()[0, 0]
        except (cv2.error, IndexError) as error:
            raise DataError(
                f"{model} enlarges no picture: degrade=resolution takes a network in ONNX from one plane, (1, 1, height, width) from 0 "
                f"to 1, to a larger one, and not this ({str(error).strip().splitlines()[-1]})"
            ) from error
        return np.asarray(np.clip(larger * 255, 0, 255).round(), np.uint8)


@dataclass(frozen=True)
class Kind:
    """One way of changing a video.

    Attributes:
        levels: levels of the strengths 1 to 5.
        change: function from a video, an index and a level to the frame there.
        effect: sentence on what happens to the video.
        meaning: meaning of the levels, in words.
        maps: whether the kind makes sense on a ready-made map of motion, which is then taken for a picture of the face.
        answer: answer that should come back, of a relation; empty for a degradation.
        empties: whether no answer at all should come back.
        new_index: function from a clean frame's index, a level and a frame rate to the index in the changed video; None for the same.
        landmarks: function from the changed frames and clean landmarks to the new ones; None for the same.
        drawn: the picture on the contact sheet: a `frame`, or 60 frames as their middle `columns` or as `bars` of change.
    """

    levels: tuple[float, ...]
    change: Callable[[DegradedFrames, int, float], Image]
    effect: str
    meaning: str
    maps: bool = False
    answer: str = ""
    empties: bool = False
    new_index: Callable[[int, float, float], int] | None = None
    landmarks: Callable[[DegradedFrames, Landmarks], Landmarks] | None = None
    drawn: Literal["frame", "columns", "bars"] = "frame"


# -- how each kind changes a frame ------------------------------------------------------------------------------------------


PAINTS = {"glasses": 30, "mask": 215, "hand": 150, "half_face": 90}
"""The shapes on the face, with their gray values."""
SHAPES = tuple(PAINTS)
OVALS = {"glasses": ((0.28, 0.3, 0.22, 0.15), (0.72, 0.3, 0.22, 0.15)), "hand": ((0.2, 0.75, 0.4, 0.35),)}
"""Middle and half the size of round shapes, across and down the face."""
GLASSES_BRIDGE = ((0.28, 0.27), (0.72, 0.27))
"""Ends of the line between the two lenses."""
MASK_BOTTOM, MASK_HEIGHT = 1.05, 0.6
"""Upper edge of a mask of no size, below the chin, and the rise of that edge at full size."""
MASK_CHEEK = 0.85
"""Height at which the sides of a mask bend towards the chin."""
HALF_FACE_WIDTH = 0.6
"""Width of a half face at full size; it begins beside the face, so the middle is covered."""


def _occlusion(video: DegradedFrames, index: int, share: float, shape: str = "") -> Image:
    """A shape on the face, drawn for the video unless it is named."""
    image = np.array(video.clean[index])
    drawn_shape = shape or SHAPES[int(video.make_generator("shape").integers(len(SHAPES)))]
    behind = covered_pixels(video, drawn_shape, image.shape, share)
    image[behind] = np.median(image, axis=(0, 1)) if video.on_map else PAINTS[drawn_shape]
    return image


def covered_pixels(video: DegradedFrames, shape: str, size: tuple[int, ...], share: float) -> NDArray[np.bool_]:
    """The pixels of a frame behind a shape, (H, W).

    Args:
        video: frames with a face, on whose left or right, drawn for the video, a shape of one side lies.
        shape: name in `SHAPES`.
        size: size of the frame, (H, W, …).
        share: part of the full size. At 1 glasses cover eyes and brows, a mask reaches from chin to nose, a hand covers half
            of mouth and cheek, `half_face` half of the face.
    """
    mask = np.zeros(size[:2], np.uint8)
    x0, y0, x1, y1 = video.face
    across = x1 - x0
    down = y1 - y0
    on_the_left = video.make_generator("side").random() < 0.5

    def at(x: float, y: float) -> tuple[int, int]:
        """The pixel at a share of the face's width and height."""
        return round(x0 + across * (x if on_the_left else 1 - x)), round(y0 + down * y)

    for x, y, wide, high in OVALS.get(shape, ()):
        half_size = round(wide * share * across), round(high * share * down)
        cv2.ellipse(mask, at(x, y), half_size, 0, 0, 360, 1, -1)
    if shape == "glasses":
        left_end, right_end = GLASSES_BRIDGE
        cv2.line(mask, at(*left_end), at(*right_end), 1, max(1, across // 40))
    elif shape == "mask":
        top = MASK_BOTTOM - MASK_HEIGHT * share
        cheek = max(MASK_CHEEK, top + 0.1)
        rim = ((0.5, top), (0.95, top + 0.08), (0.9, cheek), (0.5, 1.1), (0.1, cheek), (0.05, top + 0.08))
        cv2.fillPoly(mask, [np.array([at(x, y) for x, y in rim])], 1)
    elif shape == "half_face":
        cv2.rectangle(mask, at(-0.1, -0.3), at(-0.1 + HALF_FACE_WIDTH * share, 1.1), 1, -1)
    return mask.astype(bool)


WORN_PAINTS: dict[Worn, tuple[int, int]] = {"sunglasses": (20, 110), "face_mask": (40, 240)}
"""Darkest and lightest gray value of worn things; one is drawn for each video."""


def _wear(video: DegradedFrames, index: int, share: float, thing: Worn) -> Image:
    """A frame with a worn thing on the face, of one gray."""
    image = np.array(video.clean[index])
    behind = worn_pixels(thing, image.shape, video.face, video.landmarks, share)
    darkest, lightest = WORN_PAINTS[thing]
    gray = int(video.make_generator("paint").integers(darkest, lightest + 1))
    image[behind] = np.median(image, axis=(0, 1)) if video.on_map else gray
    return image


def _block(video: DegradedFrames, index: int, share: float) -> Image:
    """A frame with a black rectangle at a place drawn for the video."""
    image = np.array(video.clean[index])
    across, down = video.make_generator("place").random(2).tolist()
    behind = block_pixels(image.shape, video.face, video.landmarks, share, (across, down))
    image[behind] = np.median(image, axis=(0, 1)) if video.on_map else 0
    return image


FACE_SHAPE = 7 / 13
"""Width over height of a face of `resolution`: the coarsest one has 7 by 13 pixels."""


def _resolution(video: DegradedFrames, index: int, height: float) -> Image:
    """A frame enlarged from a face `height` pixels high; a smaller face stays unchanged."""
    image = video.clean[index]
    _, top, _, chin = video.face
    size = image.shape[1::-1]
    shares = height * FACE_SHAPE / video.face_width, height / max(chin - top, 1)
    small_size = [max(1, round(n * min(1.0, share))) for n, share in zip(size, shares)]
    small = cv2.resize(image, small_size, interpolation=cv2.INTER_AREA)
    if video.degradation.model:
        small = cv2.merge([video.enlarge(plane) for plane in cv2.split(small)])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)).reshape(image.shape)


def _jpeg(video: DegradedFrames, index: int, quality: float) -> Image:
    """A frame after compression."""
    _, coded = cv2.imencode(".jpg", video.clean[index], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED))


def _h264(video: DegradedFrames, index: int, crf: float) -> Image:
    """A frame of the compressed video, its lost last row or column repeated."""
    coded = video.coded_frames[index]
    missing_rows, missing_columns = np.subtract(video.clean[index].shape, coded.shape)[:2].tolist()
    return np.asarray(cv2.copyMakeBorder(coded, 0, missing_rows, 0, missing_columns, cv2.BORDER_REPLICATE))


def _blur(video: DegradedFrames, index: int, share: float) -> Image:
    """A frame under a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(video.clean[index], (0, 0), share * video.face_width))


OUT_OF_FOCUS = 0.03
"""Standard deviation of the blur of frames out of focus, a share of the face's width."""


def _blur_some_frames(video: DegradedFrames, index: int, share: float) -> Image:
    """A frame, out of focus with a probability."""
    out_of_focus = video.make_generator(index).random() < share
    return _blur(video, index, OUT_OF_FOCUS) if out_of_focus else video.clean[index]


def _noise(video: DegradedFrames, index: int, spread: float) -> Image:
    """A frame with Gaussian noise of `spread` gray values; scikit-image adds it to values from 0 to 1."""
    variance = (spread / 255) ** 2
    noisy = skimage.util.random_noise(video.clean[index], "gaussian", rng=video.make_generator(index), var=variance)
    return np.asarray(np.rint(255 * noisy), np.uint8)


def _light(video: DegradedFrames, index: int, depth: float) -> Image:
    """A frame under a lamp that breathes in two seconds."""
    phase = video.make_generator().random() + index / (2 * video.fps)
    return _dim(video, index, 1 - depth * (0.5 - 0.5 * math.cos(2 * math.pi * phase)))


def _dim(video: DegradedFrames, index: int, gain: float) -> Image:
    """A frame of which all gray values are multiplied."""
    return np.asarray((video.clean[index] * gain).round(), np.uint8)


def _repeat_before_lost_frames(video: DegradedFrames, index: int, share: float) -> Image:
    """A frame, or the last one before it that is not lost."""
    return video.clean[int(video.shown_frames[index])]


def _double_some_frames(video: DegradedFrames, index: int, every: float) -> Image:
    """The frame; at every `every`-th index the one before it."""
    repeats_one_before = index % every == every - 1
    return video.clean[index - 1 if repeats_one_before else index]


def _rate(video: DegradedFrames, index: int, every: float) -> Image:
    """A frame of a camera that records each `every`-th one."""
    return _mix_frames(video, index, int(every))


def _double_rate(video: DegradedFrames, index: int, level: float) -> Image:
    """A frame of a camera that records twice as many a second."""
    return _mix_frames(video, index / 2)


def _mix_frames(video: DegradedFrames, frame: float, every: int = 1) -> Image:
    """The image at a fractional frame number, mixed from neighbours among each `every`-th frame."""
    before = int(frame) // every * every
    after = min(before + every, len(video.clean) - 1)
    share = (frame - before) / every
    return np.asarray(cv2.addWeighted(video.clean[before], 1 - share, video.clean[after], share, 0))


SLOWEST_SWAY, FASTEST_SWAY = 0.2, 0.6
"""Range of the head's waves of `motion`, in waves a second."""
TURN = 0.5
"""Turn of the head of `motion`, in radians, where it sways by a face's width."""


def _motion(video: DegradedFrames, index: int, share: float) -> Image:
    """The head sways: three slow waves, two shifts and a turn, all 0 in the first frame."""
    draws = video.make_generator()
    rate = draws.uniform(SLOWEST_SWAY, FASTEST_SWAY, 3)
    phase = draws.uniform(0, 2 * math.pi, 3)
    seconds = index / video.fps
    x, y, turn = share * (np.sin(2 * math.pi * rate * seconds + phase) - np.sin(phase))
    x0, y0, x1, y1 = video.face
    matrix = cv2.getRotationMatrix2D(((x0 + x1) / 2, (y0 + y1) / 2), math.degrees(TURN * turn), 1.0)
    shift = np.array([[0, 0, video.face_width * x], [0, 0, video.face_width * y]])
    return _warp(video.clean[index], matrix + shift)


def _shift(video: DegradedFrames, index: int, pixels: float) -> Image:
    """A frame to the right and down."""
    return _warp(video.clean[index], [[1, 0, pixels], [0, 1, pixels]])


def _shifted_landmarks(video: DegradedFrames, points: Landmarks) -> Landmarks:
    return points + video.degradation.level


def _warp(image: Image, matrix: Any) -> Image:
    """A frame under an affine map, its edge repeated beyond it."""
    return np.asarray(cv2.warpAffine(image, np.float64(matrix), image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))


def _mirror(video: DegradedFrames, index: int, level: float) -> Image:
    """A frame whose left and right are exchanged."""
    return np.ascontiguousarray(video.clean[index][:, ::-1])


_SIDES = RIGHT_OF | {right: left for left, right in RIGHT_OF.items()}
MIRRORED_POINTS = [_SIDES.get(n, n) for n in range(68)]
"""The landmark on the other side of the face, for each of the 68."""


def _mirrored_landmarks(video: DegradedFrames, points: Landmarks) -> Landmarks:
    width = video.clean[0].shape[1]
    return np.array([width - 1, 0]) + points[MIRRORED_POINTS] * [-1, 1]


def _still(video: DegradedFrames, index: int, level: float) -> Image:
    """The first frame."""
    return video.clean[0]


def _padding(video: DegradedFrames, index: int, seconds: float) -> Image:
    """A frame of a video that begins with the first one standing."""
    n_added = video.degradation.new_index(0, video.video.fps)
    return video.clean[max(0, index - n_added)]


# -- the kinds --------------------------------------------------------------------------------------------------------------


_COVER = (0.3, 0.45, 0.6, 0.8, 1.0)
_ANY = (1.0,) * 5  # all strengths are one
KINDS = {
    "occlusion": Kind(
        _COVER,
        _occlusion,
        "one of the four shapes below lies on the face",
        "one of the four below, drawn for each video; share of its full size",
        maps=True,
    ),
    "glasses": Kind(
        _COVER,
        partial(_occlusion, shape="glasses"),
        "dark glasses lie on the face",
        "share of its full size",
        maps=True,
    ),
    "mask": Kind(
        _COVER,
        partial(_occlusion, shape="mask"),
        "a mask covers the face from the chin up",
        "share of its full size",
        maps=True,
    ),
    "hand": Kind(
        _COVER,
        partial(_occlusion, shape="hand"),
        "a hand lies on cheek and mouth",
        "share of its full size",
        maps=True,
    ),
    "half_face": Kind(
        _COVER,
        partial(_occlusion, shape="half_face"),
        "one side of the face is covered",
        "share of its full size",
        maps=True,
    ),
    "sunglasses": Kind(
        _COVER,
        partial(_wear, thing="sunglasses"),
        "sunglasses lie on the face, as a public generator places them",
        "share of their full size",
        maps=True,
    ),
    "face_mask": Kind(
        _COVER,
        partial(_wear, thing="face_mask"),
        "a mask lies on the face, as the same generator places it",
        "share of its full size",
        maps=True,
    ),
    "block": Kind(
        (0.1, 0.2, 0.3, 0.4, 0.5),
        _block,
        "a black rectangle lies on the face, as the same generator places it",
        "share of the area of the face",
        maps=True,
    ),
    "resolution": Kind(
        (104, 52, 39, 26, 13),
        _resolution,
        "the face is made small and enlarged again, by cubic interpolation or a network",
        "height of the face in pixels; it is 7/13 as wide",
        maps=True,
    ),
    "jpeg": Kind((60, 40, 20, 10, 5), _jpeg, "each frame is compressed", "JPEG quality of each frame"),
    "h264": Kind((23, 30, 36, 42, 48), _h264, "the video is compressed", "CRF of x264"),
    "blur": Kind(
        (0.005, 0.01, 0.02, 0.03, 0.05),
        _blur,
        "each frame is blurred",
        "standard deviation, share of the face's width",
        maps=True,
    ),
    "noise": Kind(
        (2, 5, 10, 20, 40),
        _noise,
        "gray values are noisy",
        "standard deviation in gray values, new in each frame",
        maps=True,
    ),
    "light": Kind(
        (0.05, 0.1, 0.2, 0.4, 0.6),
        _light,
        "light is lost and comes back",
        "share of the light that is lost and comes back every two seconds",
        drawn="columns",
    ),
    "dropped": Kind(
        (0.05, 0.1, 0.2, 0.35, 0.5),
        _repeat_before_lost_frames,
        "frames are lost",
        "share of frames lost in bursts of three, less where bursts overlap, while the last one stands",
        drawn="bars",
    ),
    "doubled": Kind(
        (20, 10, 6, 4, 2),
        _double_some_frames,
        "a frame is shown twice instead of its successor",
        "every n-th frame repeats the one before it",
        drawn="bars",
    ),
    "blurred": Kind(
        (0.05, 0.1, 0.2, 0.35, 0.5),
        _blur_some_frames,
        "single frames are out of focus",
        "share of frames that are out of focus",
        drawn="bars",
    ),
    "rate": Kind(
        (2, 3, 4, 6, 8),
        _rate,
        "the camera records fewer frames",
        "one frame in n is recorded, the others are mixed from two",
        drawn="bars",
    ),
    "motion": Kind(
        (0.005, 0.01, 0.02, 0.04, 0.08),
        _motion,
        "the head sways and turns slowly",
        "sway of the head, share of the face's width",
        drawn="columns",
    ),
    "mirror": Kind(
        _ANY,
        _mirror,
        "the picture is mirrored",
        "left and right change places",
        answer="the same intervals and classes",
        landmarks=_mirrored_landmarks,
    ),
    "shift": Kind(
        (1, 2, 4, 6, 8),
        _shift,
        "the picture moves",
        "pixels to the right and down",
        answer="the same",
        landmarks=_shifted_landmarks,
    ),
    "brightness": Kind(
        (0.9, 0.8, 0.7, 0.6, 0.5), _dim, "the picture is darker", "factor of all gray values", answer="the same"
    ),
    "still": Kind(
        _ANY,
        _still,
        "nothing moves",
        "the first frame stands: nothing is to be spotted",
        answer="nothing is spotted; left out where nothing ever is",
        empties=True,
    ),
    "padding": Kind(
        (0.2, 0.4, 0.6, 0.8, 1.0),
        _padding,
        "the first frame stands before the video",
        "seconds for which the first frame stands before",
        answer="the same, that much later",
        new_index=lambda frame, seconds, fps: frame + round(seconds * fps),
    ),
    "double_rate": Kind(
        _ANY,
        _double_rate,
        "the camera records more frames",
        "twice as many frames a second, mixed from their neighbours",
        answer="the same, at twice the frame numbers",
        new_index=lambda frame, level, fps: 2 * frame,
    ),
}
"""All kinds by name; degradations, then relations, each in the order of help, pages and measurements."""


def degradation_names() -> list[str]:
    """The kinds that degrade a video."""
    return [name for name, kind in KINDS.items() if not kind.answer]


def relation_names() -> list[str]:
    """The kinds that should leave the answer unchanged."""
    return [name for name, kind in KINDS.items() if kind.answer]
