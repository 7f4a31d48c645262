"""The capsules of CapsuleNet (Quang, Chun and Tokuyama, FG 2019), as in the authors' program."""

import torch
from torch import Tensor, nn

WIDTH, CLASS_WIDTH, KERNEL, SIDE = 8, 16, 9, 6
TINY = 1e-8


def squash(x: Tensor) -> Tensor:
    """Vectors along the last axis, shortened to a length n^2 / (1 + n^2) below 1."""
    n = x.norm(dim=-1, keepdim=True)
    shorter: Tensor = x * (n**2 / (1 + n**2) / (n + TINY))
    return shorter


class ClassCapsules(nn.Module):
    """A vector for each class from the capsules that agree on it (Sabour, Frosst and Hinton 2017).

    Args:
        capsules: how many enter, of 8 numbers each.
        classes: how many leave, of 16 numbers each.
        routings: rounds; only the last one passes a gradient.
    """

    def __init__(self, capsules: int, classes: int, routings: int) -> None:
        super().__init__()
        self.routings = routings
        self.weight = nn.Parameter(0.01 * torch.randn(classes, capsules, CLASS_WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """(N, capsules, 8) to (N, classes, 16)."""
        votes = torch.einsum("kjdi,nji->nkjd", self.weight, x)
        fixed = votes.detach()
        agreement = x.new_zeros(votes.shape[:3])
        for _ in range(self.routings - 1):
            found = squash((agreement.softmax(1)[..., None] * fixed).sum(2, keepdim=True))
            agreement = agreement + (found * fixed).sum(-1)
        return squash((agreement.softmax(1)[..., None] * votes).sum(2))


class CapsuleNet(nn.Module):
    """Two convolutions 9x9, the second with stride 2 and capsules of 8 numbers as output, and a capsule for each class.

    With 256 maps and three classes it learns 5,813,504 numbers on a map of three channels.

    Args:
        classes: how many.
        filters: feature maps of the two convolutions.
        routings: rounds of agreement.
        channels: of the input.

    Shape: (N, channels, 28, 28) to (N, classes), the logarithm of each class capsule's length; their softmax shares the lengths out.
    """

    def __init__(self, classes: int, filters: int = 256, routings: int = 3, channels: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, KERNEL)
        self.primary = nn.Conv2d(filters, filters, KERNEL, 2)
        self.classes = ClassCapsules(filters // WIDTH * SIDE**2, classes, routings)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch."""
        maps = self.primary(torch.relu(self.conv(x)))
        capsules = squash(maps.permute(0, 2, 3, 1).reshape(len(x), -1, WIDTH))
        lengths: Tensor = self.classes(capsules).norm(dim=-1)
        return lengths.clamp_min(TINY).log()


def margin_loss(lengths: Tensor, truth: Tensor) -> Tensor:
    """Mean over clips of the sum over classes: a true class below .99, and half of another above .01, squared.

    Args:
        lengths: (n, classes), from 0 to 1.
        truth: 0 or 1, (n, classes).
    """
    short, long = (0.99 - lengths).clamp_min(0) ** 2, (lengths - 0.01).clamp_min(0) ** 2
    return (truth * short + 0.5 * (1 - truth) * long).sum(1).mean()
