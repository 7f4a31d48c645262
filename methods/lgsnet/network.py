"""The network of LGSNet: a pyramid of four levels over a window, and heads that every level shares."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8
LEVELS = 4
RATIOS = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Widths of the anchors at a point, in strides of its level."""
CLASSES = 2
"""Macro- and micro-expression, in this order."""


class Gated(nn.Module):
    """Convolutions of 3 and 1, normalised and added, weighed at each moment by how strong all channels are there.

    Args:
        before: channels.
        after: channels.
        length: of what comes in, (N, before, length).
        kind: `same` keeps the shape, `half` halves the length, `joined` reads two maps side by side.
    """

    def __init__(self, before: int, after: int, length: int, kind: str) -> None:
        super().__init__()
        self.kind, stride = kind, 2 if kind == "half" else 1
        self.wide = nn.Sequential(nn.Conv1d(before, after, 3, stride, 1), nn.GroupNorm(GROUPS, after))
        self.point = nn.Sequential(nn.Conv1d(before, after, 1), nn.GroupNorm(GROUPS, after))
        self.norm = nn.GroupNorm(GROUPS, before) if kind == "same" else nn.Identity()
        self.gate = nn.Conv1d(length, length // stride, 1)
        self.pool = nn.MaxPool1d(2, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, after, length), or half of it."""
        if self.kind == "same":
            own = self.norm(x)
            return F.mish(self.wide(x) + self.point(x) + own * self._moments(own))
        made = self.wide(x) + self.point(self.pool(F.pad(x, (0, 1))))
        return F.mish(made * self._moments(x))

    def _moments(self, x: Tensor) -> Tensor:
        found: Tensor = self.gate(x.mean(1)[:, :, None]).sigmoid().transpose(1, 2)
        return found


class Neighbours(nn.Module):
    """The whole window's effect on each moment, weighted by its neighbours, and a layer for each place ("local
    suppression and global enhancement").
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Conv1d(width, width, 1) for _ in range(3))
        self.local, self.whole = nn.Conv1d(1, 1, 1), nn.Conv1d(width, width, 1)
        self.first, self.second = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, (N, width, T)."""
        key, query, value = self.key(x), self.query(x), self.value(x)
        scale, near = x.shape[1] ** -0.5, x.shape[2] // 4
        # The public program compares a moment with the values around it: it writes them over the keys.
        around = F.pad(value, (near // 2, near // 2 - 1)).unfold(2, near, 1)  # (N, width, T, near)
        fits = (torch.einsum("nct,nctk->ntk", query, around) * scale).softmax(-1)
        shares = self._dropped(fits[:, None].expand_as(around))
        local = self.local((shares * around).sum(-1).mean(1, keepdim=True)).sigmoid()
        attention = ((query.transpose(1, 2) @ key) * scale).softmax(-1)
        whole = self.whole((self._dropped(attention) @ value.transpose(1, 2)).transpose(1, 2))
        x = self.norms[0]((F.dropout(whole * local, 0.2, self.training) + x).transpose(1, 2))
        hidden = F.dropout(F.mish(F.dropout(self.first(x), 0.2, self.training)), 0.2, self.training)
        out: Tensor = self.norms[1](F.dropout(self.second(hidden), 0.2, self.training) + x)
        return out.transpose(1, 2)

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, 0.1, self.training)


class PyramidDetector(nn.Module):
    """From a window of features to classes and ends of intervals at the points of four levels.

    Shape: (N, channels, T), T a multiple of 32, to the points' scores (N, P, 2) and distances to both ends in strides (N, P, 2), and
    the anchors' scores (N, 5 P, 2), shifts and logarithms of widths (N, 5 P, 2); P = 15 T / 32, from T / 4 points of the first level.
    """

    def __init__(self, channels: int, length: int, width: int) -> None:
        super().__init__()
        base = length // 4
        self.stem = nn.ModuleList([nn.Conv1d(channels, width, 9, padding=4), nn.Conv1d(width, width, 9, padding=4)])
        sizes = (width, width, width, 2 * width, 2 * width)
        self.levels = nn.ModuleList(
            nn.Conv1d(a, b, 3, stride, 1) for a, b, stride in zip(sizes, sizes[1:], (1, 2, 2, 2))
        )
        norm = nn.GroupNorm(GROUPS, width)
        self.fine = nn.Sequential(Gated(width, width, base, "same"), norm)
        norm = nn.GroupNorm(GROUPS, width)
        self.coarse = nn.Sequential(Gated(width, width, 2 * base, "same"), Gated(width, width, 2 * base, "half"), norm)
        self.fuse = Gated(2 * width, width, base, "joined")
        self.reduce = nn.ModuleList(nn.Conv1d(size, width, 1) for size in sizes[1:])
        self.neighbours = Neighbours(width)
        half, outputs = width // 2, (CLASSES, 2, CLASSES * len(RATIOS), 2 * len(RATIOS))
        self.branches = nn.ModuleList(
            nn.Sequential(
                *(nn.Conv1d(width, half, 3, padding=1), nn.Mish(), nn.Conv1d(half, half, 3, padding=1), nn.Mish()),
                nn.Conv1d(half, size, 3, padding=1),
            )
            for size in outputs
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d) and layer.bias is not None:
                nn.init.kaiming_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See above."""
        early = F.max_pool1d(F.mish(self.stem[0](x)), 2)
        made, levels = F.max_pool1d(F.mish(self.stem[1](early)), 2), []
        for level in self.levels:
            made = F.mish(level(made))
            levels.append(made)
        levels[0] = self.fuse(torch.cat([self.coarse(early), self.fine(levels[0])], dim=1))
        seen = [F.mish(reduce(made)) for reduce, made in zip(self.reduce, levels)]
        seen[0] = self.neighbours(seen[0])
        parts = [[branch(made).transpose(1, 2) for made in seen] for branch in self.branches]
        scores, ends, anchors, moves = (torch.cat(part, dim=1) for part in parts)
        return scores, F.relu(ends), _by_anchor(anchors), _by_anchor(moves)


def _by_anchor(x: Tensor) -> Tensor:
    """(N, points, 5 pairs) to (N, 5 points, 2)."""
    return x.reshape(len(x), -1, 2)
