"""Samples for training: labels, batches of maps, mirrored maps; and views as torch datasets, with features read on
access.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from mebench.core import ClipView, Expression, VideoView
from mebench.errors import PluginError
from mebench.features.base import release as release  # methods take it from this room, too


def mirrored(maps: Tensor, signed: bool = True) -> Tensor:
    """Maps of the mirrored face: left and right are exchanged, and horizontal motion changes its sign.

    Args:
        maps: (n, channels, H, W), the first channel horizontal motion brought to [0, 1] by its minimum and maximum, so that
            its sign changes with 1 - u; a map without any motion stays 0.
        signed: whether horizontal motion had a sign before that.
    """
    turned = maps.flip(-1)
    if not signed:
        return turned
    u = turned[:, :1]
    moving = u.amax((2, 3), keepdim=True) > u.amin((2, 3), keepdim=True)
    return torch.cat([torch.where(moving, 1 - u, u), turned[:, 1:]], dim=1)


def half_mirrored(maps: Tensor, signed: bool = True) -> Tensor:
    """Each map mirrored with probability 1/2, drawn from torch's generator (see `mirrored`)."""
    chosen = torch.rand(len(maps), device=maps.device) < 0.5
    return torch.where(chosen[:, None, None, None], mirrored(maps, signed), maps)


RELEASE_BYTES = 64 << 20
"""Most bytes, about, of memory-mapped samples that a process holds on to."""
KEPT_BYTES = 128 << 20
"""Samples up to this total size are copied into memory, because gathering a batch row by row takes three times as long.
"""
AROUND = 128 << 10
"""Extra bytes that Linux maps with a row: the 64 KiB around the page of each end."""


class Samples(TensorDataset):
    """Tensors with one row for each sample; a whole batch is taken at once.

    Args:
        tensors: each (n, ...), the same n; the last is usually the target.

    Raises:
        PluginError: they differ in length, or there are none.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if len({len(tensor) for tensor in tensors}) != 1:
            raise PluginError(
                "Samples take tensors with one row for each sample, as many in each, not those of the shapes "
                f"{[tuple(tensor.shape) for tensor in tensors]}"
            )
        super().__init__(*tensors)

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, ...]:
        """A batch: the DataLoader asks for this instead of single samples where it exists."""
        first, last = indices[0], indices[-1]
        if list(indices) == list(range(first, last + 1)):
            return tuple(t[first : last + 1] for t in self.tensors)  # in order: a view, no copy
        rows = torch.as_tensor(indices, device=self.tensors[0].device)
        taken = []
        for t in self.tensors:  # in their memory layout: indexing keeps channels last but copies number by number
            if t.dim() == 4 and t.is_contiguous(memory_format=torch.channels_last):
                taken.append(t.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2))
            else:
                taken.append(t.index_select(0, rows))
        return tuple(taken)


def on_device(samples: Any, device: torch.device, free: int) -> Any:
    """Samples on a device, if they take less than half of its free memory; else unchanged.

    Args:
        samples: any.
        device: such as a GPU.
        free: its free memory in bytes.
    """
    if type(samples) is not Samples or 2 * sum(t.nbytes for t in samples.tensors) > free:
        return samples
    return Samples(*(t.to(device) for t in samples.tensors))


class MappedSamples(Dataset[tuple[Tensor, Tensor]]):
    """Maps that are read only when their batch is needed, from disk if memory-mapped.

    A process needs memory for one batch, however many frames the videos have; small ones are copied, see `KEPT_BYTES`.
    Pages of a mapped file that a batch touched are given back to the system from time to time; they stay in its cache.

    Args:
        arrays: maps (n_i, H, W, C) of videos, all of one shape but for n_i.
        rows: positions of the samples in the arrays laid end to end.
        targets: one for each sample, (len(rows), ...).
    """

    def __init__(self, arrays: Sequence[NDArray[Any]], rows: NDArray[np.int64], targets: Tensor) -> None:
        if len(rows) != len(targets):
            raise ValueError(f"samples need one target each, not {len(targets)} for {len(rows)}")
        # Plain views of memory-mapped arrays: indexing those is several times slower.
        self.arrays = [np.asarray(array) for array in arrays]
        self.rows = rows
        self.targets = targets
        self._ends = np.cumsum([len(array) for array in arrays])
        self._touched = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, y = self.__getitems__([index])
        return x[0], y[0]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """A batch: maps (n, C, H, W) float32, channels last in memory, which convolutions are fastest with; and
        targets.
        """
        chosen = torch.as_tensor(indices)
        kept = self._kept
        maps = torch.from_numpy(self._maps(self.rows[chosen.numpy()])) if kept is None else kept.index_select(0, chosen)
        return maps.float().permute(0, 3, 1, 2), self.targets[chosen]

    @cached_property
    def _kept(self) -> Tensor | None:
        """All maps, unless they are too large to be copied."""
        row_bytes = self.arrays[0].itemsize * int(np.prod(self.arrays[0].shape[1:]))
        if len(self.rows) * row_bytes > KEPT_BYTES:
            return None
        return torch.from_numpy(self._maps(self.rows))

    def _maps(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The maps at some positions, (n, H, W, C)."""
        places = np.searchsorted(self._ends, rows, side="right")
        inside = rows - self._ends[places] + [len(self.arrays[place]) for place in places]
        batch = np.empty((len(rows), *self.arrays[0].shape[1:]), self.arrays[0].dtype)
        for i, (place, row) in enumerate(zip(places.tolist(), inside.tolist())):
            batch[i] = self.arrays[place][row]
        self._touched += batch.nbytes + len(rows) * AROUND
        if self._touched > RELEASE_BYTES:
            self._touched = 0
            for array in self.arrays:
                release(array)
        return batch


def window_labels(
    n: int, expressions: Iterable[Expression], k_prime: int, kinds: Sequence[str] = ()
) -> NDArray[np.float32]:
    """MEAN's pseudo-labels: 1 where the window [i, i + k' - 1] overlaps an expression, else 0 (equations 5 and 6).

    So the positives of an expression are the frames onset - k' + 1 to offset.

    Args:
        n: number of frames to label.
        expressions: expressions of the kind in question; with `kinds` all of a video.
        k_prime: window length in frames, at least 1.
        kinds: if given, each has a column of its own, (n, kinds).

    >>> window_labels(8, [Expression(4, 5)], 3)
    array([0., 0., 1., 1., 1., 1., 0., 0.], dtype=float32)
    """
    if not kinds:
        label = np.zeros(n, dtype=np.float32)
        for e in expressions:
            label[max(e.onset - k_prime + 1, 0) : e.offset + 1] = 1
        return label
    labels = np.zeros((n, len(kinds)), dtype=np.float32)
    for e in expressions:
        if e.kind in kinds:
            labels[max(e.onset - k_prime + 1, 0) : e.offset + 1, kinds.index(e.kind)] = 1
    return labels


def sample_negatives(
    labels: NDArray[Any], ratio: float, rng: np.random.Generator, of_majority: bool = False
) -> NDArray[np.int64]:
    """Indices of all positives and of at most `ratio` negatives for each, in order.

    All negatives stay where there are fewer; positives are never dropped. Without any positive all negatives stay.

    Args:
        labels: (n,), above 0 for positives; or (n, kinds): the first kind decides, so that it learns from the same samples
            with others and without.
        ratio: negatives for each positive.
        rng: draws the negatives that stay.
        of_majority: `ratio` is instead a share of the more frequent label's samples.
    """
    inside = (labels if labels.ndim == 1 else labels[:, 0]) > 0
    positive = np.flatnonzero(inside)
    negative = np.flatnonzero(~inside)
    counted = max(len(positive), len(negative)) if of_majority else len(positive)
    most = int(ratio * counted) if counted else len(negative)
    if len(negative) > most:
        negative = rng.choice(negative, most, replace=False)
    return np.sort(np.concatenate([positive, negative]))


def vote(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Votes of frames, (n_frames, n_classes), as scores of the classes, (n_classes,), that sum to 1.

    The most frequent class scores highest; of equally frequent ones the one with the larger summed probability.
    """
    votes = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    score = votes + 0.999 * probabilities.mean(0)  # below one vote: it can only break a tie
    return np.asarray(score / score.sum())


Transform = Callable[[Any], Any]


class ViewSamples(Dataset[Any], ABC):
    """Samples (x, y), or x alone. Of one chain x is a tensor, float32, maps as (C, H, W); of several a map of them by
    name.

    Args:
        names: names of the chains.
        labelled: whether samples have y.
        transform: transform of x.
    """

    labels: Tensor

    def __init__(self, names: Sequence[str], labelled: bool, transform: Transform | None = None) -> None:
        self.names = names
        self.labelled = labelled
        self.transform = transform

    @abstractmethod
    def __len__(self) -> int:
        """Number of samples."""

    @abstractmethod
    def read(self, index: int, name: str) -> NDArray[Any]:
        """The feature of a sample."""

    def __getitem__(self, index: int) -> Any:
        maps: Mapping[str, Tensor] = {name: tensor_of(self.read(index, name)) for name in self.names}
        x: Any = maps if len(self.names) > 1 else maps[self.names[0]]
        x = x if self.transform is None else self.transform(x)
        return (x, self.labels[index]) if self.labelled else x


class ClipSamples(ViewSamples):
    """Clips; y is the class number, int64.

    Args:
        clips: labelled ones where y is asked for.
        names: see `ViewSamples`, as the rest.
    """

    def __init__(
        self, clips: Sequence[Any], names: Sequence[str], labelled: bool, transform: Transform | None = None
    ) -> None:
        super().__init__(names, labelled, transform)
        self.clips: Sequence[ClipView] = clips
        if labelled:
            self.labels = torch.tensor([clip.label for clip in clips], dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.clips)

    def read(self, index: int, name: str) -> NDArray[Any]:
        """The feature of a clip."""
        return self.clips[index].feature(name)


class WindowSamples(ViewSamples):
    """Windows of so many frames, (window, ...), or of one frame, (...); row i of a feature with flow is that between
    frames i and i + k.

    y has a number for each kind, float32: 1 where an expression of that kind lies in the window, else 0.

    Args:
        videos: labelled ones where y is asked for.
        names: see `ViewSamples`, as the rest.
        labelled: likewise.
        transform: likewise.
        window: frames.
        kinds: the columns of y.
    """

    def __init__(
        self,
        videos: Sequence[Any],
        names: Sequence[str],
        labelled: bool,
        transform: Transform | None = None,
        window: int = 1,
        kinds: Sequence[str] = ("micro",),
    ) -> None:
        super().__init__(names, labelled, transform)
        self.window = window
        self.features = [{name: video.features(name) for name in names} for video in videos]
        self.counts = [max(min(map(len, f.values())) - window + 1, 0) for f in self.features]
        self._ends = np.cumsum(self.counts)
        if labelled:
            labels = [window_labels(n, video.expressions, window, kinds) for video, n in zip(videos, self.counts)]
            self.labels = torch.from_numpy(np.concatenate([np.zeros((0, len(kinds)), np.float32), *labels]))

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def read(self, index: int, name: str) -> NDArray[Any]:
        """The rows of a window."""
        place = int(np.searchsorted(self._ends, index, side="right"))
        first = index - int(self._ends[place]) + self.counts[place]
        rows: NDArray[Any] = self.features[place][name][first : first + self.window]
        return rows if self.window > 1 else np.asarray(rows[0])

    def of_frames(self, scores: NDArray[np.float64], videos: Sequence[VideoView]) -> list[NDArray[np.float64]]:
        """Scores of samples, (n, n_kinds), as frame scores of each video, (n_frames, n_kinds); NaN where no window
        begins.
        """
        return [
            np.pad(own, ((0, video.n_frames - len(own)), (0, 0)), constant_values=np.nan)
            for video, own in zip(videos, np.split(scores, self._ends[:-1]))
        ]


def tensor_of(feature: NDArray[Any]) -> Tensor:
    """A feature as float32: maps (..., H, W, C) as (..., C, H, W), anything else as it is.

    >>> tensor_of(np.zeros((28, 20, 3))).shape, tensor_of(np.zeros(7)).shape
    (torch.Size([3, 28, 20]), torch.Size([7]))
    """
    tensor = torch.from_numpy(np.asarray(feature, dtype=np.float32))
    return tensor.movedim(-1, -3) if tensor.ndim > 2 else tensor
