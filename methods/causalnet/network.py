"""The network of CausalNet (Zhang, Tang and Chen, ICCV 2025), as in the authors' program."""

import torch
from torch import Tensor, nn

from mebench.training.layers import EXPANSION, Hierarchy

HEADS, PLACES, HIDDEN = 8, 4, 2048
"""Of the attention above the hierarchies; the places are groups of their channels, taken for a square of 2x2."""


def _layers(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, EXPANSION * dim), nn.GELU(), nn.Linear(EXPANSION * dim, dim))


class Attention(nn.Module):
    """Attention from one sequence to another, (N, 4, dim) each, with 8 heads.

    Args:
        dim: numbers of a place.
        scale: what products of queries and keys are multiplied by.
        gamma: with it places that are not side by side are shut out as the program does: their product is 0 and is lowered by
            gamma times the number of the key's place, from 1, so they take part in the softmax, and their share is then lost.
    """

    shift: Tensor
    near: Tensor

    def __init__(self, dim: int, scale: float, gamma: float | None = None) -> None:
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.scale = scale
        square = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
        near = (square[:, None] - square[None]).abs().sum(-1) <= 1 if gamma is not None else torch.ones(PLACES, PLACES)
        numbers = torch.arange(1.0, PLACES + 1)
        self.register_buffer("near", near.float(), persistent=False)
        self.register_buffer("shift", -(gamma or 0.0) * numbers * (1 - near.float()), persistent=False)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """The attention of `x` to `context`."""
        q, k, v = (_split(t) for t in (self.q(x), *self.kv(context).chunk(2, dim=-1)))
        shares = (q @ k.transpose(-1, -2) * self.scale * self.near + self.shift).softmax(-1) * self.near
        found: Tensor = self.out(_joined(shares @ v))
        return found


def _split(x: Tensor) -> Tensor:
    """(N, places, dim) to (N, heads, places, dim / heads)."""
    n, places, dim = x.shape
    return x.view(n, places, HEADS, dim // HEADS).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


class Cross(nn.Module):
    """The directions of both phases attend to each other in turn; the second one reads the updated first one."""

    def __init__(self, dim: int, gamma: float) -> None:
        super().__init__()
        self.norm, self.attention, self.layers = nn.LayerNorm(dim), Attention(dim, dim**-0.5, gamma), _layers(dim)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 4, dim) each."""
        a, b = self.norm(x), self.norm(y)
        x = x + self.attention(a, y)
        y = y + self.attention(b, x)
        return self.layers(x) + x, self.layers(y) + y


class Causal(nn.Module):
    """Both phases forwards and backwards in time, and the relation between the two.

    Args:
        dim: numbers of a place.
        gamma: see `Attention`.

    Shape: two of (N, 4, dim) to (N, 12, dim).
    """

    def __init__(self, dim: int, gamma: float) -> None:
        super().__init__()
        self.norm, self.layers = nn.LayerNorm(dim), _layers(dim)
        scale = (dim // HEADS) ** -0.5
        self.space, self.time = Attention(dim, scale, gamma), Attention(dim, scale)
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.scale = scale

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The relation, then the earlier phase of each direction of time."""
        forwards, backwards = self._one_way(first, second), self._one_way(second, first)
        later, earlier = forwards[1], backwards[1]
        q, k, v = (_split(t) for t in (self.q(later), self.k(earlier), self.v(earlier + later)))
        found = _joined((q @ k.transpose(-1, -2) * self.scale).softmax(-1) @ v)
        relation = self.out(found + later + earlier)
        return torch.cat([relation, forwards[0], backwards[0]], dim=1)

    def _one_way(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x, y = self.norm(x), self.norm(y)
        x, y = self.space(x, x) + x, self.space(y, y) + y
        y = self._in_time(x, y) + y
        return self.layers(x) + x, self.layers(y) + y

    def _in_time(self, x: Tensor, y: Tensor) -> Tensor:
        """Each place of the later phase chooses between itself and the same place of the earlier one."""
        q = _split(self.time.q(y))
        (k, v), (own_k, own_v) = (tuple(map(_split, self.time.kv(t).chunk(2, dim=-1))) for t in (x, y))
        shares = (torch.stack([(q * k).sum(-1), (q * own_k).sum(-1)], dim=-1) * self.scale).softmax(-1)
        found: Tensor = self.time.out(_joined(shares[..., :1] * v + shares[..., 1:] * own_v))
        return found


class CausalNet(nn.Module):
    """A hierarchy for the flow of both phases, another for their directions, and attention above them.

    At the published sizes the authors' program counts 276,590,089 numbers, including 41,518,080 in queries and keys of
    the hierarchies that have no effect (see `mebench.training.layers`): 235,072,009 are here.

    Args:
        hierarchies: of flow and of direction.
        depth: of the cross attention: the program takes the number of blocks of the last level, left over from a loop.
        gamma: see `Attention`.
        classes: how many.

    Shape: (N, 4, 3, 28, 28), flow then direction of onset to apex and of apex to offset each, to (N, classes), raw class scores.
    """

    def __init__(self, hierarchies: tuple[Hierarchy, Hierarchy], depth: int, gamma: float, classes: int) -> None:
        super().__init__()
        self.flow, self.direction = hierarchies
        dim = self.flow.dim_out // PLACES
        self.cross = nn.ModuleList(Cross(dim, gamma) for _ in range(depth))
        self.causal = Causal(dim, gamma)
        self.head = nn.Sequential(nn.Linear(3 * PLACES * dim, HIDDEN), nn.Linear(HIDDEN, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        n = len(x)
        flows, directions = (
            hierarchy(x[:, first : first + 2].flatten(0, 1)).view(n, 2, -1, PLACES).transpose(2, 3)
            for first, hierarchy in ((0, self.flow), (2, self.direction))
        )
        rising, falling = directions[:, 0], directions[:, 1]
        for layer in self.cross:
            rising, falling = layer(rising, falling)
        scores: Tensor = self.head(self.causal(flows[:, 0] + rising, flows[:, 1] + falling).flatten(1))
        return scores
