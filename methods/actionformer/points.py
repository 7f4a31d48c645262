"""Points of a pyramid, the expressions that they represent, and the losses."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .network import CLASSES, LEVELS

NONE = -1
"""Label of an empty place in a batch."""
REACH = ((0.0, 4.0), (4.0, 8.0), (8.0, 16.0), (16.0, 32.0), (32.0, 64.0), (64.0, 10_000.0))
"""Distances to the farther end, in rows, of the expressions of a level."""
RADIUS = 1.5
"""Largest distance, in strides, from the middle of an expression to a point that represents it."""


def points(length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Row of each point, its stride, and its reach (P, 2), the first level first."""
    strides = [2**level for level in range(LEVELS)]
    where = [torch.arange(0, length, stride) for stride in strides]
    counts = torch.tensor([len(part) for part in where])
    return (
        torch.cat(where).float(),
        torch.tensor(strides).float().repeat_interleave(counts),
        torch.tensor(REACH).repeat_interleave(counts, 0),
    )


def of_points(boxes: Tensor, labels: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Classes of each point (N, P, 2), 0 or 1, and distances to both ends of its expression in strides (N, P, 2).

    A point represents the shortest expression whose middle is near it and whose length is that of its level; equally short ones
    all give it their classes. A point of no expression has classes of 0, and distances without a meaning.

    Args:
        boxes: (N, M, 2), first and last row.
        labels: (N, M), numbers of classes or `NONE`.
        length: rows.
    """
    where, strides, reach = (part.to(boxes.device) for part in points(length))
    first, last = boxes[:, None, :, 0], boxes[:, None, :, 1]
    ends = torch.stack([where[:, None] - first, last - where[:, None]], dim=-1)
    middle, around = (first + last) / 2, strides[:, None] * RADIUS
    central = torch.minimum(
        where[:, None] - torch.maximum(middle - around, first), torch.minimum(middle + around, last) - where[:, None]
    )
    far = ends.amax(-1)
    fits = (central > 0) & (far >= reach[:, :1]) & (far <= reach[:, 1:]) & (labels[:, None] >= 0)
    lengths = (last - first).expand_as(far).masked_fill(~fits, torch.inf)
    shortest, which = lengths.min(-1)
    alike = (lengths <= shortest[..., None] + 1e-3) & fits
    classes = (alike.float() @ F.one_hot(labels.clamp(min=0), CLASSES).float()).clamp(max=1)
    chosen = ends.gather(2, which[..., None, None].expand(*which.shape, 1, 2))[:, :, 0]
    return classes, chosen / strides[:, None]


def losses(
    scores: Tensor, ends: Tensor, present: Tensor, classes: Tensor, truth: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Sums over the existing points: focal loss of classes, and 1 - IoU with the distance of the middles of intervals;
    and the number of points that represent an expression.
    """
    there = present > 0
    positive = there & (classes.sum(-1) > 0)
    p = scores.sigmoid()
    right = p * classes + (1 - p) * (1 - classes)
    costs = F.binary_cross_entropy_with_logits(scores, classes, reduction="none") * (1 - right) ** 2
    focal = ((0.25 * classes + 0.75 * (1 - classes)) * costs * there[..., None]).sum()
    (a, b), (c, d) = ends.unbind(-1), torch.where(positive[..., None], truth, ends.detach()).unbind(-1)
    common = torch.minimum(a, c) + torch.minimum(b, d)
    overlap = common / (a + b + c + d - common).clamp(min=1e-8)
    whole = (torch.maximum(a, c) + torch.maximum(b, d)).clamp(min=1e-8)
    shift = (b - a - d + c) / 2
    return focal, ((1 - overlap + (shift / whole) ** 2) * positive).sum(), positive.sum()
