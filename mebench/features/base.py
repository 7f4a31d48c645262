"""Kinds of steps, and the libraries that they compute with, named without importing them."""

import functools
import importlib
import mmap
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.lib.introspect import opt_func_info
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from mebench.core import Step
from mebench.core.chain import Level
from mebench.errors import DataError
from mebench.lazy_imports import load_lazily
from mebench.old_names import take_hook_by_old_name

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")


@functools.cache
def opencv_version() -> str:
    """Version of the installed OpenCV with its contributed modules. It is part of every key of the feature store."""
    return _version("cv2", "opencv-contrib-python-headless", "opencv-contrib-python")


@functools.cache
def dlib_version() -> str:
    """Version of the installed dlib, whose detector places the crops."""
    return _version("dlib", "dlib-bin", "dlib")


@functools.cache
def processor() -> str:
    """The processor instructions that NumPy, OpenCV and their helpers choose.

    They decide the last bits of some numbers and are part of the keys of such features.
    """
    target = opt_func_info(func_name="^arctan2$", signature="float64")["arctan2"]
    numpy = "+".join(sorted({str(how["current"]) for how in target.values()}))
    opencv = "+".join(part.lstrip("*") for part in cv2.getCPUFeaturesLine().split() if part[0] not in "?-")
    ipp = f"{cv2.ipp.getIppVersion().partition(')')[0]})" if cv2.ipp.useIPP() else "no IPP"
    blas = [str(library.get("architecture")) for library in threadpool_info() if "numpy" in library["filepath"]]
    return f"numpy {numpy}, blas {'+'.join(blas)}, opencv {opencv}, {ipp}"


def _version(module: str, *packages: str) -> str:
    """The version of a module, without importing it where its package has metadata."""
    for package in packages:
        with suppress(PackageNotFoundError):
            return version(package)
    return str(importlib.import_module(module).__version__)


Landmarks = NDArray[np.float64]
FeatureMap = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class SequenceStep(Step, ABC):
    """A step from the crops of a clip to other crops, for example magnified ones. For chains of scope `clips`.

    Attributes:
        keeps_length: False for a step that changes the number of crops; only a volume step can follow it.
    """

    level: ClassVar[Level] = "sequence"
    keeps_length: ClassVar[bool] = True

    @abstractmethod
    def apply(self, crops: Image, fps: float | None) -> Image:
        """Turn the crops of a clip into others.

        Args:
            crops: (n, H, W) gray, onset to offset, both included.
            fps: frames per second of the video, or None if unknown.
        """


@dataclass(frozen=True)
class ImageStep(Step, ABC):
    """A step from one crop to a feature: of each frame, or a clip's apex."""

    level: ClassVar[Level] = "image"

    @abstractmethod
    def apply(self, crop: Image) -> FeatureMap:
        """Turn an (H, W) gray crop into a feature (rows, cols, bins)."""


@dataclass(frozen=True)
class VolumeStep(Step, ABC):
    """A step from the crops of a clip to one feature. For chains of scope `clips`."""

    level: ClassVar[Level] = "volume"

    @abstractmethod
    def apply(self, crops: Image) -> FeatureMap:
        """Turn (n, H, W) gray crops into a feature (rows, cols, bins).

        If no step follows, it may keep time: (time, rows, cols, channels). A network gets channels first: (bins, rows, cols), or
        (time, channels, rows, cols).
        """


@dataclass(frozen=True)
class MapStep(Step, ABC):
    """A step that works on each feature map alone."""

    level: ClassVar[Level] = "map"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        take_hook_by_old_name(cls, "back", "map_back", goes="0.5")

    @property
    def needs_landmarks(self) -> bool:
        """Whether the numbers depend on landmarks, whose hash then enters the store's key."""
        return False

    @abstractmethod
    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Turn one map into the next.

        Args:
            x: (H, W, C) map, float.
            landmarks: (68, 2) points (x, y) in pixels of the face crop, or None.
        """

    def map_back(
        self, heat: NDArray[np.float64], landmarks: Landmarks | None, height: int, width: int
    ) -> NDArray[np.float64]:
        """A heat map of this step's output, mapped back to its input; unchanged if the step moves no pixel.

        Args:
            heat: (h, w).
            landmarks: as for `apply`.
            height: height of the input, pixels.
            width: the same.

        Returns:
            (height, width), 0 where the step sees nothing.
        """
        return heat

    def landmarks_from(self, landmarks: Landmarks | None, then: str) -> Landmarks:
        """The landmarks; a DataError that ends with the next step `then` if there are none, or not 68 points of
        numbers.
        """
        if landmarks is None:
            raise DataError(
                f"{type(self).__name__} needs 68 facial landmarks of the first frame, but the dataset has none: {then}"
            )
        fault = ""
        if landmarks.shape != (68, 2):
            fault = f"their shape is {landmarks.shape}"
        elif not np.isfinite(landmarks).all():
            n_odd = np.count_nonzero(~np.isfinite(landmarks).all(axis=1))
            fault = f"{n_odd} of them are not numbers"
        if fault:
            raise DataError(f"{type(self).__name__} needs 68 facial landmarks (x, y) and {fault}: {then}")
        return landmarks


def release(array: NDArray[Any]) -> None:
    """Give the pages of a memory-mapped file back to the system; nothing happens to an array in memory.

    They stay in the system's cache for later reads but no longer count as memory of this process.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def resize_map(x: NDArray[Any], rows: int, cols: int, smooth: bool = False) -> FeatureMap:
    """Resize an (H, W, C) map to (rows, cols, C), float32. The bits are the same on every processor.

    Bilinear, the resampling of the published programs. With `smooth`, shrinking averages over the pixels that an output
    pixel covers, so that no pixel is skipped.
    """
    made = np.asarray(x, np.float32)
    mean = smooth and rows <= made.shape[0] and cols <= made.shape[1]
    for axis, n in ((0, rows), (1, cols)):
        total: Any = np.float32(0)
        for positions, weights in _samples(made.shape[axis], n, mean):
            total = total + made.take(positions, axis) * (weights[:, None, None] if axis == 0 else weights[:, None])
        made = np.asarray(total)
    return made


@functools.lru_cache(maxsize=256)
def _samples(length: int, n: int, mean: bool) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """For each of `n` new pixels along `length` old ones: pairs of an old pixel and its share."""
    ratio = length / n
    if not mean:
        position = (np.arange(n) + 0.5) * ratio - 0.5
        low = np.floor(position)
        part = position - low
        pairs = [(low, 1 - part), (low + 1, part)]
    else:
        start = np.arange(n) * ratio
        stop = np.arange(1, n + 1) * ratio
        olds = [np.floor(start) + k for k in range(int(np.ceil(ratio)) + 1)]
        pairs = [(old, (np.minimum(old + 1, stop) - np.maximum(old, start)).clip(0) / ratio) for old in olds]
    return [(old.clip(0, length - 1).astype(np.intp), share.astype(np.float32)) for old, share in pairs]


def angle_of(v: NDArray[Any], u: NDArray[Any]) -> NDArray[np.float64]:
    """The angle of (u, v) in radians, -pi to pi. Arithmetic alone computes it, since the rounding of libraries depends
    on the processor.

    The arctangent of the smaller over the larger is that of Cephes (Moshier 1989), with an error of 2e-16.
    """
    across = np.abs(u).astype(np.float64)
    down = np.abs(v).astype(np.float64)
    larger = np.maximum(across, down)
    t = np.divide(np.minimum(across, down), larger, out=np.zeros(larger.shape), where=larger > 0)
    far = t > 0.66
    x = np.where(far, (t - 1) / (t + 1), t)
    z = x * x
    above = np.zeros(z.shape)
    below = np.ones(z.shape)
    for p, q in _ATAN:
        above = above * z + p
        below = below * z + q
    angle = np.where(far, np.pi / 4, 0.0) + (x * (z * above / below) + x)
    angle = np.where(down > across, np.pi / 2 - angle, angle)
    angle = np.where(u < 0, np.pi - angle, angle)
    return np.asarray(np.where(v < 0, -angle, angle))


_ATAN = (  # of numerator and denominator, from the highest power on
    (-8.750608600031904122785e-1, 2.485846490142306297962e1),
    (-1.615753718733365076637e1, 1.650270098316988542046e2),
    (-7.500855792314704667340e1, 4.328810604912902668951e2),
    (-1.228866684490136173410e2, 4.853903996359136964868e2),
    (-6.485021904942025371773e1, 1.945506571482613964425e2),
)
