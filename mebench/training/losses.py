"""Losses for uneven classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """A weight for each class, (classes,): n / (classes that occur x samples of the class); 0 for one without samples.

    Args:
        labels: (n,) class numbers.
        classes: how many there are.
    """
    counts = torch.bincount(labels.long(), minlength=classes)
    present = counts > 0
    return torch.where(present, len(labels) / (present.sum() * counts.clamp(min=1)), 0.0)


def squared_error(outputs: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared error of scores (n,) against labels 0 or 1; with `weights` (2,) each label has its own."""
    if weights is None:
        return F.mse_loss(outputs, y)
    own = weights[y.long()]
    return (own * (outputs - y).square()).sum() / own.sum()


def focal_loss(logits: Tensor, y: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Mean of -(1 - p)^gamma log p, p being the probability of the true class (Lin et al. 2017, equation 5).

    Args:
        logits: (n, classes); or (n,), whose sigmoid is the probability of the label 1.
        y: (n,) class numbers, or labels 0 or 1.
        gamma: 0 is cross-entropy.
        weights: of the classes, (classes,); the mean is then weighted by them.
    """
    if logits.dim() == 1:
        logits = torch.stack([torch.zeros_like(logits), logits], dim=1)
    log_p = logits.log_softmax(1).gather(1, y.long()[:, None])[:, 0]
    losses = -((1 - log_p.exp()) ** gamma) * log_p
    if weights is None:
        return losses.mean()
    own = weights[y.long()]
    return (own * losses).sum() / own.sum()
