"""The network of SpotFormer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mebench.features.regions import POINTS
from mebench.training.boundaries import OUTPUTS

WINDOW = 17
NOSE = (6, 7)
"""Places of both regions of the nose among `POINTS`, which are left out."""
PARTS = (3, 3, 4)
"""Regions of one brow, of the other and of the mouth, in this order; each part has one place embedding, and is pooled.
"""
HEAD = 64
AT_ONCE = 512


class Normalised(nn.Module):
    """Batch normalisation of the last axis of (..., C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        flat: Tensor = self.norm(x.reshape(-1, x.shape[-1]))
        return flat.view(x.shape)


class Attention(nn.Module):
    """Attention along the axis before the last of (..., L, C); what comes in is added."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm = Normalised(channels)
        self.qkv = nn.Linear(channels, 3 * heads * HEAD, bias=False)
        self.out = nn.Sequential(nn.Linear(heads * HEAD, channels), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        length = x.shape[-2]
        q, k, v = self.qkv(self.norm(x)).reshape(-1, length, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0)
        added: Tensor = self.out(found.transpose(1, 2).reshape(*x.shape[:-1], -1))
        return x + added


class FeedForward(nn.Module):
    """Two layers for each place of (..., C); what comes in is added."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Normalised(channels),
            nn.Linear(channels, channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(channels, channels),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        added: Tensor = self.layers(x)
        return x + added


class Shorter(nn.Module):
    """(N, regions, T, C) to about half of T: kernels of 3 in steps of 2."""

    def __init__(self, channels: int, padding: int) -> None:
        super().__init__()
        self.norm = Normalised(channels)
        self.conv = nn.Conv1d(channels, channels, 3, stride=2, padding=padding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, regions, (T + 2 padding - 1) // 2, C)."""
        shorter: Tensor = self.conv(self.norm(x).flatten(0, 1).transpose(1, 2))
        return shorter.transpose(1, 2).reshape(*x.shape[:2], -1, x.shape[3])


class MultiScaleTransformer(nn.Module):
    """Attention among ten regions and along 17 frames, then among three parts of the face, then only along time, ever
    shorter.

    With 256 channels and 4 heads 3,168,778 numbers; running statistics of the normalisation are not counted.

    Shape: (N, T, 12, 2), a series of motion from each frame to the next, to (N, 10, T).
    """

    def __init__(self, channels: int, heads: int, dropout: float, since_first: bool = True) -> None:
        super().__init__()
        self.since_first = since_first
        self.embed = nn.Sequential(nn.Linear(2, channels), Normalised(channels))
        self.when = nn.Parameter(torch.randn(WINDOW + 1, channels))  # its last row is not used, as in the public code
        self.where = nn.Parameter(torch.randn(len(PARTS), channels))
        self.dropout = nn.Dropout(dropout)

        def block() -> nn.Sequential:
            return nn.Sequential(Attention(channels, heads, dropout), FeedForward(channels, dropout))

        self.regions = nn.ModuleList(block() for _ in range(2))
        self.times = nn.ModuleList(block() for _ in range(4))
        self.pools = nn.ModuleList(Normalised(channels) for _ in range(2))
        self.shorter = nn.ModuleList(Shorter(channels, padding) for padding in (0, 0, 1, 1))
        self.head = nn.Linear(channels, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        """Ten raw numbers of each frame; beyond the series nothing moves."""
        half = WINDOW // 2
        outputs: Tensor = self.head(self.features(F.pad(x, (0, 0, 0, 0, half, half))))
        return outputs.transpose(1, 2)

    def features(self, x: Tensor) -> Tensor:
        """The features of the window around each frame, (N, T + 16, 12, 2) to (N, T, channels)."""
        windows = self.windows(x)
        every = windows.flatten(0, 1)
        # In prediction, parts give the same result as the whole, and a long video takes no more memory than a short
        # one.
        found = torch.cat([self.encoded(part) for part in torch.split(every, len(every) if self.training else AT_ONCE)])
        return found.view(*windows.shape[:2], -1)

    def windows(self, x: Tensor) -> Tensor:
        """(N, T + 16, 12, 2) to (N, T, 10, 17, 2): the motion of the regions in the window around each frame."""
        kept = x[:, :, [place for place in range(len(POINTS)) if place not in NOSE]]
        found = kept.unfold(1, WINDOW, 1).transpose(3, 4)
        return found.cumsum(3) - found if self.since_first else found

    def encoded(self, x: Tensor) -> Tensor:
        """(M, 10, 17, 2) to (M, channels)."""
        place = torch.cat([row.expand(size, -1) for row, size in zip(self.where, PARTS)])
        x = self.dropout(self.embed(x) + self.when[:WINDOW] + place[:, None])
        x = self.times[0](self.regions[0](x.transpose(1, 2)).transpose(1, 2))
        x = torch.stack([part.amax(1) for part in self.pools[0](x).split(PARTS, dim=1)], dim=1)
        x = self.shorter[0](x)
        x = self.times[1](self.regions[1](x.transpose(1, 2)).transpose(1, 2))
        x = self.shorter[1](self.pools[1](x).amax(1, keepdim=True))
        for attend, shorter in zip(self.times[2:], self.shorter[2:]):
            x = shorter(attend(x))
        return x[:, 0, 0]


def contrastive_loss(features: Tensor, classes: Tensor, temperature: float = 0.5, base: float = 0.07) -> Tensor:
    """Frames of one class should be closer to each other than to others: the supervised contrastive loss (Khosla et al.
    2020).

    Args:
        features: (M, C), of any length, as in the public code; the paper of the loss has unit length.
        classes: (M,).
        temperature: divides the products of features.
        base: temperature / base scales the loss.

    Returns:
        The mean over all frames; the only frame of its class adds nothing.
    """
    products = features @ features.T / temperature
    products = products - products.detach().amax(1, keepdim=True)
    other = 1 - torch.eye(len(features), device=features.device)
    same = (classes[:, None] == classes) * other
    log_p = products - ((products.exp() * other).sum(1, keepdim=True) + 1e-6).log()
    return -(temperature / base) * ((same * log_p).sum(1) / (same.sum(1) + 1e-6)).mean()
