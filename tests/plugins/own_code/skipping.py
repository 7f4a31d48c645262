"""A user's network whose input passes by its blocks."""

import torch
from torch import nn


class Skipping(nn.Module):
    """Two blocks, and the input added to their result."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(12, 12), nn.Linear(12, 12)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        x = x.flatten(1)
        through_blocks: torch.Tensor = self.blocks[1](self.blocks[0](x))
        return through_blocks + x
