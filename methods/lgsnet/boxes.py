"""Points and anchors of a window, the expressions that they represent, and the losses."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .network import LEVELS, RATIOS

NONE = -1
"""Label of an empty place in a batch; 0 is an interval without expression, then macro and micro."""
FOREGROUND, BACKGROUND = 0.5, 0.4
REACH = ((0.0, 10.0), (8.0, 32.0), (16.0, 64.0), (64.0, 128.0))
"""From and below which distance to the farther end, in frames, an expression belongs to a level."""
FINEST = 8
"""Frames from one point of the first level to the next: four rows of features, of two frames each."""


def points(window: int) -> tuple[Tensor, Tensor, Tensor]:
    """Frame of each point, its stride, and its reach (P, 2), the first level first."""
    strides = [FINEST * 2**level for level in range(LEVELS)]
    where = [torch.arange(window // stride) * stride + stride // 2 for stride in strides]
    counts = torch.tensor([len(part) for part in where])
    reach = torch.tensor(REACH)
    return (
        torch.cat(where).float(),
        torch.tensor(strides).float().repeat_interleave(counts),
        reach.repeat_interleave(counts, 0),
    )


def anchors(window: int) -> tuple[Tensor, Tensor]:
    """Middles and widths of five anchors at each point, in frames."""
    where, strides, _ = points(window)
    return where.repeat_interleave(len(RATIOS)), (strides[:, None] * torch.tensor(RATIOS)).reshape(-1)


def of_points(boxes: Tensor, labels: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Class of each point (N, P) and distances to both ends of its expression in strides (N, P, 2); the shortest
    expression around it counts.

    Args:
        boxes: (N, M, 2), first and last frame.
        labels: (N, M).
        window: frames.
    """
    where, strides, reach = (part.to(boxes.device) for part in points(window))
    ends = torch.stack([where[:, None] - boxes[:, None, :, 0], boxes[:, None, :, 1] - where[:, None]], dim=-1)
    far = ends.amax(-1)
    fits = (ends.amin(-1) > 0) & (far >= reach[:, :1]) & (far < reach[:, 1:]) & (labels[:, None] >= 0)
    lengths = (boxes[..., 1] - boxes[..., 0])[:, None].expand_as(far).masked_fill(~fits, torch.inf)
    shortest, which = lengths.min(-1)
    classes = labels.gather(1, which).masked_fill(shortest == torch.inf, 0)
    chosen = ends.gather(2, which[..., None, None].expand(*which.shape, 1, 2))[:, :, 0]
    return classes, chosen.masked_fill((shortest == torch.inf)[..., None], 0) / strides[:, None]


def of_anchors(boxes: Tensor, labels: Tensor, window: int) -> tuple[Tensor, Tensor, Tensor]:
    """IoU of each anchor with its nearest interval (N, A), its class and the shift and width to learn (N, A, 2), 0
    where none is near.
    """
    middles, widths = (part.to(boxes.device) for part in anchors(window))
    low, high = middles - widths / 2, middles + widths / 2
    first, last = boxes[:, None, :, 0], boxes[:, None, :, 1]
    common = (torch.minimum(high[:, None], last) - torch.maximum(low[:, None], first)).clamp(min=0)
    overlap = common / (widths[:, None] - common + last - first)
    overlap = overlap.masked_fill(labels[:, None] < 0, 0)
    best, which = overlap.max(-1)
    near = best > FOREGROUND
    classes = labels.gather(1, which).masked_fill(~near, 0)
    own = boxes.gather(1, which[..., None].expand(*which.shape, 2))
    lengths = (own[..., 1] - own[..., 0]).clamp(min=1e-6)
    moves = torch.stack([(own.mean(-1) - middles) / widths, (lengths / widths).log()], dim=-1)
    return best, classes, moves.masked_fill(~near[..., None], 0)


def focal(scores: Tensor, classes: Tensor) -> Tensor:
    """The sum of the focal losses, of exponent 2, of scores (…, 2) for classes (…), 0 for none of both."""
    truth = F.one_hot(classes, 3)[..., 1:].float()
    p = scores.sigmoid()
    right = (p * truth + (1 - p) * (1 - truth)).clamp(min=1e-6)
    weight = 0.25 * truth + 0.75 * (1 - truth)
    return -(weight * (1 - right) ** 2 * right.log()).sum()


def loss_of_points(scores: Tensor, ends: Tensor, classes: Tensor, truth: Tensor, micro: float) -> Tensor:
    """Losses for the result of `of_points`: focal loss of classes, and 1 - IoU of intervals, weighted by `micro` for
    micro-expressions.
    """
    inside = classes > 0
    total = focal(scores, classes) / (inside.sum() + len(scores))
    if inside.any():
        (a, b), (c, d) = ends[inside].unbind(-1), truth[inside].unbind(-1)
        common = (torch.minimum(a, c) + torch.minimum(b, d)).clamp(min=1e-6)
        overlap = common / (a + b + c + d - common)
        total = total + (torch.where(classes[inside] == 2, micro, 1.0) * (1 - overlap)).mean()
    return total


def loss_of_anchors(scores: Tensor, moves: Tensor, best: Tensor, classes: Tensor, truth: Tensor) -> Tensor:
    """Losses for the result of `of_anchors`: focal loss of near and far anchors, and for near ones smooth L1 of shift
    and width.
    """
    near, far = best > FOREGROUND, best < BACKGROUND
    total = focal(scores[near | far], classes[near | far]) / (near.sum() + len(scores))
    if near.any():
        shift, width = moves[near].unbind(-1)
        total = (
            total + F.smooth_l1_loss(shift, truth[near][:, 0]) + F.smooth_l1_loss(width.clamp(max=5), truth[near][:, 1])
        )
    return total
