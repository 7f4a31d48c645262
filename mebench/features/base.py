"""Which libraries make the features, told without importing them."""

import functools
import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from mebench.core import Level, Step
from mebench.errors import ConfigError, DataError, unknown


@functools.cache
def opencv_version() -> str:
    """Version of the installed OpenCV with its contributed modules, part of every key of the feature store."""
    return _version("cv2", "opencv-contrib-python-headless", "opencv-contrib-python")


@functools.cache
def dlib_version() -> str:
    """Version of the installed dlib, whose detector places the crops."""
    return _version("dlib", "dlib-bin", "dlib")


def _version(module: str, *packages: str) -> str:
    """Version of a module, told without importing it where it was installed as one of these packages."""
    for package in packages:
        with suppress(PackageNotFoundError):
            return version(package)
    return str(importlib.import_module(module).__version__)


Landmarks = NDArray[np.float64]
FeatureMap = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class SequenceStep(Step):
    """A step from the crops of a clip to other crops: magnified, or of another number. For chains of scope `clips`.

    Attributes:
        keeps_length: False for a step that changes the number of crops; only a volume step can follow it.
    """

    level: ClassVar[Level] = "sequence"
    keeps_length: ClassVar[bool] = True

    def apply(self, crops: Image, fps: float | None) -> Image:
        """Turn the crops of a clip into others.

        Args:
            crops: (n, H, W) gray, onset to offset, both included.
            fps: frames per second of the video, or None where nobody says.
        """
        raise NotImplementedError(f"{type(self).__name__} must define apply()")


@dataclass(frozen=True)
class ImageStep(Step):
    """A step from one crop to a feature, for each frame of a video (or the apex of a clip)."""

    level: ClassVar[Level] = "image"

    def apply(self, crop: Image) -> FeatureMap:
        """Turn an (H, W) gray crop into a feature (rows, cols, bins)."""
        raise NotImplementedError(f"{type(self).__name__} must define apply()")


@dataclass(frozen=True)
class VolumeStep(Step):
    """A step from the crops of a clip to one feature. For chains of scope `clips`."""

    level: ClassVar[Level] = "volume"

    def apply(self, crops: Image) -> FeatureMap:
        """Turn (n, H, W) gray crops into a feature (rows, cols, bins)."""
        raise NotImplementedError(f"{type(self).__name__} must define apply()")


@dataclass(frozen=True)
class MapStep(Step):
    """A step that works on each feature map alone."""

    level: ClassVar[Level] = "map"

    @property
    def needs_landmarks(self) -> bool:
        """Whether the numbers depend on landmarks; their hash then enters the key of what is stored."""
        return False

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Turn one map into the next.

        Args:
            x: (H, W, C) map, float.
            landmarks: (68, 2) points (x, y) in pixels of the face crop, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define apply()")

    def landmarks_from(self, landmarks: Landmarks | None, then: str) -> Landmarks:
        """The landmarks; a DataError that ends with the next step `then` if there are none, or not 68 points of numbers."""
        if landmarks is None:
            raise DataError(
                f"{type(self).__name__} needs 68 facial landmarks of the first frame and the dataset has none: {then}"
            )
        if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
            what = (
                f"{np.count_nonzero(~np.isfinite(landmarks).all(axis=1))} of them are not numbers"
                if landmarks.shape == (68, 2)
                else f"their shape is {landmarks.shape}"
            )
            raise DataError(f"{type(self).__name__} needs 68 facial landmarks (x, y) and {what}: {then}")
        return landmarks


def check_choices(step: Step, **known: Any) -> None:
    """Refuse a field whose value the `Literal` given under its name does not hold (ConfigError)."""
    for field, literal in known.items():
        if getattr(step, field) not in get_args(literal):
            what = f"{field} of {type(step).__name__}"
            raise ConfigError(unknown(what, str(getattr(step, field)), get_args(literal)))


def check_integers(step: Step, low: int, *names: str) -> None:
    """Refuse fields that are no whole number of at least `low` (ConfigError)."""
    for field in names:
        value = getattr(step, field)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise ConfigError(
                f"{field} of {type(step).__name__} must be a whole number of at least {low}, not {value!r}"
            )


def check_numbers(step: Step, what: str, within: Callable[[float], bool], *names: str) -> None:
    """Refuse fields that are no number, or not `within` a range, which `what` tells in words (ConfigError)."""
    for field in names:
        value = getattr(step, field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not within(value):
            raise ConfigError(f"{field} of {type(step).__name__} must be {what}, not {value!r}")


def resize(x: NDArray[Any], rows: int, cols: int, smooth: bool = False) -> FeatureMap:
    """Resize an (H, W, C) map to (rows, cols, C), float32.

    Bilinear, the resampling of the published programs. With `smooth`, shrinking averages over the pixels that an output
    pixel covers, so that nothing between the sampling points is lost.
    """
    import cv2

    how = cv2.INTER_AREA if smooth and rows <= x.shape[0] and cols <= x.shape[1] else cv2.INTER_LINEAR
    # OpenCV drops a channel axis of length one.
    resized: FeatureMap = cv2.resize(np.asarray(x, np.float32), (cols, rows), interpolation=how)
    return resized.reshape(rows, cols, x.shape[2])
