"""Loops that numba compiles once a machine, and the one that takes medians of 5x5 pixels for whole rows at once, by networks that compare
and exchange.

The first process that asks compiles, while the others wait: numba keeps the code beside the file that it comes from or, where it cannot
write there, in the user's cache folder; `NUMBA_CACHE_DIR` names another.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from filelock import FileLock
from numba.core import event
from numpy.typing import NDArray

from mebench.console import print_lines

LANES = 16
"""Columns of a block: rows are padded to whole ones."""

Plane = NDArray[np.float32]
Number = np.float32
_Values = tuple[Number, ...]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def once(
    function: Callable[..., Any], call: Callable[[Any], object], name: str, what: str, **how: Any
) -> Callable[..., Any]:
    """A function compiled, from the cache if any process of this machine has put it there.

    Args:
        function: to be compiled; what it calls from another file is nothing that numba's cache looks at.
        call: calls it, with what it is to be compiled for.
        name: of its lock, one beside the code in the cache.
        what: is said, once, when something is really compiled, such as "TV-L1 flow, about 10 s".
        how: more words for `numba.njit`, such as `fastmath`.
    """
    found: Any = numba.njit(error_model="numpy", **how)(function)
    alone: AbstractContextManager[Any] = nullcontext()
    how_often = "in every process, since numba can write to none of its folders: NUMBA_CACHE_DIR names another"
    with suppress(RuntimeError):  # which says so
        found = numba.njit(error_model="numpy", cache=True, **how)(function)
        alone, how_often = FileLock(Path(found.stats.cache_path) / f"mebench_{name}.lock"), "once on this machine"
    with alone, told(f"compiling {what}, {how_often}"):
        call(found)
    answer: Callable[..., Any] = found
    return answer


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say on standard error, once, when something is really compiled meanwhile; nothing where all comes from numba's cache."""

    class Once(event.Listener):  # type: ignore[misc]  # numba has no types
        said = False

        def on_start(self, begun: Any) -> None:
            if not self.said:
                self.said = True
                print_lines(what, error=True)

        def on_end(self, done: Any) -> None:
            pass

    with event.install_listener("numba:compile", Once()):
        yield


compiled: Callable[[_Function], _Function] = numba.njit(error_model="numpy")
"""For numba, without fast math."""
inlined: Callable[[_Function], _Function] = numba.njit(error_model="numpy", forceinline=True)
"""The same, for a few operations inside a loop."""


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
    padded, sorted_rows = np.zeros(wide + LANES, np.float32), np.zeros((60, wide), np.float32)
    fives, pairs = sorted_rows[:40], sorted_rows[40:]
    for n in range(len(planes)):
        for y in range(-2, h + 3):
            row, s, t, m = min(max(y, 0), h - 1), y % 8 * 5, (y - 1) % 8 * 5, y // 2 % 2 * 10
            for x in range(w):
                padded[x + 2] = planes[n, row, x]
            padded[:2], padded[w + 2 : w + 4] = planes[n, row, 0], planes[n, row, w - 1]
            _sort(padded, fives, s, wide)
            if y % 2 == 0:
                _merge(fives, s, t, pairs, m, wide)
            elif y >= 3:
                _choose(pairs, fives, (y - 5) % 8 * 5, s, medians, n, y - 3, min(y - 2, h), wide)


@compiled
def _sort(row: Plane, fives: Plane, s: int, wide: int) -> None:
    s = max(s, 0)
    for x in range(wide):
        a = _sorted5(row[x], row[x + 1], row[x + 2], row[x + 3], row[x + 4])
        fives[s, x], fives[s + 1, x], fives[s + 2, x], fives[s + 3, x], fives[s + 4, x] = a


@inlined
def _five(p: Plane, s: int, x: int, step: int) -> _Values:
    return p[s, x], p[s + step, x], p[s + 2 * step, x], p[s + 3 * step, x], p[s + 4 * step, x]


@compiled
def _merge(fives: Plane, s: int, t: int, pairs: Plane, m: int, wide: int) -> None:
    s, t, m = max(s, 0), max(t, 0), max(m, 0)
    for x in range(wide):
        a = _merged5(_five(fives, s, x, 1), _five(fives, t, x, 1))
        pairs[m, x], pairs[m + 1, x], pairs[m + 2, x], pairs[m + 3, x], pairs[m + 4, x] = a[:5]
        pairs[m + 5, x], pairs[m + 6, x], pairs[m + 7, x], pairs[m + 8, x], pairs[m + 9, x] = a[5:]


@compiled
def _choose(pairs: Plane, fives: Plane, s: int, t: int, medians: Plane, n: int, y: int, z: int, wide: int) -> None:
    """The medians of the rows y and z: of the four rows around both, and of the fifth of each."""
    s, t, n, y, z = max(s, 0), max(t, 0), max(n, 0), max(y, 0), max(z, 0)
    for x in range(wide):
        # The eighth to the thirteenth of twenty values.
        e = _merged5(_five(pairs, 0, x, 2), _five(pairs, 10, x, 2))
        o = _merged5(_five(pairs, 1, x, 2), _five(pairs, 11, x, 2))
        a = (*_ordered(o[3], e[4]), *_ordered(o[4], e[5]), *_ordered(o[5], e[6]))
        medians[n, y, x] = _sixth(a, _five(fives, s, x, 1))
        medians[n, z, x] = _sixth(a, _five(fives, t, x, 1))


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
