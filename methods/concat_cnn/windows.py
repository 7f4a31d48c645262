"""Windows of a series: which of them are learnt from, and what their answers make of a video."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from mebench.spotting import stretches

Span = tuple[int, int]
"""First and last frame of an expression in the series, both inclusive."""


def firsts(n: int, length: int, hop: int) -> NDArray[np.int64]:
    """First frames of all windows of a series of n frames."""
    return np.arange(0, max(n - length + 1, 0), hop)


def positives(n: int, spans: Sequence[Span], length: int, hop: int, short: bool) -> list[int]:
    """First frames of the windows inside expressions, expression by expression; their last frame precedes the offset.

    Args:
        n: frames of the series.
        spans: of the expressions.
        length: of a window.
        hop: frames from one to the next.
        short: see `Params`.
    """
    found = []
    for onset, offset in sorted(spans):
        if short and length / 2 < offset - onset < length:
            found += [onset] if onset + length <= n else []
        else:
            found += [i for i in range(onset, offset, hop) if i + length < min(offset, n)]
    return found


def negatives(n: int, spans: Sequence[Span], length: int, most: float, mended: bool = True) -> list[int]:
    """First frames of windows outside expressions, the video's first ones, none of which overlap.

    Args:
        n: frames of the series.
        spans: of the expressions.
        length: of a window.
        most: how many; rounded up.
        mended: False places windows from the first frame on, also inside expressions, and only counts the frames
            outside.
    """
    free = np.ones(n, bool)
    for onset, offset in spans:
        free[onset : offset + 1] = False
    if mended:
        found = [i for first, last in stretches(free) for i in range(first, last - length + 2, length)]
    else:
        found = [i for i in range(0, int(free.sum()), length) if i + length < free.sum()]
    return found[: int(np.ceil(most))]


def mostly_inside(n: int, spans: Sequence[Span], length: int, hop: int) -> NDArray[np.bool_]:
    """For each window of a series, whether more than half of its frames are in expressions."""
    busy = np.zeros(n, bool)
    for onset, offset in spans:
        busy[onset : offset + 1] = True
    until = np.r_[0, busy.cumsum()]
    begun = firsts(n, length, hop)
    return np.asarray(2 * (until[begun + length] - until[begun]) > length)


def best_level(probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The level above which windows are taken for the largest F1 of windows; just above all of them where none is true."""
    if not truth.any():
        return float(np.nextafter(probabilities.max(initial=0.0), np.inf))
    precision, recall, levels = precision_recall_curve(truth, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(f1[:-1].argmax())
    return float(levels[best - 1] if best else levels[0] - 1e-10)


def with_neighbours(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Windows with a neighbour that is also inside; the first and the last are unchanged.

    From left to right: the neighbour before is one that stayed.
    """
    kept = inside.copy()
    for i in range(1, len(kept) - 1):
        kept[i] = kept[i] and (kept[i - 1] or kept[i + 1])
    return kept
