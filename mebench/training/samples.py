"""Samples in memory, and which frames become samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mebench.core.types import Expression


class Samples(Dataset[tuple[Tensor, ...]]):
    """Tensors with one row for each sample; a whole batch is taken at once.

    Args:
        tensors: each (n, ...), the same n; the last is usually the target.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if len({len(t) for t in tensors}) != 1:
            raise ValueError(f"samples need one row in each tensor, not {[len(t) for t in tensors]}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, ...]:
        """A batch: the DataLoader asks for this instead of single samples where it exists."""
        first, last = indices[0], indices[-1]
        if list(indices) == list(range(first, last + 1)):
            return tuple(t[first : last + 1] for t in self.tensors)  # in order: a view, no copy
        rows = torch.as_tensor(indices)
        return tuple(_take(t, rows) for t in self.tensors)


def _take(tensor: Tensor, rows: Tensor) -> Tensor:
    """Some rows, in the memory layout of `tensor`: indexing keeps channels last but copies number by number."""
    if tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        return tensor.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return tensor.index_select(0, rows)


def window_labels(n: int, expressions: Iterable[Expression], k_prime: int) -> NDArray[np.float32]:
    """MEAN's pseudo-labels: 1 where the window [i, i + k' - 1] overlaps an expression, else 0 (equations 5 and 6).

    So the positives of an expression are the frames onset - k' + 1 to offset.

    Args:
        n: number of frames to label.
        expressions: of the kind in question.
        k_prime: window length in frames, at least 1.

    >>> window_labels(8, [Expression(4, 5)], 3)
    array([0., 0., 1., 1., 1., 1., 0., 0.], dtype=float32)
    """
    labels = np.zeros(n, dtype=np.float32)
    for e in expressions:
        labels[max(e.onset - k_prime + 1, 0) : e.offset + 1] = 1
    return labels


def sample_negatives(labels: NDArray[np.float32], ratio: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of all positives and of at most `ratio` negatives for each, in order.

    All negatives stay where there are fewer; positives are never dropped. Without any positive all negatives stay.
    """
    positive, negative = np.flatnonzero(labels > 0), np.flatnonzero(labels <= 0)
    most = int(ratio * len(positive)) if len(positive) else len(negative)
    if len(negative) > most:
        negative = rng.choice(negative, most, replace=False)
    return np.sort(np.concatenate([positive, negative]))
