"""Layers that compute the usual thing faster on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def dropout(p: float) -> nn.Module:
    """Dropout of probability `p`; one half has a faster way to the same distribution."""
    return HalfDropout() if p == 0.5 else nn.Dropout(p)


class HalfDropout(nn.Module):
    """Dropout with p = 1/2 from random bits: 64 decisions from one random number, where `nn.Dropout` draws 64 numbers.

    In small networks on a CPU that draw is a sixth of the training time.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Zero each number with probability 1/2 and double the others; the same `x` in evaluation mode."""
        if not self.training or x.numel() == 0:
            return x
        words = torch.empty((x.numel() + 63) // 64, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        shifts = torch.arange(8, dtype=torch.uint8, device=x.device)
        bits = ((words.view(torch.uint8).unsqueeze(1) >> shifts) & 1).view(-1)[: x.numel()]
        if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
            n, c, h, w = x.shape  # the mask takes the memory layout of x, so that their product stays in it
            mask = bits.view(n, h, w, c).permute(0, 3, 1, 2)
        else:
            mask = bits.view(x.shape)
        return x * mask.to(x.dtype).mul_(2)
