"""Convolutions over time on the motion of blocks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .params import Head
from .windows import mirrored

SMALL = 5 / 3
"""Motion in pixels of the crop a second up to which the network sees it in proportion; stronger motion is compressed."""
USUAL_FRAMES = 37
"""Frames to both sides of a frame whose motion says how much a block usually moves there, 1.5 s at 25 frames a second."""
LEAST_USUAL = 1.0
"""Motion in pixels of the crop a second that a block has at least, so that the noise of a still face stays small."""
USUAL = 2.5
"""Pixels of the crop a second as which a block's usual motion counts beside the motion itself."""

HEAD_NUMBERS = {"median": 2, "affine": 6}
"""Numbers of a frame that give the motion of the head."""


class OverTime(nn.Module):
    """Convolutions whose reach doubles from layer to layer, each added to what it reads.

    Shape: motion (N, channels, T) to raw scores (N, kinds, T).

    Args:
        blocks: number of blocks of the face crop.
        head: how the motion of the head is given, see `relative_motion`.
        against_usual: whether the network also reads the motion of each block against its usual motion.
        kinds: kinds of expressions.
        width: filters of each layer.
        layers: number of layers; the reach to both sides of a frame is 2^layers frames.
        dropout: share of channels that a sample misses in training.
    """

    def __init__(
        self, blocks: int, head: Head, against_usual: bool, kinds: int, width: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.of_blocks, self.against_usual = 2 * blocks, against_usual
        channels = self.of_blocks * (2 if against_usual else 1) + HEAD_NUMBERS[head]
        self.enter = nn.Conv1d(channels, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=2**place, dilation=2**place) for place in range(layers)
        )
        self.dropout = nn.Dropout1d(dropout)
        self.exit = nn.Conv1d(width, kinds, 1)

    def forward(self, motion: Tensor) -> Tensor:
        """Raw scores of each frame."""
        if self.against_usual:
            motion = torch.cat([motion, motion_against_usual(motion[:, : self.of_blocks])], dim=1)
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
        head: how the motion of the head is taken off.
    """

    def __init__(self, members: nn.ModuleList, columns: Sequence[int], per_second: float, head: Head) -> None:
        super().__init__()
        self.members, self.columns, self.per_second, self.head = members, list(columns), per_second, head

    def forward(self, flow: Tensor) -> tuple[Tensor, ...]:
        """Probability of each kind in each frame."""
        blocks = flow.shape[1]
        motion = relative_motion(flow.flatten(1, 2) * self.per_second, self.head).T[None]
        both = torch.cat([motion, mirrored(motion, blocks)])
        raw = torch.stack([member(both) for member in self.members]).mean((0, 1)).sigmoid()
        return tuple(raw[column] for column in self.columns)


def relative_motion(blocks: Tensor, head: Head = "median") -> Tensor:
    """Motion of blocks against the head, then the motion of the head, (T, 2 blocks + 2 or 6).

    Args:
        blocks: motion of each block, row by row, (T, blocks, 2).
        head: `median`, the median block: 2 numbers; `affine`, the affine motion nearest to that of all blocks but those at the edge of
            the crop, by least squares: shift, and change along columns and rows, each of u and v, 6 numbers. It takes off a head that
            turns or comes nearer, too.
    """
    if head == "affine":
        places, solve = _affine_of_places(blocks.shape[1])
        numbers = torch.einsum("ib,tbc->tic", solve, blocks)
        of_head = torch.einsum("bi,tic->tbc", places, numbers)
        return torch.cat([(blocks - of_head).flatten(1), numbers.flatten(1)], dim=1)
    count = blocks.shape[1]
    ordered = blocks.sort(1).values
    median = (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2
    return torch.cat([(blocks - median[:, None]).flatten(1), median], dim=1)


def _affine_of_places(count: int) -> tuple[Tensor, Tensor]:
    """What an affine motion reads at each block, (blocks, 3), and how it follows from the motion of the blocks, (3, blocks).

    Places go from -1 to 1. Blocks at the edge, where hair and background move, have no say.
    """
    side = round(count**0.5)
    along = torch.linspace(-1, 1, side)
    rows, columns = (grid.flatten() for grid in torch.meshgrid(along, along, indexing="ij"))
    places = torch.stack([torch.ones(count), columns, rows], dim=1)
    inside = ((rows.abs() < 1) & (columns.abs() < 1)).float()[:, None]
    return places, torch.linalg.solve(places.T @ (inside * places), (inside * places).T)


def motion_against_usual(motion: Tensor) -> Tensor:
    """The motion of blocks, in units of how much each of them moves in the 1.5 s to both sides: `USUAL` for its root mean square.

    A mouth that speaks all the time so counts less than a brow that hardly ever moves.

    Args:
        motion: of each block u and v, (N, 2 blocks, T) pixels of the crop a second.
    """
    n, channels, frames = motion.shape
    by_block = motion.reshape(n, channels // 2, 2, frames)
    squares = F.pad(by_block.square().sum(2), (USUAL_FRAMES, USUAL_FRAMES), mode="replicate")
    usual = (F.avg_pool1d(squares, 2 * USUAL_FRAMES + 1, stride=1) + LEAST_USUAL**2).sqrt()
    return USUAL * (by_block / usual[:, :, None]).reshape(n, channels, frames)
