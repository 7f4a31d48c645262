"""Convolutions over time on the motion of blocks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .windows import mirrored

SMALL = 5 / 3
"""Motion in pixels of the crop a second up to which the network sees it in proportion; stronger motion is compressed."""


class OverTime(nn.Module):
    """Convolutions whose reach doubles from layer to layer, each added to what it reads.

    Shape: motion (N, channels, T) to raw scores (N, kinds, T).

    Args:
        channels: numbers of each frame.
        kinds: kinds of expressions.
        width: filters of each layer.
        layers: number of layers; the reach to both sides of a frame is 2^layers frames.
        dropout: share of channels that a sample misses in training.
    """

    def __init__(self, channels: int, kinds: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Conv1d(channels, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=2**place, dilation=2**place) for place in range(layers)
        )
        self.dropout = nn.Dropout1d(dropout)
        self.exit = nn.Conv1d(width, kinds, 1)

    def forward(self, motion: Tensor) -> Tensor:
        """Raw scores of each frame."""
        seen = F.gelu(self.enter(self.dropout(torch.asinh(motion / SMALL))))
        for layer in self.layers:
            seen = seen + F.gelu(layer(self.dropout(seen)))
        scores: Tensor = self.exit(seen)
        return scores


class InFilm(nn.Module):
    """The members of a method on a whole film, for other programs.

    Shape: mean flow of each block (T, blocks, blocks, 2) to probabilities (T,) of each kind.

    Args:
        members: networks whose scores are averaged.
        columns: columns of their outputs to give.
        per_second: factor from motion between the two frames of a pair to motion a second.
    """

    def __init__(self, members: nn.ModuleList, columns: Sequence[int], per_second: float) -> None:
        super().__init__()
        self.members, self.columns, self.per_second = members, list(columns), per_second

    def forward(self, flow: Tensor) -> tuple[Tensor, ...]:
        """Probability of each kind in each frame."""
        blocks = flow.shape[1]
        motion = relative_motion(flow.flatten(1, 2) * self.per_second).T[None]
        both = torch.cat([motion, mirrored(motion, blocks)])
        raw = torch.stack([member(both) for member in self.members]).mean((0, 1)).sigmoid()
        return tuple(raw[column] for column in self.columns)


def relative_motion(blocks: Tensor) -> Tensor:
    """Motion of blocks against their median, then the median itself, (T, 2 blocks + 2).

    Args:
        blocks: motion of each block, (T, blocks, 2).
    """
    count = blocks.shape[1]
    ordered = blocks.sort(1).values
    median = (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2
    return torch.cat([(blocks - median[:, None]).flatten(1), median], dim=1)
