"""Training windows of motion: random stretches of videos, varied as other faces, tempos and cameras would."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
CALM = (1 / 16, 1.4)
"""Least and most factor of the motion of a window to which expressions are added, each octave as often: a person at rest or lively."""
ADDED_STRENGTH = (0.5, 1.2)
"""Least and most factor of an added expression."""
FREE_FRAMES = 8
"""Frames between two added expressions at least."""
HEAD_SIGNS = (-1.0, 1.0, 1.0, -1.0, -1.0, 1.0)
"""Signs of a mirrored head's motion: of its shift in u and v, of their change along columns, and along rows."""

Film = tuple[Tensor, Tensor]
"""Motion of a video (channels, T), and its labels (kinds, T)."""


@dataclass(frozen=True)
class Added:
    """What is added to windows.

    Attributes:
        expressions: micro-expressions alone, without the person's other motion, with labels from 0 to 1: as films.
        mean: number of them in a window on average.
    """

    expressions: Sequence[Film]
    mean: float


class MotionWindows(Dataset[Film]):
    """Random windows (channels, length) with their labels (kinds, length), drawn anew in each pass.

    They are drawn from the generator of torch, which follows from the seed of a run.

    Args:
        films: training videos.
        blocks: number of blocks along each side of the face crop.
        length: frames of a window.
        mixed: share of windows to which motion of another video is added, with its labels.
        added: micro-expressions that are added at random places of windows, which are also made calmer; None for none.
    """

    def __init__(
        self, films: Sequence[Film], blocks: int, length: int, mixed: float, added: Added | None = None
    ) -> None:
        self.films, self.blocks, self.length, self.mixed, self.added = films, blocks, length, mixed, added

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
        if self.added is None:
            motion = motion * _between(*STRENGTH)
        else:
            motion, labels = self._with_expressions(motion, labels, self.added)
        return motion + NOISE * torch.randn(motion.shape), labels

    def _draw(self) -> Film:
        """A stretch of a random video, half of the time slower or faster."""
        motion, labels = self.films[int(torch.randint(len(self.films), ()))]
        if not _chance(0.5):
            return _stretch(motion, labels, self.length)
        pace = _between(*PACE)
        motion, labels = _stretch(motion, labels, max(2, round(self.length * pace)))
        return pace * _with_length(motion, self.length), _with_length(labels, self.length)

    def _with_expressions(self, motion: Tensor, labels: Tensor, added: Added) -> Film:
        """A window made calmer or livelier, then with some micro-expressions that do not touch each other.

        One with expressions of its own keeps about its strength, or they could no longer be seen.
        """
        factor = _between(*STRENGTH) if labels.any() else _between_octaves(*CALM)
        motion, labels = factor * motion, labels.clone()
        taken = labels.any(0)
        for _ in range(int(torch.poisson(torch.tensor(added.mean)))):
            expression, own_labels = self._draw_expression(added.expressions)
            length = expression.shape[1]
            if length > self.length:
                continue
            first = int(torch.randint(self.length - length + 1, ()))
            around = slice(max(first - FREE_FRAMES, 0), first + length + FREE_FRAMES)
            if taken[around].any():
                continue
            place = slice(first, first + length)
            taken[place] = True
            motion[:, place] += expression
            labels[:, place] = own_labels
        return motion, labels

    def _draw_expression(self, expressions: Sequence[Film]) -> Film:
        """A micro-expression, mirrored or not, slower or faster, weaker or stronger."""
        motion, labels = expressions[int(torch.randint(len(expressions), ()))]
        if _chance(0.5):
            motion = mirrored(motion[None], self.blocks)[0]
        pace = _between(*PACE)
        length = max(2, round(motion.shape[1] / pace))
        strength = _between(*ADDED_STRENGTH)
        return strength * pace * _with_length(motion, length), _with_length(labels, length)


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


def there_and_back(motion: Tensor, labels: Tensor, length: int) -> Film:
    """A film that runs backwards and forwards again until it has so many frames; backwards, motion turns round.

    >>> there_and_back(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 1.0]]), 5)
    (tensor([[ 1.,  2., -2., -1.,  1.,  2.]]), tensor([[0., 1., 1., 0., 0., 1.]]))
    """
    motions, all_labels = [motion], [labels]
    while sum(part.shape[1] for part in motions) < length:
        motions.append(-motions[-1].flip(1))
        all_labels.append(all_labels[-1].flip(1))
    return torch.cat(motions, dim=1), torch.cat(all_labels, dim=1)


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


def _between_octaves(low: float, high: float) -> float:
    """A random number between two positive ones, each octave as often."""
    return math.exp(_between(math.log(low), math.log(high)))
