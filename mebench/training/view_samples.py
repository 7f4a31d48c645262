"""Views as torch datasets: clips, and frames or windows of videos, with features read on access."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mebench.core import ClipView, VideoView
from mebench.training.samples import window_labels

Transform = Callable[[Any], Any]


class ViewSamples(Dataset[Any]):
    """Samples (x, y), or x alone. Of one chain x is a tensor, float32, maps as (C, H, W); of several a map of them by name.

    Args:
        names: of the chains.
        labelled: whether samples have y.
        transform: of x.
    """

    labels: Tensor

    def __init__(self, names: Sequence[str], labelled: bool, transform: Transform | None = None) -> None:
        self.names, self.labelled, self.transform = names, labelled, transform

    def __len__(self) -> int:
        raise NotImplementedError

    def read(self, index: int, name: str) -> NDArray[Any]:
        """The feature of a sample."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> Any:
        found: Mapping[str, Tensor] = {name: tensor_of(self.read(index, name)) for name in self.names}
        x: Any = found if len(self.names) > 1 else found[self.names[0]]
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
    """Windows of so many frames, (window, ...), or of one frame, (...); row i of a feature with flow is that between frames i and i + k.

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
        self.counts = [max(min(map(len, own.values())) - window + 1, 0) for own in self.features]
        self._ends = np.cumsum(self.counts)
        if labelled:
            own = [
                [window_labels(n, (e for e in video.expressions if e.kind == kind), window) for kind in kinds]
                for video, n in zip(videos, self.counts)
            ]
            none = np.zeros((0, len(kinds)), np.float32)
            self.labels = torch.from_numpy(np.concatenate([none, *(np.stack(rows, axis=1) for rows in own)]))

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def read(self, index: int, name: str) -> NDArray[Any]:
        """The rows of a window."""
        place = int(np.searchsorted(self._ends, index, side="right"))
        first = index - int(self._ends[place]) + self.counts[place]
        rows: NDArray[Any] = self.features[place][name][first : first + self.window]
        return rows if self.window > 1 else np.asarray(rows[0])

    def of_frames(self, scores: NDArray[np.float64], videos: Sequence[VideoView]) -> list[NDArray[np.float64]]:
        """Scores of samples, (n, n_kinds), as frame scores of each video, (n_frames, n_kinds); NaN where no window begins."""
        found = []
        for video, end, count in zip(videos, self._ends, self.counts):
            own = np.full((video.n_frames, scores.shape[1]), np.nan)
            own[:count] = scores[end - count : end]
            found.append(own)
        return found


def tensor_of(feature: NDArray[Any]) -> Tensor:
    """A feature as float32: maps (..., H, W, C) as (..., C, H, W), anything else as it is.

    >>> tensor_of(np.zeros((28, 20, 3))).shape, tensor_of(np.zeros(7)).shape
    (torch.Size([3, 28, 20]), torch.Size([7]))
    """
    found = torch.from_numpy(np.asarray(feature, dtype=np.float32))
    return found.movedim(-1, -3) if found.ndim > 2 else found
