"""Texture of a clip on three orthogonal planes: the image (XY), and rows (XT) and columns (YT) over time."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, floor, pi, sin
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Range, Step
from mebench.core.options import check_ranges
from mebench.errors import ConfigError, DataError
from mebench.features.base import FeatureMap, Image, VolumeStep
from mebench.features.faces import FaceParams
from mebench.features.orientation import direction_bins
from mebench.features.sequence import Interpolate, Magnify
from mebench.features.texture import NEIGHBOURS, OVERLAP, Patterns, grid, n_patterns, unit_sum

T, Y, X = range(3)  # axes of a clip
AXES = ((X, Y), (X, T), (Y, T))


Codes = tuple[NDArray[np.intp], int, NDArray[Any] | None]
"""Codes of one plane: a number for each inner voxel of a clip, the number of bins, and the weight of each voxel."""


@dataclass(frozen=True)
class Top(VolumeStep):
    """Base of descriptors on three planes: one histogram for each plane and block, (rows, cols, bins).

    The clip is divided into blocks of rows, columns and frames. A histogram sums to 1. Those of the planes XY, XT and YT
    follow one another, and so do those of the slices.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        slices: number of blocks along time.
        overlap: the part of a block that it shares with the next along each axis, from 0 to below 1; the blocks grow by it.
    """

    least: ClassVar[Mapping[str, int]] = {"rows": 1, "cols": 1, "slices": 1}
    ranges: ClassVar[Mapping[str, Range]] = {"overlap": OVERLAP}

    rows: int = 5
    cols: int = 5
    slices: int = 1
    overlap: float = 0.0

    @property
    @abstractmethod
    def margin(self) -> tuple[int, int, int]:
        """Frames, rows and columns at each end of a clip that are not counted. Their voxels lack neighbours."""

    def planes(self, volume: NDArray[np.float32]) -> Iterator[Codes]:
        """Codes on the planes XY, XT and YT of an (n, H, W) clip."""
        raise NotImplementedError(f"{type(self).__name__} must define planes()")

    def shifted(self, volume: NDArray[np.float32], shift: Sequence[int] | NDArray[np.int_]) -> NDArray[np.float32]:
        """The inner voxels of an (n, H, W) clip, shifted by frames, rows and columns. The shift lies within the
        margin.
        """
        return volume[tuple(slice(m + s, n - m + s) for n, m, s in zip(volume.shape, self.margin, shift))]

    def apply(self, crops: Image) -> FeatureMap:
        """Histograms of (n, H, W) gray crops.

        Raises:
            DataError: the clip is too short, or the crops are too small, for the neighbours or for the blocks.
        """
        name = type(self).__name__
        blocks = (self.slices, self.rows, self.cols)
        for what, length, margin in zip(("frames", "rows", "columns"), crops.shape, self.margin):
            if length < 2 * margin + 1:
                then = "put Interpolate before it" if what == "frames" else "choose a larger FaceCrop"
                raise DataError(f"{name} needs at least {2 * margin + 1} {what} and the clip has {length}: {then}")
        cells = grid(crops.shape, blocks, self.overlap)
        planes = [unit_sum(cells.histograms(*codes)) for codes in self.planes(crops.astype(np.float32))]
        slices, rows, cols, _ = planes[0].shape
        histogram = np.concatenate(planes, axis=-1)
        return np.moveaxis(histogram, 0, 2).reshape(rows, cols, slices * histogram.shape[-1]).astype(np.float32)


@dataclass(frozen=True)
class LbpTop(Top):
    """Local binary patterns on three orthogonal planes, (rows, cols, slices * 3 * n_patterns). They are those of Zhao
    and Pietikäinen (2007).

    Neighbour i lies at the angle 2 pi i / p on an ellipse with the radii of the plane's axes, interpolated bilinearly, and
    sets bit i if it is not darker than the centre. Voxels without all neighbours on all planes are not counted.

    Attributes:
        p: number of neighbours, up to 16; 8 and 4 are usual.
        rx: radius along the rows in pixels.
        ry: radius along the columns in pixels.
        rt: radius in time in frames.
        patterns: `uniform` counts each pattern with at most two changes around the circle by itself and all others
            together: p (p - 1) + 3 patterns, 59 for 8 neighbours. `full` counts all 2 ** p.
    """

    output_unit: ClassVar[str] = "shares of a block"
    least: ClassVar[Mapping[str, int]] = {**Top.least, "p": 2, "rx": 1, "ry": 1, "rt": 1}
    ranges: ClassVar[Mapping[str, Range]] = {**Top.ranges, "p": NEIGHBOURS}

    p: int = 8
    rx: int = 1
    ry: int = 1
    rt: int = 1
    patterns: Patterns = "uniform"

    @property
    def margin(self) -> tuple[int, int, int]:
        """The radii."""
        return self.rt, self.ry, self.rx

    def planes(self, volume: NDArray[np.float32]) -> Iterator[Codes]:
        """Patterns of the inner voxels."""
        labels = _labels(self.p, self.patterns)
        centre = self.shifted(volume, (0, 0, 0))
        for first, second in AXES:
            patterns = np.zeros(centre.shape, np.intp)
            for bit in range(self.p):
                angle = 2 * pi * bit / self.p
                # As in scikit-image, the angle turns from right to up: against the second axis. Rounded, so that a neighbour
                # on a voxel is that voxel.
                a = round(self.margin[first] * cos(angle), 5)
                b = round(-self.margin[second] * sin(angle), 5)
                above = np.zeros(centre.shape, np.float32)
                for (da, wa), (db, wb) in product(_either_side(a), _either_side(b)):
                    shift = [0, 0, 0]
                    shift[first], shift[second] = da, db
                    above += np.float32(wa * wb) * (self.shifted(volume, shift) - centre)
                # Differences that cancel are equal, however they were rounded; others are larger for whole gray values.
                patterns |= (above >= -1e-4).astype(np.intp) << bit
            yield labels[patterns], n_patterns(self.p, self.patterns), None


def _either_side(x: float) -> list[tuple[int, float]]:
    """The whole numbers around a coordinate with their bilinear weights; a single one for a whole coordinate.

    >>> _either_side(-1.0), _either_side(0.25)
    ([(-1, 1.0)], [(0, 0.75), (1, 0.25)])
    """
    low = floor(x)
    part = x - low
    return [(low, 1 - part), (low + 1, part)] if part else [(low, 1.0)]


@functools.cache
def _labels(p: int, patterns: Patterns) -> NDArray[np.intp]:
    """The bin of each of the 2 ** p patterns: uniform ones in the order of their bits, then all others."""
    codes = np.arange(2**p)
    if patterns == "full":
        return codes
    turned = (codes >> 1) | ((codes & 1) << (p - 1))
    uniform = np.bitwise_count(codes ^ turned) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, n_patterns(p, patterns) - 1)


@dataclass(frozen=True)
class HogTop(Top):
    """Histograms of oriented gradients on three orthogonal planes (Li et al. 2018), (rows, cols, slices * 3 * bins).

    The gradient is the difference of the two neighbours along each axis. Its direction on a plane is counted with its
    length there. The outermost voxels are not counted; a block without gradient (0/0) is all 0.

    Attributes:
        bins: number of directions from -180 to 180 degrees; one between two bins belongs to the upper one.
    """

    version: ClassVar[int] = 2  # from 1: angles and lengths by arithmetic alone
    weighted: ClassVar[bool] = True
    margin: ClassVar[tuple[int, int, int]] = (1, 1, 1)
    least: ClassVar[Mapping[str, int]] = {**Top.least, "bins": 1}

    bins: int = 8

    def planes(self, volume: NDArray[np.float32]) -> Iterator[Codes]:
        """Directions of the gradient at the inner voxels."""
        along = [self.shifted(volume, step) - self.shifted(volume, -step) for step in np.eye(3, dtype=int)]
        for first, second in AXES:
            a, b = along[first], along[second]
            length = np.sqrt(a * a + b * b)
            yield direction_bins(a, b, self.bins), self.bins, length if self.weighted else length > 0


@dataclass(frozen=True)
class HigoTop(HogTop):
    """Histograms of image gradient orientation on three orthogonal planes (Li et al. 2018).

    As `HogTop`, but each voxel with a gradient counts 1.
    """

    weighted: ClassVar[bool] = False


def check_c(name: str, c: float | None) -> None:
    """Refuse a C of a support vector machine that is not above 0 (ConfigError); None stands for cross-validation."""
    if c is not None and not 0 < c < float("inf"):
        raise ConfigError(f"{name} must be a number above 0, or null to choose it by cross-validation, not {c!r}")


Plane = Literal["xy", "xt", "yt"]
PLANES: tuple[Plane, ...] = ("xy", "xt", "yt")
"""The planes in the order in which a feature holds them: the image, and a row and a column over time."""


@dataclass(frozen=True)
class SvmParams(FaceParams, ABC):
    """Parameters of the linear SVM; a subclass adds those of the vector that it reads.

    Attributes:
        c: C of the linear SVM; null chooses it by five-fold cross-validation of the training clips.
        class_weight: `balanced` makes rare classes count as much as frequent ones; null weighs all clips alike.
        standardise: bring each number of the vector to mean 0 and standard deviation 1 over the training clips first.
    """

    c: float | None = None
    class_weight: Literal["balanced"] | None = None
    standardise: bool = False

    def __post_init__(self) -> None:
        """Check the ranges, including those of the steps."""
        super().__post_init__()
        check_c("method.c", self.c)
        self.steps()

    @abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """The steps from frames to the vector.

        Raises:
            ConfigError: one of their parameters is out of range.
        """


@dataclass(frozen=True)
class VolumeParams(SvmParams):
    """Parameters of the SVM, the preparation of a clip and the grid of blocks.

    Attributes:
        magnify: filter of the Eulerian motion magnification: `butterworth` works on clips of any length; `ideal` is sharper,
            and refuses clips that are too short to hold a frequency from `low` to `high`; `none` leaves magnification out.
        alpha: strength of the magnification: 8 adds eight times the motion.
        low: lowest frequency that is magnified, in Hz.
        high: highest frequency that is magnified, in Hz; below half the frame rate for `butterworth`.
        levels: how often the frames are halved for the magnification.
        length: frames to which temporal interpolation brings each clip.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        slices: number of blocks along time.
        overlap: part of a block that it shares with the next, from 0 to below 1.
    """

    magnify: Literal["none", "butterworth", "ideal"] = "butterworth"
    alpha: float = 8.0
    low: float = 0.4
    high: float = 3.0
    levels: int = 4
    length: int = 10
    rows: int = 5
    cols: int = 5
    slices: int = 1
    overlap: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_ranges(self, not_negative=("alpha",))
        super().__post_init__()
        needed = max(2 * self.feature().margin[0] + 1, self.slices)
        if self.length < needed:
            raise ConfigError(
                f"method.length must be at least {needed} frames for this feature and its blocks, not {self.length}"
            )

    @abstractmethod
    def feature(self) -> Top:
        """The step that turns the prepared crops into histograms.

        Raises:
            ConfigError: one of its parameters is out of range.
        """

    def steps(self) -> tuple[Step, ...]:
        """The steps from frames to histograms."""
        band = self.alpha, self.low, self.high, self.levels
        magnified = () if self.magnify == "none" else (Magnify(*band, filter=self.magnify),)
        return self.face(), *magnified, Interpolate(self.length), self.feature()


@dataclass(frozen=True)
class TopParams(VolumeParams):
    """Parameters with a choice of planes.

    Attributes:
        planes: those whose histograms are used, of `xy` (the image), `xt` and `yt` (movement along rows and columns).
    """

    planes: tuple[Plane, ...] = PLANES

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if not self.planes or list(self.planes) != [plane for plane in PLANES if plane in self.planes]:
            raise ConfigError(
                f"method.planes must be some of {list(PLANES)}, each once and in that order, not {list(self.planes)}"
            )
