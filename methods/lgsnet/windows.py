"""Windows of a series: their beginnings, their expressions, and intervals without expression."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .boxes import NONE

STRIDE = 2
"""Frames of the series from one row of features to the next."""
INSIDE = 0.9
"""A window must contain more than this share of an expression."""
LENGTHS = ((0.75, 12, 36), (0.19, 36, 62), (0.06, 62, 128))
"""Share, shortest and longest length, in frames of a window of 128, of intervals that are none."""

Box = tuple[float, float, int]
"""First and last frame, and label."""


def firsts(n: int, window: int, step: int) -> list[int]:
    """First frames of the windows of n frames; the last window ends with the video.

    >>> firsts(300, 128, 64), firsts(100, 128, 64)
    ([0, 64, 128, 172], [0])
    """
    if n <= window:
        return [0]
    found = list(range(0, n - window + 1, step))
    return found if found[-1] == n - window else [*found, n - window]


def held(boxes: Sequence[Box], first: int, window: int) -> list[Box]:
    """The expressions that are more than nine tenths inside a window, in its frames, cut at its ends."""
    found = []
    for a, b, label in boxes:
        inside = min(b, first + window) - max(a, first)
        if inside > INSIDE * (b - a):
            found.append((max(a - first, 0.0), min(b - first, float(window)), label))
    return found


def no_expression(rng: np.random.Generator, window: int) -> Box:
    """An interval that is none, as long as expressions are."""
    _, low, high = LENGTHS[rng.choice(len(LENGTHS), p=[share for share, _, _ in LENGTHS])]
    length = rng.integers(low, high) * window / 128
    first = rng.uniform(0, window - length)
    return float(first), float(first + length), 0


def rows_of(series: Tensor, first: int, window: int) -> Tensor:
    """The rows of a window, (window / 2, channels); beyond the video the last one is repeated."""
    found = series[first // STRIDE : (first + window) // STRIDE]
    lacking = window // STRIDE - len(found)
    return torch.cat([found, found[-1:].expand(lacking, -1)]) if lacking else found


class Windows(Dataset[tuple[Tensor, ...]]):
    """Windows of several series with their intervals; the series are not copied.

    Args:
        series: (rows, channels) each.
        chosen: for each window the number of its series, its first frame, and its intervals.
        window: frames.
    """

    def __init__(self, series: Sequence[Tensor], chosen: Sequence[tuple[int, int, list[Box]]], window: int) -> None:
        self.series, self.chosen, self.window = series, chosen, window
        most = max((len(boxes) for _, _, boxes in chosen), default=1)
        filled = np.array([[*boxes, *[(0.0, 0.0, NONE)] * (most - len(boxes))] for _, _, boxes in chosen], np.float64)
        self.boxes = torch.from_numpy(filled.reshape(-1, most, 3))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """A batch: rows (n, window / 2, channels), ends (n, most, 2) and labels (n, most)."""
        taken = [self.chosen[i] for i in indices]
        x = torch.stack([rows_of(self.series[number], first, self.window) for number, first, _ in taken])
        boxes = self.boxes[torch.as_tensor(indices)]
        return x.float(), boxes[..., :2].float(), boxes[..., 2].long()


def choose(
    boxes: Sequence[Sequence[Box]], lengths: Sequence[int], window: int, background: float, rng: np.random.Generator
) -> list[tuple[int, int, list[Box]]]:
    """Training windows at steps of a quarter: all windows with expressions, and others of the same video with an
    interval without expression.

    Args:
        boxes: of each video.
        lengths: its frames.
        window: frames.
        background: of the others, for each with expressions, at most.
        rng: chooses them, and their intervals.
    """
    chosen: list[tuple[int, int, list[Box]]] = []
    for number, (own, n) in enumerate(zip(boxes, lengths)):
        inside = {first: found for first in firsts(n, window, window // 4) if (found := held(own, first, window))}
        empty = [first for first in firsts(n, window, window // 4) if first not in inside]
        most = min(len(empty), int(background * len(inside)))
        kept: Any = rng.choice(empty, most, replace=False).tolist() if most else []
        chosen += [(number, first, found) for first, found in inside.items()]
        chosen += [(number, first, [no_expression(rng, window)]) for first in sorted(kept)]
    return chosen
