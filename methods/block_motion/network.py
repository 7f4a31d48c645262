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
COURSE_SECONDS = (0.24, 0.36, 0.5)
"""Lengths of the movements that `SharedBlocks` looks for: micro-expressions from short to long."""
LEAST_ENERGY = 1e-6
"""Added under a root, whose slope would be infinite at rest."""


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

    @property
    def reach(self) -> int:
        """Frames to both sides that a score depends on."""
        seen: int = 2 ** len(self.layers)
        return seen + USUAL_FRAMES if self.against_usual else seen

    def forward(self, motion: Tensor) -> Tensor:
        """Raw scores of each frame."""
        if self.against_usual:
            motion = torch.cat([motion, motion_against_usual(motion[:, : self.of_blocks])], dim=1)
        seen = F.gelu(self.enter(self.dropout(torch.asinh(motion / SMALL))))
        for layer in self.layers:
            seen = seen + F.gelu(layer(self.dropout(seen)))
        scores: Tensor = self.exit(seen)
        return scores


class SharedBlocks(nn.Module):
    """The same small filters at each block of the face, and what the strongest blocks and all together show.

    Each block's motion is compared with the courses of a movement there and back and of one that stays, over a quarter to half a
    second. How strongly a block follows a course counts against its usual strength in the 1.5 s to both sides, and against that of
    the whole face in the same frames: a mouth that speaks all the time, and a head that turns, count less.

    Shape: motion (N, channels, T) to raw scores (N, kinds, T).

    Args:
        side: number of blocks along each side of the face crop.
        head: how the motion of the head is given, see `relative_motion`.
        rate: frames a second of the motion.
        kinds: kinds of expressions.
        width: filters of each layer over blocks; twice as many over time.
        dropout: share of filters that a sample misses in training.
    """

    courses: Tensor
    places: Tensor

    def __init__(self, side: int, head: Head, rate: float, kinds: int, width: int, dropout: float) -> None:
        super().__init__()
        self.side, self.rate = side, rate
        self.register_buffer("courses", make_courses(rate), persistent=False)
        self.register_buffer("places", make_places(side), persistent=False)
        n_courses = len(self.courses)
        inputs = 2 * n_courses + 4 + len(self.places)
        self.enter = nn.Conv2d(inputs, width, 1)
        self.neighbours = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.dropout = nn.Dropout2d(dropout)
        self.join = nn.Conv1d(2 * width + HEAD_NUMBERS[head] + n_courses, 2 * width, 5, padding=2)
        self.exit = nn.Conv1d(2 * width, kinds, 5, padding=2)

    @property
    def reach(self) -> int:
        """Frames to both sides that a score depends on: two layers over five frames, the usual motion, and the longest course."""
        longest = int(max(COURSE_SECONDS) * self.rate / 2)
        return 2 + 2 + USUAL_FRAMES + longest

    def forward(self, motion: Tensor) -> Tensor:
        """Raw scores of each frame."""
        of_blocks, of_head = motion.split([2 * self.side**2, motion.shape[1] - 2 * self.side**2], dim=1)
        followed = self._follow_courses(of_blocks)
        energy = (followed.square().sum(2) + LEAST_ENERGY).sqrt()
        of_face = self._energy_of_face(energy)
        seen = F.gelu(self.enter(self._describe_blocks(of_blocks, followed, energy, of_face)))
        for layer in self.neighbours:
            seen = seen + F.gelu(layer(self.dropout(seen)))
        n, _, frames = motion.shape
        pooled = torch.cat([seen.amax((2, 3)), seen.mean((2, 3))], dim=1)
        over_time = pooled.reshape(n, frames, -1).transpose(1, 2)
        joined = torch.cat([over_time, torch.asinh(of_head / SMALL), of_face.log1p()], dim=1)
        scores: Tensor = self.exit(F.gelu(self.join(joined)))
        return scores

    def _follow_courses(self, of_blocks: Tensor) -> Tensor:
        """How the motion of each block agrees with each course around a frame, (N, blocks, 2, courses, T)."""
        n, channels, frames = of_blocks.shape
        half = self.courses.shape[1] // 2
        each = F.pad(of_blocks.reshape(-1, 1, frames), (half, half), mode="replicate")
        followed = F.conv1d(each, self.courses[:, None])
        return followed.reshape(n, channels // 2, 2, -1, frames)

    def _energy_of_face(self, energy: Tensor) -> Tensor:
        """Root mean square over the blocks that are not at the edge, (N, courses, T)."""
        inner = energy.unflatten(1, (self.side, self.side))[:, 1:-1, 1:-1]
        mean_square: Tensor = inner.square().mean((1, 2))
        return (mean_square + LEAST_ENERGY).sqrt()

    def _describe_blocks(self, of_blocks: Tensor, followed: Tensor, energy: Tensor, of_face: Tensor) -> Tensor:
        """Each block in each frame, (N T, inputs, side, side)."""
        n, blocks, _, frames = energy.shape
        against_usual = energy / usual_strength(energy.square().flatten(1, 2)).reshape(energy.shape)
        against_face = energy / (of_face[:, None] + LEAST_USUAL)
        direction = (
            torch.asinh(torch.cat([of_blocks.reshape(n, blocks, 2, frames), followed[:, :, :, 2]], dim=2) / SMALL) / 2
        )
        places = self.places.T[None, :, :, None].expand(n, -1, -1, frames)
        described = torch.cat([against_usual.log1p(), against_face.log1p(), direction, places], dim=2)
        return described.permute(0, 3, 2, 1).reshape(n * frames, -1, self.side, self.side)


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
    inside = places * ((rows.abs() < 1) & (columns.abs() < 1)).float()[:, None]
    # on a grid around the middle the three columns are orthogonal, so that each number follows from one of them
    return places, inside.T / inside.square().sum(0)[:, None]


def motion_against_usual(motion: Tensor) -> Tensor:
    """The motion of blocks, in units of how much each of them moves in the 1.5 s to both sides: `USUAL` for its root mean square.

    A mouth that speaks all the time so counts less than a brow that hardly ever moves.

    Args:
        motion: of each block u and v, (N, 2 blocks, T) pixels of the crop a second.
    """
    n, channels, frames = motion.shape
    by_block = motion.reshape(n, channels // 2, 2, frames)
    usual = usual_strength(by_block.square().sum(2))
    return USUAL * (by_block / usual[:, :, None]).reshape(n, channels, frames)


def usual_strength(squares: Tensor) -> Tensor:
    """How strong a motion usually is around each frame: its root mean square in the 1.5 s to both sides, beside `LEAST_USUAL`.

    Args:
        squares: of the motion, (N, channels, T).
    """
    squares = F.pad(squares, (USUAL_FRAMES, USUAL_FRAMES), mode="replicate")
    return (F.avg_pool1d(squares, 2 * USUAL_FRAMES + 1, stride=1) + LEAST_USUAL**2).sqrt()


def make_courses(rate: float) -> Tensor:
    """Velocities of a movement there and back and of one that stays, for each of `COURSE_SECONDS`; (courses, frames), each of length 1.

    A movement there and back is the derivative of a raised cosine, one that stays is half of a cosine.
    """
    half = int(max(COURSE_SECONDS) * rate / 2) + 1
    seconds = torch.arange(-half, half + 1) / rate
    courses = []
    for length in COURSE_SECONDS:
        inside = seconds.abs() <= length / 2
        courses.append(inside * -torch.sin(2 * torch.pi * seconds / length))
        courses.append(inside * torch.cos(torch.pi * seconds / length))
    return torch.stack([course / course.norm() for course in courses])


def make_places(side: int) -> Tensor:
    """Where each block lies, (4, blocks): row from -1 to 1, distance from the middle column, and the squares of both."""
    along = torch.linspace(-1, 1, side)
    rows, columns = (grid.flatten() for grid in torch.meshgrid(along, along, indexing="ij"))
    return torch.stack([rows, columns.abs(), rows.square(), columns.square()])
