"""Segments of a video for the second network, and how intervals are joined."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mebench.core import Expression
from mebench.spotting import Spotted

Maps = NDArray[np.float16]


def places(first: int, step: int, length: int) -> NDArray[np.int64]:
    """Frames of a segment: `length` of them, `step` apart, from `first` on."""
    return first + step * np.arange(length)


def segment_labels(
    n: int, step: int, length: int, expressions: Sequence[Expression]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """First frames of all segments of a video, at distances of `step`, and whether one expression covers at least half
    of each.

    Args:
        n: frames that have maps.
        step: frames between two maps of a segment.
        length: maps of a segment.
        expressions: of the kind.
    """
    firsts = np.arange(0, max(n - step * length + 1, 0), step)
    lasts, inside = firsts + step * length, np.zeros(len(firsts), bool)
    for e in expressions:
        common = np.minimum(lasts, e.offset) - np.maximum(firsts, e.onset) + 1
        inside |= 2 * common >= lasts - firsts + 1
    return firsts, inside.astype(np.int64)


def scaled(maps: Tensor) -> Tensor:
    """Each channel brought to [0, 1]; one without any motion stays 0. Shape: (..., H, W)."""
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    return torch.where(high > low, (maps - low) / (high - low).clamp(min=1e-12), torch.zeros_like(maps))


def read(maps: Maps, first: int, step: int, length: int) -> Tensor:
    """A segment, (length, 3, 42, 42), float32, scaled; values beyond the video's maps are 0.

    A segment that would begin before the video begins with it.
    """
    chosen = places(max(first, 0), step, length)
    chosen = chosen[chosen < len(maps)]
    segment = torch.zeros(length, *maps.shape[1:])
    segment[: len(chosen)] = torch.from_numpy(np.asarray(maps[chosen], np.float32))
    return scaled(segment.permute(0, 3, 1, 2))


class Segments(Dataset[tuple[Tensor, Tensor]]):
    """Segments that stay where their maps are until their batch is asked for.

    Args:
        maps: of each video, (n, 42, 42, 3).
        rows: of each sample the place of its video, its first frame, the step of its video, and its label.
        length: maps of a segment.
    """

    def __init__(self, maps: Sequence[Maps], rows: NDArray[np.int64], length: int) -> None:
        self.maps, self.rows, self.length = maps, rows, length

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """A batch: segments (n, length, 3, 42, 42), float32, channels last in memory, which convolutions are fastest
        with; and labels.
        """
        rows = self.rows[list(indices)]
        segments = [read(self.maps[video], first, step, self.length) for video, first, step, _ in rows.tolist()]
        whole = torch.stack([segment.permute(0, 2, 3, 1) for segment in segments]).permute(0, 1, 4, 2, 3)
        return whole, torch.from_numpy(rows[:, 3])


def joined(found: Sequence[Spotted], belongs: Sequence[bool], most: int) -> list[Spotted]:
    """Merge neighbouring intervals if both belong to an expression and the gap is small.

    Args:
        found: by time.
        belongs: whether each is classified as part of an expression.
        most: frames from the offset of the one to the onset of the next, at most, either way.

    Returns:
        By time; one that was joined has the surest peak of its parts.
    """
    kept: list[Spotted] = []
    before = False
    for one, inside in zip(found, belongs):
        if kept and before and inside and abs(kept[-1].offset - one.onset) <= most:
            surest = max(kept[-1], one, key=lambda s: s.confidence)
            kept[-1] = surest._replace(onset=kept[-1].onset, offset=one.offset)
        else:
            kept.append(one)
        before = inside
    return kept
