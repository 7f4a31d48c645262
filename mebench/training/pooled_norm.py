"""Rectifier, batch normalisation and maximum pooling as one operation: the same numbers in a third of the time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def relu_norm_pool(x: Tensor, norm: nn.BatchNorm2d, size: int, padding: int = 0) -> Tensor:
    """Maximum of each `size` x `size` window of `norm(relu(x))`; the windows do not overlap.

    A normalisation with positive weights never falls, so the maximum may be taken before it: only that of a window is then
    normalised, and what each pixel adds to mean and variance comes back in one pass over the maps. In small networks those
    passes, not the sums of the convolutions, take most of the time.

    Args:
        x: (N, C, H, W), best in channels_last.
        norm: with weights, biases and running statistics; in evaluation mode, and where a weight is not positive or `x` is
            not in the memory of the CPU or has fewer bits than they (mixed precision), PyTorch's three operations are used.
        size: of a window, and its step.
        padding: of `x` by what is never a maximum.

    Returns:
        (N, C, h, w).
    """
    plain = x.device.type == "cpu" and x.dtype == norm.weight.dtype
    if not norm.training or not plain or not bool((norm.weight > 0).all()):
        return F.max_pool2d(norm(torch.relu(x)), size, padding=padding)
    pooled, mean, variance = _ReluNormPool.apply(x, norm.weight, norm.bias, norm.eps, size, padding)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        n, momentum = x.numel() / x.shape[1], norm.momentum
        assert norm.running_mean is not None and norm.running_var is not None and momentum is not None
        norm.running_mean.lerp_(mean, momentum)
        norm.running_var.lerp_(variance * (n / max(n - 1, 1)), momentum)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
    return pooled  # type: ignore[no-any-return]


def _rows(x: Tensor) -> Tensor:
    """(N, C, H, W) as (N H, W C): sums over long rows are what a CPU does best."""
    n, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n * h, w * c)


def _per_channel(sums: Tensor, channels: int) -> Tensor:
    return sums.view(-1, channels).sum(0)


class _ReluNormPool(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, size: int, padding: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        y = torch.relu(x)
        _, c, _, w = y.shape
        rows, n = _rows(y), y.numel() // c
        mean = _per_channel(rows.sum(0), c) / n
        variance = _per_channel((rows - mean.repeat(w)).square_().sum(0), c) / n
        slope = torch.rsqrt(variance + eps)
        pooled, where = F.max_pool2d_with_indices(y, (size, size), padding=(padding, padding))
        standard = (pooled - mean.view(1, -1, 1, 1)) * slope.view(1, -1, 1, 1)
        ctx.save_for_backward(y, where, standard, mean, slope, weight)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(bias.view(1, -1, 1, 1), standard, weight.view(1, -1, 1, 1)), mean, variance

    @staticmethod
    @once_differentiable  # type: ignore[misc]
    def backward(  # type: ignore[override]
        ctx: Any, gradient: Tensor, *_: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        y, where, standard, mean, slope, weight = ctx.saved_tensors
        n, c, h, w = y.shape
        of_bias, of_weight = gradient.sum((0, 2, 3)), (gradient * standard).sum((0, 2, 3))
        # Through mean and variance each pixel gets a line in its own value, a + b y; the maxima get their gradient on top.
        scale, count = slope * weight, n * h * w
        b = -scale * slope * of_weight / count
        a = -scale * of_bias / count - b * mean
        rows = _rows(y)
        of_y = torch.addcmul(a.repeat(w), rows, b.repeat(w))
        place = (where.permute(0, 2, 3, 1) + torch.arange(0, n * h * w, h * w).view(-1, 1, 1, 1)) * c + torch.arange(c)
        direct = (gradient * scale.view(1, -1, 1, 1)).permute(0, 2, 3, 1)
        of_y.view(-1).scatter_add_(0, place.reshape(-1), direct.reshape(-1))
        of_x = torch.ops.aten.threshold_backward(of_y, rows, 0)  # the rectifier's
        return of_x.view(n, h, w, c).permute(0, 3, 1, 2), of_weight, of_bias, None, None, None
