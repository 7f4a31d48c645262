"""Training windows of motion: random stretches of videos, varied as other faces, tempos and cameras would."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

STRENGTH = (0.6, 1.5)
"""Least and most factor of the motion of a window: faces nearer or farther, expressions weaker or stronger."""
PACE = (0.8, 1.25)
"""Slowest and fastest tempo."""
NOISE = 1 / 6
"""Standard deviation of the noise of a camera, pixels of the crop a second."""
HEAD_SIGNS = (-1.0, 1.0, 1.0, -1.0, -1.0, 1.0)
"""Signs of a mirrored head's motion: of its shift in u and v, of their change along columns, and along rows."""

Film = tuple[Tensor, Tensor]
"""Motion of a video (channels, T), and its labels (kinds, T)."""


class MotionWindows(Dataset[Film]):
    """Random windows (channels, length) with their labels (kinds, length), drawn anew in each pass.

    They are drawn from the generator of torch, which follows from the seed of a run.

    Args:
        films: training videos.
        blocks: number of blocks along each side of the face crop.
        length: frames of a window.
        mixed: share of windows to which motion of another video is added, with its labels.
    """

    def __init__(self, films: Sequence[Film], blocks: int, length: int, mixed: float) -> None:
        self.films, self.blocks, self.length, self.mixed = films, blocks, length, mixed

    def __len__(self) -> int:
        """As many windows as cover all videos once."""
        return sum(-(-motion.shape[1] // self.length) for motion, _ in self.films)

    def __getitems__(self, indices: Sequence[int]) -> Film:
        """A batch: motion (n, channels, length) and labels (n, kinds, length)."""
        drawn = [self[index] for index in indices]
        return torch.stack([motion for motion, _ in drawn]), torch.stack([labels for _, labels in drawn])

    def __getitem__(self, index: int) -> Film:
        """A window, whatever its index."""
        motion, labels = self._draw()
        if _chance(self.mixed):
            other, other_labels = self._draw()
            motion, labels = motion + _between(0.0, 1.0) * other, torch.maximum(labels, other_labels)
        if _chance(0.5):
            motion = mirrored(motion[None], self.blocks)[0]
        return motion * _between(*STRENGTH) + NOISE * torch.randn(motion.shape), labels

    def _draw(self) -> Film:
        """A stretch of a random video, half of the time slower or faster."""
        motion, labels = self.films[int(torch.randint(len(self.films), ()))]
        if not _chance(0.5):
            return _stretch(motion, labels, self.length)
        pace = _between(*PACE)
        motion, labels = _stretch(motion, labels, max(2, round(self.length * pace)))
        return pace * _with_length(motion, self.length), _with_length(labels, self.length)


def mirrored(motion: Tensor, blocks: int) -> Tensor:
    """The motion of the mirrored face: columns of blocks change places, horizontal motion its sign.

    Args:
        motion: (N, channels, T): of each block u and v, row by row, then those of the head, see `relative_motion`.
        blocks: number of blocks along each side.

    >>> motion = torch.arange(10.0).reshape(1, 10, 1)
    >>> mirrored(motion, 2)[0, :, 0].tolist()
    [-2.0, 3.0, -0.0, 1.0, -6.0, 7.0, -4.0, 5.0, -8.0, 9.0]
    """
    n, channels, frames = motion.shape
    count = 2 * blocks**2
    of_blocks = motion[:, :count].reshape(n, blocks, blocks, 2, frames).flip(2).reshape(n, -1, frames)
    signs_of_head = HEAD_SIGNS[: channels - count]
    signs = motion.new_tensor([-1.0, 1.0] * blocks**2 + [*signs_of_head])
    return torch.cat([of_blocks, motion[:, count:]], dim=1) * signs[:, None]


def _stretch(motion: Tensor, labels: Tensor, length: int) -> Film:
    """A random stretch of so many frames; a short video is followed by rest."""
    missing = max(length - motion.shape[1], 0)
    motion, labels = F.pad(motion, (0, missing)), F.pad(labels, (0, missing))
    start = int(torch.randint(motion.shape[1] - length + 1, ()))
    return motion[:, start : start + length], labels[:, start : start + length]


def _with_length(values: Tensor, length: int) -> Tensor:
    """Values (channels, T) brought to so many frames, linearly between them."""
    return F.interpolate(values[None], length, mode="linear", align_corners=True)[0]


def _chance(share: float) -> bool:
    """True in this share of calls."""
    return bool(torch.rand(()) < share)


def _between(low: float, high: float) -> float:
    """A random number between two."""
    return low + (high - low) * float(torch.rand(()))
