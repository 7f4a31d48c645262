"""Which libraries make the features, told without importing them."""

import functools
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Level, Step
from mebench.errors import ConfigError, DataError, unknown


@functools.cache
def opencv_version() -> str:
    """Version of the installed OpenCV with its contributed modules, part of every key of the feature store."""
    for package in ("opencv-contrib-python-headless", "opencv-contrib-python"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    import cv2  # installed some other way

    return str(cv2.__version__)


@functools.cache
def library_version(package: str) -> str:
    """Version of an installed package, part of the identity of the steps whose numbers it makes."""
    return version(package)


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


def check_choice(step: Step, field: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not one of `known` (ConfigError)."""
    value = getattr(step, field)
    if value not in known:
        raise ConfigError(unknown(f"{field} of {type(step).__name__}", str(value), known))


def check_integer(step: Step, field: str, low: int) -> None:
    """Refuse what is not a whole number of at least `low` (ConfigError)."""
    value = getattr(step, field)
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ConfigError(f"{field} of {type(step).__name__} must be a whole number of at least {low}, not {value!r}")


def resize(x: NDArray[Any], rows: int, cols: int, smooth: bool = False) -> FeatureMap:
    """Resize an (H, W, C) map to (rows, cols, C), float32.

    Bilinear, the resampling of the published programs. With `smooth`, shrinking averages over the pixels that an output
    pixel covers, so that nothing between the sampling points is lost.
    """
    import cv2

    shrinks = rows <= x.shape[0] and cols <= x.shape[1]
    how = cv2.INTER_AREA if smooth and shrinks else cv2.INTER_LINEAR
    # OpenCV drops a channel axis of length one.
    resized: FeatureMap = cv2.resize(np.asarray(x, np.float32), (cols, rows), interpolation=how)
    return resized.reshape(rows, cols, x.shape[2])
