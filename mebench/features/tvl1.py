"""TV-L1 optical flow (Zach, Pock and Bischof 2007), with equal bits on every processor. It is many times as fast as
OpenCV's.

Nothing here is left to the compiler that could change a number: no fast math, so no product is contracted with a sum and no
sum is put into another order; sums over pixels are sums over columns, then over `LANES`, then one after another. The
loops that take the time work on a `Vector` of `LANES` columns, which do not depend on one another; LLVM turns it into one register
of 16 numbers, two of 8 or four of 4, which give the same numbers. Rows are padded to whole blocks of `LANES` columns; what is
computed in the padding is never read.

Imported on use, and compiled once a machine (`mebench.features.loops`).
"""

import functools
import operator
from collections.abc import Callable
from math import floor, sqrt
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model
from numpy import float32
from numpy.typing import NDArray

from mebench.features.base import FeatureMap, Image
from mebench.features.loops import is_kept, once

LANES = 16
"""Columns of a block: rows are padded to whole ones."""

Plane = NDArray[np.float32]
Number = np.float32
Vector = Any
"""`LANES` numbers of a row."""
_Values = tuple[Vector, ...]
_Function = TypeVar("_Function", bound=Callable[..., Any])

compiled_for_python: Callable[[_Function], _Function] = numba.njit(error_model="numpy")
"""For numba, without fast math."""
_FOR_LOOPS_ALONE = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
compiled: Callable[[_Function], _Function] = numba.njit(**_FOR_LOOPS_ALONE)
"""The same, without the ways in for Python and C, which take a sixth of the time to compile."""
inlined: Callable[[_Function], _Function] = numba.njit(forceinline=True, **_FOR_LOOPS_ALONE)
"""The same again, for a few operations inside a loop."""


class _Vector(numba.types.Type):  # type: ignore[misc]  # numba has no types
    def can_convert_from(self, context: Any, other: Any) -> Any:
        return Conversion.safe if other == numba.types.float32 else None


_vector = _Vector("Vector")
_machine = ir.VectorType(ir.FloatType(), LANES)
register_model(_Vector)(lambda manager, kind: models.PrimitiveModel(manager, kind, _machine))


@lower_cast(numba.types.float32, _vector)  # type: ignore[untyped-decorator]
def _spread(context: Any, builder: Any, _: Any, __: Any, number: Any) -> Any:
    """Instructions for a vector that holds one number in all lanes."""
    first = builder.insert_element(ir.Constant(_machine, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), None))


def _on_vectors(function: Any, operands: int, code: Callable[..., Any]) -> None:
    """Let compiled functions apply a Python function to vectors."""
    kind = signature(*[_vector] * (operands + 1))
    infer_global(function)(type(function.__name__, (ConcreteTemplate,), {"cases": [kind]}))
    lower_builtin(function, *kind.args)(lambda context, builder, _, vectors: code(builder, *vectors))


for _function, _word in {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv"}.items():
    _on_vectors(getattr(operator, _function), 2, getattr(ir.IRBuilder, _word))
_on_vectors(
    sqrt,
    1,
    lambda builder, x: builder.call(
        cgutils.get_or_insert_function(builder.module, ir.FunctionType(_machine, [_machine]), f"llvm.sqrt.v{LANES}f32"),
        [x],
    ),
)


@intrinsic  # type: ignore[untyped-decorator]
def _load(typing: Any, array: Any, index: Any) -> Any:
    """The vector that begins at an index of an array."""
    return _vector(array, index), lambda *of: of[1].load(_address(*of), align=4)


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Put a vector into an array, where `_load` reads it; returns it."""

    def code(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, kinds, args), align=4)
        return args[2]

    return _vector(array, index, _vector), code


def _address(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    """Instructions for the address of an element of an array."""
    array = context.make_array(kinds.args[0])(context, builder, args[0])
    index = cgutils.unpack_tuple(builder, args[1])
    return builder.bitcast(
        cgutils.get_item_pointer(context, builder, kinds.args[0], array, index), _machine.as_pointer()
    )


@intrinsic  # type: ignore[untyped-decorator]
def _if_less(typing: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
    """In each lane `yes` where a < b, else `no`."""
    return _vector(*[_vector] * 4), lambda context, builder, _, args: builder.select(
        builder.fcmp_ordered("<", *args[:2]), *args[2:]
    )


@intrinsic  # type: ignore[untyped-decorator]
def _all_less(typing: Any, a: Any, b: Any) -> Any:
    """Whether a < b in all lanes."""
    every = ir.IntType(LANES)(-1)
    return numba.types.boolean(_vector, _vector), lambda context, builder, _, args: builder.icmp_unsigned(
        "==", builder.bitcast(builder.fcmp_ordered("<", *args), every.type), every
    )


# The settings of OpenCV's defaults.
TAU = 0.25
"""Time step."""
LAMBDA = 0.15
"""Weight of the data."""
THETA = 0.3
"""Tightness."""
SCALES = 5
"""Number of scales of the pyramid."""
STEP = 0.8
"""Ratio of one scale to the next."""
SMALLEST = 16
"""Least width and height of a scale, in pixels."""
WARPS = 5
"""Number of warps a scale."""
OUTER = 10
"""Most medians of 5x5 pixels in a warp."""
INNER = 30
"""Most iterations after each median."""

WARM_WARPS = 3
"""Number of warps from an existing flow."""
LARGEST_CHANGE = float32(1)
"""Change of an existing flow, in pixels, beyond which it counts as left."""
ONE_LEFT_IN = 100
"""An existing flow is given up where more than one in this many pixels has left it."""

MARGIN = 8
"""Black pixels around the second image, so that a warp needs no check whether it stays inside."""


def tvl1(a: Image, b: Image, epsilon: float, before: FeatureMap | None = None) -> FeatureMap:
    """Flow from image `a` to image `b`, both (H, W) uint8: (H, W, 2) float32 in pixels.

    A scale is iterated until the root mean square of what an iteration changes is at most `epsilon` pixels.

    Args:
        a: the first image.
        b: the second.
        epsilon: pixels.
        before: flow to begin with, (H, W, 2), such as that of the pair a frame earlier. The finest scale alone is then computed; where more
            than one pixel in `ONE_LEFT_IN` changes by more than `LARGEST_CHANGE` pixels, all scales are, as without it.
    """
    h, w = a.shape
    images, start = np.zeros((2, 2, h + 2, -(-w // LANES) * LANES + LANES), np.float32)
    images[:, :h, :w] = a, b
    if before is not None:
        start[:, :h, :w] = np.moveaxis(before, -1, 0)
    flow = load_compiled_flow()(images, start, h, w, float32(epsilon), before is not None)[:, :h, :w]
    if before is not None:
        u_left, v_left = np.abs(flow - np.moveaxis(before, -1, 0)) > LARGEST_CHANGE
        if np.count_nonzero(u_left | v_left) * ONE_LEFT_IN > h * w:
            return tvl1(a, b, epsilon)
    return np.ascontiguousarray(np.moveaxis(flow, 0, -1))


@functools.cache
def load_compiled_flow() -> Callable[..., Any]:
    """The compiled flow, from the cache if a process has put it there."""
    smallest = np.zeros((2, SMALLEST + 2, 2 * LANES), np.float32)
    return once(
        _pyramid,
        lambda flow: flow(smallest, smallest, SMALLEST, SMALLEST, float32(1), False),
        "tvl1",
        "TV-L1 flow, about 10 s",
    )


def is_flow_compiled() -> bool:
    """Whether the compiled flow is in the cache, as the names of files say."""
    return is_kept(_pyramid)


def _pyramid(images: Plane, flow: Plane, h: int, w: int, epsilon: Number, warm: bool) -> Plane:
    """The flow, to be compiled, from the coarsest scale of the pyramid on; planes of two images, or of u and v, lie in
    one array, like those of `make_planes`.

    If `warm`, it is the finest scale alone, from the given flow on.
    What is compiled into one function and called by another is optimised twice, so this one is the outermost.
    """
    pyramid = [images]
    sizes = [(h, w)]
    for _ in range(1, 1 if warm else SCALES):
        rows = round(h * STEP)
        cols = round(w * STEP)
        if min(rows, cols) < SMALLEST:
            break
        pyramid.append(_resized(pyramid[-1], h, w, rows, cols, 1 / STEP, 1 / STEP, float32(1)))
        h = rows
        w = cols
        sizes.append((h, w))
    if not warm:
        flow = make_planes(2, h, w)
    for s in range(len(sizes) - 1, -1, -1):
        (rows, cols) = (h, w)
        (h, w) = sizes[s]
        if s < len(sizes) - 1:
            flow = _resized(flow, rows, cols, h, w, rows / h, cols / w, float32(1 / STEP))
        flow = _scale(pyramid[s], flow, h, w, epsilon, WARM_WARPS if warm else WARPS)
    return flow


@compiled_for_python
def make_planes(n: int, h: int, w: int) -> Plane:
    """Zeros for `n` planes of an (h, w) image: two rows more, and columns up to a whole block and one more block."""
    columns = whole_blocks(w) + LANES
    size = n * (h + 2) * columns
    some = np.zeros(size + LANES, np.float32)
    start = -some.ctypes.data % (4 * LANES) // 4  # a block then lies in one line of the cache
    return some[start : start + size].reshape(n, h + 2, columns)


@compiled
def _resized(p: Plane, h: int, w: int, rows: int, cols: int, down: float, across: float, factor: Number) -> Plane:
    """Planes (h, w) as (rows, cols), bilinear, times `factor`; a new pixel is `down` old ones high and `across` wide."""
    between = np.zeros((h, whole_blocks(cols)), np.float32)
    resized = make_planes(len(p), rows, cols)
    wide = whole_blocks(cols)
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
    """The two old pixels around the middle of a new one, and its position between. That is how far it is from the
    first to the second.
    """
    position = (x + 0.5) * ratio - 0.5
    low = floor(position)
    return min(max(low, 0), n - 1), min(max(low + 1, 0), n - 1), float32(position - low)


@compiled
def _scale(images: Plane, flow: Plane, h: int, w: int, epsilon: Number, warps: int) -> Plane:
    """One scale of the pyramid: the flow made better."""
    second = gradient_planes(images, h, w)
    warped = make_planes(4, h, w)
    dual = make_planes(4, h, w)
    other = make_planes(2, h, w)
    stop = epsilon * epsilon * float32(h * w)
    for _ in range(warps):
        warp_planes(second, flow, warped, h, w)
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
                error = _iterate(flow, dual, warped, h, w)
    return flow


@compiled
def _iterate(flow: Plane, dual: Plane, warped: Plane, h: int, w: int) -> Number:
    """One iteration: u and v from the images and the dual variables, and a row behind these from u and v.

    A dual variable lies a column (p11, p21) or a row (p12, p22) further on than its pixel, after zeros. u and v are kept to
    2 ** -27 pixel: what fades away from where something moves would else become subnormal numbers, which are slow.

    Returns:
        The sum of the squares of what u and v changed.
    """
    wide = whole_blocks(w)
    errors = np.zeros(wide, np.float32)
    for y in range(h + 1):
        for x in range(0, wide, LANES):
            if y < h:
                new_u, new_v, squares = _move_flow(flow, dual, warped, y, x)
                _store(errors, (x,), _load(errors, (x,)) + squares)
            else:  # below the last row lies the row itself
                new_u = _load(flow[0], (y - 1, x))
                new_v = _load(flow[1], (y - 1, x))
            if y > 0:
                _move_dual(flow, dual, y - 1, x, new_u, new_v)
        if y < h:
            flow[0, y, w], flow[1, y, w] = flow[0, y, w - 1], flow[1, y, w - 1]
    errors[w:] = float32(0)
    for x in range(LANES, wide, LANES):
        _store(errors, (0,), _load(errors, (0,)) + _load(errors, (x,)))
    error = float32(0)
    for lane in range(LANES):
        error += errors[lane]
    return error


@inlined
def _move_flow(flow: Plane, dual: Plane, warped: Plane, y: int, x: int) -> _Values:
    """Change u and v in a block of columns: first towards the images, then by the divergence of the dual variables.

    Returns:
        The new u and v, and the squares of their changes.
    """
    u = flow[0]
    v = flow[1]
    p11 = dual[0]
    p12 = dual[1]
    p21 = dual[2]
    p22 = dual[3]
    rho = warped[0]
    ix = warped[1]
    iy = warped[2]
    inverse = warped[3]
    most = float32(LAMBDA * THETA)
    theta = float32(THETA)
    coarse = float32(2**-4)  # a number next to which 2 ** -27 is the last digit
    a = _load(u, (y, x))
    b = _load(v, (y, x))
    gx = _load(ix, (y, x))
    gy = _load(iy, (y, x))
    step = (_load(rho, (y, x)) + (gx * a + gy * b)) * _load(inverse, (y, x))
    step = _larger(-most, _smaller(step, most))
    ax = _load(p11, (y, x + 1)) - _load(p11, (y, x))
    ay = _load(p12, (y + 1, x)) - _load(p12, (y, x))
    bx = _load(p21, (y, x + 1)) - _load(p21, (y, x))
    by = _load(p22, (y + 1, x)) - _load(p22, (y, x))
    new_a = _store(u, (y, x), ((a + step * gx) + theta * (ax + ay) + coarse) - coarse)
    new_b = _store(v, (y, x), ((b + step * gy) + theta * (bx + by) + coarse) - coarse)
    a, b = new_a - a, new_b - b
    return new_a, new_b, a * a + b * b


@inlined
def _move_dual(flow: Plane, dual: Plane, y: int, x: int, below_u: Vector, below_v: Vector) -> None:
    """Move the dual variables of a block towards the gradients of u and v.

    Args:
        flow: u and v.
        dual: dual variables.
        y: row of the pixels.
        x: first of their columns.
        below_u: u of the row below.
        below_v: v of the row below.
    """
    u = flow[0]
    v = flow[1]
    p11 = dual[0]
    p12 = dual[1]
    p21 = dual[2]
    p22 = dual[3]
    taut = float32(TAU / THETA)
    one = float32(1)
    a, b = _load(u, (y, x)), _load(v, (y, x))
    ax = _load(u, (y, x + 1)) - a
    ay = below_u - a
    bx = _load(v, (y, x + 1)) - b
    by = below_v - b
    a, b = one + taut * sqrt(ax * ax + ay * ay), one + taut * sqrt(bx * bx + by * by)
    both = one / (a * b)
    a, b = both * b, both * a
    _store(p11, (y, x + 1), (_load(p11, (y, x + 1)) + taut * ax) * a)
    _store(p12, (y + 1, x), (_load(p12, (y + 1, x)) + taut * ay) * a)
    _store(p21, (y, x + 1), (_load(p21, (y, x + 1)) + taut * bx) * b)
    _store(p22, (y + 1, x), (_load(p22, (y + 1, x)) + taut * by) * b)


@compiled
def gradient_planes(images: Plane, h: int, w: int) -> Plane:
    """The second image and its differences across and down, (3, rows, columns). They are (f(x + 1) - f(x - 1)) / 2;
    the margin is black.
    """
    planes = np.zeros((3, h + 2 * MARGIN, whole_blocks(w) + 2 * MARGIN + LANES), np.float32)
    half = float32(0.5)
    image = images[1]
    for y in range(h):
        above = max(y - 1, 0)
        below = min(y + 1, h - 1)
        for x in range(w):
            left, right = max(x - 1, 0), min(x + 1, w - 1)
            planes[0, y + MARGIN, x + MARGIN] = image[y, x]
            planes[1, y + MARGIN, x + MARGIN] = half * (image[y, right] - image[y, left])
            planes[2, y + MARGIN, x + MARGIN] = half * (image[below, x] - image[above, x])
    return planes


@compiled
def warp_planes(planes: Plane, flow: Plane, warped: Plane, h: int, w: int) -> None:
    """The second image and its gradient at (x + u, y + v). They are bicubic (a = -.75) and black beyond the image.

    Positions are rounded to 1/32 pixel. That, and the black, is how OpenCV looks at the second image: the flow follows.
    """
    u = flow[0]
    v = flow[1]
    wide = whole_blocks(w)
    half = float32(0.5)
    columns = np.arange(wide).astype(np.float32)
    weights = np.empty((5, LANES), np.float32)
    for y in range(h):
        for x in range(w, wide):
            u[y, x], v[y, x] = u[y, w - 1], v[y, w - 1]
        for start in range(0, w, LANES):
            left = floor(u[y, start + LANES // 2] - half)
            upper = floor(v[y, start + LANES // 2] - half)
            column = MARGIN + start + left - 1
            row = MARGIN + y + upper - 1
            fits = column >= 0 and column + LANES + 4 <= planes.shape[2] and row >= 0 and row + 5 <= planes.shape[1]
            column_numbers = _load(columns, (start,))
            across = _round_to_32nds(column_numbers, _load(u, (y, start))) - column_numbers - float32(left)
            down = _round_to_32nds(float32(y), _load(v, (y, start))) - float32(y + upper)
            if fits and _within(across, 0, 2) and _within(down, 0, 2):
                _sample_block(planes, row, column, across, down, weights, warped, y, start)
            else:
                for x in range(start, start + LANES):
                    _sample_pixel(
                        planes,
                        _round_to_32nds(float32(x), u[y, x]),
                        _round_to_32nds(float32(y), v[y, x]),
                        h,
                        w,
                        warped,
                        y,
                        x,
                    )


@inlined
def _within(positions: Vector, low: int, high: int) -> bool:
    """Whether all positions, multiples of 1/32, are at least `low` and below `high`."""
    return bool(_all_less(float32(low - 1 / 64), positions) and _all_less(positions, float32(high)))


@inlined
def _round_to_32nds(x: Vector, u: Vector) -> Vector:
    """The position that (x, u) leads to, rounded to 1/32."""
    whole = float32(1.5 * 2**18)  # a number next to which 1/32 is the last digit
    return ((x + u) + whole) - whole


@inlined
def _sample_block(
    planes: Plane, row: int, column: int, across: Vector, down: Vector, weights: Plane, warped: Plane, y: int, x: int
) -> None:  # fmt: skip
    """A block of the second image and of its gradient. It takes four rows and columns for all pixels, or five."""
    right = _within(across, 1, 2)
    lower = _within(down, 1, 2)
    needs_fifth_column = not _within(across, 0, 1)
    row = row + int(lower)
    column = column + int(right)
    rows = 4 if lower or _within(down, 0, 1) else 5
    a, b, c, d, e = _weights(across - float32(right))
    for j, weight in enumerate(_weights(down - float32(lower))):
        _store(weights, (j, 0), weight)
    for n in range(3):
        total = float32(0) * a
        for j in range(rows):
            part = a * _load(planes, (n, row + j, column)) + b * _load(planes, (n, row + j, column + 1))
            part = part + c * _load(planes, (n, row + j, column + 2)) + d * _load(planes, (n, row + j, column + 3))
            if needs_fifth_column and not right:
                part = part + e * _load(planes, (n, row + j, column + 4))
            total = total + _load(weights, (j, 0)) * part
        _store(warped, (n, y, x), total)


@compiled
def _sample_pixel(planes: Plane, x: Number, y: Number, h: int, w: int, warped: Plane, row: int, column: int) -> None:
    """The second image and its gradient at one position, wherever it is."""
    left = floor(x)
    upper = floor(y)
    a, b = _cubic(x - float32(left)), _cubic(y - float32(upper))
    image = across = down = float32(0)
    for j in range(4):
        near = min(max(upper + j - 1, -1), h) + MARGIN
        for i in range(4):
            weight = b[j] * a[i]
            at = min(max(left + i - 1, -1), w) + MARGIN
            image += weight * planes[0, near, at]
            across += weight * planes[1, near, at]
            down += weight * planes[2, near, at]
    warped[0, row, column], warped[1, row, column], warped[2, row, column] = image, across, down


@compiled
def _linearise(images: Plane, flow: Plane, warped: Plane, h: int, w: int) -> None:
    """The iterations' terms that depend on the warped image and its gradient. These are the first three planes of
    `warped`.

    The image becomes its difference to the first one less gradient times flow; the fourth plane -1 over the squared length of the
    gradient.
    """
    first = images[0]
    u = flow[0]
    v = flow[1]
    rho = warped[0]
    ix = warped[1]
    iy = warped[2]
    inverse = warped[3]
    tiny = float32(np.finfo(np.float32).eps)
    one = float32(1)
    wide = whole_blocks(w)
    for y in range(h):
        for x in range(wide):
            gx = ix[y, x]
            gy = iy[y, x]
            length = gx * gx + gy * gy
            rho[y, x] = rho[y, x] - gx * u[y, x] - gy * v[y, x] - first[y, x]
            inverse[y, x] = -one / (length if length > tiny else tiny)


@inlined
def _weights(part: Vector) -> _Values:
    """The bicubic weights of five pixels for a position after the second one. `part` is 0 to below 2 pixels."""
    one = float32(1)
    zero = float32(0)
    a, b, c, d = _cubic(_if_less(part, one, part, part - one))
    first = _if_less(part, one, a, zero), _if_less(part, one, b, a), _if_less(part, one, c, b)
    return *first, _if_less(part, one, d, c), _if_less(part, one, zero, d)


@inlined
def _cubic(t: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    """Keys' weights of the four pixels around a position `t`, with a = -.75. It is 0 to 1 after the second one."""
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
    padded = np.zeros((h + 6, wide + LANES), np.float32)
    for n in range(len(planes)):
        for y in range(h + 6):
            row = min(max(y - 2, 0), h - 1)
            for x in range(w):
                padded[y, x + 2] = planes[n, row, x]
            padded[y, :2], padded[y, w + 2 : w + 4] = planes[n, row, 0], planes[n, row, w - 1]
        for x in range(0, wide, LANES):
            first = _sorted_five(padded, 0, x)
            third = _sorted_five(padded, 2, x)
            fourth = _sorted_five(padded, 3, x)
            above = _merged5(third, _sorted_five(padded, 1, x))
            for y in range(0, h, 2):
                fifth = _sorted_five(padded, y + 4, x)
                sixth = _sorted_five(padded, y + 5, x)
                below = _merged5(fifth, fourth)
                # The eighth to the thirteenth of twenty values.
                e = _merged5(above[::2], below[::2])
                o = _merged5(above[1::2], below[1::2])
                middle = (*_ordered(o[3], e[4]), *_ordered(o[4], e[5]), *_ordered(o[5], e[6]))
                _store(medians, (n, y, x), _sixth_of_eleven(middle, first))
                _store(medians, (n, y + 1, x), _sixth_of_eleven(middle, sixth))
                first = third
                third = fifth
                fourth = sixth
                above = below


@inlined
def _sorted_five(rows: Plane, y: int, x: int) -> _Values:
    """For each pixel of a block the five around it in a row, sorted."""
    a = _load(rows, (y, x))
    b = _load(rows, (y, x + 1))
    c = _load(rows, (y, x + 2))
    d = _load(rows, (y, x + 3))
    e = _load(rows, (y, x + 4))
    (a, b) = _ordered(a, b)
    (d, e) = _ordered(d, e)
    c, e = _ordered(c, e)
    (c, d) = _ordered(c, d)
    (b, e) = _ordered(b, e)
    a, d = _ordered(a, d)
    (a, c) = _ordered(a, c)
    (b, d) = _ordered(b, d)
    b, c = _ordered(b, c)
    return a, b, c, d, e


@inlined
def _smaller(a: Vector, b: Vector) -> Vector:
    """The smaller numbers of two vectors."""
    return _if_less(a, b, a, b)


@inlined
def _larger(a: Vector, b: Vector) -> Vector:
    """The larger numbers of two vectors."""
    return _if_less(a, b, b, a)


@inlined
def _ordered(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """The smaller and the larger numbers of two vectors."""
    return _smaller(a, b), _larger(a, b)


@inlined
def _merged5(a: _Values, b: _Values) -> _Values:
    """Ten values, sorted, from twice five (odd-even merging, Batcher 1968)."""
    (p, q) = _merged2(a[0], a[4], b[0], b[4])
    (r, s) = _ordered(a[2], b[2])
    e = (p[0], *_ordered(r, p[1]), *_ordered(s, q[0]), q[1])
    o = _merged2(a[1], a[3], b[1], b[3])
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
def _merged2(a: Vector, b: Vector, c: Vector, d: Vector) -> tuple[tuple[Vector, Vector], tuple[Vector, Vector]]:
    """Two ordered pairs of vectors, merged into one order."""
    low, high = _ordered(_larger(a, c), _smaller(b, d))
    return (_smaller(a, c), low), (high, _larger(b, d))


@inlined
def _sixth_of_eleven(a: _Values, b: _Values) -> Vector:
    """The sixth of eleven values, from six sorted ones and five."""
    low = _smaller(
        _smaller(_larger(a[0], b[4]), _larger(a[1], b[3])), _smaller(_larger(a[2], b[2]), _larger(a[3], b[1]))
    )
    return _smaller(low, _smaller(_larger(a[4], b[0]), a[5]))
