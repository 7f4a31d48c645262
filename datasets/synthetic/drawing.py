"""A canvas that is painted with soft shapes. Positions and lengths are in face widths, from the middle of the frame."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")


Floats = NDArray[np.float32]


class Patch(NamedTuple):
    """A soft shape: its coverage of each pixel of a window, 0 to 1."""

    rows: slice
    cols: slice
    alpha: Floats


def curve(points: ArrayLike, closed: bool = False, n: int = 80) -> NDArray[np.float64]:
    """A smooth line of `n` points, (n, 2), through the given ones (cubic spline over chord length)."""
    from scipy.interpolate import CubicSpline  # readers of landmarks do not need it

    nodes = np.asarray(points, dtype=np.float64)
    if closed:
        nodes = np.vstack([nodes, nodes[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(nodes, axis=0), axis=1)))])
    spline = CubicSpline(along, nodes, bc_type="periodic" if closed else "natural")
    smooth: NDArray[np.float64] = spline(np.linspace(0, along[-1], n))
    return smooth


def shifted(points: NDArray[np.float64], dx: float, dy: float) -> NDArray[np.float64]:
    """Points, (..., 2), moved."""
    moved: NDArray[np.float64] = points + np.array([dx, dy])
    return moved


def ellipse(
    x: float, y: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0, n: int = 80
) -> NDArray[np.float64]:
    """An arc of an ellipse, (n, 2); degrees run clockwise from the right."""
    t = np.deg2rad(np.linspace(start, end, n))
    return np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], axis=1)


def value_noise(random: np.random.RandomState, size: int, octaves: int, base: int, persistence: float = 0.6) -> Floats:
    """Smooth noise of unit variance, (size, size); `base` cells across in the first octave, then twice as many."""
    total = np.zeros((size, size), np.float32)
    amplitude, cells = 1.0, base
    for _ in range(octaves):
        grid = random.standard_normal((cells + 1, cells + 1)).astype(np.float32)
        total += np.float32(amplitude) * cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        amplitude, cells = amplitude * persistence, min(2 * cells, size)
    noise: Floats = (total / (total.std() + 1e-6)).astype(np.float32)
    return noise


class Canvas:
    """A square picture in B, G, R, float32, 0 to 1.

    Attributes:
        size: height and width in pixels.
        unit: pixels per face width.
        image: (size, size, 3).
        x: abscissa of each column, (size,).
        y: ordinate of each row, (size,).
    """

    def __init__(self, size: int, unit: float) -> None:
        self.size = size
        self.unit = unit
        self.image: Floats = np.zeros((size, size, 3), np.float32)
        self.x: Floats = ((np.arange(size) - (size - 1) / 2) / unit).astype(np.float32)
        self.y: Floats = self.x.copy()

    def blob(self, x: float, y: float, rx: float, ry: float) -> Patch:
        """A Gaussian with standard deviations `rx` and `ry`."""
        rows, cols = self._span(y - 4 * ry, y + 4 * ry), self._span(x - 4 * rx, x + 4 * rx)
        alpha = np.outer(np.exp(-(((self.y[rows] - y) / ry) ** 2) / 2), np.exp(-(((self.x[cols] - x) / rx) ** 2) / 2))
        return Patch(rows, cols, alpha.astype(np.float32))

    def fill(self, outline: NDArray[np.float64], soft: float = 0.004) -> Patch:
        """The inside of a closed outline, (n, 2), with an edge blurred by `soft`."""
        return self._raster(outline, soft, None)

    def stroke(self, line: NDArray[np.float64], width: float, soft: float = 0.004) -> Patch:
        """A line, (n, 2), of the given width with a blurred edge."""
        return self._raster(line, soft, width)

    def hairs(self, starts: NDArray[np.float64], ends: NDArray[np.float64], soft: float = 0.003) -> Patch:
        """Many thin straight lines, each (n, 2) to (n, 2)."""
        rows, cols, origin = self._window(np.vstack([starts, ends]), 4 * soft)
        alpha = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.uint8)
        lines = np.stack([self._fixed(starts, origin), self._fixed(ends, origin)], axis=1)
        for line in lines:
            cv2.line(alpha, line[0].tolist(), line[1].tolist(), 255, 1, cv2.LINE_AA, 3)
        return Patch(rows, cols, self._soften(alpha, soft))

    def paint(self, patch: Patch, colour: ArrayLike, amount: float = 1.0) -> None:
        """Cover a shape with a colour, or with a picture of the whole canvas."""
        paint = np.asarray(colour, np.float32)
        if paint.ndim == 3:
            paint = paint[patch.rows, patch.cols]
        window = self.image[patch.rows, patch.cols]
        window += (patch.alpha * np.float32(amount))[..., None] * (paint - window)

    def shade(self, patch: Patch, amount: ArrayLike) -> None:
        """Brighten a shape by the relative `amount` (negative: darken); three numbers tint it."""
        self.image[patch.rows, patch.cols] *= 1 + patch.alpha[..., None] * np.asarray(amount, np.float32)

    def _raster(self, points: NDArray[np.float64], soft: float, width: float | None) -> Patch:
        rows, cols, origin = self._window(points, 4 * soft + (width or 0.0))
        alpha = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.uint8)
        fixed = [self._fixed(points, origin)]
        if width is None:
            cv2.fillPoly(alpha, fixed, 255, cv2.LINE_AA, 3)
        else:
            cv2.polylines(alpha, fixed, False, 255, max(1, round(width * self.unit)), cv2.LINE_AA, 3)
        return Patch(rows, cols, self._soften(alpha, soft))

    def _soften(self, alpha: NDArray[np.uint8], soft: float) -> Floats:
        blurred: Floats = cv2.GaussianBlur(alpha.astype(np.float32) / 255, (0, 0), max(soft * self.unit, 0.3))
        return blurred

    def _span(self, low: float, high: float) -> slice:
        """The pixels from `low` to `high`, cut at the border."""
        middle = (self.size - 1) / 2
        first, last = int(np.floor(low * self.unit + middle)), int(np.ceil(high * self.unit + middle)) + 1
        first = min(max(first, 0), self.size - 1)
        return slice(first, min(max(last, first + 1), self.size))

    def _window(self, points: NDArray[np.float64], margin: float) -> tuple[slice, slice, tuple[int, int]]:
        low, high = points.min(0) - margin, points.max(0) + margin
        rows, cols = self._span(low[1], high[1]), self._span(low[0], high[0])
        return rows, cols, (cols.start, rows.start)

    def _fixed(self, points: NDArray[np.float64], origin: tuple[int, int]) -> NDArray[np.int32]:
        """Pixel positions in OpenCV's fixed point with three fractional bits."""
        pixels = points * self.unit + (self.size - 1) / 2 - np.asarray(origin)
        fixed: NDArray[np.int32] = np.round(pixels * 8).astype(np.int32)
        return fixed
