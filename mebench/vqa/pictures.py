"""The pictures of a clip that a model sees: frames, face crops, coloured flow, differences, strips, magnified motion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, Frames, Video
from mebench.errors import ConfigError, DataError, check_known
from mebench.features.faces import FaceCrop, Reference
from mebench.features.flow import Flow
from mebench.features.sequence import Magnify
from mebench.vqa.questions import QuestionCells, clip_of, name_of_video

Picture = NDArray[np.uint8]
"""(H, W, 3), R, G, B."""
SEES: Mapping[str, str] = {
    "frames": "frames of one video of a face, in their order",
    "crops": "face crops of one video, in their order",
    "flow": "optical flow of the face, each from the first to a later moment of one video: hue is direction, brightness is speed",
    "difference": "differences of the face between the first and a later moment of one video, times four around gray",
    "strip": "one strip of face crops of one video, from left to right",
    "magnified": "face crops of one video with magnified motion, in their order",
    "none": "no picture",
}
"""Kinds of pictures, as the prompt describes them."""
Apex = Literal["known", "spotted", "even"]
APEXES: Mapping[str, str] = {
    "even": "moments are evenly placed; no apex is used",
    "known": "the annotated apex is one of the moments: a hint that no one has outside a dataset",
    "spotted": "the moment whose crop differs most from the first and the last one is one of the moments",
}
DIFFERENCE_GAIN = 4
LONG_SECONDS = 4.0


@dataclass(frozen=True)
class PictureSettings:
    """What a model sees of a clip.

    Attributes:
        see: some of `SEES`, in the order in which they are sent.
        moments: number of moments of a clip, or of each window of a long video.
        size: longer side of a picture in pixels; larger ones are reduced.
        apex: one of `APEXES`.
        windows: number of windows of a long video, each with its moments, after an overview of the whole; 1 for the overview alone.
    """

    see: tuple[str, ...] = ("frames",)
    moments: int = 8
    size: int = 448
    apex: Apex = "even"
    windows: int = 1

    def __post_init__(self) -> None:
        for one in self.see:
            check_known("--see", one, SEES)
        check_known("--apex", self.apex, APEXES)
        if not self.see or ("none" in self.see and len(self.see) > 1) or len(set(self.see)) < len(self.see):
            raise ConfigError("--see names each kind of picture once, such as --see crops,flow, or is none alone")

    def list_facts(self) -> dict[str, object]:
        """The settings as facts of a row."""
        see = [one for one in self.see if one != "none"]
        if not see:
            return {"see": []}
        windows = {"windows": self.windows} if self.windows > 1 else {}
        return {"see": see, "pictures": self.moments, "size": self.size, "apex": self.apex, **windows}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The settings that `facts` wrote down.

        >>> PictureSettings.from_facts(PictureSettings(("flow",), 3).list_facts()) == PictureSettings(("flow",), 3)
        True
        """
        see = tuple(facts["see"]) or ("none",)
        names = {"pictures": "moments", "size": "size", "apex": "apex", "windows": "windows"}
        return cls(see, **{field: facts[name] for name, field in names.items() if name in facts})

    def describe(self) -> str:
        """The pictures in words, for the prompt."""
        if self.see == ("none",):
            return "There is no image."
        parts = [f"{SEES[one]}" for one in self.see]
        return f"The images are {'; then '.join(parts)}."


def choose_moments(first: int, last: int, n: int, apex: int | None = None) -> list[int]:
    """Frames of `n` moments, evenly spaced from the first to the last; fewer if there are fewer frames.

    With an apex, the moment nearest to it, but neither the first nor the last one, becomes the apex.

    >>> choose_moments(10, 20, 3), choose_moments(4, 5, 8), choose_moments(10, 20, 3, apex=13)
    ([10, 15, 20], [4, 5], [10, 13, 20])
    """
    moments = sorted({round(float(x)) for x in np.linspace(first, last, max(n, 1))})
    if apex is None or len(moments) < 3 or not first < apex < last:
        return moments
    nearest = min(moments[1:-1], key=lambda moment: abs(moment - apex))
    return sorted({*moments} - {nearest} | {apex})


class ClipPictures:
    """The pictures of one clip, or of one long video.

    Args:
        dataset: the dataset.
        video: the video.
        span: the first and the last frame of the clip.
        apex: the annotated apex, or None.
        settings: kinds and number of pictures.
    """

    def __init__(
        self, dataset: Dataset, video: Video, span: tuple[int, int], apex: int | None, settings: PictureSettings
    ) -> None:
        self._settings = settings
        self._video = video
        self._first, self._last = span
        self._apex = apex
        self._frames: Frames = dataset.frames(video)
        self._landmarks = dataset.landmarks(video)
        self._color_crop = FaceCrop(size=min(settings.size, 224), color=True, margin=0.1)
        self._gray_crop = FaceCrop(size=min(settings.size, 224), margin=0.1)

    def draw(self) -> list[Picture]:
        """All pictures, in the order in which they are sent."""
        if self._settings.see == ("none",):
            return []
        pictures: list[Picture] = []
        for moments in self.choose_moments():
            for kind in self._settings.see:
                pictures += DRAWN[kind](self, moments)
        return [self._reduced(picture) for picture in pictures]

    def choose_moments(self) -> list[list[int]]:
        """The frames that are shown: of the whole, then of each window."""
        spans = [(self._first, self._last)]
        if self._settings.windows > 1:
            edges = np.linspace(self._first, self._last, self._settings.windows + 1).round().astype(int).tolist()
            spans += list(pairwise(edges))
        return [
            choose_moments(first, last, self._settings.moments, self._apex_of(first, last)) for first, last in spans
        ]

    def _apex_of(self, first: int, last: int) -> int | None:
        """The apex that is used between two frames; None if moments are evenly placed."""
        if self._settings.apex == "known":
            return self._apex
        if self._settings.apex == "spotted":
            return self._spotted_apex(first, last)
        return None

    def _spotted_apex(self, first: int, last: int) -> int | None:
        """The frame whose gray crop differs most from those of both ends."""
        tried = choose_moments(first, last, 64)
        if len(tried) < 3:
            return None
        crops = np.stack(self._cut(self._gray_crop, tried)).astype(np.int16)
        distance = sum(np.abs(crops - crops[end]).mean(axis=(1, 2)) for end in (0, -1))
        return tried[int(np.argmax(distance))]

    @cached_property
    def _face(self) -> Reference:
        """The face by which crops are taken."""
        return self._gray_crop.locate(self._frames, self._landmarks, self._video.key)

    def _cut(self, crop: FaceCrop, moments: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Crops of some frames."""
        pictures = (self._frames[moment] for moment in moments)
        return list(crop.cut(pictures, self._face, self._video.key))

    def frames(self, moments: Sequence[int]) -> list[Picture]:
        """Whole frames."""
        return [_to_rgb(self._frames[moment]) for moment in moments]

    def make_crops(self, moments: Sequence[int]) -> list[Picture]:
        """Face crops in colour."""
        return [_to_rgb(crop) for crop in self._cut(self._color_crop, moments)]

    def strip(self, moments: Sequence[int]) -> list[Picture]:
        """All crops side by side."""
        return [np.concatenate(self.make_crops(moments), axis=1)]

    def flow(self, moments: Sequence[int]) -> list[Picture]:
        """Coloured flow from the first moment to each later one; one picture for a clip of a single frame."""
        crops = self._cut(self._gray_crop, moments)
        flow = Flow("farneback")
        return [color_flow(flow.pair(crops[0], later)) for later in crops[1:] or crops]

    def draw_differences(self, moments: Sequence[int]) -> list[Picture]:
        """Differences of the first moment to each later one."""
        crops = [crop.astype(np.int16) for crop in self._cut(self._gray_crop, moments)]
        shown = [128 + DIFFERENCE_GAIN * (later - crops[0]) for later in crops[1:] or crops]
        return [_to_rgb(np.clip(picture, 0, 255).astype(np.uint8)) for picture in shown]

    def magnify_motion(self, moments: Sequence[int]) -> list[Picture]:
        """Crops with magnified motion, computed over all frames from the first to the last moment."""
        fps = self._video.fps
        if not fps:
            raise DataError(
                f"{self._video.key} has no frame rate, so its motion cannot be magnified: leave magnified out of --see"
            )
        if moments[-1] - moments[0] > LONG_SECONDS * fps:
            raise DataError(
                f"{self._video.key}: {moments[-1] - moments[0]} frames are too many to be magnified at once: use more --windows, or "
                "leave magnified out of --see"
            )
        crops = np.stack(self._cut(self._gray_crop, range(moments[0], moments[-1] + 1)))
        high = min(3.0, 0.45 * fps)
        magnified = Magnify(filter="butterworth", low=min(0.4, high / 2), high=high).apply(crops, fps)
        return [_to_rgb(magnified[moment - moments[0]]) for moment in moments]

    def _reduced(self, picture: Picture) -> Picture:
        """A picture of at most the set size; a strip may be as wide as its crops."""
        height, width = picture.shape[:2]
        longer = height if width > 2 * height else max(height, width)
        scale = self._settings.size / longer
        if scale >= 1:
            return picture
        return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


DRAWN: Mapping[str, Callable[[ClipPictures, Sequence[int]], list[Picture]]] = {
    "frames": ClipPictures.frames,
    "crops": ClipPictures.make_crops,
    "strip": ClipPictures.strip,
    "flow": ClipPictures.flow,
    "difference": ClipPictures.draw_differences,
    "magnified": ClipPictures.magnify_motion,
}


def _to_rgb(picture: NDArray[np.uint8]) -> Picture:
    """A gray picture, or one in B, G, R, in R, G, B."""
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(picture[..., 2::-1])


def color_flow(flow: NDArray[np.float32]) -> Picture:
    """A flow, (H, W, 2), as a picture: hue is direction, brightness is length up to its 99th percentile.

    >>> color_flow(np.zeros((2, 2, 2), np.float32)).max()
    np.uint8(0)
    """
    length, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1], angleInDegrees=True)
    full = max(float(np.percentile(length, 99)), 0.1)
    hsv = np.zeros((*flow.shape[:2], 3), np.uint8)
    hsv[..., 0] = (angle / 2).astype(np.uint8) % 180
    hsv[..., 1] = 255
    hsv[..., 2] = (255 * np.minimum(length / full, 1)).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


class PicturesOfQuestions:
    """A function from a question to the pictures of its clip; those of the last clip are kept, since six questions ask about it.

    Args:
        datasets: datasets that hold the clips.
        settings: kinds and number of pictures.
    """

    def __init__(self, datasets: Sequence[Dataset], settings: PictureSettings) -> None:
        self.settings = settings
        self._clips: dict[str, tuple[Dataset, Video, Expression | None]] = {}
        self._drawn_clip = ""
        self._drawn: list[Picture] = []
        for dataset in datasets:
            for video in dataset.videos():
                name = f"{video.dataset}/{name_of_video(video)}"
                self._clips[name] = dataset, video, None
                self._clips |= {f"{name}_{one.onset}": (dataset, video, one) for one in video.expressions}

    def __call__(self, row: QuestionCells) -> list[Picture]:
        """The pictures of a question's clip.

        Raises:
            DataError: the datasets have no such clip, or no face is found in it.
        """
        if self.settings.see == ("none",):
            return []
        clip = clip_of(row)
        if clip != self._drawn_clip:
            self._drawn = self._clip_pictures(row, clip).draw()
            self._drawn_clip = clip
        return self._drawn

    def frames_of(self, row: QuestionCells) -> list[int]:
        """The shown frames of a question's clip, in their order.

        Raises:
            DataError: the datasets have no such clip, or no face is found in it.
        """
        if self.settings.see == ("none",):
            return []
        return [moment for moments in self._clip_pictures(row, clip_of(row)).choose_moments() for moment in moments]

    def _clip_pictures(self, row: QuestionCells, clip: str) -> ClipPictures:
        """The pictures of a clip, not yet drawn."""
        if clip not in self._clips:
            raise DataError(f"the dataset has no clip {clip!r}, which a question names")
        dataset, video, expression = self._clips[clip]
        is_about_clip = "video" not in row
        if expression is None and is_about_clip and len(video.expressions) == 1:
            (expression,) = video.expressions
        settings = self.settings
        if expression is None:
            span = (0, len(dataset.frames(video)) - 1)
            apex = None
        else:
            span = (expression.onset, expression.offset)
            apex = expression.apex
        if is_about_clip:
            settings = PictureSettings(settings.see, settings.moments, settings.size, settings.apex)
        return ClipPictures(dataset, video, span, apex, settings)
