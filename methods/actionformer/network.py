"""The network of ActionFormer: convolutions, blocks of local attention at six levels, and heads that the levels share."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS, STEM, LEVELS = 4, 2, 6
CLASSES = 2
"""Micro- and macro-expression, in this order."""
PRIOR = 0.01
"""Confidence of a proposal before anything is learnt."""
DROPPED = 0.1
"""Share of the samples that a branch of a block is left out of in training."""


class ChannelNorm(nn.LayerNorm):
    """Normalises the channels of each moment of (N, C, T)."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Branch(nn.Module):
    """Weighs a branch of a block, and leaves it out of some samples in training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1, width, 1), 1e-4))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        x = self.scale * x
        if not self.training:
            return x
        kept = (torch.rand(len(x), 1, 1, device=x.device) >= DROPPED).to(x.dtype)
        return x / (1 - DROPPED) * kept


class LocalAttention(nn.Module):
    """Each moment attends to those around it; queries, keys and values are convolved over three moments first.

    Args:
        width: channels.
        window: moments, odd.
        stride: from one moment to the next.
    """

    def __init__(self, width: int, window: int, stride: int) -> None:
        super().__init__()
        self.window, self.stride = window, stride
        self.convolved = nn.ModuleList(
            nn.Conv1d(width, width, 3, stride, 1, groups=width, bias=False) for _ in range(3)
        )
        self.norms = nn.ModuleList(ChannelNorm(width) for _ in range(3))
        self.projected = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(3))
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """(N, C, T) to (N, C, T / stride); `there`, (N, 1, T / stride), is 1 inside the video, else 0."""
        parts = []
        for conv, norm, project in zip(self.convolved, self.norms, self.projected):
            part = project(norm(conv(x) * there))
            parts.append(part.view(len(x), HEADS, -1, part.shape[-1]).transpose(2, 3))  # (N, heads, T, channels)
        query, key, value = parts
        around = self.window // 2
        near = F.pad(key, (0, 0, around, around)).unfold(2, self.window, 1)  # (N, heads, T, channels, window)
        values = F.pad(value, (0, 0, around, around)).unfold(2, self.window, 1)
        fits = torch.einsum("nhtc,nhtcw->nhtw", query * query.shape[-1] ** -0.5, near)
        absent = F.pad(there, (around, around)).unfold(2, self.window, 1) == 0  # (N, 1, T, window)
        shares = fits.masked_fill(absent, -1e4).softmax(-1)
        found = torch.einsum("nhtw,nhtcw->nhtc", shares, values)
        out: Tensor = self.out(found.transpose(2, 3).reshape(len(x), -1, found.shape[2]))
        return out * there


class Block(nn.Module):
    """Local attention and a layer for each moment; what comes in is added."""

    def __init__(self, width: int, window: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.norms = nn.ModuleList([ChannelNorm(width), ChannelNorm(width)])
        self.attention = LocalAttention(width, window, stride)
        self.layers = nn.Sequential(nn.Conv1d(width, 4 * width, 1), nn.GELU(), nn.Conv1d(4 * width, width, 1))
        self.branches = nn.ModuleList([Branch(width), Branch(width)])

    def forward(self, x: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, T) and a mask of the video, (N, 1, T), to those of every `stride`-th moment."""
        below = there[:, :, :: self.stride]
        kept = F.max_pool1d(x, 3, self.stride, 1) if self.stride > 1 else x
        x = kept * below + self.branches[0](self.attention(self.norms[0](x), below))
        return x + self.branches[1](self.layers(self.norms[1](x)) * below), below


class Head(nn.Module):
    """Three convolutions along a level, the first two normalised and rectified, without biases."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(ChannelNorm(width) for _ in range(2))
        self.last = nn.Conv1d(width, outputs, 3, padding=1)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """(N, outputs, T)."""
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu(norm(conv(x) * there))
        out: Tensor = self.last(x)
        return out * there


class IntervalPyramid(nn.Module):
    """From features to classes and ends of intervals at the moments of six levels.

    Shape: (N, channels, T), T a multiple of 32, and a mask of the video, (N, 1, T), to scores (N, P, 2), distances to
    both ends in strides (N, P, 2) and a mask of existing points (N, P); P = 63 T / 32.
    """

    def __init__(self, channels: int, width: int, window: int) -> None:
        super().__init__()
        self.embed = nn.ModuleList(nn.Conv1d(c, width, 3, padding=1, bias=False) for c in (channels, width))
        self.embed_norms = nn.ModuleList(ChannelNorm(width) for _ in range(2))
        self.blocks = nn.ModuleList(Block(width, window, 1 if i < STEM else 2) for i in range(STEM + LEVELS - 1))
        self.level_norms = nn.ModuleList(ChannelNorm(width) for _ in range(LEVELS))
        self.classes, self.ends = Head(width, CLASSES), Head(width, 2)
        self.scales = nn.Parameter(torch.ones(LEVELS))
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d) and layer.bias is not None:
                nn.init.zeros_(layer.bias)
        assert self.classes.last.bias is not None
        nn.init.constant_(self.classes.last.bias, -math.log((1 - PRIOR) / PRIOR))

    def forward(self, x: Tensor, there: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See above."""
        for conv, norm in zip(self.embed, self.embed_norms):
            x = F.relu(norm(conv(x) * there))
        parts: list[list[Tensor]] = [[], [], []]
        for number, block in enumerate(self.blocks):
            x, there = block(x, there)
            if (level := number - STEM + 1) < 0:
                continue
            made: Any = self.level_norms[level](x)
            parts[0].append(self.classes(made, there).transpose(1, 2))
            parts[1].append(F.relu(self.scales[level] * self.ends(made, there)).transpose(1, 2))
            parts[2].append(there[:, 0])
        scores, ends, present = (torch.cat(part, dim=1) for part in parts)
        return scores, ends, present
