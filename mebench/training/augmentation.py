"""Other faces from the same motion maps."""

from __future__ import annotations

import torch
from torch import Tensor


def mirrored(maps: Tensor, signed: bool = True) -> Tensor:
    """Maps of the mirrored face: left and right change places, and horizontal motion its sign.

    Args:
        maps: (n, channels, H, W), the first channel horizontal motion brought to [0, 1] by its minimum and maximum, so that
            its sign changes with 1 - u; a map without any motion stays 0.
        signed: whether horizontal motion had a sign before that.
    """
    turned = maps.flip(-1)
    if not signed:
        return turned
    u = turned[:, :1]
    moving = u.amax((2, 3), keepdim=True) > u.amin((2, 3), keepdim=True)
    return torch.cat([torch.where(moving, 1 - u, u), turned[:, 1:]], dim=1)


def half_mirrored(maps: Tensor, signed: bool = True) -> Tensor:
    """Each map as it is or mirrored (see `mirrored`), with probability 1/2, drawn from torch's generator."""
    chosen = torch.rand(len(maps), device=maps.device) < 0.5
    return torch.where(chosen[:, None, None, None], mirrored(maps, signed), maps)
