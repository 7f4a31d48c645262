"""The hierarchy of HTNet, which CausalNet takes over: three levels of blocks over 4x4, 2x2 and 1 positions of a map."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

PATCH, SIDE = 7, 4
"""Height and width of a patch, pixels; patches along a map of 28x28."""
EXPANSION = 4


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of a map, (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each position."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Attention and two layers at one position, each added to what it reads.

    The published blocks attend among the positions of a part of the map, but on every level a part holds one position: softmax over
    one key is 1, whatever query and key are. So attention is the linear map from the values, and queries and keys, whose
    gradients are 0, are left out: of 3 C inner weights 2 C inner, where inner = heads (C // heads).

    Shape: (N, C) to the same.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        inner = channels // heads * heads
        self.norm = nn.LayerNorm(channels)
        self.values, self.out = nn.Linear(channels, inner, bias=False), nn.Linear(inner, channels)
        self.layers = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, EXPANSION * channels), nn.GELU(), nn.Linear(EXPANSION * channels, channels)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Both steps."""
        x = self.out(self.values(self.norm(x))) + x
        y: Tensor = self.layers(x) + x
        return y


class Level(nn.Module):
    """Blocks at each position, a number added to all before them; and, but for the last level, twice the channels on half the map.

    Shape: (N, C, H, W) to (N, C', H / 2, W / 2), or of the last level (N, C, 1, 1).
    """

    def __init__(self, channels: int, heads: int, blocks: int, out: int | None) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(1))
        self.blocks = nn.Sequential(*(Block(channels, heads) for _ in range(blocks)))
        self.merge: nn.Module = nn.Identity()
        if out is not None:
            self.merge = nn.Sequential(
                nn.Conv2d(channels, out, 3, padding=1), ChannelNorm(out), nn.MaxPool2d(3, stride=2, padding=1)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Blocks, then merge."""
        n, c, h, w = x.shape
        tokens = self.blocks(x.permute(0, 2, 3, 1).reshape(-1, c) + self.position)
        merged: Tensor = self.merge(tokens.view(n, h, w, c).permute(0, 3, 1, 2))
        return merged


class Hierarchy(nn.Module):
    """Patches of 7x7 pixels become positions, and three levels make one of 4x4.

    Args:
        dim: channels of the first level; each next one doubles them.
        heads: of attention on the first level; each next one doubles them.
        blocks: on each level.

    Shape: (N, 3, 28, 28) to (N, 4 dim, 1, 1).
    """

    def __init__(self, dim: int, heads: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.dim_out, self.unused = 4 * dim, 0
        self.embed = nn.Linear(3 * PATCH * PATCH, dim)
        levels = []
        for place, number in enumerate(blocks):
            channels, own = dim << place, heads << place
            last = place == len(blocks) - 1
            levels.append(Level(channels, own, number, None if last else 2 * channels))
            self.unused += number * 2 * channels * (channels // own * own)
        self.levels = nn.Sequential(*levels)

    def forward(self, x: Tensor) -> Tensor:
        """The position at the top."""
        n = len(x)
        patches = x.view(n, 3, SIDE, PATCH, SIDE, PATCH).permute(0, 2, 4, 3, 5, 1)  # of a patch row, column, channel
        top: Tensor = self.levels(self.embed(patches.reshape(n, SIDE, SIDE, -1)).permute(0, 3, 1, 2))
        return top
