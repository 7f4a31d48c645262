"""The network of BoostingVRME: a fast and a slow path of state spaces over the motion of eighteen regions."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

import torch
from torch import Tensor, nn

from mebench.training.state_space import StateBlock, StateSpace

CHANNELS = 36
"""Numbers of a moment: u and v of eighteen regions."""
WIDTH = 128
"""Channels of the fast path; the slow one has twice as many."""
STAGES = 3
BLOCKS = 4
"""Blocks of a stage, on each path."""
MOST_DROPPED = 0.2


class SlowFast(nn.Module):
    """Scores and classes of each frame of a window, from the motion of eighteen regions.

    Args:
        classes: outputs of recognition, with the one for frames outside expressions.
        separate: whether recognition has two paths of its own (ME-TST+) instead of those of spotting.

    Shape: (N, 36, T) with an even T to (N, T), the score as a logit, and (N, T, classes).
    """

    def __init__(self, classes: int, separate: bool = False) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolved(CHANNELS, WIDTH), *_convolved(WIDTH, WIDTH))
        self.paths = nn.ModuleList(TwoPaths() for _ in range(2 if separate else 1))
        self.score, self.classes = nn.Linear(3 * WIDTH, 1), nn.Linear(3 * WIDTH, classes)
        _draw_weights(self)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and classes of the moments."""
        moments = self.stem(x)
        seen = [paths(moments) for paths in self.paths]
        return self.score(seen[0]).squeeze(-1), self.classes(seen[-1])


class TwoPaths(nn.Module):
    """A fast path, which sees every moment, and a slow one of every second.

    After the first and the second stage the fast path is added to the slow one.

    Shape: (N, 128, T) with an even T to (N, T, 384).
    """

    def __init__(self) -> None:
        super().__init__()
        slow_width = 2 * WIDTH
        self.stem_slow = nn.Sequential(*_convolved(WIDTH, slow_width, stride=2))
        self.fast = nn.ModuleList(_stage(WIDTH) for _ in range(STAGES))
        self.slow = nn.ModuleList(_stage(slow_width) for _ in range(STAGES))
        self.fuse = nn.ModuleList(nn.Sequential(*_convolved(WIDTH, slow_width, stride=2)) for _ in range(STAGES - 1))

    def forward(self, moments: Tensor) -> Tensor:
        """What both paths know of each moment."""
        fast, slow = moments.transpose(1, 2), self.stem_slow(moments).transpose(1, 2)
        for fast_stage, slow_stage, fuse in zip_longest(self.fast, self.slow, self.fuse):
            fast, slow = fast_stage(fast), slow_stage(slow)
            if fuse is not None:
                slow = slow + fuse(fast.transpose(1, 2)).transpose(1, 2)
        return torch.cat([slow.repeat_interleave(2, dim=1), fast], dim=2)


def _convolved(channels: int, width: int, stride: int = 1) -> tuple[nn.Module, ...]:
    """A convolution along time with its normalisation."""
    return nn.Conv1d(channels, width, 3, stride, padding=1), nn.BatchNorm1d(width), nn.ReLU()


def _stage(width: int) -> nn.Sequential:
    """The blocks of a stage, each left out more often than the one before."""
    # The program reads a list of four shares that rises from 0, after an extra 0.
    shares = [MOST_DROPPED * max(i - 1, 0) / (BLOCKS - 1) for i in range(BLOCKS)]
    return nn.Sequential(*(StateBlock(width, share) for share in shares))


def _draw_weights(network: nn.Module) -> None:
    """Draw the weights of linear layers as the program does."""
    for module in reversed(list(network.modules())):  # the parts of a state space before itself
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, StateSpace):
            nn.init.kaiming_uniform_(module.out_proj.weight, a=math.sqrt(5))
            module.out_proj.weight.data /= math.sqrt(BLOCKS)


CLASSES = ("negative", "positive", "surprise", "others")
"""The order in which the public program numbers its emotions."""
PATHS = {"spot_pathway.": "paths.0.", "recog_pathway.": "paths.1."}
"""The two networks of ME-TST+ after the stem; the one of BoostingVRME has no name."""
PARTS = {
    r"Stem\.": "stem.",
    r"Stem_slow\.": "stem_slow.",
    r"block([1-3])_fast\.": "fast.{}.",
    r"block([1-3])\.": "slow.{}.",
    r"fuse_([12])\.conv\.": "fuse.{}.",
    r"fc_spot\.(?:0\.)?": "score.",
    r"fc_recog\.(?:0\.)?": "classes.",
}
"""Beginnings of names in the authors' networks, and those here; stages count from 0."""
OUTSIDE_PATHS = ("stem.", "score.", "classes.")
BLOCK_PARTS = {".attn.mamba.": ".states.", ".attn.norm.": ".before.", ".norm1.": ".after."}
"""Parts of a block in the authors' networks, and their names here."""


def of_authors(weights: Mapping[str, Tensor], classes: Sequence[str]) -> dict[str, Tensor]:
    """The weights of the authors' programs by the names of this network.

    Its emotions are put into the order of `classes`. A normalisation in each block that the programs never use is left out.
    Weights of another number of emotions, or of another program, are refused by shape or name when they are loaded.
    """
    found = {_own_name(name): tensor for name, tensor in weights.items() if ".norm2." not in name}
    if set(classes) == set(CLASSES):
        rows = [*map(CLASSES.index, classes), len(CLASSES)]
        for name in ("classes.weight", "classes.bias"):
            if len(found.get(name, ())) == len(rows):
                found[name] = found[name][rows]
    return found


def _own_name(name: str) -> str:
    """The name here of a part of the authors' networks.

    >>> _own_name("block2_fast.3.attn.mamba.A_log"), _own_name("recog_pathway.fuse_1.conv.0.bias"), _own_name("fc_recog.0.weight")
    ('paths.0.fast.1.3.states.A_log', 'paths.1.fuse.0.0.bias', 'classes.weight')
    """
    path, part = PATHS["spot_pathway."], name
    for theirs, own in PATHS.items():
        if name.startswith(theirs):
            path, part = own, name.removeprefix(theirs)
    for pattern, own in PARTS.items():
        match = re.match(pattern, part)
        if match:
            stage = int(match[1]) - 1 if match.groups() else None
            part = own.format(stage) + part.removeprefix(match[0])
            break
    for theirs, own in BLOCK_PARTS.items():
        part = part.replace(theirs, own)
    return part if part.startswith(OUTSIDE_PATHS) else path + part
