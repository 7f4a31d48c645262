"""TV-L1 optical flow (Zach, Pock and Bischof 2007) with the same bits on every processor, and many times as fast as
OpenCV's.

Nothing here is left to the compiler that could change a number: no fast math, so no product is contracted with a sum and no
sum is put into another order; sums over pixels are sums over columns, then over `LANES`, then one after another. Each loop along
a row works on columns that do not know of one another, so that vectors of 4, 8 or 16 give the same numbers. Rows are padded to
whole blocks of `LANES` columns; what is computed in the padding is never looked at.

Imported on use, and compiled once a machine (`mebench.features.loops`).
"""

import functools
from collections.abc import Callable
from math import floor, sqrt
from typing import Any, TypeVar

import numba
import numpy as np
from numpy import float32, int32
from numpy.typing import NDArray

from mebench.features import FeatureMap, Image, once

LANES = 16
"""Columns of a block: rows are padded to whole ones."""

Plane = NDArray[np.float32]
Number = np.float32
_Values = tuple[Number, ...]
_Function = TypeVar("_Function", bound=Callable[..., Any])

compiled: Callable[[_Function], _Function] = numba.njit(error_model="numpy")
"""For numba, without fast math."""
inlined: Callable[[_Function], _Function] = numba.njit(error_model="numpy", forceinline=True)
"""The same, for a few operations inside a loop."""

TAU, LAMBDA, THETA = 0.25, 0.15, 0.3
SCALES, STEP, SMALLEST = 5, 0.8, 16
WARPS, OUTER, INNER = 5, 10, 30
"""OpenCV's defaults: time step, weight of the data, tightness; scales of the pyramid, their ratio and the least width
and height in pixels; warps a scale; in each at most `OUTER` times a median of 5x5 pixels and then `INNER` iterations.
"""

WARM_WARPS, LEAVES, FEW = 3, float32(1), 100
"""From an existing flow: number of warps; and the limit of deviation, in pixels, with the share of pixels beyond it
(one in this many).
"""

MARGIN = 8
"""Black pixels around the second image, so that a warp needs no check of its place."""


def tvl1(a: Image, b: Image, epsilon: float, before: FeatureMap | None = None) -> FeatureMap:
    """Flow from image `a` to image `b`, both (H, W) uint8: (H, W, 2) float32 in pixels.

    A scale is iterated until the root mean square of what an iteration changes is at most `epsilon` pixels.

    Args:
        a: the first image.
        b: the second.
        epsilon: pixels.
        before: flow to begin with, (H, W, 2), such as that of the pair a frame earlier. The finest scale alone is then computed; where more
            than one pixel in `FEW` comes out more than `LEAVES` pixels away from it, all scales are, as without it.
    """
    pictures = (
        np.require(picture, requirements=("C", "W")) for picture in (a, b)
    )  # for numba, a read-only array has another type
    start = _NONE if before is None else np.require(before, np.float32, ("C", "W"))
    return np.asarray(ready()(*pictures, float32(epsilon), start))


_NONE = np.empty((0, 0, 2), np.float32)


@functools.cache
def ready() -> Callable[..., Any]:
    """The compiled flow, from the cache if any process of this machine has put it there."""
    smallest = *np.zeros((2, SMALLEST, SMALLEST), np.uint8), float32(1), _NONE
    return once(_pyramid, lambda flow: flow(*smallest), "tvl1", "TV-L1 flow, about 10 s")


def _pyramid(a: Image, b: Image, epsilon: Number, before: Plane) -> Plane:
    """The flow, to be compiled, from the coarsest scale of the pyramid on; planes of two images, or of u and v, lie in
    one array.

    From the flow `before` on, (H, W, 2), it is the finest scale alone, unless too many pixels leave that flow; (0, 0, 2) for none.
    What is compiled into one function and called by another is optimised twice, so this one is the outermost.
    """
    h, w = a.shape
    images, start = _planes(2, h, w), _planes(2, h, w)
    for y in range(h):
        for x in range(w):
            images[0, y, x], images[1, y, x] = float32(a[y, x]), float32(b[y, x])
    pyramid, sizes, warm = [images], [(h, w)], len(before) > 0
    found = np.empty((h, w, 2), np.float32)
    while True:
        if warm:
            for y in range(h):
                for x in range(w):
                    start[0, y, x], start[1, y, x] = before[y, x, 0], before[y, x, 1]
        else:
            for _ in range(1, SCALES):
                (h, w), one = sizes[-1], float32(1)
                rows, cols = round(h * STEP), round(w * STEP)
                if min(rows, cols) < SMALLEST:
                    break
                pyramid.append(_resized(pyramid[-1], h, w, rows, cols, 1 / STEP, 1 / STEP, one))
                sizes.append((rows, cols))
            start = _planes(2, sizes[-1][0], sizes[-1][1])
        flow = start
        for s in range(len(sizes) - 1, -1, -1):
            h, w = sizes[s]
            if s < len(sizes) - 1:
                rows, cols = sizes[s + 1]
                flow = _resized(flow, rows, cols, h, w, rows / h, cols / w, float32(1 / STEP))
            flow = _scale(pyramid[s], flow, h, w, epsilon, WARM_WARPS if warm else WARPS)
        left = 0
        for y in range(h):
            for x in range(w):
                found[y, x, 0], found[y, x, 1] = flow[0, y, x], flow[1, y, x]
                if warm:
                    left += int(
                        (abs(found[y, x, 0] - before[y, x, 0]) > LEAVES)
                        | (abs(found[y, x, 1] - before[y, x, 1]) > LEAVES)
                    )
        if left * FEW <= h * w:
            return found
        warm = False


@compiled
def _planes(n: int, h: int, w: int) -> Plane:
    """Zeros for `n` planes of an (h, w) image: two rows more, and columns up to a whole block and one more block."""
    return np.zeros((n, h + 2, whole_blocks(w) + LANES), np.float32)


@compiled
def _resized(p: Plane, h: int, w: int, rows: int, cols: int, down: float, across: float, factor: Number) -> Plane:
    """Planes (h, w) as (rows, cols), bilinear, times `factor`; a new pixel is `down` old ones high and `across` wide."""
    between, resized, wide = (
        np.zeros((h, whole_blocks(cols)), np.float32),
        _planes(len(p), rows, cols),
        whole_blocks(cols),
    )
    for n in range(len(p)):
        for x in range(cols):
            low, high, part = _neighbours(x, across, w)
            for y in range(h):
                between[y, x] = p[n, y, low] + part * (p[n, y, high] - p[n, y, low])
        for y in range(rows):
            low, high, part = _neighbours(y, down, h)
            for x in range(wide):
                resized[n, y, x] = factor * (between[low, x] + part * (between[high, x] - between[low, x]))
    return resized


@inlined
def _neighbours(x: int, ratio: float, n: int) -> tuple[int, int, Number]:
    """The two old pixels around the middle of a new one, and how far it is from the first to the second."""
    place = (x + 0.5) * ratio - 0.5
    low = floor(place)
    return min(max(low, 0), n - 1), min(max(low + 1, 0), n - 1), float32(place - low)


@compiled
def _scale(images: Plane, flow: Plane, h: int, w: int, epsilon: Number, warps: int) -> Plane:
    """One scale of the pyramid: the flow made better."""
    second, warped, dual, other = _gradient(images, h, w), _planes(4, h, w), _planes(4, h, w), _planes(2, h, w)
    errors, weights = np.zeros(whole_blocks(w), np.float32), np.empty(10 * LANES, np.float32)
    stop = epsilon * epsilon * float32(h * w)
    for _ in range(warps):
        _warp(second, flow, warped, weights, h, w)
        _linearise(images, flow, warped, h, w)
        error = float32(np.inf)
        for _ in range(OUTER):
            if error <= stop:
                break
            median(flow, other, h, w)
            flow, other = other, flow
            for _ in range(INNER):
                if error <= stop:
                    break
                error = _iterate(flow, dual, warped, errors, h, w)
    return flow


@compiled
def _iterate(flow: Plane, dual: Plane, warped: Plane, errors: Plane, h: int, w: int) -> Number:
    """One iteration: u and v from the images and the dual variables, and a row behind these from u and v.

    A dual variable lies a column (p11, p21) or a row (p12, p22) further on than its pixel, after zeros. u and v are kept to
    2 ** -27 pixel: what fades away from where something moves would else become subnormal numbers, which are slow.

    Returns:
        The sum of the squares of what u and v changed.
    """
    u, v, p11, p12, p21, p22 = flow[0], flow[1], dual[0], dual[1], dual[2], dual[3]
    rho, ix, iy, inverse, wide = warped[0], warped[1], warped[2], warped[3], whole_blocks(w)
    most, theta, taut, one, zero = float32(LAMBDA * THETA), float32(THETA), float32(TAU / THETA), float32(1), float32(0)
    coarse = float32(2**-4)  # a number next to which 2 ** -27 is the last digit
    errors[:] = zero
    for y in range(h + 1):
        if y < h:
            for x in range(wide):
                a, b, gx, gy = u[y, x], v[y, x], ix[y, x], iy[y, x]
                step = (rho[y, x] + (gx * a + gy * b)) * inverse[y, x]
                step = step if step < most else most
                step = step if step > -most else -most
                new_a = (a + step * gx) + theta * ((p11[y, x + 1] - p11[y, x]) + (p12[y + 1, x] - p12[y, x]))
                new_b = (b + step * gy) + theta * ((p21[y, x + 1] - p21[y, x]) + (p22[y + 1, x] - p22[y, x]))
                new_a, new_b = (new_a + coarse) - coarse, (new_b + coarse) - coarse
                u[y, x], v[y, x] = new_a, new_b
                a, b = new_a - a, new_b - b
                errors[x] += a * a + b * b
            u[y, w], v[y, w] = u[y, w - 1], v[y, w - 1]
        if y > 0:
            here, below = y - 1, min(y, h - 1)
            for x in range(wide):
                a, b = u[here, x], v[here, x]
                ax, ay = u[here, x + 1] - a, u[below, x] - a
                bx, by = v[here, x + 1] - b, v[below, x] - b
                a, b = one + taut * sqrt(ax * ax + ay * ay), one + taut * sqrt(bx * bx + by * by)
                both = one / (a * b)
                a, b = both * b, both * a
                p11[here, x + 1] = (p11[here, x + 1] + taut * ax) * a
                p12[here + 1, x] = (p12[here + 1, x] + taut * ay) * a
                p21[here, x + 1] = (p21[here, x + 1] + taut * bx) * b
                p22[here + 1, x] = (p22[here + 1, x] + taut * by) * b
    errors[w:] = zero
    for x in range(LANES, wide, LANES):
        for lane in range(LANES):
            errors[lane] += errors[x + lane]
    error = zero
    for lane in range(LANES):
        error += errors[lane]
    return error


@compiled
def _gradient(images: Plane, h: int, w: int) -> Plane:
    """The second image and its differences (f(x + 1) - f(x - 1)) / 2 across and down, (3, rows, columns), in a black
    margin.
    """
    planes, half = np.zeros((3, h + 2 * MARGIN, whole_blocks(w) + 2 * MARGIN + LANES), np.float32), float32(0.5)
    image = images[1]
    for y in range(h):
        above, below = max(y - 1, 0), min(y + 1, h - 1)
        for x in range(w):
            left, right = max(x - 1, 0), min(x + 1, w - 1)
            planes[0, y + MARGIN, x + MARGIN] = image[y, x]
            planes[1, y + MARGIN, x + MARGIN] = half * (image[y, right] - image[y, left])
            planes[2, y + MARGIN, x + MARGIN] = half * (image[below, x] - image[above, x])
    return planes


@compiled
def _warp(planes: Plane, flow: Plane, warped: Plane, weights: Plane, h: int, w: int) -> None:
    """The second image and its gradient at (x + u, y + v), bicubic (a = -.75), black beyond the image.

    Places are rounded to 1/32 pixel. That, and the black, is how OpenCV looks at the second image: the flow follows.
    """
    u, v, half = flow[0], flow[1], float32(0.5)
    for y in range(h):
        for x in range(w, whole_blocks(w)):
            u[y, x], v[y, x] = u[y, w - 1], v[y, w - 1]
        for start in range(0, w, LANES):
            left, upper = floor(u[y, start + LANES // 2] - half), floor(v[y, start + LANES // 2] - half)
            column, row = MARGIN + start + left - 1, MARGIN + y + upper - 1
            fits = column >= 0 and column + LANES + 4 <= planes.shape[2] and row >= 0 and row + 5 <= planes.shape[1]
            if fits and _weigh(u, v, y, start, float32(left), float32(y + upper), weights) == LANES:
                _look(planes, row, column, weights, warped, y, start)
            else:
                for x in range(start, start + LANES):
                    _look_at(planes, _place(x, u[y, x]), _place(y, v[y, x]), h, w, warped, y, x)


@inlined
def _place(x: int, u: Number) -> Number:
    """The position that (x, u) leads to, rounded to 1/32."""
    whole = float32(1.5 * 2**18)  # a number next to which 1/32 is the last digit
    return ((float32(x) + u) + whole) - whole


@compiled
def _weigh(u: Plane, v: Plane, y: int, start: int, left: Number, upper: Number, weights: Plane) -> np.int32:
    """Weights of five columns and five rows of pixels for a block of places; returns for how many places these are
    enough.
    """
    y, start, enough, zero, two = max(y, 0), max(start, 0), int32(0), float32(0), float32(2)
    for lane in range(LANES):
        x = start + lane
        across, down = _place(x, u[y, x]) - float32(x) - left, _place(y, v[y, x]) - upper
        weights[lane], weights[5 * LANES + lane] = across, down
        enough = int32(enough + int32((across >= zero) & (across < two) & (down >= zero) & (down < two)))
    for at in (0, 5 * LANES):
        for lane in range(at, at + LANES):
            a, b, c, d, e = _weights(weights[lane])
            weights[lane], weights[lane + LANES], weights[lane + 2 * LANES] = a, b, c
            weights[lane + 3 * LANES], weights[lane + 4 * LANES] = d, e
    return enough


@compiled
def _look(planes: Plane, row: int, column: int, weights: Plane, warped: Plane, y: int, start: int) -> None:
    """A block of the second image and of its gradient, from five rows and five columns for each place."""
    row, column, y, start = max(row, 0), max(column, 0), max(y, 0), max(start, 0)
    for n in range(3):
        for lane in range(LANES):
            total = float32(0)
            for j in range(5):
                part = weights[lane] * planes[n, row + j, column + lane]
                for i in range(1, 5):
                    part += weights[i * LANES + lane] * planes[n, row + j, column + lane + i]
                total += weights[(5 + j) * LANES + lane] * part
            warped[n, y, start + lane] = total


@compiled
def _look_at(planes: Plane, x: Number, y: Number, h: int, w: int, warped: Plane, row: int, column: int) -> None:
    """The second image and its gradient at one place, wherever it is."""
    left, upper = floor(x), floor(y)
    a, b = _cubic(x - float32(left)), _cubic(y - float32(upper))
    image = across = down = float32(0)
    for j in range(4):
        near = min(max(upper + j - 1, -1), h) + MARGIN
        for i in range(4):
            weight, at = b[j] * a[i], min(max(left + i - 1, -1), w) + MARGIN
            image += weight * planes[0, near, at]
            across += weight * planes[1, near, at]
            down += weight * planes[2, near, at]
    warped[0, row, column], warped[1, row, column], warped[2, row, column] = image, across, down


@compiled
def _linearise(images: Plane, flow: Plane, warped: Plane, h: int, w: int) -> None:
    """The terms of the iterations that depend on the warped image and its gradient, the first three planes of `warped`.

    The image becomes its difference to the first one less gradient times flow; the fourth plane -1 over the squared length of the
    gradient.
    """
    first, u, v, rho, ix, iy, inverse = images[0], flow[0], flow[1], warped[0], warped[1], warped[2], warped[3]
    tiny, one, wide = float32(np.finfo(np.float32).eps), float32(1), whole_blocks(w)
    for y in range(h):
        for x in range(wide):
            gx, gy = ix[y, x], iy[y, x]
            length = gx * gx + gy * gy
            rho[y, x] = rho[y, x] - gx * u[y, x] - gy * v[y, x] - first[y, x]
            inverse[y, x] = -one / (length if length > tiny else tiny)


@inlined
def _weights(part: Number) -> _Values:
    """The bicubic weights of five pixels for a place `part` of 0 to below 2 pixels after the second one."""
    one, zero = float32(1), float32(0)
    second = part >= one
    t = part - one if second else part
    a, b, c, d = _cubic(t)
    return zero if second else a, a if second else b, b if second else c, c if second else d, d if second else zero


@inlined
def _cubic(t: Number) -> tuple[Number, Number, Number, Number]:
    """Keys' weights with a = -.75 of the four pixels around a place `t` of 0 to 1 after the second one."""
    s = float32(1) - t
    a = float32(-0.75) * t * s * s
    b = (float32(1.25) * t - float32(2.25)) * t * t + float32(1)
    d = float32(-0.75) * s * t * t
    return a, b, float32(1) - a - b - d, d


@inlined
def whole_blocks(w: int) -> int:
    """Columns up to the end of the last block."""
    return (w + LANES - 1) // LANES * LANES


@compiled
def median(planes: Plane, medians: Plane, h: int, w: int) -> None:
    """The median of 5x5 pixels around each; beyond the image its edge is repeated.

    Rows of five are sorted once for the five pixels whose median they take part in. The ten values of two such rows are merged
    once for two pixels above and two below, and the six of twenty that can be a median once for the two pixels between them.
    """
    wide = whole_blocks(w)
    padded, chosen = np.zeros(wide + LANES, np.float32), np.empty(2 * LANES, np.float32)
    fives, pairs = np.empty(40 * wide, np.float32), np.empty(20 * wide, np.float32)
    for n in range(len(planes)):
        for y in range(-2, h + 3):
            row, s, t, m = min(max(y, 0), h - 1), y % 8 * 5, (y - 1) % 8 * 5, y // 2 % 2 * 10
            for x in range(w):
                padded[x + 2] = planes[n, row, x]
            padded[:2], padded[w + 2 : w + 4] = planes[n, row, 0], planes[n, row, w - 1]
            for x in range(0, wide, LANES):
                at = 40 * x
                _sort(padded, fives, x, at + s * LANES)
                if y % 2 == 0:
                    _merge(fives, at + s * LANES, at + t * LANES, pairs, 20 * x + m * LANES)
                elif y >= 3:
                    _choose(pairs, 20 * x, fives, at + (y - 5) % 8 * 5 * LANES, at + s * LANES, chosen)
                    for i in range(LANES):
                        medians[n, y - 3, x + i] = chosen[i]
                    for i in range(LANES):
                        medians[n, min(y - 2, h), x + i] = chosen[LANES + i]


@compiled
def _sort(row: Plane, fives: Plane, x: int, s: int) -> None:
    x, s = max(x, 0), max(s, 0)
    for i in range(LANES):
        a, b, c, d, e = _sorted5(row[x + i], row[x + i + 1], row[x + i + 2], row[x + i + 3], row[x + i + 4])
        fives[s + i], fives[s + i + LANES], fives[s + i + 2 * LANES] = a, b, c
        fives[s + i + 3 * LANES], fives[s + i + 4 * LANES] = d, e


@inlined
def _five(p: Plane, s: int, step: int) -> _Values:
    return p[s], p[s + step * LANES], p[s + 2 * step * LANES], p[s + 3 * step * LANES], p[s + 4 * step * LANES]


@compiled
def _merge(fives: Plane, s: int, t: int, pairs: Plane, m: int) -> None:
    s, t, m = max(s, 0), max(t, 0), max(m, 0)
    for i in range(LANES):
        a = _merged5(_five(fives, s + i, 1), _five(fives, t + i, 1))
        o = m + i
        pairs[o], pairs[o + LANES], pairs[o + 2 * LANES], pairs[o + 3 * LANES], pairs[o + 4 * LANES] = a[:5]
        o += 5 * LANES
        pairs[o], pairs[o + LANES], pairs[o + 2 * LANES], pairs[o + 3 * LANES], pairs[o + 4 * LANES] = a[5:]


@compiled
def _choose(pairs: Plane, p: int, fives: Plane, s: int, t: int, chosen: Plane) -> None:
    """The medians of two rows: of the four rows around both, and of the fifth of each."""
    p, s, t = max(p, 0), max(s, 0), max(t, 0)
    for i in range(LANES):
        # The eighth to the thirteenth of twenty values.
        e = _merged5(_five(pairs, p + i, 2), _five(pairs, p + i + 10 * LANES, 2))
        o = _merged5(_five(pairs, p + i + LANES, 2), _five(pairs, p + i + 11 * LANES, 2))
        a = (*_ordered(o[3], e[4]), *_ordered(o[4], e[5]), *_ordered(o[5], e[6]))
        chosen[i] = _sixth(a, _five(fives, s + i, 1))
        chosen[LANES + i] = _sixth(a, _five(fives, t + i, 1))


@inlined
def _low(a: Number, b: Number) -> Number:
    return a if a < b else b


@inlined
def _high(a: Number, b: Number) -> Number:
    return b if a < b else a


@inlined
def _ordered(a: Number, b: Number) -> tuple[Number, Number]:
    return _low(a, b), _high(a, b)


@inlined
def _sorted5(a: Number, b: Number, c: Number, d: Number, e: Number) -> _Values:
    (a, b), (d, e) = _ordered(a, b), _ordered(d, e)
    c, e = _ordered(c, e)
    (c, d), (b, e) = _ordered(c, d), _ordered(b, e)
    a, d = _ordered(a, d)
    (a, c), (b, d) = _ordered(a, c), _ordered(b, d)
    b, c = _ordered(b, c)
    return a, b, c, d, e


@inlined
def _merged5(a: _Values, b: _Values) -> _Values:
    """Ten values, sorted, from twice five (odd-even merging, Batcher 1968)."""
    (p, q), (r, s) = _merged2(a[0], a[4], b[0], b[4]), _ordered(a[2], b[2])
    e, o = (p[0], *_ordered(r, p[1]), *_ordered(s, q[0]), q[1]), _merged2(a[1], a[3], b[1], b[3])
    low, high = o
    return (
        e[0],
        *_ordered(low[0], e[1]),
        *_ordered(low[1], e[2]),
        *_ordered(high[0], e[3]),
        *_ordered(high[1], e[4]),
        e[5],
    )


@inlined
def _merged2(a: Number, b: Number, c: Number, d: Number) -> tuple[tuple[Number, Number], tuple[Number, Number]]:
    low, high = _ordered(_high(a, c), _low(b, d))
    return (_low(a, c), low), (high, _high(b, d))


@inlined
def _sixth(a: _Values, b: _Values) -> Number:
    """The sixth of eleven values, from six sorted ones and five."""
    low = _low(_low(_high(a[0], b[4]), _high(a[1], b[3])), _low(_high(a[2], b[2]), _high(a[3], b[1])))
    return _low(low, _low(_high(a[4], b[0]), a[5]))
